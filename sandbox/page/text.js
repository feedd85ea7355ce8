// A message's text with its entities as elements. Offsets count UTF-16 code units, as strings do here.
import { h, iconButton } from "./dom.js";

const kindOf = (entity) => entity._.replace("messageEntity", "");

// Only what cannot run anything is a link; the rest stays text.
export function safeUrl(text) {
  const full = /^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`;
  try {
    const url = new URL(full);
    return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

function link(text, content) {
  const href = safeUrl(text);
  return href ? h("a", { href, target: "_blank", rel: "noopener noreferrer", title: href }, content) : h("span", {}, content);
}

function spoiler(content) {
  const reveal = (event) => {
    event.stopPropagation();
    event.preventDefault();
    element.classList.add("shown");
    element.removeAttribute("role");
    element.removeAttribute("tabindex");
    element.removeAttribute("aria-label");
  };
  const element = h("span", {
    class: "spoiler", role: "button", tabindex: "0", "aria-label": "Spoiler: press to show",
    onclick: (event) => !element.classList.contains("shown") && reveal(event),
    onkeydown: (event) => (event.key === "Enter" || event.key === " ") && !element.classList.contains("shown") && reveal(event),
  }, h("span", {}, content));
  return element;
}

function pre(content, language, plain) {
  const copy = iconButton("copy", "Copy the code", () => navigator.clipboard?.writeText(plain), { class: "icon-button small" });
  return h("div", { class: "pre" },
    h("div", { class: "pre-head" }, h("span", {}, language || "code"), copy),
    h("pre", { tabindex: "0", "aria-label": `Code${language ? ` in ${language}` : ""}` }, h("code", {}, content)));
}

function wrap(entity, content, plain, actions) {
  const button = (onclick) => h("button", { type: "button", class: "in-text", onclick }, content);
  switch (kindOf(entity)) {
    case "Bold": return h("strong", {}, content);
    case "Italic": return h("em", {}, content);
    case "Underline": return h("u", {}, content);
    case "Strike": return h("s", {}, content);
    case "Spoiler": return spoiler(content);
    case "Code": return h("code", {}, content);
    case "Pre": return pre(content, entity.language, plain);
    case "Blockquote": return h("blockquote", {}, content);
    case "TextUrl": return link(entity.url ?? "", content);
    case "Url": return link(plain, content);
    case "Email": return link(`mailto:${plain}`, content);
    case "Phone": return link(`tel:${plain.replace(/[^\d+]/g, "")}`, content);
    case "Mention": return button(() => actions.mention(plain.slice(1)));
    case "MentionName": return button(() => actions.user(entity.user_id));
    case "BotCommand": return button(() => actions.command(plain));
    case "Hashtag": case "Cashtag": return h("span", { class: "tag" }, content);
    default: return h("span", {}, content);
  }
}

// Entities that cross each other are cut where they cross, so that what comes out is a tree.
function split(entities) {
  const sorted = [...entities].filter((e) => e.length > 0).sort((a, b) => a.offset - b.offset || b.length - a.length);
  const out = [];
  const open = []; // ends of the entities around the present one
  while (sorted.length > 0) {
    const entity = sorted.shift();
    while (open.length > 0 && open.at(-1) <= entity.offset) open.pop();
    const end = entity.offset + entity.length;
    const limit = open.length > 0 ? open.at(-1) : end;
    if (end > limit) {
      sorted.push({ ...entity, offset: limit, length: end - limit });
      sorted.sort((a, b) => a.offset - b.offset || b.length - a.length);
      sorted.unshift({ ...entity, length: limit - entity.offset });
      continue;
    }
    open.push(end);
    out.push(entity);
  }
  return out;
}

const isBlock = (node) => node instanceof HTMLElement && (node.tagName === "BLOCKQUOTE" || node.className === "pre");

// A block breaks the line by itself: the newline beside it would leave an empty one.
function tidy(nodes) {
  return nodes.map((node, index) => {
    if (typeof node !== "string") return node;
    let out = isBlock(nodes[index - 1]) ? node.replace(/^\n/, "") : node;
    if (isBlock(nodes[index + 1])) out = out.replace(/\n$/, "");
    return out;
  });
}

export function render(text, entities, actions) {
  const list = split((entities ?? []).filter((e) => e.offset >= 0 && e.offset + e.length <= text.length));
  let at = 0;
  const build = (from, to) => {
    const nodes = [];
    let position = from;
    while (at < list.length && list[at].offset < to) {
      const entity = list[at++];
      if (entity.offset > position) nodes.push(text.slice(position, entity.offset));
      position = entity.offset + entity.length;
      nodes.push(wrap(entity, build(entity.offset, position), text.slice(entity.offset, position), actions));
    }
    if (position < to) nodes.push(text.slice(position, to));
    return nodes;
  };
  const fragment = document.createDocumentFragment();
  fragment.append(...tidy(build(0, text.length)));
  return fragment;
}

const cover = "\u2591";

// One line for lists, with spoilers covered.
export function preview(message) {
  let text = message.text;
  for (const entity of message.entities ?? []) {
    if (kindOf(entity) !== "Spoiler") continue;
    text = text.slice(0, entity.offset) + cover.repeat(entity.length) + text.slice(entity.offset + entity.length);
  }
  return text.replace(/\s+/g, " ").trim();
}
