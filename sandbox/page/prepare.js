// What Teams does to a card before the library sees it: mentions, and elements meant for other widths.

/** Widest card of each class in pixels: Teams' `targetWidth`; what is wider than all is "wide". */
const CLASSES = [["verynarrow", 165], ["narrow", 350], ["standard", 768], ["wide", Infinity]];
const ORDER = CLASSES.map(([name]) => name);

// Private use characters stand for a mention's ends while the text goes through markdown; none may come in.
export const MENTION_START = "\uE000";
export const MENTION_END = "\uE001";
const ENDS = /[\uE000\uE001]/gu;

const CHART = "Teams draws a chart here; this is its fallback.";

/** Name of the width class of a card so many pixels wide. */
export function widthClass(pixels) {
  return CLASSES.find(([, most]) => pixels <= most)[0];
}

/** Whether Teams lets the card use the whole width of the thread. */
export function isFull(card) {
  return String(card?.msteams?.width ?? "").toLowerCase() === "full";
}

/** A copy of the card as the library is to draw it at this width class; the card itself is left as it is. */
export function prepared(card, width) {
  const named = (card?.msteams?.entities ?? [])
    .filter((entity) => entity?.type === "mention" && typeof entity.text === "string")
    .map((entity) => entity.text);
  return walked(card, width, named);
}

/** Whether drawing the card at another width class may show something else. */
export function dependsOnWidth(card) {
  return JSON.stringify(card).includes('"targetWidth"');
}

function walked(value, width, named, marks = false) {
  if (typeof value === "string") return marks ? mentioned(value, named) : value.replace(ENDS, "");
  if (Array.isArray(value)) {
    return value.filter((item) => fits(item?.targetWidth, width)).map((item) => walked(item, width, named));
  }
  if (value === null || typeof value !== "object") return value;
  if (isChart(value)) return walked(withoutChart(value), width, named);
  const copy = {};
  for (const [key, item] of Object.entries(value)) {
    // What a button sends back is the bot's own and goes back as it came.
    copy[key] = key === "data" ? item : walked(item, width, named, isMarkdown(value, key));
  }
  return copy;
}

function isChart({ type }) {
  return typeof type === "string" && type.startsWith("Chart.");
}

/** The library draws no charts: what stands in for one, and a word that it does. */
function withoutChart({ fallback, spacing, separator, isVisible, id }) {
  const note = { type: "TextBlock", text: CHART, wrap: true, size: "small", isSubtle: true, spacing: "small" };
  const drawn = fallback !== null && typeof fallback === "object" ? [fallback] : [];
  const frame = Object.entries({ id, spacing, separator, isVisible }).filter(([, given]) => given !== undefined);
  return { type: "Container", ...Object.fromEntries(frame), items: [...drawn, note] };
}

/** Teams reads markdown and mentions in TextBlock and in facts, which have no type of their own. */
function isMarkdown(owner, key) {
  return owner.type === "TextBlock" ? key === "text" : owner.type === undefined && (key === "title" || key === "value");
}

function mentioned(text, named) {
  let marked = text.replace(ENDS, "");
  for (const mention of named) {
    const name = mention.replace(/^<at>|<\/at>$/gu, "");
    marked = marked.replaceAll(mention, `${MENTION_START}${name}${MENTION_END}`);
  }
  return marked;
}

function fits(target, width) {
  if (typeof target !== "string") return true;
  const [bound, name] = target.toLowerCase().includes(":") ? target.toLowerCase().split(":") : ["", target.toLowerCase()];
  const [is, wanted] = [ORDER.indexOf(width), ORDER.indexOf(name)];
  if (wanted < 0) return true;
  if (bound === "atleast") return is >= wanted;
  return bound === "atmost" ? is <= wanted : is === wanted;
}
