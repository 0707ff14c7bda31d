// The conversations: one pane each, posts in order, replies under their root.

import { el } from "./dom.js";
import { day } from "./format.js";
import { MessageView } from "./message.js";

/** So near to the end counts as "at the end", in pixels. */
const NEAR = 48;

export class Thread {
  #panes = new Map();
  #views = new Map();
  #current = null;

  /** `act` and `trail` as in MessageView; `reply(thread, name)` asks to answer in a thread; `newer` is the button "new below". */
  constructor({ root, newer, act, reply, trail }) {
    this.root = root;
    this.newer = newer;
    this.hooks = { act, trail, room: () => this.#room() };
    this.reply = reply;
    this.me = "";
    newer.addEventListener("click", () => this.#toNewest());
    new ResizeObserver(() => this.#resized()).observe(root);
  }

  /** Makes a pane for each conversation, in place of what was there. */
  setConversations(conversations) {
    for (const { id, name, kind } of conversations) {
      if (!this.#panes.has(id)) this.#panes.set(id, this.#pane(id, name, kind));
    }
  }

  #pane(id, name, kind) {
    const element = el("div", {
      class: `pane ${kind === "channel" ? "channel" : "personal"}`, role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": `Messages in ${name}`,
      tabindex: "0", hidden: true, "data-testid": "pane", "data-conversation-id": id,
    }, el("p", { class: "empty" }, "Nothing has been posted here yet."));
    this.root.append(element);
    const pane = { element, kind, posts: new Map(), lastDay: "", fresh: null, scroll: null, atEnd: true };
    element.addEventListener("scroll", () => {
      pane.atEnd = isAtEnd(element);
      if (pane.atEnd) this.#settled(pane);
    }, { passive: true });
    return pane;
  }

  show(id) {
    const before = this.#panes.get(this.#current);
    if (before) {
      before.scroll = isAtEnd(before.element) ? null : before.element.scrollTop;
      before.element.hidden = true;
    }
    this.#current = id;
    const pane = this.#panes.get(id);
    if (!pane) return;
    pane.element.hidden = false;
    for (const view of this.#views.values()) view.resize();
    if (pane.scroll === null) toEnd(pane.element);
    else pane.element.scrollTop = pane.scroll;
    this.newer.hidden = pane.fresh === null;
  }

  setMe(me) {
    this.me = me;
    for (const view of this.#views.values()) view.setMe(me);
  }

  /** Takes the messages of a whole state: what is not in it goes, what is stays where it stands. */
  reset(messages) {
    // A sandbox that was started again gives the old ids to new messages: the same one has the same time, too.
    const kept = new Map(messages.map(({ id, at }) => [id, at]));
    for (const [id, view] of this.#views) if (kept.get(id) !== view.message.at) this.remove(id);
    for (const message of messages) this.upsert(message);
    const pane = this.#panes.get(this.#current);
    if (pane) toEnd(pane.element);
  }

  /** A new message, or one as it is now. True where it was not there before. */
  upsert(message) {
    const known = this.#views.get(message.id);
    const pane = this.#panes.get(message.conversation);
    if (known) known.update(message);
    if (known || !pane) return false;
    const view = new MessageView(message, this.me, this.hooks);
    this.#views.set(message.id, view);
    this.#place(pane, view, message);
    return true;
  }

  remove(id) {
    const view = this.#views.get(id);
    if (!view) return;
    this.#views.delete(id);
    view.element.remove();
    const pane = this.#panes.get(view.message.conversation);
    for (const [thread, post] of pane.posts) {
      if (post.element.querySelector('[data-testid="message"]')) continue;
      post.element.remove();
      pane.posts.delete(thread);
    }
    if (pane.posts.size > 0) return;
    pane.lastDay = "";
    pane.element.querySelectorAll(".day").forEach((label) => label.remove());
  }

  view(id) {
    return this.#views.get(id);
  }

  #place(pane, view, message) {
    const follows = isAtEnd(pane.element) || message.from.id === this.me;
    const thread = message.thread || message.id;
    const post = pane.posts.get(thread) ?? this.#post(pane, thread, message);
    (thread === message.id ? post.first : post.replies).append(view.element);
    view.element.classList.toggle("mine", message.from.id === this.me);
    if (pane.element.hidden) return;
    if (follows) bringIntoView(pane.element, view.element);
    else {
      pane.fresh = view;
      this.newer.hidden = false;
    }
  }

  #post(pane, thread, message) {
    if (day(message.at) !== pane.lastDay) {
      pane.lastDay = day(message.at);
      pane.element.append(el("p", { class: "day" }, pane.lastDay));
    }
    const first = el("div", { class: "post-first" });
    const replies = el("div", { class: "replies" });
    const answer = el("button", {
      type: "button", class: "reply", "data-testid": "reply", on: { click: () => this.reply(thread, message.from.name) },
    }, "Reply");
    const element = el("section", { class: "post", "data-thread": thread }, first, replies,
      pane.kind === "channel" ? answer : null);
    pane.element.append(element);
    const post = { element, first, replies };
    pane.posts.set(thread, post);
    return post;
  }

  #room() {
    const slot = this.#panes.get(this.#current)?.element.querySelector(".message-body");
    return slot?.clientWidth || Math.max(280, this.root.clientWidth - 96);
  }

  /** Who read the newest before the window changed reads the newest after it. */
  #resized() {
    for (const view of this.#views.values()) view.resize();
    const pane = this.#panes.get(this.#current);
    if (pane?.atEnd) pane.element.scrollTop = pane.element.scrollHeight;
  }

  #toNewest() {
    const pane = this.#panes.get(this.#current);
    if (pane?.fresh) bringIntoView(pane.element, pane.fresh.element);
    this.#settled(pane);
  }

  #settled(pane) {
    pane.fresh = null;
    if (pane === this.#panes.get(this.#current)) this.newer.hidden = true;
  }
}

function isAtEnd(element) {
  return element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
}

function toEnd(pane) {
  const last = [...pane.querySelectorAll('[data-testid="message"]')].at(-1);
  if (last) bringIntoView(pane, last);
}

/** To the end; but the first lines of a card are the message, so a tall one is shown from its top. */
function bringIntoView(pane, element) {
  const top = element.getBoundingClientRect().top - pane.getBoundingClientRect().top + pane.scrollTop;
  pane.scrollTop = element.offsetHeight > pane.clientHeight ? top - 12 : pane.scrollHeight;
}
