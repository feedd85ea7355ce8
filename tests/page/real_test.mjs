// The page over a real sandbox, with the demonstration's bot as its client: what a person sees of both.
// Usage: node real_test.mjs CAFEGRAM DEMO_BOT SCREENSHOTS
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { good, lastMessage, makeSteps, patience, press, say, sizes, tabTo, text } from "./acts.mjs";
import { startBot, startBrowser, startSandbox, visit } from "./browser.mjs";

const [, , cafegram, demoBot, shots] = process.argv;
const token = "1000001:demonstration-token-of-the-sandbox-0";
const bot = "Bot 1000001";
const { step, failures } = makeSteps();
const { browser, stop } = await startBrowser();

// Runs `act` at a fresh sandbox with its bot, in a fresh profile; nothing may turn up in the console.
async function meet({ size = "wide", scheme = "light" }, act) {
  const folder = mkdtempSync(join(tmpdir(), "cafegram-real-"));
  const key = join(folder, "server.pem");
  const sandbox = await startSandbox(cafegram, key);
  const start = () => startBot(demoBot, token, sandbox.port, key, join(folder, "bot.session"));
  const running = { bot: start(), again: start };
  const visitor = await visit(browser, sandbox.url, { ...sizes[size], scheme });
  try {
    await act(visitor.page, running);
    assert.deepEqual(visitor.problems, []);
  } finally {
    await visitor.close();
    await running.bot.stop();
    await sandbox.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const online = (page, there) => page.waitForFunction(
  (on) => (document.querySelector("#chat-head")?.textContent ?? "").includes(on ? "online" : "offline"), patience, there);
const lastHtml = (page, selector) => page.$eval(".message:last-of-type .text", (e, s) => e.querySelector(s)?.textContent, selector);
const key = (page, label) => page.evaluateHandle(
  (words) => [...document.querySelectorAll(".message .key")].findLast((e) => e.textContent === words), label);
const chatRow = `.chat-row[aria-label*="bot"]`;

// A person who is new here: the bot's chat is open at once.
async function arrive(page) {
  await page.waitForSelector(".first input");
  await page.waitForSelector(chatRow, patience);
  await tabTo(page, "#person-name");
  await page.keyboard.type("Ada Lovelace");
  await press(page, "Enter");
  await page.waitForSelector(".empty .primary", patience);
  await online(page, true);
}

for (const [size, scheme] of [["wide", "light"], ["wide", "dark"], ["narrow", "light"], ["narrow", "dark"]]) {
  await step(`real-${size}-${scheme}`, () => meet({ size, scheme }, async (page) => {
    const shot = (name) => good(page, `${shots}/real-${name}-${size}-${scheme}.png`);
    await arrive(page);
    assert.match(await text(page, "#chat-head"), /bot/);

    // What the bot was sent over MTProto is what it sends back, formatting and all.
    await say(page, "/start");
    await lastMessage(page, "Hello, Ada Lovelace!");
    assert.equal(await lastHtml(page, "strong"), "Ada Lovelace");
    assert.equal(await lastHtml(page, "em"), "cafegram");
    await say(page, "**strong**, __slanted__ and `code`, 😀");
    await lastMessage(page, "Echo: strong, slanted and code, 😀");
    for (const [tag, words] of [["strong", "strong"], ["em", "slanted"], ["code", "code"]]) {
      assert.equal(await lastHtml(page, tag), words, tag);
    }
    await shot("echo");

    await say(page, "/buttons");
    await lastMessage(page, "Tea or coffee?");
    await page.waitForFunction(() => document.querySelectorAll(".message:last-of-type .key").length === 2, patience);
    await shot("buttons");
    const before = (await page.$$(".message")).length;
    await (await key(page, "Tea")).click();
    await page.waitForFunction(() => document.querySelector(".toast")?.textContent.includes("You chose tea"), patience);
    await page.waitForFunction(() => [...document.querySelectorAll(".message")].at(-1).textContent.includes("You chose tea.edited"), patience);
    assert.equal(await lastHtml(page, "strong"), "tea");
    assert.equal((await page.$$(".message")).length, before, "edited, not written anew");
    assert.equal((await page.$$(".message:last-of-type .key")).length, 0);
    await shot("edited");

    if (size === "narrow") {
      await page.click(".back");
      await page.click("#open-console");
    }
    await page.click("#tab-connections");
    await page.waitForSelector(".card", patience);
    assert.equal((await page.$$(".card")).length, 1);
    const card = await text(page, ".card");
    for (const part of [bot, "intermediate", "obfuscated", "DC 2", "layer ", "cafegram"]) assert.ok(card.includes(part), `${part}: ${card}`);
    const lines = await page.$$eval(".key-line", (all) => all.map((e) => e.textContent));
    assert.ok(lines.length >= 1 && lines.every((line) => /^[0-9a-f]{16}/.test(line)), lines.join());
    assert.ok(lines.some((line) => line.includes(bot) && line.includes("1 session")), lines.join());
    await shot("connections");
    await page.click("#tab-methods");
    const methods = await text(page, "#panel");
    for (const name of ["messages.sendMessage", "messages.editMessage", "messages.setBotCallbackAnswer"]) {
      assert.ok(methods.includes(name), name);
    }
    await shot("methods");
    await page.click("#tab-live");
    await page.waitForSelector(".call", patience);
    assert.equal((await page.$$(".call.bad")).length, 0);
    await shot("live");
  }));
}

await step("real-click-while-the-bot-is-away", () => meet({}, async (page, running) => {
  await arrive(page);
  await say(page, "/buttons");
  await lastMessage(page, "Tea or coffee?");
  assert.equal(await running.bot.stop(), 0);
  await online(page, false);
  await (await key(page, "Coffee")).click();
  await page.waitForSelector(".key.busy", patience);
  running.bot = running.again();
  // The conversation that was under way goes on: it knows what the button was for.
  await page.waitForFunction(() => document.querySelector(".toast")?.textContent.includes("You chose coffee"), patience);
  await lastMessage(page, "You chose coffee.");
  assert.equal((await page.$$(".key.busy")).length, 0);
}));

await step("real-click-that-nobody-answers", () => meet({}, async (page, running) => {
  await arrive(page);
  await say(page, "/buttons");
  await lastMessage(page, "Tea or coffee?");
  await running.bot.stop();
  await online(page, false);
  await (await key(page, "Tea")).click();
  await page.waitForFunction(() => document.querySelector(".toast")?.textContent.includes("did not answer"), { timeout: 30000 });
  assert.equal((await page.$$(".key.busy")).length, 0);
  await good(page, `${shots}/real-no-answer.png`);
}));

await stop();
process.exitCode = failures() > 0 ? 1 : 0;
