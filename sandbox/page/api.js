// The sandbox's HTTP interface: docs/sandbox_page.md.

async function answerOf(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error?.message ?? `the sandbox answered ${response.status}`);
  return body;
}

async function get(path) {
  return answerOf(await fetch(path, { cache: "no-store" }));
}

async function post(path, body) {
  return answerOf(await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  }));
}

export const api = {
  state: () => get("/api/state"),
  messages: (owner, peer, before = 0) => get(`/api/chats/${owner}/${peer}/messages?limit=60&before=${before}`),
  send: (message) => post("/api/send", message),
  edit: (message) => post("/api/edit", message),
  remove: (as, chat, message) => post("/api/delete", { as, chat, message }),
  read: (as, chat, upTo) => post("/api/read", { as, chat, up_to: upTo }),
  click: (as, chat, message, data) => post("/api/click", { as, chat, message, data }),
  createUser: (name, username) => post("/api/users", { name, username }),
  createGroup: (group) => post("/api/groups", group),
  changeMember: (as, chat, user, change) => post("/api/members", { as, chat, user, change }),
};

// Calls `handlers.open` each time the stream (re)opens: whatever was missed is in the state then.
export function listen(handlers) {
  const source = new EventSource("/api/events");
  source.addEventListener("open", () => handlers.open());
  source.addEventListener("error", () => {
    handlers.lost();
    // A lost connection is tried again by the browser, a refusal (too many pages) is not.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000, handlers);
  });
  source.addEventListener("message", (event) => handlers.event(JSON.parse(event.data)));
}
