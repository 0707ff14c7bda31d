// The run: what the bot and the sandbox did, one line each, oldest first.

import { copyText, el } from "./dom.js";
import { bytes, counted, duration, second } from "./format.js";

const NEAR = 48;
const WORDS = {
  webhook: "Webhook", query: "Query", post: "Post", update: "Update", delete: "Delete", invoke: "Click",
  message: "Message", token: "Token", fault: "Fault", note: "Note",
};

export class Run {
  #seen = new Set();

  constructor(list) {
    this.list = list;
  }

  reset(entries) {
    this.#seen.clear();
    this.list.replaceChildren();
    for (const entry of entries) this.add(entry);
    this.list.scrollTop = this.list.scrollHeight;
  }

  /** One more step; false where it is there already (a stream may say a thing twice). */
  add(entry) {
    if (this.#seen.has(entry.seq)) return false;
    this.#seen.add(entry.seq);
    const { list } = this;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
    list.append(row(entry));
    if (isAtEnd) list.scrollTop = list.scrollHeight;
    return true;
  }
}

function row(entry) {
  const { seq, at, kind, title, status } = entry;
  // 0 stands for a connection that was cut.
  const failed = status === 0 || status >= 400;
  const line = [
    el("time", { class: "run-time", datetime: at, title: at }, second(at)),
    el("span", { class: "run-what" }, ...what(WORDS[kind] ?? kind, title ?? "")),
    el("span", { class: "run-facts" }, facts(entry)),
  ];
  const detail = written(entry.detail);
  const content = detail === ""
    ? el("div", { class: "run-line" }, ...line)
    : el("details", {}, el("summary", { class: "run-line" }, ...line), opened(detail));
  return el("li", {
    class: "run-entry", "data-testid": "run-entry", "data-kind": kind, "data-seq": seq, "data-failed": failed ? "true" : null,
  }, content);
}

/** The kind in front of the title, once. */
function what(word, title) {
  const rest = title.toLowerCase().startsWith(word.toLowerCase()) ? title.slice(word.length) : ` ${title}`;
  return [el("span", { class: "run-kind" }, word), rest];
}

function facts({ ms, rows, bytes: size, status }) {
  const parts = [];
  if (isNumber(status) && status >= 300) parts.push(String(status));
  if (isNumber(ms)) parts.push(duration(ms));
  if (isNumber(rows)) parts.push(counted(rows, "row"));
  if (isNumber(size) && size > 0) parts.push(bytes(size));
  return parts.join(" · ");
}

function isNumber(value) {
  return typeof value === "number";
}

/** The KQL, the JSON, whatever it is: as text. */
function written(detail) {
  if (detail === null || detail === undefined) return "";
  if (typeof detail !== "string") return JSON.stringify(detail, null, 2);
  if (!/^\s*[[{]/u.test(detail)) return detail.trim();
  try {
    return JSON.stringify(JSON.parse(detail), null, 2);
  } catch {
    return detail;
  }
}

function opened(text) {
  const copy = el("button", { type: "button", class: "link", "data-testid": "run-copy" }, "Copy");
  copy.addEventListener("click", async () => {
    copy.textContent = await copyText(text) ? "Copied" : "Not allowed";
  });
  return el("div", { class: "run-detail" }, copy, el("pre", { tabindex: "0", "data-testid": "run-detail" }, text));
}
