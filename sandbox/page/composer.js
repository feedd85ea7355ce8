// Where one writes: formatting, commands, replies, edits, the bot's own keyboard.
import { $, h, icon, iconButton } from "./dom.js";
import { api } from "./api.js";
import { failed } from "./dialogs.js";
import { markOf, parse, unparse } from "./markdown.js";
import { groupOf, isIn, mayWrite, nameOf, peerOf, store, tell, userOf } from "./store.js";
import { preview } from "./text.js";

const shortcuts = { b: "bold", i: "italic", u: "underline", e: "code" };
const formats = ["bold", "italic", "underline", "strike", "code", "spoiler"];
const limit = 4096;

let field, closed, fieldLine, notice, commands, tools, keyboard, keyboardToggle, send;
let target; // { kind: "reply" | "edit", message }
let choice = 0;
const drafts = new Map();
let draftKey = "";
let hooks; // lastOwn, focusLast

function grow() {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 200)}px`;
  send.disabled = field.value.trim() === "";
}

function setText(text) {
  field.value = text;
  grow();
  suggest();
}

function wrapSelection(format) {
  const mark = markOf(format);
  const { selectionStart: from, selectionEnd: to, value } = field;
  const inner = value.slice(from, to);
  const wrapped = value.slice(from - mark.length, from) === mark && value.slice(to, to + mark.length) === mark;
  if (wrapped) field.setRangeText(inner, from - mark.length, to + mark.length, "select");
  else {
    field.setRangeText(mark + inner + mark, from, to, "select");
    field.setSelectionRange(from + mark.length, to + mark.length);
  }
  field.focus();
  grow();
}

// --- what is answered or edited

function setTarget(next) {
  target = next;
  notice.hidden = !target;
  if (!target) return;
  const { kind, message } = target;
  notice.replaceChildren(icon(kind, 18), h("span", { class: "notice-text" },
    h("b", {}, kind === "edit" ? "Edit message" : `Reply to ${message.out ? "yourself" : nameOf(message.from)}`),
    h("span", {}, preview(message))), iconButton("close", "Cancel", cancel, { class: "icon-button small" }));
}

function cancel() {
  if (target?.kind === "edit") setText("");
  setTarget(undefined);
  field.focus();
}

// --- the commands of a bot, while what is typed begins with a slash

// Those of the bot, or of the bots of the group.
function commandsHere() {
  const group = groupOf(store.peer);
  if (!group) return userOf(store.peer)?.commands ?? [];
  const all = group.members.flatMap(({ user }) => userOf(user)?.commands ?? []);
  return [...new Map(all.map((one) => [one.command, one])).values()];
}

function matches() {
  const typed = /^\/(\w*)$/.exec(field.value)?.[1];
  if (typed === undefined) return [];
  return commandsHere().filter(({ command }) => command.startsWith(typed.toLowerCase()));
}

function suggest() {
  const list = matches();
  const shown = list.length > 0;
  commands.hidden = !shown;
  field.setAttribute("aria-expanded", String(shown));
  choice = Math.min(choice, Math.max(list.length - 1, 0));
  commands.replaceChildren(...list.map(({ command, description }, index) => h("div", {
    class: "command", role: "option", id: `command-${index}`, "aria-selected": String(index === choice),
    onmousedown: (event) => { event.preventDefault(); sendText(`/${command}`); setText(""); },
  }, h("b", { class: "mono" }, `/${command}`), h("span", {}, description))));
  if (shown) field.setAttribute("aria-activedescendant", `command-${choice}`);
  else { field.removeAttribute("aria-activedescendant"); choice = 0; }
  commands.children[choice]?.scrollIntoView({ block: "nearest" });
}

function commandKeys(event) {
  const list = matches();
  if (list.length === 0 || commands.hidden) return false;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) choice = (choice + step + list.length) % list.length;
  else if (event.key === "Tab" && !event.shiftKey) { setText(`/${list[choice].command} `); }
  else if (event.key === "Enter" && !event.shiftKey) { sendText(`/${list[choice].command}`); setText(""); }
  else if (event.key === "Escape") { commands.hidden = true; event.preventDefault(); event.stopPropagation(); return true; }
  else return false;
  event.preventDefault();
  suggest();
  return true;
}

// --- the bot's keyboard

function showKeyboard(markup) {
  keyboardToggle.hidden = !markup;
  keyboard.hidden = !markup;
  field.placeholder = markup?.placeholder || placeholder();
  keyboardToggle.setAttribute("aria-expanded", String(Boolean(markup)));
  if (!markup) { keyboard.replaceChildren(); return; }
  keyboard.replaceChildren(...markup.rows.map((row) => h("div", { class: "key-row" }, row.map((button) => h("button", {
    type: "button", class: "key", disabled: button._ !== "keyboardButton",
    onclick: () => { sendText(button.text); if (markup.single_use) hideKeyboard(); field.focus(); },
  }, button.text)))));
}

function hideKeyboard() {
  keyboard.hidden = true;
  keyboardToggle.setAttribute("aria-expanded", "false");
}

const placeholder = () => {
  const peer = peerOf(store.peer);
  return peer ? `Write ${peer.kind ? "in" : "to"} ${peer.name}${peer.bot ? ", or / for commands" : ""}` : "Pick a chat first";
};

// --- sending

async function sendText(text, entities = [], reply = 0) {
  const owner = store.me, peer = store.peer;
  if (!owner || !peer) return;
  try {
    const message = await api.send({ as: owner, to: peer, text, entities, ...(reply ? { reply_to: reply } : {}) });
    tell("sent", { owner, peer, message });
  } catch (error) {
    failed(error);
    if (field.value === "") setText(unparse(text, entities));
  }
}

async function submit(event) {
  event?.preventDefault();
  const { text, entities } = parse(field.value);
  if (!text || !store.peer) return;
  if (text.length > limit) { failed(new Error(`A message has at most ${limit} characters; this one has ${text.length}.`)); return; }
  const { kind, message } = target ?? {};
  setText("");
  setTarget(undefined);
  field.focus();
  if (kind !== "edit") { await sendText(text, entities, message?.id); return; }
  try {
    const edited = await api.edit({ as: store.me, to: store.peer, message: message.id, text, entities });
    tell("edited", { owner: store.me, peer: store.peer, message: edited });
  } catch (error) { failed(error); }
}

function keys(event) {
  if (event.isComposing || commandKeys(event)) return;
  if (event.key === "Enter" && !event.shiftKey) { submit(event); return; }
  if (event.key === "Escape" && target) { event.stopPropagation(); cancel(); return; }
  if (event.key === "ArrowUp" && field.value === "") {
    const own = hooks.lastOwn();
    if (own) { event.preventDefault(); composer.edit(own); }
    return;
  }
  const format = (event.ctrlKey || event.metaKey) && !event.altKey &&
    (event.shiftKey ? { x: "strike", p: "spoiler" }[event.key.toLowerCase()] : shortcuts[event.key.toLowerCase()]);
  if (format) { event.preventDefault(); wrapSelection(format); }
}

export const composer = {
  reply(message) { setTarget({ kind: "reply", message }); field.focus(); },
  edit(message) { setTarget({ kind: "edit", message }); setText(unparse(message.text, message.entities)); field.focus(); },
  sendText: (text) => sendText(text),
  focus: () => field.focus(),
  // The newest message of the other side that says something of keyboards decides.
  keyboardFrom(messages) {
    const said = messages.findLast((m) => !m.out && m.markup && m.markup._ !== "replyInlineMarkup");
    const markup = said?.markup._ === "replyKeyboardMarkup" ? said.markup : undefined;
    const key = markup ? `${store.me}:${store.peer}:${said.id}` : "";
    if (key !== keyboard.dataset.of) { keyboard.dataset.of = key; showKeyboard(markup); }
    if (said?.markup._ === "replyKeyboardForceReply" && said === messages.at(-1)) this.reply(said);
  },
  // Where one may not write there is a word of it in the field's place.
  openOrClosed() {
    const open = !store.peer || mayWrite(store.me, store.peer);
    closed.hidden = open;
    fieldLine.hidden = !open;
    tools.parentElement.hidden = !open;
    if (open) return;
    const group = groupOf(store.peer);
    closed.textContent = group.closed ? "Nothing more can be said here." : isIn(group, store.me) ? "Only admins write here." : "You are not a member.";
  },
  setPeer() {
    if (draftKey) drafts.set(draftKey, target?.kind === "edit" ? "" : field.value);
    draftKey = store.peer ? `${store.me}:${store.peer}` : "";
    setTarget(undefined);
    $("composer").hidden = !store.peer;
    keyboard.dataset.of = "";
    showKeyboard(undefined);
    this.openOrClosed();
    setText(drafts.get(draftKey) ?? "");
  },
};

export function startComposer(theHooks) {
  hooks = theHooks;
  field = h("textarea", { id: "text", rows: "1", "aria-label": "Message", "aria-autocomplete": "list", "aria-controls": "commands",
    "aria-haspopup": "listbox", "aria-describedby": "composer-help", maxlength: "8192", oninput: () => { choice = 0; grow(); suggest(); }, onkeydown: keys,
    onblur: () => { commands.hidden = true; } });
  notice = h("div", { class: "notice", hidden: true });
  closed = h("p", { class: "closed-note", hidden: true });
  commands = h("div", { id: "commands", class: "commands", role: "listbox", "aria-label": "Commands of the bot", hidden: true });
  keyboard = h("div", { id: "bot-keyboard", class: "reply-keyboard", role: "group", "aria-label": "The bot's keyboard", hidden: true });
  tools = h("div", { class: "tools", role: "group", "aria-label": "Formatting" }, formats.map((name) =>
    iconButton(name, `${name[0].toUpperCase()}${name.slice(1)}`, () => wrapSelection(name), { class: "icon-button small", onmousedown: (e) => e.preventDefault() })));
  keyboardToggle = iconButton("keyboard", "The bot's keyboard", () => {
    keyboard.hidden = !keyboard.hidden;
    keyboardToggle.setAttribute("aria-expanded", String(!keyboard.hidden));
  }, { hidden: true, "aria-controls": "bot-keyboard" });
  send = h("button", { type: "submit", class: "send", "aria-label": "Send", title: "Send (Enter)" }, icon("send", 20));
  const help = h("p", { id: "composer-help", class: "help" }, h("kbd", {}, "Enter"), " sends, ", h("kbd", {}, "Shift Enter"), " new line, ",
    h("kbd", {}, "Ctrl B"), " bold, ", h("kbd", {}, "↑"), " edits the last");
  $("composer").hidden = true;
  fieldLine = h("div", { class: "field" }, field, keyboardToggle, send);
  $("composer").append(commands, notice, closed, fieldLine, h("div", { class: "under" }, tools, help), keyboard);
  $("composer").addEventListener("submit", submit);
  return composer;
}
