// The middle: one conversation.
import { $, arrows, avatar, fill, h, icon, iconButton } from "./dom.js";
import { api } from "./api.js";
import { alertFrom, confirmDialog, failed, personForm, toast } from "./dialogs.js";
import { groupMembers, kindOf } from "./groups.js";
import { bubble, dayLine, serviceLine } from "./messages.js";
import { addMessage, become, bots, changed, chatKey, chatOf, findUsername, groupOf, isOpen, nameOf, on, peerOf, store, userOf } from "./store.js";

let messages = [];
let complete = false;
let loading = 0; // grows with each chat opened: answers for an earlier one are dropped
let composer;
let openPeer;
let stuck = true; // to the bottom: what comes, and what grows below, keeps the newest in sight
const clicks = new Map(); // query -> { button, bot }

const log = () => $("log");
const find = (id) => messages.find((message) => message.id === id);
const elementOf = (id) => log().querySelector(`[data-id="${id}"]`);
const atBottom = () => stuck;
const dayKey = (message) => new Date(message.date * 1000).toDateString();

function toNewest() {
  stuck = true;
  log().scrollTop = log().scrollHeight;
  $("to-newest").hidden = true;
}

const actions = {
  mention: (name) => {
    const user = findUsername(name);
    if (user) openPeer(user.id, true);
    else toast(`There is no @${name} in this sandbox.`);
  },
  user: (id) => userOf(id) ? openPeer(id, true) : toast("This person is not in this sandbox."),
  command: (text) => composer.sendText(text),
  copy: (text) => navigator.clipboard?.writeText(text).then(() => toast("Copied."), () => toast("The browser refused to copy.", "bad")),
  jump: (id) => {
    const element = elementOf(id);
    if (!element) { toast("That message is not loaded: look further up."); return; }
    element.scrollIntoView({ block: "center" });
    element.focus({ preventScroll: true });
  },
  click: async (message, button, element) => {
    element.classList.add("busy");
    element.setAttribute("aria-busy", "true");
    try {
      const { query } = await api.click(store.me, store.peer, message.id, button.data ?? "");
      if (early.has(query)) { settle({ element, bot: message.from }, early.get(query)); early.delete(query); }
      else clicks.set(query, { element, bot: message.from });
    } catch (error) {
      idle(element);
      failed(error);
    }
  },
  menu: (message, anchor) => openMenu(message, anchor),
};

// A quick bot's answer comes before we know our click's number.
const early = new Map();

function idle(element) {
  element.classList.remove("busy");
  element.removeAttribute("aria-busy");
}

function settle({ element, bot }, answer) {
  idle(element);
  if (answer.timed_out) toast(`${nameOf(bot)} did not answer the click.`, "bad");
  else if (answer.alert) alertFrom(nameOf(bot), answer.text);
  else if (answer.text) toast(answer.text);
  if (/^https?:/.test(answer.url)) window.open(answer.url, "_blank", "noopener");
}

function answered(answer) {
  const click = clicks.get(answer.query);
  clicks.delete(answer.query);
  if (click) settle(click, answer);
  else {
    early.set(answer.query, answer);
    if (early.size > 50) early.delete(early.keys().next().value);
  }
}

async function removeMessage(message) {
  const whom = groupOf(store.peer) ? "It disappears for everybody." : "It disappears for both sides.";
  if (!await confirmDialog("Delete this message?", whom, "Delete")) return;
  api.remove(store.me, store.peer, message.id).catch(failed);
}

function openMenu(message, anchor) {
  document.querySelector(".context-menu")?.remove();
  // Giving the focus back first: removing what has it would call `close` within itself.
  const close = (back) => { if (back) anchor.focus(); if (menu.isConnected) menu.remove(); };
  const item = (shape, words, run) => h("button", { type: "button", class: "option", role: "menuitem",
    onclick: () => { close(true); run(); } }, icon(shape, 16), words);
  const menu = h("div", { class: "menu context-menu", role: "menu", "aria-label": "Message",
    onkeydown: (event) => {
      if (event.key === "Escape" || event.key === "Tab") { event.preventDefault(); event.stopPropagation(); close(true); return; }
      arrows(event, [...menu.children]);
    },
    onfocusout: (event) => { if (!menu.contains(event.relatedTarget)) queueMicrotask(() => close(false)); } },
  item("reply", "Reply", () => composer.reply(message)),
  item("copy", "Copy text", () => actions.copy(message.text)),
  message.out && item("edit", "Edit", () => composer.edit(message)),
  item("trash", "Delete", () => removeMessage(message)));
  anchor.closest(".message").append(menu);
  menu.classList.toggle("up", menu.getBoundingClientRect().bottom > log().getBoundingClientRect().bottom);
  menu.firstChild.focus();
}

