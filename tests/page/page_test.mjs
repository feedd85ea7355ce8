// The sandbox's page as a person meets it. Usage: node page_test.mjs PAGE_DEMO SCREENSHOTS
import assert from "node:assert/strict";
import { active, good as looksGood, lastMessage, makeSteps, patience, press, say, sizes, tabTo, text } from "./acts.mjs";
import { startBrowser, startDemo, visit } from "./browser.mjs";
import { focusShown } from "./looks.mjs";

const [, , program, shots] = process.argv;
const { step, failures } = makeSteps();
const good = (page, name) => looksGood(page, `${shots}/${name}.png`);

const { browser, stop } = await startBrowser();

// Runs `act` at a fresh demo in a fresh profile; nothing may turn up in the console.
async function meet({ size = "wide", scheme = "light", motion, args = [] }, act) {
  const demo = await startDemo(program, args);
  const visitor = await visit(browser, demo.url, { ...sizes[size], scheme, motion });
  try {
    await act(visitor.page, { ...visitor, demo });
    assert.deepEqual(visitor.problems, []);
  } finally {
    await visitor.close();
    await demo.stop();
  }
}

async function openBot(page) {
  await page.click('[data-key="chat-7001"]');
  await page.waitForSelector(".message");
}

for (const size of Object.keys(sizes)) {
  for (const scheme of ["light", "dark"]) {
    await step(`looks-${size}-${scheme}`, () => meet({ size, scheme }, async (page) => {
      const shot = (name) => good(page, `${name}-${size}-${scheme}`);
      await shot("chats");
      await openBot(page);
      await shot("chat");
      await page.focus("#text");
      await page.keyboard.type("/");
      await page.waitForSelector(".command");
      await shot("commands");
      await page.keyboard.press("Backspace");
      await say(page, "/survey");
      await page.waitForSelector(".reply-keyboard .key");
      await shot("keyboard");
      await say(page, "/start");
      await lastMessage(page, "Welcome!");
      await page.evaluate(() => [...document.querySelectorAll(".key")].findLast((e) => e.textContent === "Flat white").click());
      await page.waitForSelector(".toast");
      await say(page, "/think");
      await page.waitForSelector(".typing-bubble");
      await shot("typing");
      await page.evaluate(() => [...document.querySelectorAll(".key")].findLast((e) => e.textContent === "Espresso").click());
      await page.waitForSelector("dialog[open]");
      await shot("alert");
      await page.keyboard.press("Escape");
      if (size === "narrow") {
        await page.click(".back");
        await page.click("#open-console");
      }
      for (const tab of ["live", "connections", "methods", "codes"]) {
        await page.click(`#tab-${tab}`);
        assert.equal(await page.$eval(`#tab-${tab}`, (e) => e.getAttribute("aria-selected")), "true");
        await shot(`console-${tab}`);
      }
    }));

    await step(`groups-${size}-${scheme}`, () => meet({ size, scheme }, async (page) => {
      const shot = (name) => good(page, `${name}-${size}-${scheme}`);
      await page.click('[data-key="chat--4001"]');
      await page.waitForSelector(".message.service");
      assert.match(await text(page, ".chat-head"), /Coffee club.*group · 3 members/);
      assert.deepEqual(await page.$$eval(".message.in:not(.joined) .sender", (all) => all.map((e) => e.textContent)), ["Alice", "Barista"]);
      await say(page, "One more thing");
      await lastMessage(page, "One more thing");
      await shot("group");
      await page.click('[data-key="members"]');
      await page.waitForSelector("dialog .member");
      await shot("members");
      await page.keyboard.press("Escape");
      if (size === "narrow") await page.click(".back");
      await page.click('[data-key="chat--1001500000001"]');
      await page.waitForFunction(() => document.querySelector(".closed-note")?.textContent === "Only admins write here.", patience);
      await shot("channel");
      if (size === "narrow") await page.click(".back");
      await page.click('[data-key="new-group"]');
      await page.waitForSelector("dialog .group-form");
      await shot("new-group");
    }));

    await step(`first-run-${size}-${scheme}`, () => meet({ size, scheme, args: ["--empty"] }, async (page) => {
      await page.waitForSelector(".first input");
      await good(page, `first-${size}-${scheme}`);
      assert.match(await text(page, ".first"), /say \/start to the bot/);
      await tabTo(page, "#person-name");
      await page.keyboard.type("Grace Hopper");
      await press(page, "Tab");
      await page.keyboard.type("grace");
      await press(page, "Enter");
      await page.waitForFunction(() => document.querySelector(".empty")?.textContent.includes("say /start to the bot"), patience);
      await good(page, `hint-${size}-${scheme}`);
      await tabTo(page, ".empty .primary", 40, "back");
      await press(page, "Enter");
      await lastMessage(page, "What may I bring you?");
    }));
  }

  await step(`keyboard-alone-${size}`, () => meet({ size }, async (page) => {
    await press(page, "Tab");
    assert.equal(await active(page), "skip");
    assert.equal(await page.evaluate(focusShown), "");
    await tabTo(page, '[data-key="chat-7001"]');
    await press(page, "Enter");
    await page.waitForSelector(".message");
    assert.equal(await active(page), "text");
    await page.keyboard.type("Good morning");
    await page.keyboard.down("Shift"); await press(page, "Enter"); await page.keyboard.up("Shift");
    await page.keyboard.type("to you");
    await press(page, "Enter");
    await lastMessage(page, "Echo: Good morning\nto you");
    assert.equal(await page.$eval("#text", (e) => e.value), "");
    await press(page, "Escape");
    assert.match(await active(page), /message in/);
    await press(page, "r");
    assert.match(await text(page, ".notice"), /Reply to Barista/);
    await press(page, "Escape");
    assert.equal(await page.$eval(".notice", (e) => e.hidden), true);
  }));
}

