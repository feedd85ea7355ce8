// What the browser test stands on: the program under test, a browser, its complaints.
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
