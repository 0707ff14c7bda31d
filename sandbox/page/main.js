// Puts the parts together: what comes from the sandbox goes to them, what people do goes to the sandbox.

import { api, follow, Refused } from "./api.js";
import { Bar } from "./bar.js";
import { Compose } from "./compose.js";
import { TaskDialog } from "./dialog.js";
import { part } from "./dom.js";
import { counted, duration, moment } from "./format.js";
import { openUrl } from "./popover.js";
import { Replicas } from "./replicas.js";
import { Run } from "./run.js";
import { Side } from "./side.js";
import { Thread } from "./thread.js";
import { Typing } from "./typing.js";

const GONE = "The sandbox is not running any more; start it again with make demo.";
const NOTES = { channel: "Channel", groupChat: "Group chat" };
/** Longer than the retry, so that one lost connection does not flash a warning. */
const PATIENCE = 2500;
const TOAST = 6000;

let me = "";
let conversations = [];
let current = "";
let clockAhead = 0;
let goneTimer = 0;
let toastTimer = 0;
let unseenSteps = 0;

const run = new Run(part("run-list"));
const side = new Side(part("conversations"), choose);
const dialog = new TaskDialog({ submit: turnPage, url: openUrl });
const compose = new Compose(part("compose-form"), { say });
const thread = new Thread({
  root: part("thread"), newer: part("newer"), act: clicked, reply: (root, name) => compose.replyTo(root, name), trail: api.trail,
});
const typing = new Typing(part("typing"));
const replicas = new Replicas(part("replicas"), (number, what) => done("", () => api.replica(number, what)));
const bar = new Bar({
  person: become,
  fire: () => done("Fired", api.fire),
  story: (name, title) => done(title, () => api.story(name)),
  resolve: () => done("Resolved", api.resolve),
  break: (what) => done("", () => api.break(what)),
});

// -- what the sandbox says ---------------------------------------------------------------------------------------

function restate(state) {
  present();
  clockAhead = new Date(state.now).getTime() - Date.now();
  bar.setAlert(state.alert);
  bar.setStories(state.stories);
  bar.setFaults(state.faults);
  replicas.set(state.replicas);
  compose.setSuggestions(state.suggestions ?? []);
  typing.reset();
  conversations = state.conversations;
  thread.setConversations(conversations);
  current ||= state.messages.at(-1)?.conversation ?? "";
  me = "";
  become(bar.setPeople(state.people));
  thread.reset(state.messages);
  side.reset();
  for (const message of state.messages) side.heard(message, false);
  run.reset(state.run);
}

function arrived(message) {
  present();
  if (message.from.bot) typing.over(message.conversation);
  side.heard(message, thread.upsert(message) && message.from.bot);
}

function stepped(entry) {
  present();
  if (run.add(entry) && document.body.dataset.view === "chat") countUnseen(unseenSteps + 1);
}

function away() {
  goneTimer ||= setTimeout(() => {
    part("gone").textContent = GONE;
    part("gone").hidden = false;
  }, PATIENCE);
}

function present() {
  clearTimeout(goneTimer);
  goneTimer = 0;
  part("gone").hidden = true;
}

// -- what people do ----------------------------------------------------------------------------------------------

function become(person) {
  if (person === me) return;
  me = person;
  thread.setMe(me);
  const mine = visible();
  side.draw(mine);
  choose(mine.some(({ id }) => id === current) ? current : mine[0]?.id ?? "");
}

/** Nobody sees a conversation that they are not in. */
function visible() {
  return conversations.filter(({ people }) => people.includes(me));
}

function choose(id) {
  const conversation = conversations.find((one) => one.id === id);
  if (!conversation) return;
  current = id;
  side.mark(id);
  part("conversation-title").textContent = conversation.name;
  part("conversation-note").textContent = NOTES[conversation.kind] ?? "Only you and the app";
  typing.show(id);
  compose.setConversation(conversation, visible().find(({ kind }) => kind === "personal")?.name ?? "Auditor");
  thread.show(id);
}

