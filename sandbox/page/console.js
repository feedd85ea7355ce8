// The right side: what happens on the wire.
import { $, arrows, avatar, bytesOf, exactTimeOf, fill, fullTimeOf, h, icon, iconButton, timeOf } from "./dom.js";
import { toast } from "./dialogs.js";
import { nameOf, on, store, userOf } from "./store.js";

const tabs = [
  { id: "live", name: "Live", draw: live },
  { id: "connections", name: "Connections", draw: connections },
  { id: "methods", name: "Methods", draw: methods },
  { id: "codes", name: "Codes", draw: codes },
];
let current = "live";
let filter = "";
let newCodes = 0;

// Long names may break before a capital, errors before an underscore.
const breakable = (text, before) => text.split(before).flatMap((part, index) => (index > 0 ? [h("wbr"), part] : [part]));

function methodName(name) {
  const dot = name.indexOf(".");
  return h("span", { class: "method mono" }, dot > 0 && h("i", {}, name.slice(0, dot + 1), h("wbr")), breakable(name.slice(dot + 1), /(?=[A-Z])/));
}

const nothing = (title, text) => h("div", { class: "nothing" }, h("b", {}, title), h("p", {}, text));

function tookOf(micros) {
  return micros < 1000 ? `${micros} µs` : micros < 1e6 ? `${(micros / 1000).toFixed(micros < 10000 ? 1 : 0)} ms` : `${(micros / 1e6).toFixed(1)} s`;
}

function live() {
  const shown = store.calls.filter((call) => call.method.toLowerCase().includes(filter)).slice(-100).reverse();
  const rows = shown.map((call) => h("li", { class: call.error ? "call bad" : "call" },
    h("time", { class: "mono", title: fullTimeOf(call.at) }, exactTimeOf(call.at)),
    h("span", { class: "call-what" }, methodName(call.method), call.error && h("span", { class: "call-error mono" }, breakable(call.error, /(?=_)/))),
    h("span", { class: "who-called", title: `Connection ${call.connection}` }, `#${call.connection}`),
    h("span", { class: "took mono" }, tookOf(call.micros))));
  const search = h("input", { type: "search", class: "filter", placeholder: "Filter methods", "aria-label": "Filter methods", "data-key": "filter", value: filter,
    oninput: (event) => { filter = event.target.value.toLowerCase(); const at = event.target.selectionStart; draw(); panel().querySelector(".filter").setSelectionRange(at, at); } });
  return [search, rows.length > 0 ? h("ol", { class: "calls" }, rows)
    : filter ? nothing("No such call", "None of the latest calls fits the filter.")
      : nothing("Quiet so far", "Each call of a client appears here with what it took and how it ended.")];
}

const pill = (text, title) => h("span", { class: "pill", title }, text);

function connectionCard(c) {
  const user = userOf(c.user);
  return h("li", { class: "card" },
    h("div", { class: "card-head" }, user ? avatar(user, "small") : h("span", { class: "avatar small plus" }, icon("plug", 15)),
      h("div", {}, h("b", {}, user ? user.name : "not logged in"), h("small", {}, c.client || "has not introduced itself")), h("span", { class: "mono number" }, `#${c.id}`)),
    h("div", { class: "pills" }, pill(c.framing, "Framing"), c.obfuscated && pill("obfuscated", "Obfuscated transport"),
      pill(`DC ${c.dc}`, "Data centre"), c.layer > 0 && pill(`layer ${c.layer}`, "Layer of its key"), c.key && h("span", { class: "pill mono", title: "Auth key id" }, icon("key", 12), c.key)),
    h("dl", { class: "figures" },
      h("div", {}, h("dt", {}, "in"), h("dd", {}, bytesOf(c.bytes_in))), h("div", {}, h("dt", {}, "out"), h("dd", {}, bytesOf(c.bytes_out))),
      h("div", {}, h("dt", {}, "calls"), h("dd", {}, c.calls.toLocaleString())), h("div", {}, h("dt", {}, "since"), h("dd", { title: `${c.remote}, ${fullTimeOf(c.opened)}` }, timeOf(c.opened)))));
}

function keyRow(key) {
  return h("li", { class: "key-line" }, icon("key", 15), h("span", { class: "mono" }, key.id),
    h("span", { class: "key-about" }, [key.user ? nameOf(key.user) : "nobody", key.layer > 0 && `layer ${key.layer}`, key.temporary && "temporary",
      `${key.sessions} ${key.sessions === 1 ? "session" : "sessions"}`].filter(Boolean).join(" · ")));
}

const heading = (text, count) => h("h3", {}, text, h("span", {}, String(count)));

