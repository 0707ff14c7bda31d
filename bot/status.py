"""How things stand, for whoever asks `status`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.ports import Clock, Conversation, Load
from cards.status import Status, Waiting, Watching

#: The kinds of work of Backlog.load that people wait for, as they call them.
KINDS = {
    "notification": ("card", "cards"),
    "look": ("question to a workspace", "questions to workspaces"),
}
_NOTHING = Load(due=0, held=0, failed=0, oldest_due_at=None)


class Told(Protocol):
    """What of the store a status is told from."""

    async def load(self, now: datetime) -> Mapping[str, Load]: ...

    async def subscribed(self) -> Sequence[Conversation]: ...


class StatusReport:
    """Made when the process starts, which is what it tells as the start."""

    def __init__(
        self,
        *,
        store: Told,
        clock: Clock,
        workspaces: Sequence[str],
        watching: Callable[[], Watching | None] = lambda: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._workspaces = tuple(workspaces)
        self._watching = watching
        self._since = clock.now()

    async def now(self) -> Status:
        """Return how things stand. Raises Unavailable(Reason.STORE)."""
        now = self._clock.now()
        load = await self._store.load(now)
        return Status(
            at=now,
            since=self._since,
            workspaces=self._workspaces,
            conversations=[_name(where) for where in await self._store.subscribed()],
            waiting=[_waiting(what, load.get(kind, _NOTHING)) for kind, what in KINDS.items()],
            watching=self._watching(),
        )


def _waiting(what: tuple[str, str], load: Load) -> Waiting:
    return Waiting(
        what=what, due=load.due, held=load.held, failed=load.failed, oldest_due_at=load.oldest_due_at
    )


def _name(where: Conversation) -> str:
    return where.name or f"a conversation without a name ({where.kind})"