async function say(text, root) {
  const line = { person: me, conversation: current, text };
  if (root) line.thread = root;
  try {
    await api.say(line);
    return true;
  } catch (error) {
    toast(refusal(error), true);
    return false;
  }
}

async function clicked(view, action, anchor) {
  if (action.type === "Action.OpenUrl") {
    openUrl(anchor, action.url ?? "");
    return;
  }
  // Teams itself says this line in the person's name: the bot gets a message, not a click.
  if (action.data?.msteams?.type === "imBack") {
    await say(String(action.data.msteams.value ?? ""), view.message.thread || null);
    return;
  }
  view.busy = true;
  view.notice("");
  const { version } = view;
  try {
    answered(view, version, await api.click({ person: me, message: view.message.id, action }));
  } catch (error) {
    view.notice(refusal(error), "error");
  } finally {
    view.busy = false;
  }
}

function answered(view, version, { kind, card, title, text, status }) {
  if (kind === "card") view.replaceCard(card, version);
  else if (kind === "dialog") dialog.show({ title, card }, view);
  else if (kind === "message") view.notice(text ?? "");
  else if (kind === "error") view.notice(wrong(text, status), "error");
}

async function turnPage(view, action) {
  dialog.busy = true;
  try {
    const { kind, card, title, text, status } = await api.dialog({ person: me, message: view.message.id, data: action.data });
    if (kind === "card" || kind === "dialog") dialog.show({ title, card }, view);
    else if (kind === "message") dialog.say(text ?? "");
    else if (kind === "error") dialog.error(wrong(text, status));
    else dialog.close();
  } catch (error) {
    dialog.error(refusal(error));
  } finally {
    dialog.busy = false;
  }
}

async function done(what, ask) {
  try {
    const { status, ms, text } = await ask();
    if (what) toast(`${what}: the webhook answered ${status} in ${duration(ms)}${incident(text)}.`, status >= 400);
  } catch (error) {
    toast(refusal(error), true);
  }
}

/** An alert that joins an incident changes a card further up, where nobody would look for it. */
function incident(answer) {
  try {
    const { incident: number } = JSON.parse(answer);
    return number ? `; it belongs to incident #${number}` : "";
  } catch {
    return "";
  }
}

/** As Teams words it, and then what it was. */
function wrong(text, status) {
  return `Something went wrong. ${text ?? ""}${status >= 400 ? ` (${status})` : ""}`.trim();
}

function refusal(error) {
  if (!(error instanceof Refused)) throw error;
  return error.status === 0 ? GONE : wrong(error.message, error.status);
}

// -- small things of the page itself -----------------------------------------------------------------------------

function toast(text, isError = false) {
  const line = part("toast");
  line.textContent = text;
  line.classList.toggle("error", isError);
  line.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { line.hidden = true; }, TOAST);
}

function view(name) {
  document.body.dataset.view = name;
  for (const button of document.querySelectorAll(".view")) button.setAttribute("aria-pressed", String(button.dataset.view === name));
  if (name === "run") countUnseen(0);
}

function countUnseen(count) {
  unseenSteps = count;
  part("run-unseen").hidden = count === 0;
  part("run-unseen").textContent = count;
  part("run-unseen").setAttribute("aria-label", counted(count, "new step"));
}

function tick() {
  const now = new Date(Date.now() + clockAhead);
  part("clock").textContent = moment(now);
  part("clock").setAttribute("datetime", now.toISOString());
}

for (const button of document.querySelectorAll(".view")) button.addEventListener("click", () => view(button.dataset.view));
setInterval(tick, 1000);
follow({
  state: (state) => { restate(state); tick(); },
  message: arrived,
  update: arrived,
  delete: ({ id }) => thread.remove(id),
  typing: ({ conversation, name }) => typing.heard(conversation, name),
  run: stepped,
  faults: (faults) => bar.setFaults(faults),
  replicas: (list) => replicas.set(list),
  away,
});
