// "… is typing", as Teams shows it: for a few seconds, or until the message comes.

/** So long one sign is shown, in milliseconds: a bot that goes on sends the next one sooner. */
const SHOWN = 4000;

export class Typing {
  #timers = new Map();
  #names = new Map();
  #current = "";

  constructor(line) {
    this.line = line;
  }

  /** Somebody is typing in this conversation. */
  heard(conversation, name) {
    clearTimeout(this.#timers.get(conversation));
    this.#timers.set(conversation, setTimeout(() => this.over(conversation), SHOWN));
    this.#names.set(conversation, name);
    this.#draw();
  }

  over(conversation) {
    clearTimeout(this.#timers.get(conversation));
    this.#timers.delete(conversation);
    this.#names.delete(conversation);
    this.#draw();
  }

  reset() {
    for (const conversation of [...this.#names.keys()]) this.over(conversation);
  }

  /** The conversation that is looked at. */
  show(conversation) {
    this.#current = conversation;
    this.#draw();
  }

  #draw() {
    const name = this.#names.get(this.#current);
    const text = name ? `${name} is typing …` : "";
    if (this.line.textContent !== text) this.line.textContent = text;
  }
}