await step("buttons", () => meet({}, async (page) => {
  await openBot(page);
  const white = '.key[data-key="2-d2hpdGU="], .key[data-key$="-d2hpdGU="]';
  await page.focus("#text");
  await tabTo(page, white, 60, "back");
  await press(page, "Enter");
  await page.waitForFunction(() => document.querySelector(".toast")?.textContent.includes("One flat white"), patience);
  await press(page, "Tab", "Space");
  await page.waitForSelector("dialog[open]");
  assert.match(await text(page, "dialog"), /being cleaned/);
  await press(page, "Escape");
  await page.waitForFunction(() => !document.querySelector("dialog"), patience);
  assert.equal(await page.$$eval(".key.busy", (all) => all.length), 0);
  assert.equal(await page.$eval("a.key", (e) => e.href), "https://example.org/menu");
  assert.equal(await page.$eval("a.key", (e) => e.rel), "noopener noreferrer");
}));

await step("formatting", () => meet({}, async (page) => {
  await openBot(page);
  const shown = (tag) => page.$eval(".message:last-of-type .text", (e, t) => e.querySelector(t)?.textContent, tag);
  await page.focus("#text");
  await page.keyboard.type("strong");
  await page.keyboard.down("Control"); await press(page, "a", "b"); await page.keyboard.up("Control");
  assert.equal(await page.$eval("#text", (e) => e.value), "**strong**");
  await press(page, "Enter");
  await lastMessage(page, "Echo: strong");
  assert.equal(await shown("strong"), "strong");
  await say(page, "😀 __a__ ~~b~~ ++c++ `d` ||e|| [f](https://example.org/f) 2 ** 3");
  await lastMessage(page, "Echo: 😀 a b c d e f 2 ** 3");
  for (const [tag, words] of [["em", "a"], ["s", "b"], ["u", "c"], ["code", "d"], [".spoiler", "e"], ["a", "f"]]) {
    assert.equal(await shown(tag), words, tag);
  }
  const spoiler = await page.$(".message:last-of-type .spoiler");
  await spoiler.focus();
  await press(page, "Enter");
  assert.equal(await spoiler.evaluate((e) => e.classList.contains("shown")), true);
  await page.focus("#text");
  await page.evaluate(() => {
    const field = document.getElementById("text");
    field.value = "```cpp\nint x;\n```";
    field.dispatchEvent(new Event("input"));
  });
  await press(page, "Enter");
  await page.waitForFunction(() => document.querySelector(".message:last-of-type .pre-head")?.textContent === "cpp", patience);
  assert.equal(await shown("pre"), "int x;");
}));

