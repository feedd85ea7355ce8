// Wires the parts together.
import { $, icon } from "./dom.js";
import { api, listen } from "./api.js";
import { lastMessage, lastOwn, refreshChat, showChat, startChat } from "./chat.js";
import { startComposer } from "./composer.js";
import { drawConsole, isConsoleOpen, startConsole, watchesFigures } from "./console.js";
import { failed } from "./dialogs.js";
import { startPeople } from "./people.js";
import { apply, changed, chatKey, keep, kept, loadState, on, peerOf, store } from "./store.js";

const wide = matchMedia("(min-width: 1180px)");
const app = $("app");

// --- views: on a narrow screen one column at a time

// Who is nobody yet is asked for a name in the middle.
function setView() {
  app.dataset.view = store.peer || (store.loaded && !store.me) ? "chat" : "list";
}

function openPeer(id, focus = false) {
  store.peer = id;
  if (id) keep(`peer.${store.me}`, id);
  setView();
  changed("people");
  showChat();
  if (focus && id) composer.focus();
  else if (!id) $("chats").querySelector(".chat-row")?.focus();
}

function setConsole(open, focus = true) {
  app.classList.toggle("with-console", open);
  $("open-console").setAttribute("aria-expanded", String(open));
  keep("console", open ? "open" : "closed");
  if (open) {
    drawConsole();
    if (focus) $("tabs").querySelector("[aria-selected=true]").focus();
  } else if (focus) $("open-console").focus();
}

// --- light and dark

const themes = [["auto", "as the system"], ["light", "light"], ["dark", "dark"]];
let theme = kept("theme") ?? "auto";

function setTheme(name) {
  theme = name;
  keep("theme", name);
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  const [, words] = themes.find(([key]) => key === name);
  const button = $("theme");
  button.replaceChildren(icon({ auto: "auto", light: "sun", dark: "moon" }[name], 20));
  button.setAttribute("aria-label", `Colours: ${words}. Change`);
  button.title = `Colours: ${words}`;
}

// --- the sandbox's state

let first = true;

async function load() {
  try {
    loadState(await api.state());
  } catch (error) {
    failed(error);
    return;
  }
  // A sandbox that was emptied and started again knows nobody of before.
  if (store.peer && !peerOf(store.peer)) store.peer = 0;
  setView();
  if (first) {
    first = false;
    const last = Number(kept(`peer.${store.me}`));
    const started = store.chats.has(chatKey(store.me, last)) && peerOf(last);
    if (started && matchMedia("(min-width: 721px)").matches) { openPeer(last); return; }
  }
  refreshChat();
}

// Bytes and counts of connections come with the state, not as events: look again, unhurriedly.
function refreshFigures() {
  if (document.hidden || !store.online || !watchesFigures()) return;
  api.state().then(loadState).catch(() => { /* the stream tells when the sandbox is gone */ });
}

// One person or bot more can end the first-run hint.
function refreshWelcome() {
  if (store.loaded && !store.peer && !document.activeElement?.closest(".first")) refreshChat();
}

const composer = startComposer({ lastOwn });
startChat(composer, openPeer);
startPeople(openPeer);
startConsole(() => setConsole(false));

$("theme").addEventListener("click", () => {
  const at = themes.findIndex(([key]) => key === theme);
  setTheme(themes[(at + 1) % themes.length][0]);
});
$("open-console").append(icon("console", 20));
$("open-console").setAttribute("aria-label", "Console");
$("open-console").title = "Console";
$("open-console").addEventListener("click", () => setConsole(!isConsoleOpen()));

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (isConsoleOpen() && (!wide.matches || $("console").contains(document.activeElement))) setConsole(false);
  else if (document.activeElement?.closest(".message")) composer.focus();
  else if (document.activeElement?.id === "text" && lastMessage()) lastMessage().focus();
});

setTheme(theme);
setConsole(kept("console") ? kept("console") === "open" && wide.matches : wide.matches, false);
let known = 0;
on("people", () => {
  if (known !== store.users.size && !first) refreshWelcome();
  known = store.users.size;
});
on("reload", load);
setInterval(refreshFigures, 3000);
listen({
  open: () => { store.online = true; load(); },
  lost: () => { store.online = false; changed("people"); },
  event: apply,
});
