// What a person does at the page and sees there, for the browser tests.
import assert from "node:assert/strict";
import { contrast, focusShown, names, overflow } from "./looks.mjs";

export const sizes = { narrow: { width: 375, height: 780 }, wide: { width: 1440, height: 900 } };
export const patience = { timeout: 10000 };

// Runs the steps of a test one after the other, and prints how each ended.
export function makeSteps() {
  let failures = 0;
  const step = async (name, run) => {
    try {
      await run();
      console.log(`${name}: ok`);
    } catch (error) {
      failures++;
      console.log(`${name}: fail ${error.message.split("\n").slice(0, 12).join(" | ")}`);
    }
  };
  return { step, failures: () => failures };
}

export const text = (page, selector) => page.$eval(selector, (e) => e.textContent);
export const press = async (page, ...keys) => { for (const key of keys) await page.keyboard.press(key); };
export const lastMessage = (page, part) => page.waitForFunction(
  (words) => [...document.querySelectorAll(".message")].at(-1)?.textContent.includes(words), patience, part);
export const active = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.key || document.activeElement.className);

// Goes on with Tab until `selector` has the focus, looking each time that it can be seen.
export async function tabTo(page, selector, limit = 40, key = "Tab") {
  for (let i = 0; i < limit; i++) {
    if (await page.evaluate((s) => document.activeElement.matches(s), selector)) return;
    if (key === "Tab") await page.keyboard.press("Tab");
    else { await page.keyboard.down("Shift"); await page.keyboard.press("Tab"); await page.keyboard.up("Shift"); }
    assert.equal(await page.evaluate(focusShown), "");
  }
  assert.fail(`${limit} times Tab did not lead to ${selector}`);
}

export async function say(page, words) {
  await page.focus("#text");
  await page.keyboard.type(words);
  await page.keyboard.press("Enter");
}

// Leaves a picture, and looks at what can be measured of it.
export async function good(page, path) {
  await page.screenshot({ path });
  assert.deepEqual(await page.evaluate(overflow), [], `${path}: sticks out`);
  assert.deepEqual(await page.evaluate(contrast), [], `${path}: contrast`);
  assert.deepEqual(await page.evaluate(names), [], `${path}: names`);
}
