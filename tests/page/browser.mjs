// What the browser tests stand on: the program under test, a browser, its complaints.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

// Starts page_demo; resolves with its address and a way to end it.
export async function startDemo(program, args = []) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const [url] = await Promise.race([
    new Promise((resolve) => createInterface({ input: child.stdout }).once("line", (line) => resolve([line]))),
    new Promise((_, reject) => child.once("exit", (code) => reject(new Error(`${program} ended with ${code}`)))),
  ]);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = () => { child.stdin.end(); return ended; };
  return { url, stop };
}

// Starts a real sandbox; resolves with where its page and its port are, and a way to end it.
export async function startSandbox(program, key) {
  const child = spawn(program, ["sandbox", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--key-out", key],
    { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const told = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [name, value] = line.split(" ");
    told[name] = value;
    if (name === "ready") return { url: told.page, port: told.mtproto, stop: () => { child.kill("SIGTERM"); return ended; } };
  }
  throw new Error(`${program} did not start`);
}

// Starts a bot at that sandbox; nothing of what the user has set for bots of their own is meant for this one.
export function startBot(program, token, port, key, session) {
  const { API_ID, API_HASH, CAFEGRAM_PROXY, CAFEGRAM_TRANSPORT, CAFEGRAM_DC_ID, ...rest } = process.env;
  const child = spawn(program, ["--sandbox", port, "--rsa-key", key, "--session", session],
    { stdio: ["ignore", "inherit", "inherit"], env: { ...rest, BOT_TOKEN: token } });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return { stop: () => { child.kill("SIGTERM"); return ended; } };
}

export async function startBrowser() {
  const profile = mkdtempSync(join(tmpdir(), "cafegram-page-"));
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    userDataDir: profile,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--disable-dev-shm-usage"],
  });
  const stop = async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { browser, stop };
}

// A fresh visitor: own storage, own size. `problems` collects all that a console would show in red.
export async function visit(browser, url, { width, height, scheme = "light", motion = "reduce" }) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("requestfailed", (request) => !request.url().endsWith("/api/events") && problems.push(`failed: ${request.url()}`));
  page.on("request", (request) => !request.url().startsWith(url) && problems.push(`foreign: ${request.url()}`));
  page.on("response", (response) => response.status() >= 400 && problems.push(`${response.status()}: ${response.url()}`));
  await page.setViewport({ width, height, deviceScaleFactor: 1 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: motion }]);
  await page.goto(url, { waitUntil: "domcontentloaded" });
  await page.waitForSelector(".state.on, .first", { timeout: 10000 });
  return { page, problems, close: () => context.close() };
}
