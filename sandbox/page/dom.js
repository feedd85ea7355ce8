// Making elements without a framework: h("button", { class: "x", onclick: f }, "text", child).
import { shapes } from "./icons.js";

export const $ = (id) => document.getElementById(id);

export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, v] of Object.entries(value)) element.style.setProperty(key, v);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

export function icon(name, size = 20) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24", width: size, height: size, fill: "none", stroke: "currentColor",
    "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  })) svg.setAttribute(key, value);
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", shapes[name]);
  svg.append(path);
  return svg;
}

export function iconButton(name, label, onclick, extra = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...extra }, icon(name));
}

const hues = [40, 75, 130, 165, 210, 255, 300, 355];

// The colour of somebody, which stays with the id.
export const hueOf = (id) => hues[Math.imul((id ?? 0) % 2 ** 32, 0x9E3779B1) >>> 29];

// A round picture: initials on that colour.
export function avatar(user, size = "") {
  const words = (user?.name ?? "?").trim().split(/\s+/);
  const initials = words.slice(0, 2).map((word) => [...word][0] ?? "").join("").toUpperCase();
  const element = h("span", { class: `avatar ${size}`, "aria-hidden": "true",
    style: { "--hue": String(hueOf(user?.id)) } }, initials);
  if (user?.bot) element.classList.add("is-bot");
  if (user?.kind) element.classList.add("is-group");
  if (user?.online) element.append(h("i", { class: "dot" }));
  return element;
}

// What is pressed: an element that is gone when it is let go hears of no click.
let pressed = null;
const later = new Map(); // element -> what it is to be filled with
addEventListener("pointerdown", (event) => { pressed = event.target; }, true);
for (const end of ["pointerup", "pointercancel", "dragend"]) addEventListener(end, () => setTimeout(letGo), true);

function letGo() {
  pressed = null;
  for (const [element, children] of later) fill(element, ...children);
  later.clear();
}

// Fills `element` anew, once nothing in it is pressed. The focus stays: what had it is found again by its data-key.
export function fill(element, ...children) {
  if (pressed !== element && element.contains(pressed)) { later.set(element, children); return; }
  later.delete(element);
  const active = document.activeElement;
  const key = element.contains(active) ? active.dataset.key : undefined;
  element.replaceChildren(...children.flat().filter(Boolean));
  if (key) [...element.querySelectorAll("[data-key]")].find((e) => e.dataset.key === key)?.focus({ preventScroll: true });
}

// Moves the focus among `items` with the arrow keys, Home and End.
export function arrows(event, items, horizontal = false) {
  const [back, on] = horizontal ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
  const at = items.indexOf(document.activeElement);
  const to = { [back]: at - 1, [on]: at + 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined || items.length === 0) return false;
  event.preventDefault();
  items[(to + items.length) % items.length].focus();
  return true;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const exact = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export const timeOf = (seconds) => clock.format(seconds * 1000);
export const exactTimeOf = (seconds) => exact.format(seconds * 1000);
export const fullTimeOf = (seconds) => new Date(seconds * 1000).toLocaleString();

export function dayOf(seconds) {
  const date = new Date(seconds * 1000);
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return "Today";
  today.setDate(today.getDate() - 1);
  return date.toDateString() === today.toDateString() ? "Yesterday" : day.format(date);
}

export function briefTimeOf(seconds) {
  const same = new Date(seconds * 1000).toDateString() === new Date().toDateString();
  return same ? timeOf(seconds) : short.format(seconds * 1000);
}

export function bytesOf(count) {
  const units = ["B", "kB", "MB", "GB"];
  let at = 0;
  for (; count >= 1000 && at < units.length - 1; at++) count /= 1000;
  return `${at === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)} ${units[at]}`;
}
