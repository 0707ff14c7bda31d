// The box to write in, its suggestions, and which thread the line goes to.

import { el } from "./dom.js";

const SUGGESTIONS = ["audits coredns last 1h", "incident 1", "status", "help"];

export class Compose {
  #thread = null;

  /** `say(text, thread)` sends a line and resolves to whether it was taken; `thread` is null outside threads. */
  constructor(form, { say }) {
    this.say = say;
    this.box = el("textarea", {
      class: "compose-box", rows: 1, "data-testid": "compose", "aria-label": "Message", maxlength: 4000,
      placeholder: "Ask the auditor, e.g. audits coredns last 1h", spellcheck: "false",
      on: { keydown: (event) => this.#key(event), input: () => this.#grow() },
    });
    this.target = el("p", { class: "compose-target", "data-testid": "reply-target", hidden: true });
    this.hint = el("span", { class: "compose-hint" });
    const chips = SUGGESTIONS.map((text) => el("button", {
      type: "button", class: "chip", "data-testid": "suggestion", on: { click: () => this.#send(text) },
    }, text));
    form.append(
      el("div", { class: "chips", role: "group", "aria-label": "Suggestions" }, ...chips), this.target,
      el("div", { class: "compose-line" }, this.hint, this.box,
        el("button", { type: "submit", class: "tool primary", "data-testid": "send" }, "Send")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send(this.box.value);
    });
  }

  /** `bot` is the name that a line in a channel mentions. */
  setConversation({ kind }, bot) {
    this.hint.textContent = kind === "channel" ? `@${bot}` : "";
    this.hint.title = "In a channel a bot is told only what mentions it; the mention is put in for you.";
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
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#send(this.box.value);
    } else if (event.key === "Escape" && this.#thread !== null) this.replyTo(null);
  }

  #grow() {
    this.box.rows = Math.min(5, this.box.value.split("\n").length);
  }

  async #send(text) {
    const line = text.trim();
    if (line === "" || !await this.say(line, this.#thread)) return;
    if (this.box.value.trim() === line) this.box.value = "";
    this.#grow();
  }
}
