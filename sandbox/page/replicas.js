// The bot's processes, where it runs as several: how each one is, and a button that ends it or starts it again.

import { el } from "./dom.js";

export class Replicas {
  #rows = new Map();

  /** `act(number, what)` is called with "kill" or "start". */
  constructor(root, act) {
    this.root = root;
    this.act = act;
  }

  /** Rows stay, so that whoever stands on a button with the keyboard still does when it has become another. */
  set(list = []) {
    this.root.hidden = list.length === 0;
    for (const replica of list) this.#row(replica.number).set(replica);
  }

  #row(number) {
    if (!this.#rows.has(number)) {
      const row = new Row(number, this.act);
      this.#rows.set(number, row);
      this.root.append(row.element);
    }
    return this.#rows.get(number);
  }
}

class Row {
  #what = "kill";

  constructor(number, act) {
    this.number = number;
    this.pid = el("span", { class: "replica-pid" });
    this.state = el("span", { class: "replica-state", role: "status" });
    this.button = el("button", {
      type: "button", class: "tool", "data-testid": "replica-button", on: { click: () => act(number, this.#what) },
    });
    this.element = el("li", { class: "replica", "data-testid": "replica" },
      el("span", { class: "replica-name" }, `Replica ${number}`), this.pid, this.state, this.button);
  }

  set({ pid, state }) {
    this.#what = state === "dead" ? "start" : "kill";
    this.element.dataset.state = state;
    this.pid.textContent = pid ? `pid ${pid}` : "";
    this.state.textContent = state;
    this.button.textContent = this.#what === "start" ? "Start" : "Kill";
    this.button.title = this.#what === "start" ? "Start it again" : "kill -9: it ends at once, whatever it has in hand";
    this.button.setAttribute("aria-label", `${this.button.textContent} replica ${this.number}`);
    this.button.disabled = state === "starting";
  }
}
