// The sandbox's own API: what the page asks for, and the stream of what happens.

/** How long to wait before the sandbox is asked again after the stream broke, in milliseconds. */
const RETRY = 1500;

/** The sandbox answered with something else than success; `message` is for people, `status` 0 means no answer. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function asked(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  let response;
  let text;
  try {
    response = await fetch(`/sandbox/${path}`, options);
    text = await response.text();
  } catch {
    throw new Refused("The sandbox does not answer.", 0);
  }
  const answer = parsed(text);
  if (!response.ok) throw new Refused(reason(answer, text) || `It answered ${response.status}.`, response.status);
  return answer ?? {};
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function reason(answer, text) {
  const named = answer?.error ?? answer?.reason ?? answer?.text ?? answer?.message;
  return typeof named === "string" ? named : text.slice(0, 300);
}

export const api = {
  state: () => asked("state"),
  say: (line) => asked("say", line),
  click: (click) => asked("click", click),
  dialog: (submit) => asked("dialog", submit),
  fire: () => asked("fire", {}),
  story: (name) => asked("story", { name }),
  resolve: () => asked("resolve", {}),
  trail: (number) => asked(`trail?number=${encodeURIComponent(number)}`),
  break: (what) => asked("break", { what }),
  replica: (number, what) => asked("replica", { number, do: what }),
};

/**
 * Follows the sandbox for as long as the page is open. `on.state` gets the whole state at the start and each time
 * the stream was away; then `on.message`, `on.update`, `on.delete`, `on.typing`, `on.run`, `on.faults`, `on.replicas` as
 * things happen; `on.away` while the sandbox cannot be reached.
 *
 * EventSource would come back by itself, but to a stream that may have missed things, or that belongs to a new
 * sandbox with other messages: so the state is read again before the stream is taken up.
 */
export async function follow(on) {
  for (;;) {
    try {
      const state = await api.state();
      on.state(state);
      await streamed(state.seq, on);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    on.away();
    await new Promise((resolve) => setTimeout(resolve, RETRY));
  }
}

function streamed(seq, on) {
  return new Promise((resolve) => {
    const source = new EventSource(`/sandbox/events?after=${encodeURIComponent(seq)}`);
    for (const name of ["message", "update", "delete", "typing", "run", "faults", "replicas"]) {
      source.addEventListener(name, (event) => on[name](JSON.parse(event.data)));
    }
    source.addEventListener("error", () => {
      source.close();
      resolve();
    });
  });
}
