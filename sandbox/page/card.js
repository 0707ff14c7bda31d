// Cards, drawn by the adaptivecards library and set as Teams sets them.

import { TEAMS } from "./host.js";
import { openMenu } from "./popover.js";
import { MENTION_END, MENTION_START, prepared } from "./prepare.js";

const { AdaptiveCard, GlobalSettings, HostConfig, Strings, ToggleVisibilityAction } = globalThis.AdaptiveCards;

// The message has the focus ring; a card that is one more tab stop without a purpose only costs a key press.
GlobalSettings.setTabIndexAtCardRoot = false;
// This one writes the text's markup a second time, behind the back of whoever looked at the first.
GlobalSettings.useAdvancedTextBlockTruncation = false;
// Teams shows six; the seventh is to be found, not lost.
GlobalSettings.allowMoreThanMaxActionsInOverflowMenu = true;
Strings.defaults.overflowButtonText = () => "More";
Strings.defaults.overflowButtonTooltip = () => "More actions";

// "zero" knows plain paragraphs only; added is what Teams reads: bold, italic, lists and links. HTML stays text.
const markdown = globalThis.markdownit("zero", { html: false, breaks: true, linkify: false })
  .enable(["emphasis", "list", "link", "escape", "entity", "newline"]);
const MENTIONS = new RegExp(`${MENTION_START}([^${MENTION_END}]*)${MENTION_END}`, "gu");

AdaptiveCard.onProcessMarkdown = (text, result) => {
  // The mention's name has been escaped by the line before: it cannot bring markup of its own.
  result.outputHtml = markdown.render(text).replace(MENTIONS, '<span class="mention">$1</span>');
  result.didProcess = true;
};

const hostConfig = new HostConfig(TEAMS);
/** Actions that are not done with when the card has changed its own looks. */
const LEAVING = new Set(["Action.Execute", "Action.Submit", "Action.OpenUrl"]);

/**
 * Draws a card. `act(action, anchor)` gets every action that leaves the card: `{type, id, verb, title, data, url}` with
 * the inputs' values in `data`, and the element that a popover belongs beside. The answer's `element` is to be put
 * into the page; `carry(from)` takes over what was opened in an earlier drawing of the same card.
 *
 * Raises what the library raises where the JSON is no card.
 */
export function drawCard(json, { width, act }) {
  const card = new AdaptiveCard();
  card.hostConfig = hostConfig;
  let overflow = null;
  card.onExecuteAction = (action) => {
    // The library tells of folds as well, which it has done itself by then.
    if (LEAVING.has(action.getJsonTypeName())) act(sent(action), beside(action, overflow));
  };
  card.onAnchorClicked = (_element, anchor) => {
    act({ type: "Action.OpenUrl", title: anchor.textContent, url: anchor.getAttribute("href") }, anchor);
    return true;
  };
  card.onDisplayOverflowActionMenu = (actions, target) => {
    overflow = target;
    openMenu(target, "More actions", actions.map((action) => (
      { label: action.title ?? "", testid: "card-action", choose: () => action.execute() })));
    return true;
  };
  // The library goes on to write its own attributes when this returns.
  card.onElementVisibilityChanged = () => queueMicrotask(() => marked(card));
  card.onInlineCardExpanded = () => marked(card);
  card.parse(prepared(json, width));
  const element = card.render();
  if (!element) throw new Error("the card is empty");
  element.addEventListener("auxclick", heldBack);
  marked(card);
  return { element, carry: (from) => carried(from.library, card), library: card };
}

/** A bot's text message: markdown as in a card, without a card round it. */
export function drawText(text) {
  const card = { type: "AdaptiveCard", version: "1.5", body: [{ type: "TextBlock", wrap: true, text }] };
  return drawCard(card, { width: "standard", act: () => undefined }).element;
}

function sent(action) {
  const { id, verb, title, url } = action;
  const json = { type: action.getJsonTypeName(), title };
  if (id) json.id = id;
  if (verb) json.verb = verb;
  if (url) json.url = url;
  else json.data = action.data ?? {};
  return json;
}

function beside(action, overflow) {
  if (action.renderedElement?.isConnected) return action.renderedElement;
  return overflow?.isConnected ? overflow : document.activeElement;
}

/** The middle button would open a link without asking the library. */
function heldBack(event) {
  if (event.target.closest("a")) event.preventDefault();
}

/** Gives buttons their test id and says of what opens and folds whether it is open. */
function marked(card) {
  for (const button of card.renderedElement?.querySelectorAll("button.ac-pushButton") ?? []) {
    const more = button.getAttribute("aria-label") === "More actions";
    button.setAttribute("data-testid", more ? "card-more" : "card-action");
    if (more) button.setAttribute("aria-haspopup", "menu");
  }
  for (const action of card.getAllActions()) {
    if (!(action instanceof ToggleVisibilityAction)) continue;
    const handle = action.renderedElement ?? action.parent?.renderedElement;
    const targets = Object.keys(action.targetElements).map((id) => card.getElementById(id)).filter(Boolean);
    // The library says it of what unfolds, where the attribute has no meaning; it belongs on what is pressed.
    for (const target of targets) target.renderedElement?.removeAttribute("aria-expanded");
    const states = new Set(targets.map((target) => target.isVisible));
    // A button that swaps "show" for "hide" along with what it shows says by its words what it will do.
    if (handle && states.size === 1) handle.setAttribute("aria-expanded", String(states.has(true)));
  }
}

function carried(from, to) {
  for (const action of from.getAllActions()) {
    if (!(action instanceof ToggleVisibilityAction)) continue;
    for (const id of Object.keys(action.targetElements)) {
      const [was, is] = [from.getElementById(id), to.getElementById(id)];
      if (was && is) is.isVisible = was.isVisible;
    }
  }
  marked(to);
}
