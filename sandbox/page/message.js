// One message: who and when, its text, its card, and what came of a click on it.

import { drawCard, drawText } from "./card.js";
import { el, initials } from "./dom.js";
import { minute } from "./format.js";
import { dependsOnWidth, isFull, widthClass } from "./prepare.js";
import { TrailPanel } from "./trail.js";

/** A card that Teams gives no full width is never wider than this, in pixels. */
const NARROW_CARD = 560;

/** Ends of the mention in a line that somebody typed. */
const MENTION = /<at[^>]*>([^<]*)<\/at>/gu;

export class MessageView {
  #json = "";
  #drawing = null;
  #width = "";
  #busy = false;
  /** Goes up with each state of the message that comes from the sandbox. */
  version = 0;

  /**
   * `act(view, action, anchor)` gets what is clicked in the card; `room()` is the width for cards in pixels;
   * `trail(number)` answers an incident's run trail.
   */
  constructor(message, me, { act, room, trail }) {
    this.act = act;
    this.room = room;
    this.me = me;
    this.textSlot = el("div", { class: "message-text" });
    this.cardSlot = el("div", { class: "message-card", "data-testid": "card" });
    this.trail = new TrailPanel(trail);
    this.noticeSlot = el("div", { class: "message-notice", role: "status" });
    this.edited = el("span", { class: "edited", "data-testid": "edited", hidden: true }, "Edited");
    this.element = this.#frame(message);
    this.update(message);
  }

  #frame({ id, from, at }) {
    const picture = el("span", { class: from.bot ? "avatar bot" : "avatar", "aria-hidden": "true", "data-tone": tone(from.name) },
      from.bot ? "" : initials(from.name));
    const head = el("header", { class: "message-head" },
      el("strong", { class: "message-name" }, from.name),
      from.bot ? el("span", { class: "badge" }, "App") : null,
      el("time", { datetime: at, title: at }, minute(at)), this.edited);
    return el("article", {
      class: "message arrived", tabindex: "-1", "data-testid": "message", "data-message-id": id,
      "data-bot": String(Boolean(from.bot)), "aria-label": `${from.name}, ${minute(at)}`,
    }, picture, el("div", { class: "message-body" }, head, this.textSlot, this.cardSlot, this.noticeSlot,
      from.bot ? this.trail.element : null));
  }

  /** Takes the message as it is now. A card that did not change stays as it stands, with what is open in it. */
  update(message) {
    const textBefore = this.message?.text;
    this.message = message;
    this.version += 1;
    this.edited.hidden = !message.edited;
    this.edited.title = typeof message.edited === "string" ? message.edited : "";
    if (message.text !== textBefore) this.textSlot.replaceChildren(...written(message));
    this.#show(message.cards_for?.[this.me] ?? message.card ?? null);
    this.trail.show(message.card);
  }

  setMe(me) {
    this.me = me;
    this.update(this.message);
  }

  /** The card that the bot answered this person's click with, unless a later state has come since `version`. */
  replaceCard(card, version) {
    if (version !== this.version) return;
    const own = { ...this.message.cards_for, [this.me]: card };
    this.update({ ...this.message, cards_for: own });
  }

  /** Draws again what would look different at the width that there is now. */
  resize() {
    if (this.#drawing === null || !dependsOnWidth(this.card) || this.#measured() === this.#width) return;
    const before = this.#drawing;
    this.#draw();
    this.#drawing?.carry(before);
  }

  /** While the bot is asked, a second click is not taken. */
  set busy(busy) {
    this.#busy = busy;
    this.cardSlot.setAttribute("aria-busy", String(busy));
  }

  /** A line under the card, as Teams shows what went wrong; "" clears it. */
  notice(text, kind = "info") {
    const line = el("p", { class: `notice ${kind}`, "data-testid": kind === "error" ? "message-error" : "message-notice" }, text);
    this.noticeSlot.replaceChildren(...text ? [line] : []);
  }

  focus() {
    this.element.focus({ preventScroll: true });
  }

  #show(card) {
    const json = JSON.stringify(card);
    if (json === this.#json) return;
    const hadFocus = this.cardSlot.contains(document.activeElement);
    this.#json = json;
    this.card = card;
    this.notice("");
    this.#draw();
    if (hadFocus) this.focus();
  }

  #measured() {
    const room = this.room();
    return widthClass(isFull(this.card) ? room : Math.min(room, NARROW_CARD));
  }

  #draw() {
    this.#drawing = null;
    this.cardSlot.classList.toggle("full", isFull(this.card));
    if (!this.card) {
      this.cardSlot.replaceChildren();
      return;
    }
    this.#width = this.#measured();
    try {
      this.#drawing = drawCard(this.card, {
        width: this.#width, act: (action, anchor) => { if (!this.#busy) this.act(this, action, anchor); },
      });
      this.cardSlot.replaceChildren(this.#drawing.element);
    } catch (error) {
      this.cardSlot.replaceChildren();
      this.notice(`This card cannot be drawn: ${error.message}.`, "error");
    }
  }
}

/** One of six colours for a name, the same each time. */
function tone(name) {
  return [...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6;
}

function written({ text, from }) {
  if (!text) return [];
  if (from.bot) return [drawText(text)];
  const parts = text.split(MENTION);
  return [el("p", { dir: "auto" }, ...parts.map((part, at) => at % 2 ? el("span", { class: "mention" }, part) : part))];
}
