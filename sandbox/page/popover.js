// Small things that open beside a button: menus, and where a link would have gone.

import { copyText, el } from "./dom.js";

const GAP = 4;

/**
 * Opens a menu beside `anchor`. Items: `{label, note?, testid, choose, checked?, value?, heading?}`; `note` is a
 * sentence below the label, `checked` (true or false) makes it one of a choice, `heading` is a line between items. The arrow keys walk, Escape closes, focus goes back.
 */
export function openMenu(anchor, label, items) {
  const menu = el("div", { class: "menu", role: "menu", "aria-label": label, "data-testid": "menu" });
  const close = opened(anchor, menu);
  for (const item of items) {
    menu.append(item.heading ? el("p", { class: "menu-heading", role: "presentation" }, item.heading) : menuItem(item, close));
  }
  menu.addEventListener("keydown", (event) => walk(event, menu));
  place(menu, anchor);
  (menu.querySelector("[aria-checked=true]") ?? menu.querySelector("button"))?.focus();
}

function menuItem(item, close) {
  const isChoice = item.checked !== undefined;
  return el("button", {
    type: "button", class: "menu-item", role: isChoice ? "menuitemradio" : "menuitem", tabindex: "-1",
    "aria-checked": isChoice ? String(item.checked) : null, "data-testid": item.testid, "data-value": item.value,
    on: { click: () => { close(); item.choose(); } },
  }, ...item.note ? [el("span", { class: "menu-label" }, item.label), el("span", { class: "menu-note" }, item.note)] : [item.label]);
}

function walk(event, menu) {
  const items = [...menu.querySelectorAll("button")];
  const at = items.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Tab") menu.hidePopover();
  if (next === undefined) return;
  event.preventDefault();
  items[next % items.length].focus();
}

/** Shows where a link goes. It is not followed: the sandbox stands for Azure, and nothing may leave this machine. */
export function openUrl(anchor, url) {
  const field = el("textarea", { class: "url", readonly: true, rows: 3, "aria-label": "Address of the link", "data-testid": "url" });
  field.value = url;
  const copy = el("button", { type: "button", class: "tool primary", "data-testid": "copy-url" }, "Copy");
  const panel = el("div", { class: "link-panel", role: "dialog", "aria-label": "Where this link goes", "data-testid": "url-popover" },
    el("p", {}, "Teams would open this page. The sandbox opens nothing outside itself:"), field, copy);
  copy.addEventListener("click", async () => {
    field.select();
    copy.textContent = await copyText(url) ? "Copied" : "Marked: copy it with the keyboard";
  });
  opened(anchor, panel);
  place(panel, anchor);
  copy.focus();
}

function opened(anchor, panel) {
  panel.popover = "auto";
  // In a modal dialog everything outside is inert, a popover of the page as well.
  (anchor.closest("dialog") ?? document.body).append(panel);
  panel.addEventListener("toggle", (event) => {
    anchor.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState !== "closed") return;
    const hadFocus = panel.contains(document.activeElement) || document.activeElement === document.body;
    panel.remove();
    if (hadFocus && anchor.isConnected) anchor.focus();
  });
  panel.showPopover();
  return () => {
    panel.hidePopover();
    if (anchor.isConnected) anchor.focus();
  };
}

function place(panel, anchor) {
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const below = box.bottom + GAP + height <= window.innerHeight || box.top < height + GAP;
  panel.style.top = `${below ? box.bottom + GAP : box.top - GAP - height}px`;
  panel.style.left = `${Math.max(GAP, Math.min(box.left, window.innerWidth - width - GAP))}px`;
}
