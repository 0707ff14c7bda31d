// The dialog that a card's button opens: only who clicked sees it, and it pages inside itself.

import { drawCard } from "./card.js";
import { el } from "./dom.js";

export class TaskDialog {
  #view = null;
  #busy = false;

  /** `submit(view, action)` gets a button pressed in the dialog, `url(anchor, url)` a link. */
  constructor({ submit, url }) {
    this.submit = submit;
    this.url = url;
    this.heading = el("h2", { class: "dialog-title", id: "page-dialog-title", "data-testid": "dialog-title" });
    this.body = el("div", { class: "dialog-body", "data-testid": "dialog-body", tabindex: "0", role: "group", "aria-label": "Content" });
    this.line = el("p", { class: "notice error", role: "alert", "data-testid": "dialog-error", hidden: true });
    this.element = el("dialog", { class: "dialog", "data-testid": "dialog", "aria-labelledby": "page-dialog-title" },
      el("header", { class: "dialog-head" }, this.heading,
        el("button", { type: "button", class: "close", "aria-label": "Close", "data-testid": "dialog-close", on: { click: () => this.close() } }, "✕")),
      this.body, this.line);
    // The browser gives the focus back by itself, unless the button has been drawn anew meanwhile.
    this.element.addEventListener("close", () => {
      if (document.activeElement === document.body) this.#view?.focus();
    });
    document.body.append(this.element);
  }

  get isOpen() {
    return this.element.open;
  }

  /** Opens it, or turns the page of the open one. `view` is the message that it belongs to. */
  show({ title, card }, view) {
    this.#view = view;
    this.error("");
    if (title || !this.isOpen) this.heading.textContent = title || "Details";
    this.#draw(card);
    if (!this.isOpen) this.element.showModal();
    this.body.scrollTop = 0;
    this.body.focus();
  }

  /** Only text came back: Teams shows it in the dialog's place. */
  say(text) {
    this.error("");
    this.body.replaceChildren(el("p", { class: "dialog-text" }, text));
  }

  error(text) {
    this.line.textContent = text;
    this.line.hidden = text === "";
  }

  set busy(busy) {
    this.#busy = busy;
    this.body.setAttribute("aria-busy", String(busy));
  }

  close() {
    this.element.close();
  }

  #draw(card) {
    try {
      const { element } = drawCard(card, { width: "standard", act: (action, anchor) => this.#act(action, anchor) });
      this.body.replaceChildren(element);
    } catch (error) {
      this.body.replaceChildren();
      this.error(`This card cannot be drawn: ${error.message}.`);
    }
  }

  #act(action, anchor) {
    if (action.type === "Action.OpenUrl") this.url(anchor, action.url);
    else if (!this.#busy) this.submit(this.#view, action);
  }
}
