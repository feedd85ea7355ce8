// What is typed becomes text with entities, and back when a message is edited.

const marks = [
  { mark: "**", type: "messageEntityBold" },
  { mark: "__", type: "messageEntityItalic" },
  { mark: "++", type: "messageEntityUnderline" },
  { mark: "~~", type: "messageEntityStrike" },
  { mark: "||", type: "messageEntitySpoiler" },
];
export const markOf = (name) => ({ bold: "**", italic: "__", underline: "++", strike: "~~", spoiler: "||", code: "`" })[name];

function fence(source, at) {
  const end = source.indexOf("```", at + 3);
  if (end < 0) return undefined;
  const [, language, body] = /^(?:([\w+#-]*)\n)?([\s\S]*?)\n?$/.exec(source.slice(at + 3, end));
  return body ? { type: "messageEntityPre", language: language ?? "", body, next: end + 3 } : undefined;
}

function inlineCode(source, at) {
  const end = source.indexOf("`", at + 1);
  if (end <= at + 1 || source.slice(at, end).includes("\n")) return undefined;
  return { type: "messageEntityCode", body: source.slice(at + 1, end), next: end + 1 };
}

function link(source, at) {
  const found = /^\[([^\]\n]+)\]\((https?:\/\/[^\s()]+)\)/.exec(source.slice(at));
  return found ? { type: "messageEntityTextUrl", url: found[2], body: found[1], next: at + found[0].length } : undefined;
}

const openers = { "`": (s, at) => (s.startsWith("```", at) ? fence(s, at) : inlineCode(s, at)), "[": link };

function trimmed(text, entities) {
  const start = text.length - text.trimStart().length;
  const body = text.trim();
  const moved = entities.map((entity) => {
    const from = Math.max(entity.offset - start, 0);
    const to = Math.min(entity.offset - start + entity.length, body.length);
    return { ...entity, offset: from, length: to - from };
  });
  return { text: body, entities: moved.filter((e) => e.length > 0).sort((a, b) => a.offset - b.offset || b.length - a.length) };
}

// Lines that begin with `> ` are a quotation.
function quotes({ text, entities }) {
  const lines = text.split("\n");
  const inCode = (at) => entities.some((e) => e._ === "messageEntityPre" && at >= e.offset && at < e.offset + e.length);
  let out = "", source = 0, start = -1;
  const cuts = [], found = [];
  for (const [index, line] of lines.entries()) {
    const quoted = line.startsWith("> ") && !inCode(source);
    if (quoted && start < 0) start = out.length;
    if (!quoted && start >= 0) { found.push([start, out.length - 1]); start = -1; }
    if (quoted) cuts.push(source);
    out += (quoted ? line.slice(2) : line) + (index < lines.length - 1 ? "\n" : "");
    source += line.length + 1;
  }
  if (start >= 0) found.push([start, out.length]);
  const moved = (at) => at - 2 * cuts.filter((cut) => cut < at).length;
  const kept = entities.map((e) => {
    const from = moved(e.offset);
    return { ...e, offset: from, length: moved(e.offset + e.length) - from };
  });
  for (const [from, to] of found) if (to > from) kept.push({ _: "messageEntityBlockquote", offset: from, length: to - from });
  return { text: out, entities: kept.filter((e) => e.length > 0).sort((a, b) => a.offset - b.offset || b.length - a.length) };
}

// A mark that was opened but never closed is text after all.
function restored(text, entities, open) {
  for (const [mark, at] of [...open].sort((a, b) => b[1] - a[1])) {
    text = text.slice(0, at) + mark + text.slice(at);
    entities = entities.map((e) => {
      if (e.offset >= at) return { ...e, offset: e.offset + 2 };
      return e.offset + e.length > at ? { ...e, length: e.length + 2 } : e;
    });
  }
  return [text, entities];
}

export function parse(source) {
  let text = "";
  const entities = [];
  const open = new Map(); // mark -> offset in `text`
  for (let at = 0; at < source.length;) {
    const literal = openers[source[at]]?.(source, at);
    if (literal) {
      const { type, body, next, ...rest } = literal;
      entities.push({ _: type, offset: text.length, length: body.length, ...rest });
      text += body;
      at = next;
      continue;
    }
    const found = marks.find(({ mark }) => source.startsWith(mark, at));
    const starts = open.get(found?.mark);
    if (found && starts !== undefined && text.length > starts) {
      entities.push({ _: found.type, offset: starts, length: text.length - starts });
      open.delete(found.mark);
      at += 2;
    } else if (found && starts === undefined && /\S/.test(source[at + 2] ?? " ") && source.indexOf(found.mark, at + 3) > 0) {
      open.set(found.mark, text.length);
      at += 2;
    } else {
      text += source[at++];
    }
  }
  return quotes(trimmed(...restored(text, entities, open)));
}

export function unparse(text, entities = []) {
  const inserts = [];
  for (const e of entities) {
    const end = e.offset + e.length;
    const found = marks.find(({ type }) => type === e._);
    if (found) inserts.push([e.offset, found.mark], [end, found.mark]);
    if (e._ === "messageEntityCode") inserts.push([e.offset, "`"], [end, "`"]);
    if (e._ === "messageEntityPre") inserts.push([e.offset, `\`\`\`${e.language ?? ""}\n`], [end, "\n```"]);
    if (e._ === "messageEntityTextUrl") inserts.push([e.offset, "["], [end, `](${e.url})`]);
    if (e._ === "messageEntityBlockquote") {
      for (let at = e.offset; at < end; at = (text.indexOf("\n", at) + 1) || end) inserts.push([at, "> "]);
    }
  }
  inserts.sort((a, b) => b[0] - a[0]);
  return inserts.reduce((out, [at, mark]) => out.slice(0, at) + mark + out.slice(at), text);
}
