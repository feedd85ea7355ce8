// What the page knows, and how an event changes it. Views listen; nobody else writes.

const kept = (key) => { try { return localStorage.getItem(`cafegram.${key}`); } catch { return null; } };
export const keep = (key, value) => { try { localStorage.setItem(`cafegram.${key}`, value); } catch { /* private window */ } };
export { kept };

const limits = { calls: 200, codes: 20 };

export const store = {
  online: false,
  loaded: false,
  server: {},
  users: new Map(),
  groups: new Map(), // ids below zero
  chats: new Map(), // "owner:peer" -> chat
  connections: new Map(),
  keys: new Map(),
  methods: new Map(),
  missing: new Map(),
  calls: [],
  codes: [],
  typing: new Map(), // "owner:peer" -> timer
  me: Number(kept("me")) || 0,
  peer: 0,
};

const listeners = new Map();
export function on(topic, listener) {
  listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
}

// Views of lists draw once a frame, however many events a burst brings.
const waiting = new Set();
export function changed(...topics) {
  if (waiting.size === 0) queueMicrotask(flush);
  for (const topic of topics) waiting.add(topic);
}
function flush() {
  const topics = [...waiting];
  waiting.clear();
  for (const topic of topics) tell(topic);
}
export function tell(topic, value) {
  for (const listener of listeners.get(topic) ?? []) listener(value);
}

export const chatKey = (owner, peer) => `${owner}:${peer}`;
export const userOf = (id) => store.users.get(id);
export const groupOf = (id) => store.groups.get(id);
export const peerOf = (id) => userOf(id) ?? groupOf(id);
export const nameOf = (id) => peerOf(id)?.name ?? `User ${id}`;
const memberOf = (group, user) => group.members.find((member) => member.user === user);
// The list of a large room is not all of it: who is not in there, and has messages of the room, is taken for a member.
export const isIn = (group, user) => Boolean(memberOf(group, user) ||
  group.members.length < group.size && store.chats.get(chatKey(user, group.id))?.last);
// Whether somebody may write in a chat; a private one is open to all. Who may post in a channel is in its list first.
export function mayWrite(user, peer) {
  const group = groupOf(peer);
  if (!group) return true;
  return !group.closed && (memberOf(group, user)?.writes ?? (group.kind !== "channel" && isIn(group, user)));
}
export function addGroup(group) {
  store.groups.set(group.id, { ...group, name: group.title });
  changed("people", "head");
}
export const people = () => [...store.users.values()].filter((user) => !user.bot && !user.scripted);
export const bots = () => [...store.users.values()].filter((user) => user.bot);
export const findUsername = (name) =>
  [...store.users.values()].find((user) => user.username.toLowerCase() === name.toLowerCase());

const byId = (list, key = "id") => new Map(list.map((item) => [item[key], item]));

export function loadState(state) {
  const { users, groups, chats, connections, keys, methods, missing, calls, codes, ...server } = state;
  store.server = server;
  store.users = byId(users);
  store.groups = byId(groups.map((group) => ({ ...group, name: group.title })));
  store.chats = new Map(chats.map((chat) => [chatKey(chat.owner, chat.peer), chat]));
  store.connections = byId(connections);
  store.keys = byId(keys);
  store.methods = byId(methods, "name");
  store.missing = byId(missing, "name");
  store.calls = calls;
  store.codes = codes;
  store.loaded = true;
  if (!people().some((user) => user.id === store.me)) store.me = people()[0]?.id ?? 0;
  changed("people", "console", "head");
}

export function become(id) {
  store.me = id;
  keep("me", id);
  changed("people", "console");
}

export function chatOf(owner, peer) {
  const key = chatKey(owner, peer);
  if (!store.chats.has(key)) store.chats.set(key, { owner, peer, unread: 0 });
  return store.chats.get(key);
}

export const isOpen = (owner, peer) => store.me === owner && store.peer === peer;

function stopTyping(owner, peer) {
  clearTimeout(store.typing.get(chatKey(owner, peer)));
  store.typing.delete(chatKey(owner, peer));
}

// A sent message comes twice, as the answer and as an event: by its id it counts once.
export function addMessage(owner, peer, message) {
  const chat = chatOf(owner, peer);
  const known = chat.last && chat.last.id >= message.id;
  if (!known) {
    chat.last = message;
    if (!message.out && !isOpen(owner, peer)) chat.unread++;
  }
  if (!message.out) stopTyping(owner, peer);
  tell("message", { owner, peer, message });
  changed("people", "head");
}

function count(map, name, failed) {
  const entry = map.get(name) ?? { name, calls: 0, errors: 0 };
  entry.calls++;
  entry.errors += failed ? 1 : 0;
  map.set(name, entry);
}

const reducers = {
  message: ({ owner, peer, message }) => addMessage(owner, peer, message),
  edited: ({ owner, peer, message }) => {
    const chat = chatOf(owner, peer);
    if (chat.last?.id === message.id) chat.last = message;
    tell("edited", { owner, peer, message });
    changed("people");
  },
  deleted: (event) => {
    const chat = chatOf(event.owner, event.peer);
    if (event.ids.includes(chat.last?.id)) chat.last = undefined;
    tell("deleted", event);
    changed("people");
  },
  read: ({ owner, peer, up_to: upTo }) => {
    const chat = chatOf(owner, peer);
    if (chat.last?.out && chat.last.id <= upTo) chat.last.delivery = "read";
    tell("read", { owner, peer, upTo });
    changed("people");
  },
  typing: ({ owner, peer, on: starts }) => {
    stopTyping(owner, peer);
    if (starts) {
      store.typing.set(chatKey(owner, peer), setTimeout(() => {
        stopTyping(owner, peer);
        changed("head", "people");
      }, 6000));
    }
    changed("head", "people");
  },
  answer: (event) => tell("answer", event),
  user: ({ user }) => { store.users.set(user.id, user); changed("people", "head", "console"); },
  group: ({ group }) => addGroup(group),
  connection: ({ connection, open }) => {
    if (open) store.connections.set(connection.id, connection);
    else store.connections.delete(connection.id);
    changed("console");
  },
  key: ({ key }) => { store.keys.set(key.id, key); changed("console"); },
  code: ({ code }) => {
    store.codes = [...store.codes, code].slice(-limits.codes);
    tell("code", code);
    changed("console");
  },
  call: ({ call }) => {
    store.calls = [...store.calls, call].slice(-limits.calls);
    count(store.methods, call.method, call.error);
    if (call.error?.includes("SANDBOX_METHOD_MISSING")) count(store.missing, call.method, true);
    const connection = store.connections.get(call.connection);
    if (connection) connection.calls++;
    changed("console");
  },
  reload: () => tell("reload"),
};

export function apply(event) {
  reducers[event.type]?.(event);
}