function connections() {
  const open = [...store.connections.values()].sort((a, b) => b.id - a.id);
  const keys = [...store.keys.values()].sort((a, b) => b.created - a.created);
  const { address = "", layers = [], rsa_fingerprint: fingerprint = "" } = store.server;
  return [
    heading("Open connections", open.length),
    open.length > 0 ? h("ul", { class: "cards" }, open.map(connectionCard)) : nothing("Nobody is connected", `Clients reach the sandbox at ${address}.`),
    heading("Auth keys", keys.length),
    keys.length > 0 ? h("ul", { class: "key-lines" }, keys.map(keyRow)) : nothing("No keys yet", "The first key exchange makes one. Only its id is ever shown."),
    heading("This sandbox", ""),
    h("dl", { class: "facts" },
      h("div", {}, h("dt", {}, "Address"), h("dd", { class: "mono" }, address)),
      h("div", {}, h("dt", {}, "RSA key"), h("dd", { class: "mono" }, fingerprint)),
      h("div", {}, h("dt", {}, "Layers"), h("dd", {}, layers.join(", ") || "–")),
      h("div", {}, h("dt", {}, "Started"), h("dd", {}, store.server.started ? fullTimeOf(store.server.started) : "–"))),
  ];
}

function methodRows(entries, bad) {
  const list = [...entries].sort((a, b) => b.calls - a.calls || a.name.localeCompare(b.name));
  const most = list[0]?.calls ?? 1;
  return h("ul", { class: bad ? "methods bad" : "methods" }, list.map((m) => h("li", { style: { "--share": String(m.calls / most) } },
    methodName(m.name), m.errors > 0 && !bad && h("span", { class: "errors" }, `${m.errors.toLocaleString()} failed`),
    h("span", { class: "count mono" }, m.calls.toLocaleString()))));
}

function methods() {
  const called = [...store.methods.values()].filter((m) => !store.missing.has(m.name));
  const missing = [...store.missing.values()];
  return [
    missing.length > 0 && [heading("Asked for, not simulated yet", missing.length), methodRows(missing, true)],
    heading("Called", called.length),
    called.length > 0 ? methodRows(called) : nothing("No calls yet", "Methods appear here as clients call them."),
  ].flat();
}

function copyCode(code) {
  navigator.clipboard?.writeText(code).then(() => toast("Code copied."), () => toast("The browser refused to copy.", "bad"));
}

function codes() {
  newCodes = 0;
  if (store.codes.length === 0) return [nothing("No login codes", "When a client logs in as a person, the code that Telegram would have sent comes here.")];
  return [h("ul", { class: "cards" }, [...store.codes].reverse().map((c) => h("li", { class: "card code-card" },
    h("span", { class: "code mono" }, c.code), h("span", { class: "code-about" }, `+${c.phone}`, h("small", {}, fullTimeOf(c.at))),
    iconButton("copy", `Copy the code ${c.code}`, () => copyCode(c.code)))))];
}

const panel = () => $("panel");

// Made once: what comes in while somebody presses one must not take it away beneath the finger.
const makeTabs = () => tabs.map(({ id, name }) => h("button", {
  type: "button", role: "tab", id: `tab-${id}`, "data-key": id, "aria-controls": "panel", onclick: () => select(id),
}, h("span", {}, name)));

function tabButtons() {
  const counts = { codes: newCodes, connections: store.connections.size };
  for (const button of $("tabs").children) {
    const id = button.dataset.key;
    button.setAttribute("aria-selected", String(id === current));
    button.tabIndex = id === current ? 0 : -1;
    button.querySelector(".badge")?.remove();
    if (counts[id] > 0) button.append(h("i", { class: id === "codes" ? "badge" : "badge calm" }, String(counts[id])));
  }
}

function figures() {
  let calls = 0, errors = 0;
  for (const m of store.methods.values()) { calls += m.calls; errors += m.errors; }
  for (const m of store.missing.values()) if (!store.methods.has(m.name)) { calls += m.calls; errors += m.calls; }
  $("figures").replaceChildren(`${store.connections.size} connected · ${calls.toLocaleString()} calls`,
    ...(errors > 0 ? [" · ", h("span", { class: "failures" }, `${errors.toLocaleString()} failed`)] : []));
}

function draw() {
  figures();
  const tab = tabs.find(({ id }) => id === current);
  const parts = tab.draw();
  tabButtons();
  panel().setAttribute("aria-labelledby", `tab-${current}`);
  const top = panel().scrollTop;
  fill(panel(), parts);
  panel().scrollTop = top;
}

export function select(id) {
  current = id;
  draw();
}

export const isConsoleOpen = () => $("app").classList.contains("with-console");
export const watchesFigures = () => isConsoleOpen() && current !== "live";

export function startConsole(close) {
  $("console").append(
    h("header", { class: "console-head" }, h("div", {}, h("h2", {}, "Console"), h("p", { id: "figures" })),
      iconButton("close", "Close the console", close, { id: "close-console" })),
    h("div", { id: "tabs", class: "tabs", role: "tablist", "aria-label": "Console",
      onkeydown: (event) => arrows(event, [...$("tabs").children], true) && document.activeElement.click() }, makeTabs()),
    h("div", { id: "panel", class: "panel", role: "tabpanel", tabindex: "0" }));
  // While bursts of calls come in, four pictures a second are enough for the eye.
  let drawn = 0, planned = 0;
  on("console", () => {
    if (!isConsoleOpen() || planned) return;
    planned = setTimeout(() => { planned = 0; drawn = performance.now(); draw(); }, Math.max(0, 250 - (performance.now() - drawn)));
  });
  on("code", (code) => {
    newCodes++;
    toast(`Login code for +${code.phone}: ${code.code}`);
  });
  draw();
}
export { draw as drawConsole };
