"""Running the sandbox's own check against the bot in one process, and breaking things in the middle of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox.check import Check
from sandbox.given import read_files
from sandbox.page_client import Json, PageClient
from sandbox.room import Person
from sandbox.yardstick import Yardstick
from tests.flows.laptop import ALERT, EVENTS, Laptop, options

#: All steps, in order.
STEPS = [
    "ready",
    "page",
    "installed",
    "webhook",
    "evidence",
    "card",
    "guest",
    "acknowledge",
    "second click",
    "copies",
    "raw log",
    "chat",
    "resolved",
    "stopped",
]
PATIENCE = 10.0
#: For what is known never to come.
HURRY = 0.7


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a run of the check came to: its lines, by step."""

    green: bool
    lines: list[str]

    def steps(self, colour: str) -> list[str]:
        """Return the names of the steps of this colour, in order."""
        return [line[6:19].strip() for line in self.lines if line.split()[0] == colour]

    def said(self, step: str) -> str:
        return next(line[20:] for line in self.lines if line[6:19].strip() == step)


@dataclass(kw_only=True)
class Saboteur:
    """Hears every line, and does something as soon as a step has been told."""

    after: dict[str, list[Callable[[], object]]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        for act in self.after.get(line[6:19].strip(), ()):
            act()


async def _ended() -> int:
    return 0


async def checked(
    it: Laptop,
    *,
    alert: Path = ALERT,
    events: Path = EVENTS,
    after: Mapping[str, Callable[[], object]] | None = None,
    page: PageClient | None = None,
    is_ready: Callable[[], Awaitable[bool]] | None = None,
    stop: Callable[[], Awaitable[int | None]] = _ended,
    hurry_after: str = "",
) -> Checked:
    """Run the check on a laptop that was opened with the same files; after `hurry_after` it waits only shortly."""
    given, ears = read_files(options(alert, events)), Saboteur()
    check = Check(
        page=page or it.page,
        alert=given.alert,
        is_common=given.is_common,
        yardstick=Yardstick(it.engine, given.alert, given.rows),
        is_ready=is_ready or it.process.is_ready,
        stop=stop,
        say=ears,
        patience=PATIENCE,
    )

    def hurry() -> None:
        check.patience = HURRY

    ears.after = {name: [act] for name, act in (after or {}).items()}
    ears.after.setdefault(hurry_after, []).append(hurry)
    green = await check.run()
    return Checked(green=green, lines=ears.lines)


class Misquoting(PageClient):
    """The page's API, with some words of everybody's cards and of answers replaced by others."""

    def __init__(self, page: PageClient, words: str, other: str) -> None:
        super().__init__(page._session, page._url)
        self._words = words
        self._other = other

    async def state(self) -> Json:
        return self._altered(await super().state())

    async def call(self, name: str, /, **body: object) -> Json:
        return self._altered(await super().call(name, **body))

    def _altered(self, part: Json) -> Json:
        return {key: _replaced(value, self._words, self._other) for key, value in part.items()}


def _replaced(part: object, words: str, other: str) -> object:
    if isinstance(part, dict):
        return {key: _replaced(value, words, other) for key, value in part.items()}
    if isinstance(part, list):
        return [_replaced(item, words, other) for item in part]
    return part.replace(words, other) if isinstance(part, str) else part


def make_member(it: Laptop, name: str) -> None:
    """Let the guest of this name be a member of the team's own tenant, before anything is posted."""
    room = it.site.room
    home = room.people[0].tenant_id

    def changed(people: tuple[Person, ...]) -> tuple[Person, ...]:
        return tuple(replace(p, role="member", tenant_id=home) if p.name == name else p for p in people)

    room.people = changed(room.people)
    room.conversations = tuple(replace(c, people=changed(c.people)) for c in room.conversations)