await step("commands", () => meet({}, async (page) => {
  await openBot(page);
  await page.focus("#text");
  await page.keyboard.type("/s");
  await page.waitForFunction(() => document.querySelectorAll(".command").length === 3, patience);
  assert.equal(await page.$eval("#text", (e) => e.getAttribute("aria-activedescendant")), "command-0");
  await press(page, "ArrowDown");
  assert.match(await text(page, '.command[aria-selected="true"]'), /survey/);
  await press(page, "Enter");
  await lastMessage(page, "How do you take it?");
  await tabTo(page, ".reply-keyboard .key");
  await press(page, "Enter");
  await lastMessage(page, "Echo: Black");
  assert.equal(await page.$eval(".reply-keyboard", (e) => e.hidden), true);
}));

await step("edit-and-delete", () => meet({}, async (page) => {
  await openBot(page);
  await say(page, "a **mistake**");
  await lastMessage(page, "Echo: a mistake");
  await press(page, "ArrowUp");
  assert.equal(await page.$eval("#text", (e) => e.value), "a **mistake**");
  await press(page, "End");
  await page.keyboard.type(", corrected");
  await press(page, "Enter");
  await page.waitForFunction(() => [...document.querySelectorAll(".out")].at(-1).textContent.includes("a mistake, correctededited"), patience);
  const count = (await page.$$(".message")).length;
  await page.$$eval(".out .more", (all) => all.at(-1).focus());
  await press(page, "Enter", "End", "Enter");
  await page.waitForSelector("dialog[open]");
  await press(page, "Tab", "Enter");
  await page.waitForFunction((n) => document.querySelectorAll(".message").length === n - 1, patience, count);
}));

await step("hostile-text", () => meet({}, async (page) => {
  await openBot(page);
  await say(page, '<img src=x onerror="window.hit=1"> <script>window.hit=1</script>');
  await lastMessage(page, "Echo: <img src=x");
  const send = (entity) => page.evaluate((e) => fetch("/api/send", { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ as: 5001, to: 7001, text: "press here", entities: [e] }) }).then((r) => r.status), entity);
  assert.equal(await send({ _: "messageEntityTextUrl", offset: 0, length: 5, url: "javascript:window.hit=1" }), 200);
  await lastMessage(page, "press here");
  assert.equal(await page.$$eval(".message:last-of-type a", (all) => all.length), 0);
  assert.equal(await page.evaluate(() => window.hit), undefined);
}));

await step("press-while-drawn-anew", () => meet({}, async (page) => {
  await openBot(page);
  const { x, y, width, height } = await (await page.$('.chat-row[aria-label^="Alice"]')).boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  // A message comes meanwhile, and with it another list of chats.
  await page.evaluate(() => fetch("/api/send", { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ as: 5001, to: 7001, text: "meanwhile", entities: [] }) }));
  await lastMessage(page, "Echo: meanwhile");
  await page.mouse.up();
  await page.waitForFunction(() => document.querySelector("#chat-head").textContent.includes("Alice"), patience);
  await page.waitForFunction(() => document.querySelector('.chat-row[aria-label^="Barista"]').textContent.includes("Echo: meanwhile"), patience);
}));

await step("policy", () => meet({}, async (page, { problems }) => {
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.hit = 1";
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.equal(problems.length, 1);
  assert.match(problems.pop(), /Content Security Policy/);
}));

await step("new-group-by-keyboard", () => meet({}, async (page) => {
  await tabTo(page, '[data-key="new-group"]');
  await press(page, "Enter");
  await page.waitForSelector("dialog .group-form");
  await tabTo(page, "#kind-group", 40, "back");
  await press(page, "ArrowDown");
  assert.equal(await page.$eval("#kind-supergroup", (e) => e.checked), true);
  await tabTo(page, "#group-title");
  await page.keyboard.type("Espresso");
  await tabTo(page, "#guest-7001");
  await press(page, "Space");
  await tabTo(page, "dialog .primary");
  await press(page, "Enter");
  await page.waitForFunction(() => document.querySelector(".who h2")?.textContent === "Espresso", patience);
  assert.match(await text(page, ".who p"), /supergroup · 2 members/);
  await tabTo(page, '[data-key="members"]', 40, "back");
  await press(page, "Enter");
  await page.waitForSelector("#add-member");
  await tabTo(page, '[data-key="add"]', 40, "back");
  await press(page, "Enter");
  await page.waitForFunction(() => document.querySelectorAll(".member").length === 3, patience);
}));