// Neighbours of one writer within five minutes stand together.
function joins(before, message) {
  return before && !before.service && before.out === message.out && before.from === message.from && message.date - before.date < 300 && dayKey(before) === dayKey(message);
}

function elementFor(message, before) {
  if (message.service) return serviceLine(message);
  const kind = groupOf(store.peer)?.kind;
  const element = bubble(message, find, actions, kind === "group" || kind === "supergroup");
  if (joins(before, message)) element.classList.add("joined");
  return element;
}

function nodesFor(message, before) {
  const element = elementFor(message, before);
  return !before || dayKey(before) !== dayKey(message) ? [dayLine(message.date), element] : [element];
}

function draw() {
  const nodes = messages.flatMap((message, index) => nodesFor(message, messages[index - 1]));
  const earlier = !complete && messages.length > 0 && h("button", { type: "button", class: "earlier", onclick: loadEarlier }, "Earlier messages");
  log().replaceChildren(...[earlier, ...nodes].filter(Boolean));
  if (messages.length === 0) log().append(emptyChat());
  drawTyping();
  composer.keyboardFrom(messages);
}

function drawTyping() {
  log().querySelector(".typing-bubble")?.remove();
  if (!store.typing.has(chatKey(store.me, store.peer))) return;
  const stay = atBottom();
  log().append(h("div", { class: "typing-bubble", "aria-label": `${nameOf(store.peer)} is writing` }, h("i"), h("i"), h("i")));
  if (stay) toNewest();
}

function emptyChat() {
  const group = groupOf(store.peer);
  if (group) {
    return h("div", { class: "empty" }, avatar(group, "huge"), h("h2", {}, group.name),
      group.about && h("p", { class: "about" }, group.about), h("p", {}, "Nothing said yet."));
  }
  const peer = userOf(store.peer);
  if (!peer) return welcome();
  const start = peer.bot && h("button", { type: "button", class: "primary", onclick: () => composer.sendText("/start") }, "Send /start");
  return h("div", { class: "empty" }, avatar(peer, "huge"), h("h2", {}, peer.name),
    peer.about && h("p", { class: "about" }, peer.about),
    h("p", {}, peer.bot ? "Nothing said yet. Bots never speak first: say /start to the bot, and see what it answers."
      : peer.scripted ? "Played by the sandbox: answers whatever you write." : "Nothing said yet."),
    start || h("button", { type: "button", class: "primary", onclick: () => composer.sendText("Hello!") }, "Say hello"));
}

// The first thing that anybody sees.
function welcome() {
  if (!store.loaded) return h("div", { class: "empty" }, h("p", {}, "Reaching the sandbox…"));
  if (!store.me) {
    return h("div", { class: "empty first" }, h("img", { src: "/icon.svg", alt: "", width: "72", height: "72" }),
      h("h2", {}, "Who would you like to be?"),
      h("p", {}, "This is a Telegram of your own: no phone, no account. Make a person, then say /start to the bot."),
      personForm((user) => { store.users.set(user.id, user); become(user.id); openPeer(bots()[0]?.id ?? 0, true); }));
  }
  const bot = bots()[0];
  const { address = "" } = store.server;
  return h("div", { class: "empty" }, h("img", { src: "/icon.svg", alt: "", width: "72", height: "72" }),
    h("h2", {}, bot ? `${bot.name} is waiting` : "No bot is here yet"),
    bot ? h("p", {}, "Say /start to the bot, or pick somebody on the left.")
      : h("p", {}, "Point a bot at ", h("code", {}, address), " and it appears on the left."),
    bot && h("button", { type: "button", class: "primary", onclick: () => openPeer(bot.id, true) }, `Talk to ${bot.name}`));
}

async function loadEarlier() {
  const height = log().scrollHeight;
  const mine = loading;
  try {
    const { messages: older } = await api.messages(store.me, store.peer, messages[0].id);
    if (mine !== loading) return;
    complete = older.length === 0;
    messages = [...older, ...messages];
    draw();
    log().scrollTop = log().scrollHeight - height;
  } catch (error) { failed(error); }
}

function markRead() {
  const newest = messages.findLast((message) => !message.out);
  const chat = chatOf(store.me, store.peer);
  if (!newest || chat.unread === 0 && (chat.readUpTo ?? 0) >= newest.id || document.hidden) return;
  chat.unread = 0;
  chat.readUpTo = newest.id;
  changed("people");
  api.read(store.me, store.peer, newest.id).catch(() => { /* the next message tries again */ });
}

export async function showChat() {
  const mine = ++loading;
  messages = [];
  complete = false;
  drawHead();
  composer.setPeer();
  if (!store.peer || !store.me) { draw(); return; }
  try {
    const { messages: list } = await api.messages(store.me, store.peer);
    if (mine !== loading) return;
    // What came while we asked may be younger than the answer.
    messages = [...list, ...messages.filter((message) => message.id > (list.at(-1)?.id ?? 0))];
    complete = list.length < 60;
  } catch (error) {
    if (mine === loading) failed(error);
  }
  draw();
  toNewest();
  markRead();
}

