// The bar above: who I am, how it looks, and what is done to the alert, the workspace and Teams.

import { el, part, remember, remembered } from "./dom.js";
import { openMenu } from "./popover.js";

const FAULTS = [
  { what: "nothing", label: "Nothing: mend everything" },
  { heading: "The workspace" },
  { what: "workspace-down", label: "is down" },
  { what: "workspace-slow", label: "is slow" },
  { what: "workspace-throttled", label: "throttles (429)" },
  { what: "workspace-partial", label: "answers in part" },
  { what: "workspace-garbage", label: "answers garbage" },
  { what: "workspace-timeout", label: "does not answer in time (504)" },
  { what: "workspace-forbidden", label: "does not let the bot read (403)" },
  { what: "workspace-basic", label: "has tables on a Basic plan" },
  { what: "workspace-missing-table", label: "has no audit tables" },
  { what: "workspace-wrong-workspace", label: "is not found (404)" },
  { heading: "Teams" },
  { what: "teams-throttled", label: "throttles (429)" },
  { what: "teams-down", label: "is down" },
  { what: "teams-slow", label: "is slow" },
];
const WELL = new Set(["", "none", "nothing", "ok", "null", "undefined", "false"]);

export class Bar {
  #present = new Set();
  #stories = [];

  /** `on`: `person(id)`, `fire()`, `story(name, title)`, `resolve()`, `break(what)`. */
  constructor(on) {
    this.person = part("person");
    this.person.addEventListener("change", () => {
      remember("person", this.person.value);
      on.person(this.person.value);
    });
    for (const name of ["fire", "resolve"]) part(name).addEventListener("click", () => on[name]());
    this.storyButton = part("story");
    this.storyButton.addEventListener("click", () => this.#openStories(on.story));
    this.breakButton = part("break");
    this.breakButton.addEventListener("click", () => this.#openFaults(on.break));
    themed(part("theme"));
    sized(part("width"));
  }

  setAlert(alert) {
    part("alert").textContent = alert?.title || alert?.rule || "";
    part("alert").title = alert?.rule ?? "";
  }

  /** Those that can be told, `{name, title, sentence}`; without any there is no button. */
  setStories(stories) {
    this.#stories = stories ?? [];
    this.storyButton.hidden = this.#stories.length === 0;
  }

  /** Fills the list of people; answers the id of who is chosen. */
  setPeople(people) {
    const chosen = this.person.value || remembered("person");
    this.person.replaceChildren(...people.map(({ id, name, role }) => el("option", { value: id }, role ? `${name} · ${role}` : name)));
    if (people.some(({ id }) => id === chosen)) this.person.value = chosen;
    return this.person.value;
  }

  setFaults(faults) {
    this.#present = new Set(Object.entries(faults ?? {}).map(faultName).filter(Boolean));
    const broken = FAULTS.filter(({ what }) => this.#present.has(what)).map(({ what, label }) => `${owner(what)} ${label}`);
    const names = el("span", { class: "fault-names" }, `: ${broken.join(", ")}`);
    this.breakButton.replaceChildren(...broken.length === 0 ? ["Break"] : [el("span", {}, "Broken", names)]);
    this.breakButton.title = broken.join(", ");
    this.breakButton.setAttribute("data-fault", [...this.#present].join(" ") || "nothing");
    this.breakButton.classList.toggle("broken", broken.length > 0);
  }

  #openStories(choose) {
    openMenu(this.storyButton, "Story", this.#stories.map(({ name, title, sentence }) => ({
      label: title, note: sentence, value: name, testid: "story-item", choose: () => choose(name, title),
    })));
  }

  #openFaults(choose) {
    const items = FAULTS.map(({ heading, what, label }) => heading ? { heading } : {
      label, value: what, testid: "fault", choose: () => choose(what),
      checked: what === "nothing" ? this.#present.size === 0 : this.#present.has(what),
    });
    openMenu(this.breakButton, "Break", items);
  }
}

/** `["workspace", "down"]` and `["workspace", "workspace-down"]` name the same fault; what is well has none. */
function faultName([place, fault]) {
  const name = String(typeof fault === "object" ? fault?.kind ?? "" : fault);
  if (WELL.has(name)) return "";
  return name.startsWith(`${place}-`) ? name : `${place}-${name}`;
}

function owner(what) {
  return what.startsWith("teams") ? "Teams" : "workspace";
}

/** Dark or light: what the system says, until somebody chooses here. */
function themed(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const theme = remembered("theme") || (system.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-pressed", String(theme === "dark"));
  };
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    remember("theme", theme);
    document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-pressed", String(theme === "dark"));
  });
  system.addEventListener("change", apply);
  apply();
}

/** A phone's frame or the whole width; the thread sees for itself that its frame has changed. */
function sized(button) {
  const apply = (isPhone) => {
    document.body.classList.toggle("phone", isPhone);
    button.setAttribute("aria-pressed", String(isPhone));
  };
  button.addEventListener("click", () => {
    const isPhone = !document.body.classList.contains("phone");
    remember("width", isPhone ? "phone" : "wide");
    apply(isPhone);
  });
  apply(remembered("width") === "phone");
}
