// Groups and channels: making one, and who is in it.
import { avatar, fill, h, iconButton } from "./dom.js";
import { api } from "./api.js";
import { ask, failed } from "./dialogs.js";
import { addGroup, bots, groupOf, isIn, nameOf, on, people, store, userOf } from "./store.js";

const kinds = {
  group: { name: "group", chip: "group", title: "Basic group", about: "up to 200 people, messages in everybody's own box" },
  supergroup: { name: "supergroup", chip: "group", title: "Supergroup", about: "one history for all, may have a name" },
  channel: { name: "channel", chip: "channel", title: "Channel", about: "admins post, everybody reads" },
};

export const kindOf = (group) => kinds[group.kind] ?? kinds.group;

const others = () => [...people(), ...bots(), ...[...store.users.values()].filter((user) => user.scripted)].filter((user) => user.id !== store.me);

function choice(name, kind, checked) {
  const id = `kind-${name}`;
  return h("div", { class: "choice" }, h("input", { type: "radio", name: "kind", id, value: name, checked, "aria-describedby": `${id}-about` }),
    h("label", { for: id }, kind.title), h("small", { id: `${id}-about` }, kind.about));
}

function guest(user) {
  const id = `guest-${user.id}`;
  return h("div", { class: "guest" }, h("input", { type: "checkbox", id, value: String(user.id) }),
    h("label", { for: id }, avatar(user, "small"), h("span", {}, user.name)));
}

function groupForm(done, cancel) {
  const title = h("input", { id: "group-title", name: "title", required: true, maxlength: "128", placeholder: "Friends of coffee", autocomplete: "off", autofocus: true });
  const username = h("input", { id: "group-username", name: "username", maxlength: "32", pattern: "[A-Za-z][A-Za-z0-9_]{3,31}",
    title: "4 to 32 letters, digits and _, beginning with a letter", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const named = h("div", { class: "named", hidden: true }, h("label", { for: "group-username" }, "Username ", h("small", {}, "optional")),
    h("div", { class: "at-field" }, h("span", { "aria-hidden": "true" }, "@"), username));
  const problem = h("p", { class: "problem", role: "alert" });
  const form = h("form", { class: "person-form group-form",
    onchange: () => { named.hidden = form.elements.kind.value === "group"; },
    onsubmit: async (event) => {
      event.preventDefault();
      problem.textContent = "";
      const kind = form.elements.kind.value;
      const members = [...form.querySelectorAll("[type=checkbox]:checked")].map((box) => Number(box.value));
      try {
        done(await api.createGroup({ as: store.me, kind, title: title.value.trim(), members,
          ...(kind !== "group" && username.value.trim() ? { username: username.value.trim() } : {}) }));
      } catch (error) {
        problem.textContent = error.message;
      }
    } },
  h("fieldset", {}, h("legend", {}, "Kind"), Object.entries(kinds).map(([name, kind], index) => choice(name, kind, index === 0))),
  h("label", { for: "group-title" }, "Title"), title, named,
  h("fieldset", {}, h("legend", {}, "Members"), h("div", { class: "guests" }, others().map(guest))), problem,
  h("div", { class: "dialog-buttons" }, h("button", { type: "button", onclick: cancel }, "Cancel"),
    h("button", { type: "submit", class: "primary" }, "Create")));
  return form;
}

// Resolves with the group that was made.
export async function newGroup() {
  const group = await ask("New group or channel", (close) => [h("h2", {}, "New group or channel"), groupForm(close, () => close())]);
  if (group) addGroup(group);
  return group;
}

// --- who is in it

const roleOf = (group, member) => member.user === group.creator ? "creator" : member.admin ? "admin" : userOf(member.user)?.bot ? "bot" : "";

function memberRow(group, member, change) {
  const mine = member.user === store.me;
  const away = mine && member.user !== group.creator || group.creator === store.me && !mine;
  const role = roleOf(group, member);
  return h("li", { class: "member" }, avatar(userOf(member.user), "small"),
    h("span", { class: "option-name" }, nameOf(member.user), role && h("small", {}, role)),
    away && iconButton(mine ? "leave" : "close", mine ? "Leave" : `Remove ${nameOf(member.user)}`, () => change(member.user, "remove"),
      { class: "icon-button small", "data-key": `remove-${member.user}` }));
}

function addingLine(absent, chosen, change) {
  if (absent.length === 0) return undefined;
  const select = h("select", { id: "add-member", "data-key": "add-member" },
    absent.map((user) => h("option", { value: String(user.id), selected: String(user.id) === chosen }, user.name)));
  return h("div", { class: "add-member" }, h("label", { for: "add-member" }, "Add"), select,
    h("button", { type: "button", class: "primary", "data-key": "add", onclick: () => change(Number(select.value), "add") }, "Add"));
}

let redraw; // of the dialog that is open
on("people", () => redraw?.());

export async function groupMembers(id) {
  if (!groupOf(id)) return;
  await ask("Members", (close) => {
    const list = h("ul", { class: "members" });
    const adding = h("div", {});
    const heading = h("h2", {});
    const change = (user, what) => api.changeMember(store.me, id, user, what).then(addGroup, failed);
    let offered;
    redraw = () => {
      const group = groupOf(id);
      if (!group) { close(); return; }
      heading.textContent = `${group.name}: ${group.size} ${group.size === 1 ? "member" : "members"}`;
      const more = group.size - group.members.length;
      fill(list, ...group.members.map((member) => memberRow(group, member, change)), more > 0 && h("li", { class: "quiet" }, `and ${more} more`));
      const absent = isIn(group, store.me) ? others().filter((user) => !isIn(group, user.id)) : [];
      const now = absent.map((user) => `${user.id} ${user.name}`).join("\n");
      if (now === offered) return; // made anew, a list that is open would close
      offered = now;
      fill(adding, addingLine(absent, adding.querySelector("select")?.value, change));
    };
    redraw();
    return [heading, h("div", { id: "members-of" }, list, adding),
      h("div", { class: "dialog-buttons" }, h("button", { type: "button", class: "primary", autofocus: true, onclick: () => close() }, "Close"))];
  });
  redraw = undefined;
}