// After a lost connection: the same chat, with what was missed.
export const refreshChat = () => store.peer ? showChat() : draw();

function received({ owner, peer, message }) {
  if (!isOpen(owner, peer) || find(message.id)) return;
  const stay = atBottom() || message.out;
  if (messages.length === 0) log().replaceChildren();
  log().querySelector(".typing-bubble")?.remove();
  log().append(...nodesFor(message, messages.at(-1)));
  messages.push(message);
  composer.keyboardFrom(messages);
  if (stay) toNewest();
  else $("to-newest").hidden = false;
  markRead();
}

function replaced(message) {
  const index = messages.findIndex((m) => m.id === message.id);
  if (index < 0) return;
  const stay = atBottom();
  messages[index] = message;
  const element = elementFor(message, messages[index - 1]);
  const old = elementOf(message.id);
  const key = old.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  old.replaceWith(element);
  if (key) [...element.querySelectorAll("[data-key]")].find((e) => e.dataset.key === key)?.focus({ preventScroll: true });
  if (stay) toNewest();
}

function deleted({ owner, peer, ids }) {
  if (!isOpen(owner, peer)) return;
  messages = messages.filter((message) => !ids.includes(message.id));
  draw();
}

function readUpTo({ owner, peer, upTo }) {
  if (!isOpen(owner, peer)) return;
  for (const message of messages) {
    if (message.out && message.id <= upTo && message.delivery !== "read") replaced({ ...message, delivery: "read" });
  }
}

function drawHead() {
  const peer = peerOf(store.peer);
  if (!peer) { $("chat-head").replaceChildren(); $("chat-head").hidden = true; return; }
  $("chat-head").hidden = false;
  const typing = store.typing.has(chatKey(store.me, store.peer));
  const status = typing ? "is writing…" : peer.kind ? `${kindOf(peer).name} · ${peer.size} ${peer.size === 1 ? "member" : "members"}` : peer.scripted ? "played by the sandbox" : [peer.bot && "bot", peer.online ? "online" : "offline"].filter(Boolean).join(" · ");
  fill($("chat-head"), iconButton("back", "Back to the chats", () => openPeer(0), { class: "icon-button back", "data-key": "back" }), avatar(peer),
    h("div", { class: "who" }, h("h2", {}, peer.name), h("p", { class: typing ? "typing" : peer.online ? "online" : "" }, status)),
    peer.username && h("span", { class: "mono handle" }, `@${peer.username}`),
    peer.kind && iconButton("group", "Members", () => groupMembers(peer.id), { "data-key": "members", "aria-haspopup": "dialog" }));
}

// Up and down go through the messages; letters act on the one in focus.
function logKeys(event) {
  const current = event.target.closest?.(".message");
  if (!current || event.target.closest(".menu")) return;
  if (arrows(event, [...log().querySelectorAll(".message")])) return;
  if (event.target !== current || event.ctrlKey || event.metaKey || event.altKey) return;
  const message = find(Number(current.dataset.id));
  if (message.service) return;
  if (event.key === "r") { event.preventDefault(); composer.reply(message); }
  if (event.key === "e" && message.out) { event.preventDefault(); composer.edit(message); }
  if (event.key === "Delete") removeMessage(message);
}

export const lastMessage = () => log().querySelector(".message:last-of-type");
export const lastOwn = () => messages.findLast((message) => message.out);

export function startChat(theComposer, open) {
  composer = theComposer;
  openPeer = open;
  on("message", received);
  on("edited", ({ owner, peer, message }) => {
    if (!isOpen(owner, peer)) return;
    replaced(message);
    composer.keyboardFrom(messages);
  });
  on("deleted", deleted);
  on("read", readUpTo);
  on("answer", answered);
  on("head", () => { drawHead(); drawTyping(); composer.openOrClosed(); });
  on("sent", ({ owner, peer, message }) => addMessage(owner, peer, message));
  $("to-newest").append(icon("down", 18), " New messages");
  $("to-newest").addEventListener("click", toNewest);
  let height = 0;
  log().addEventListener("scroll", () => {
    if (log().clientHeight !== height) return; // the frame has changed, not the reader's wish
    stuck = log().scrollHeight - log().scrollTop - height < 80;
    if (stuck) $("to-newest").hidden = true;
  }, { passive: true });
  new ResizeObserver(() => {
    height = log().clientHeight;
    if (stuck) toNewest();
  }).observe(log());
  log().addEventListener("keydown", logKeys);
  document.addEventListener("visibilitychange", () => store.peer && markRead());
}
