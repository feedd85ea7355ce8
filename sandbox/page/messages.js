// One message as an element.
import { avatar, dayOf, fullTimeOf, h, hueOf, icon, iconButton, timeOf } from "./dom.js";
import { nameOf, peerOf } from "./store.js";
import { preview, render, safeUrl } from "./text.js";

const delivery = { sent: ["check", "sent"], read: ["checks", "read"] };

function meta(message) {
  const [shape, words] = delivery[message.delivery] ?? delivery.sent;
  return h("span", { class: "meta" },
    message.edited && h("span", { title: `edited ${fullTimeOf(message.edited)}` }, "edited"),
    h("time", { datetime: new Date(message.date * 1000).toISOString(), title: fullTimeOf(message.date) }, timeOf(message.date)),
    message.out && h("span", { class: `ticks ${message.delivery}`, role: "img", "aria-label": words }, icon(shape, 16)));
}

function keyboardButton(message, button, actions) {
  const kind = button._.replace("keyboardButton", "");
  const href = kind === "Url" && safeUrl(button.url ?? "");
  if (href) return h("a", { class: "key", href, target: "_blank", rel: "noopener noreferrer", title: href }, button.text, icon("out", 13));
  if (kind === "Callback") {
    return h("button", { type: "button", class: "key", "data-key": `${message.id}-${button.data}`,
      onclick: (event) => actions.click(message, button, event.currentTarget) }, button.text);
  }
  if (kind === "Copy") {
    return h("button", { type: "button", class: "key", onclick: () => actions.copy(button.url ?? button.text) }, button.text, icon("copy", 13));
  }
  return h("button", { type: "button", class: "key", disabled: true, title: "This kind of button does nothing on this page" }, button.text);
}

function keyboard(message, actions) {
  if (message.markup?._ !== "replyInlineMarkup") return undefined;
  return h("div", { class: "keyboard", role: "group", "aria-label": "Buttons" }, message.markup.rows.map((row) =>
    h("div", { class: "key-row" }, row.map((button) => keyboardButton(message, button, actions)))));
}

function quoted(message, find, actions) {
  if (!message.reply_to) return undefined;
  const target = find(message.reply_to);
  return h("button", { type: "button", class: "quoted", onclick: () => actions.jump(message.reply_to) },
    h("b", {}, target ? nameOf(target.from) : "Reply"), h("span", {}, target ? preview(target) : "an earlier message"));
}

// What a chat says of itself: who has come, a new title.
export function serviceLine(message) {
  return h("div", { class: "message service", "data-id": message.id, tabindex: "-1", "aria-label": `${message.text}, ${timeOf(message.date)}` },
    h("span", {}, message.text));
}

const big = /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D\p{Extended_Pictographic}|\p{Emoji_Modifier})*\s?){1,3}$/u;

export function bubble(message, find, actions, inGroup = false) {
  const named = inGroup && !message.out;
  const text = h("div", { class: big.test(message.text) ? "text big" : "text" }, render(message.text, message.entities, actions));
  const sender = named && h("b", { class: "sender", style: { "--hue": String(hueOf(message.from)) } }, nameOf(message.from));
  const body = h("div", { class: "bubble" }, sender, quoted(message, find, actions), text, meta(message));
  const more = iconButton("more", "Actions", (event) => actions.menu(message, event.currentTarget), {
    class: "icon-button small more", "aria-haspopup": "menu", "data-key": `more-${message.id}` });
  const who = message.out ? "You" : nameOf(message.from);
  return h("article", { class: `message ${message.out ? "out" : "in"}`, "data-id": message.id, tabindex: "-1",
    "aria-label": `${who}, ${timeOf(message.date)}` }, h("div", { class: "bubble-line" }, named && avatar(peerOf(message.from), "small face"), body, more), keyboard(message, actions));
}

export const dayLine = (seconds) => h("div", { class: "day", role: "separator" }, h("span", {}, dayOf(seconds)));
