// The list of conversations: channels under the team, and the personal chat.

import { el } from "./dom.js";

export class Side {
  #rows = new Map();
  #lines = new Map();
  #unread = new Map();
  #current = "";

  /** `choose(id)` is called when somebody picks a conversation. */
  constructor(root, choose) {
    this.root = root;
    this.choose = choose;
  }

  /** Forgets what was said: a state follows. */
  reset() {
    this.#lines.clear();
  }

  draw(conversations) {
    const rows = (kind) => conversations.filter((one) => (one.kind === "channel") === (kind === "channel")).map((one) => this.#row(one));
    this.#rows.clear();
    this.root.replaceChildren(
      el("h2", { class: "side-head" }, "Channels"), el("ul", {}, ...rows("channel")),
      el("h2", { class: "side-head" }, "Chat"), el("ul", {}, ...rows("personal")));
    this.mark(this.#current);
  }

  #row({ id, name, kind }) {
    const last = el("span", { class: "side-last" });
    const unread = el("span", { class: "count", "data-testid": "unread", hidden: true });
    const button = el("button", {
      type: "button", class: `side-row ${kind}`, "data-testid": "conversation", "data-conversation-id": id,
      on: { click: () => this.choose(id) },
    }, el("span", { class: "side-name" }, name), unread, last);
    this.#rows.set(id, { button, last, unread });
    this.#written(id);
    return el("li", {}, button);
  }

  mark(id) {
    this.#current = id;
    for (const [key, row] of this.#rows) {
      if (key === id) row.button.setAttribute("aria-current", "page");
      else row.button.removeAttribute("aria-current");
    }
    this.#unread.delete(id);
    this.#written(id);
  }

  /** What was said last there: the line that a phone's notification would show. `isNew` counts it as unread. */
  heard({ conversation, text, summary, from, at }, isNew) {
    if (at < (this.#lines.get(conversation)?.at ?? "")) return;
    const line = summary || `${from.name}: ${(text ?? "").replace(/<\/?at[^>]*>|\*\*/gu, "")}`;
    this.#lines.set(conversation, { at, line });
    if (isNew && conversation !== this.#current) this.#unread.set(conversation, (this.#unread.get(conversation) ?? 0) + 1);
    this.#written(conversation);
  }

  #written(id) {
    const row = this.#rows.get(id);
    if (!row) return;
    const count = this.#unread.get(id) ?? 0;
    row.last.textContent = this.#lines.get(id)?.line ?? "";
    row.last.title = row.last.textContent;
    row.unread.hidden = count === 0;
    row.unread.textContent = count;
    row.unread.setAttribute("aria-label", `${count} unread`);
  }
}
