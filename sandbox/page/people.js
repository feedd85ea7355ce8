// The left side: who you are, whom you can talk to.
import { $, arrows, avatar, briefTimeOf, fill, h, icon } from "./dom.js";
import { newPerson } from "./dialogs.js";
import { kindOf, newGroup } from "./groups.js";
import { become, chatKey, isIn, nameOf, on, people, store, userOf } from "./store.js";
import { preview } from "./text.js";

let openPeer;

function choose(id) {
  closeMenu();
  become(id);
  openPeer(0);
}

const closeMenu = () => $("identity").querySelector("details")?.removeAttribute("open");

export async function addPerson() {
  closeMenu();
  const user = await newPerson();
  if (user) choose(user.id);
}

function identity() {
  const me = userOf(store.me);
  const options = people().map((user) => h("button", {
    type: "button", class: "option", "data-key": `me-${user.id}`, "aria-pressed": String(user.id === store.me),
    onclick: () => choose(user.id),
  }, avatar(user, "small"), h("span", { class: "option-name" }, user.name,
    user.username && h("small", {}, `@${user.username}`)), user.id === store.me && icon("check", 16)));
  const menu = h("div", { class: "menu" }, options,
    h("button", { type: "button", class: "option new", "data-key": "new-person", onclick: addPerson },
      h("span", { class: "avatar small plus" }, icon("plus", 16)), "New person…"));
  const details = h("details", {
    onkeydown: (event) => {
      if (event.key === "Escape") { closeMenu(); details.querySelector("summary").focus(); event.stopPropagation(); return; }
      if (details.open) arrows(event, [details.querySelector("summary"), ...details.querySelectorAll(".option")]);
    },
    onfocusout: (event) => { if (event.relatedTarget && !details.contains(event.relatedTarget)) closeMenu(); },
  }, h("summary", { "data-key": "who", "aria-label": `You are ${me?.name ?? "nobody yet"}. Change` },
    me ? avatar(me, "small") : h("span", { class: "avatar small plus" }, icon("plus", 16)),
    h("span", { class: "option-name" }, h("small", {}, "You are"), me?.name ?? "nobody yet"), icon("down", 16)), menu);
  if ($("identity").querySelector("details")?.open) details.open = true;
  fill($("identity"), details);
}

function ticks(message) {
  const name = message.delivery === "sent" ? "check" : "checks";
  return h("span", { class: `ticks ${message.delivery}` }, icon(name, 15));
}

// What was said last; in a group also by whom.
function saying(user, last) {
  if (!user.kind || last.service || last.from === user.id) return preview(last);
  return `${last.out ? "You" : nameOf(last.from)}: ${preview(last)}`;
}

// `user` is a person, a bot or a group.
function row(user, chat) {
  const last = chat?.last;
  const typing = store.typing.has(chatKey(store.me, user.id));
  const said = typing ? "is writing…" : last ? saying(user, last) : user.about || (user.username ? `@${user.username}` : "no messages yet");
  const chip = user.bot ? "bot" : user.kind && kindOf(user).chip;
  const label = [user.name, chip, user.online && "online", chat?.unread && `${chat.unread} unread`].filter(Boolean).join(", ");
  return h("button", {
    type: "button", class: "chat-row", "data-key": `chat-${user.id}`, "aria-label": label,
    "aria-current": user.id === store.peer ? "true" : undefined, onclick: () => openPeer(user.id, true),
  }, avatar(user), h("span", { class: "chat-row-text" },
    h("span", { class: "chat-row-top" }, h("b", {}, user.name), chip && h("i", { class: "chip" }, chip),
      last && h("time", {}, last.out && ticks(last), briefTimeOf(last.date))),
    h("span", { class: "chat-row-bottom" }, h("span", { class: typing ? "said typing" : "said" }, said),
      chat?.unread > 0 && h("span", { class: "unread" }, String(chat.unread)))));
}

async function startGroup() {
  const group = await newGroup();
  if (group) openPeer(group.id, true);
}

function section(title, rows) {
  return rows.length > 0 && h("section", { "aria-label": title }, h("h2", {}, title), rows);
}

function chats() {
  const groups = [...store.groups.values()].filter((group) => isIn(group, store.me) || store.chats.get(chatKey(store.me, group.id))?.last);
  const others = [...groups, ...[...store.users.values()].filter((user) => user.id !== store.me)];
  const with_ = others.map((user) => ({ user, chat: store.chats.get(chatKey(store.me, user.id)) }));
  const talked = with_.filter(({ chat }) => chat?.last).sort((a, b) => b.chat.last.date - a.chat.last.date || b.chat.last.id - a.chat.last.id);
  const weight = ({ user }) => user.kind ? 2 : Number(user.bot);
  const rest = with_.filter(({ chat }) => !chat?.last).sort((a, b) => weight(b) - weight(a) || a.user.name.localeCompare(b.user.name));
  const rows = (list) => list.map(({ user, chat }) => row(user, chat));
  const empty = store.loaded && others.length === 0 && h("p", { class: "quiet" },
    "Nobody else is here yet. Start a bot, and it appears.");
  const make = store.me > 0 && h("button", { type: "button", class: "new-group", "data-key": "new-group", onclick: startGroup }, icon("group", 18), "New group or channel");
  fill($("chats"), make, store.me > 0 && section("Chats", rows(talked)),
    section(talked.length > 0 ? "Others" : "Bots and people", rows(rest)), empty);
}

function address() {
  const { address: at, layer, dc } = store.server;
  fill($("address"),
    h("span", { class: `state ${store.online ? "on" : "off"}` }, h("i", { class: "dot" }), store.online ? "connected" : "no connection to the sandbox"),
    at && store.online && h("span", { class: "mono", title: "Where clients connect" }, at),
    layer > 0 && store.online && h("span", {}, `DC ${dc} · layer ${layer}`));
}

export function startPeople(open) {
  openPeer = open;
  on("people", () => { identity(); chats(); address(); });
  $("chats").addEventListener("keydown", (event) => arrows(event, [...$("chats").querySelectorAll(".chat-row")]));
}

