// Elements are made from text nodes and attributes only: nothing here reads markup out of a string.

/**
 * A new element. `attributes` takes any attribute by name; `false`, `null` and `undefined` leave it out and
 * `true` gives an empty one. `on` is a map of listeners. Children are nodes or strings (text).
 */
export function el(tag, { on = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The one element of this page that carries the test id; cards may hold any id, but never this attribute. */
export function part(testid, root = document) {
  return root.querySelector(`[data-testid="${testid}"]`);
}

/** Up to two letters that stand for a name in a round picture. */
export function initials(name) {
  const words = name.split(/[\s@.]+/u).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("") || "?";
}

/** Puts text on the clipboard; false where the browser does not allow it. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** What the browser remembers of the viewer's choices; "" where it may not remember. */
export function remembered(key) {
  try {
    return localStorage.getItem(`auditor-sandbox-${key}`) ?? "";
  } catch {
    return "";
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(`auditor-sandbox-${key}`, value);
  } catch {
    // A private window without storage: the choice lasts as long as the page.
  }
}
