// The box to write in, its suggestions, and which thread the line goes to.

import { el } from "./dom.js";
import { Suggestions } from "./suggestions.js";

/** So many are chips; the others are found by typing, or with the arrow keys. */
const CHIPS = 4;

export class Compose {
  #thread = null;
  #suggestions = [];

  /** `say(text, thread)` sends a line and resolves to whether it was taken; `thread` is null outside threads. */
  constructor(form, { say }) {
    this.say = say;
    this.box = el("textarea", {
      class: "compose-box", rows: 1, "data-testid": "compose", "aria-label": "Message", maxlength: 4000,
      placeholder: "Ask the auditor, e.g. audits coredns last 1h", spellcheck: "false",
      on: { keydown: (event) => this.#key(event), input: () => this.#written(), blur: () => this.list.close() },
    });
    this.list = new Suggestions(this.box, (line) => this.#fill(line));
    this.target = el("p", { class: "compose-target", "data-testid": "reply-target", hidden: true });
    this.hint = el("span", { class: "compose-hint" });
    this.chips = el("div", { class: "chips", role: "group", "aria-label": "Suggestions" });
    form.append(
      this.chips, this.target,
      el("div", { class: "compose-line" }, this.list.element, this.hint, this.box,
        el("button", { type: "submit", class: "tool primary", "data-testid": "send" }, "Send")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send(this.box.value);
    });
  }

  /** `{line, note}`, out of the app's manifest, the likeliest first. */
  setSuggestions(suggestions) {
    this.#suggestions = suggestions;
    this.chips.replaceChildren(...suggestions.slice(0, CHIPS).map(({ line, note }) => el("button", {
      type: "button", class: "chip", title: note, "data-testid": "suggestion", on: { click: () => this.#send(line) },
    }, line)));
  }

  /** `bot` is the name that a line in a channel mentions. */
  setConversation({ kind }, bot) {
    this.hint.textContent = kind === "personal" ? "" : `@${bot}`;
    this.hint.title = "Where there are several people a bot is told only what mentions it; the mention is put in for you.";
    this.replyTo(null);
  }

  /** The next line goes under this root; null: a new post. */
  replyTo(thread, name = "") {
    this.#thread = thread;
    this.target.hidden = thread === null;
    if (thread === null) return;
    this.target.replaceChildren(`Replying to ${name} `, el("button", {
      type: "button", class: "link", "data-testid": "reply-cancel", on: { click: () => { this.replyTo(null); this.box.focus(); } },
    }, "New post instead"));
    this.box.focus();
  }

  #key(event) {
    if (this.list.key(event)) return;
    if (event.key === "ArrowDown" && this.box.value === "") {
      event.preventDefault();
      this.list.open(this.#suggestions);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#send(this.box.value);
    } else if (event.key === "Escape" && this.#thread !== null) this.replyTo(null);
  }

  #written() {
    this.#grow();
    const typed = this.box.value.trim().toLowerCase();
    this.list.open(typed === "" ? [] : this.#suggestions.filter(({ line }) => line.startsWith(typed) && line !== typed));
  }

  #fill(line) {
    this.box.value = line;
    this.#grow();
    this.box.focus();
  }

  #grow() {
    this.box.rows = Math.min(5, this.box.value.split("\n").length);
  }

  async #send(text) {
    const line = text.trim();
    this.list.close();
    if (line === "" || !await this.say(line, this.#thread)) return;
    if (this.box.value.trim() === line) this.box.value = "";
    this.#grow();
  }
}
