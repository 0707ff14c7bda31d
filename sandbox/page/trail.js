// The run trail of an incident: what the bot itself keeps of its way, under its card.

import { el } from "./dom.js";
import { counted, duration, second } from "./format.js";

/** Before the subject, and before the duration. */
const WORDS = {
  received: ["Webhook received", "committed in"], found: ["Found in Azure's list", "committed in"],
  claimed: ["Taken by a worker", "after"], "taken over": ["Taken over from a worker that stopped", "after"],
  asked: ["Workspace asked", "took"], posted: ["Card posted", "took"], updated: ["Card updated", "took"],
  "put off": ["Put off", "took"], failed: ["Given up", "took"], folded: ["Folded into a digest", "took"],
  acknowledged: ["Acknowledged", "took"],
};
const FAILURES = new Set(["put off", "failed"]);
/** An incident's card ends with its number and facts; the last run like it is the card's own. */
const NUMBER = /^#(\d{1,9}) · /u;

export class TrailPanel {
  #number = null;
  #asked = 0;

  /** `ask(number)` answers `{steps}`, or raises with a message for people. */
  constructor(ask) {
    this.ask = ask;
    this.title = el("summary", { class: "trail-title" });
    this.note = el("p", { class: "trail-note", role: "status" });
    this.list = el("ol", { class: "trail-list", "data-testid": "trail-list", tabindex: "0", "aria-label": "Steps, oldest first" });
    this.element = el("details", { class: "trail", "data-testid": "trail", hidden: true, on: { toggle: () => this.#load() } },
      this.title, this.note, this.list);
  }

  /** Takes the card as it is now; one that is no incident's has no trail. */
  show(card) {
    const number = incidentOf(card);
    this.element.hidden = number === null;
    if (number !== this.#number) this.list.replaceChildren();
    this.#number = number;
    this.title.textContent = `Run trail of #${number}`;
    this.#load();
  }

  async #load() {
    if (!this.element.open || this.#number === null) return;
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const { steps } = await this.ask(this.#number);
      if (asked !== this.#asked) return;
      this.list.replaceChildren(...steps.map((step) => row(step, steps[0])));
      this.note.textContent = `${counted(steps.length, "step")}, as the bot keeps them`;
    } catch (error) {
      if (asked === this.#asked) this.note.textContent = error.message;
    }
  }
}

function incidentOf(card) {
  const numbers = runs(card?.body ?? []).map((text) => NUMBER.exec(text)?.[1]).filter(Boolean);
  return numbers.at(-1) ?? null;
}

function runs(value) {
  if (Array.isArray(value)) return value.flatMap(runs);
  if (value === null || typeof value !== "object") return [];
  return value.type === "TextRun" ? [String(value.text ?? "")] : Object.values(value).flatMap(runs);
}

function row(step, first) {
  const [what, before] = WORDS[step.step] ?? [step.step, "took"];
  const failed = FAILURES.has(step.step) || (step.step === "asked" && !["", "ok"].includes(step.reason));
  const facts = [
    typeof step.seconds === "number" ? `${before} ${duration(step.seconds * 1000)}` : "",
    step.attempt > 0 ? `attempt ${step.attempt}` : "", step.reason,
  ];
  return el("li", { class: "trail-step", "data-testid": "trail-step", "data-failed": failed ? "true" : null },
    el("time", { class: "trail-time", datetime: step.at, title: `${step.at}, ${since(step, first)} after the first step` }, second(step.at)),
    el("span", { class: "trail-what" }, el("span", { class: "trail-step-name" }, what), step.subject ? ` ${step.subject}` : ""),
    el("span", { class: "trail-facts" }, facts.filter(Boolean).join(" · ")));
}

function since(step, first) {
  return duration(new Date(step.at) - new Date(first.at));
}