await step("members-stay", () => meet({}, async (page) => {
  await page.click('[data-key="chat--4001"]');
  await page.click('[data-key="members"]');
  await page.waitForSelector("#add-member");
  const seen = await page.evaluate(async () => {
    const { changed, store } = await import("/store.js");
    const redrawn = async (name) => {
      if (name) store.users.set(9000 + name.length, { ...store.users.get(7002), id: 9000 + name.length, name });
      changed("people");
      await new Promise((done) => setTimeout(done));
      return document.querySelector("#add-member");
    };
    const select = await redrawn("Grace Hopper");
    select.selectedIndex = select.options.length - 1;
    const chosen = select.value;
    const same = await redrawn() === select;
    const next = await redrawn("Newcomer");
    return { same, options: next.options.length - select.options.length, kept: next.value === chosen };
  });
  assert.deepEqual(seen, { same: true, options: 1, kept: true });
  await page.evaluate(async () => {
    const { changed, store } = await import("/store.js");
    store.groups.delete(-4001);
    changed("people");
  });
  await page.waitForFunction(() => !document.querySelector("dialog[open]"), patience);
}));

await step("large-rooms", () => meet({}, async (page) => {
  const seen = await page.evaluate(async () => {
    const { chatOf, isIn, mayWrite, store } = await import("/store.js");
    const room = (id, kind, members, size) => store.groups.set(id, { id, kind, name: "Room", title: "Room", closed: false, members, size }).get(id);
    const listed = [{ user: 7001, admin: true, writes: true }];
    const of = (group) => [isIn(group, store.me), mayWrite(store.me, group.id)];
    const talks = (group) => { chatOf(store.me, group.id).last = { id: 1, date: 1, text: "x" }; return group; };
    return [of(talks(room(-1001, "supergroup", listed, 500))), of(talks(room(-1002, "channel", listed, 500))),
      of(room(-1003, "supergroup", listed, 500)), of(talks(room(-1004, "supergroup", listed, 1)))];
  });
  assert.deepEqual(seen, [[true, true], [true, false], [false, false], [false, false]]);
}));

await step("people", () => meet({}, async (page) => {
  await page.click(".identity summary");
  await press(page, "ArrowDown", "ArrowDown", "Enter");
  await page.waitForSelector("dialog[open] input");
  await good(page, "new-person");
  await page.keyboard.type("Grace Hopper");
  await press(page, "Enter");
  await page.waitForFunction(() => document.querySelector(".identity summary").textContent.includes("Grace Hopper"), patience);
  await openBotAs(page);
}));

async function openBotAs(page) {
  await page.click('[data-key="chat-7001"]');
  await page.waitForSelector(".empty .primary");
  await page.click(".empty .primary");
  await lastMessage(page, "What may I bring you?");
}

await step("colours", () => meet({ scheme: "dark" }, async (page) => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();
  await page.click("#theme");
  const light = await paper();
  assert.notEqual(light, dark);
  await page.reload({ waitUntil: "domcontentloaded" });
  await page.waitForSelector(".state.on");
  assert.equal(await paper(), light);
  await page.click("#theme");
  assert.equal(await paper(), dark);
}));

await step("motion", async () => {
  const moving = (page) => page.evaluate(() => document.getAnimations().length);
  await meet({ motion: "reduce" }, async (page) => {
    await openBot(page);
    await say(page, "/think");
    await page.waitForSelector(".typing-bubble");
    assert.equal(await moving(page), 0);
  });
  await meet({ motion: "no-preference" }, async (page) => {
    await openBot(page);
    await say(page, "/think");
    await page.waitForSelector(".typing-bubble");
    assert.ok(await moving(page) > 0);
  });
});

await step("lost-connection", () => meet({}, async (page, { demo, problems }) => {
  assert.equal(await page.$eval("#log", (e) => e.getAttribute("aria-live")), "polite");
  await demo.stop();
  await page.waitForSelector(".state.off");
  assert.match(await text(page, ".state"), /no connection/);
  const again = await startDemo(program, [new URL(demo.url).port]);
  try {
    await page.waitForSelector(".state.on", patience);
    await openBot(page);
    await say(page, "are you back?");
    await lastMessage(page, "Echo: are you back?");
  } finally {
    await again.stop();
  }
  problems.length = 0; // the browser says itself that the stream is gone
}));

await stop();
process.exitCode = failures() > 0 ? 1 : 0;
