// What could be asked, above the box to write in: a list that is walked with the arrow keys.
// After https://www.w3.org/WAI/ARIA/apg/patterns/combobox/, as far as a box of several lines may be one.

import { el } from "./dom.js";

const ID = "page-suggestions";

export class Suggestions {
  #lines = [];
  #at = -1;

  /** `box` keeps the focus; `choose(line)` gets what was picked. */
  constructor(box, choose) {
    this.box = box;
    this.choose = choose;
    this.element = el("ul", { class: "suggestions", id: ID, role: "listbox", "aria-label": "Suggestions", "data-testid": "suggestions", hidden: true });
    for (const [name, value] of Object.entries({ "aria-autocomplete": "list", "aria-controls": ID, "aria-haspopup": "listbox" })) {
      box.setAttribute(name, value);
    }
  }

  /** Shows these, `{line, note}`; none closes it. */
  open(suggestions) {
    this.#lines = suggestions.map(({ line }) => line);
    this.element.replaceChildren(...suggestions.map(({ line, note }, at) => el("li", {
      class: "suggested", role: "option", id: `${ID}-${at}`, "aria-selected": "false", "data-testid": "suggested",
      // Before the box loses the focus, which would close the list under the pointer.
      on: { mousedown: (event) => { event.preventDefault(); this.#pick(at); } },
    }, line, el("span", { class: "suggested-note" }, note))));
    this.element.hidden = this.#lines.length === 0;
    this.#mark(-1);
  }

  close() {
    if (!this.element.hidden) this.open([]);
  }

  /** Takes a key where it is meant for the list; tells whether it was. */
  key(event) {
    if (this.element.hidden || event.isComposing) return false;
    const count = this.#lines.length;
    if (event.key === "ArrowDown") this.#mark((this.#at + 1) % count);
    else if (event.key === "ArrowUp") this.#mark((this.#at <= 0 ? count : this.#at) - 1);
    else if (event.key === "Escape") this.close();
    else if ((event.key === "Enter" || event.key === "Tab") && this.#at >= 0) this.#pick(this.#at);
    else return false;
    event.preventDefault();
    return true;
  }

  #pick(at) {
    const line = this.#lines[at];
    this.close();
    this.choose(line);
  }

  #mark(at) {
    this.#at = at;
    for (const [index, option] of [...this.element.children].entries()) option.setAttribute("aria-selected", String(index === at));
    if (at < 0) this.box.removeAttribute("aria-activedescendant");
    else {
      this.box.setAttribute("aria-activedescendant", `${ID}-${at}`);
      this.element.children[at].scrollIntoView({ block: "nearest" });
    }
  }
}
