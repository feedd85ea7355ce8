// What comes up over the page: short notes, a bot's alert, questions.
import { $, h, icon } from "./dom.js";
import { api } from "./api.js";

export function toast(text, kind = "") {
  const note = h("div", { class: `toast ${kind}` }, h("span", {}, text),
    h("button", { type: "button", class: "icon-button small", "aria-label": "Close", onclick: () => note.remove() }, icon("close", 16)));
  $("toasts").append(note);
  while ($("toasts").children.length > 3) $("toasts").firstChild.remove();
  setTimeout(() => note.remove(), 4000 + 50 * text.length);
}

export const failed = (error) => toast(error.message, "bad");

// Shows a dialog; resolves with what `close` is called with, undefined for Esc.
export function ask(label, build) {
  return new Promise((resolve) => {
    let value;
    const close = (result) => { value = result; dialog.close(); };
    const dialog = h("dialog", { class: "dialog", "aria-label": label, onclose: () => { dialog.remove(); resolve(value); } });
    dialog.append(...build(close));
    document.body.append(dialog);
    dialog.showModal();
  });
}

export function alertFrom(name, text) {
  return ask(`${name} says`, (close) => [
    h("h2", {}, name), h("p", {}, text),
    h("div", { class: "dialog-buttons" }, h("button", { type: "button", class: "primary", autofocus: true, onclick: () => close() }, "OK")),
  ]);
}

export function confirmDialog(title, text, action) {
  return ask(title, (close) => [
    h("h2", {}, title), h("p", {}, text),
    h("div", { class: "dialog-buttons" },
      h("button", { type: "button", autofocus: true, onclick: () => close(false) }, "Cancel"),
      h("button", { type: "button", class: "primary", onclick: () => close(true) }, action)),
  ]);
}

// The form for a new person, here and in the first-run card.
export function personForm(done, cancel) {
  const name = h("input", { id: "person-name", name: "name", required: true, maxlength: "64", placeholder: "Ada Lovelace", autocomplete: "off", autofocus: true });
  const username = h("input", { id: "person-username", name: "username", maxlength: "32", pattern: "[A-Za-z][A-Za-z0-9_]{3,31}",
    title: "4 to 32 letters, digits and _, beginning with a letter", placeholder: "ada", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      done(await api.createUser(name.value.trim(), username.value.trim()));
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  return h("form", { class: "person-form", onsubmit: submit },
    h("label", { for: "person-name" }, "Name"), name,
    h("label", { for: "person-username" }, "Username ", h("small", {}, "optional")),
    h("div", { class: "at-field" }, h("span", { "aria-hidden": "true" }, "@"), username), problem,
    h("div", { class: "dialog-buttons" }, cancel && h("button", { type: "button", onclick: cancel }, "Cancel"),
      h("button", { type: "submit", class: "primary" }, cancel ? "Create" : "Start chatting")));
}

export function newPerson() {
  return ask("New person", (close) => [h("h2", {}, "New person"),
    h("p", {}, "Someone of this sandbox, for you to be."), personForm(close, () => close())]);
}
