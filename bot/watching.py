"""The chore that asks again what is watched, and ends what has come to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit.evidence import SETTLED_AFTER
from audit.filter import EventFilter, Wanted, Window
from bot.asked_line import wanted_of
from bot.counting import Counting
from bot.errors import OutsideError, Reason, Rejected
from bot.ports import Chore, Clock, Watched, Watches, Workspace
from bot.raising import Raising
from bot.reading import together

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=5)
#: Where a run could not do all there was.
SOON = timedelta(minutes=1)
#: A window is asked for once; what reaches the workspace later than that after it happened is not seen.
LATE = SETTLED_AFTER
#: Of what was missed, so much at once.
LONGEST = timedelta(days=1)
#: Watches asked by one run, those first that have waited longest; all others by the next.
MOST_A_RUN = 200
#: Watches asked side by side: half of what a workspace answers at once, so that people need not wait for them.
AT_ONCE = 2
#: One that lags behind by this much no longer gives way to people's questions.
PATIENCE = timedelta(minutes=30)
#: Failures that are about one question; with any other the workspace is left alone for the rest of the run.
_OF_ONE_QUESTION = frozenset({Reason.BAD_REQUEST, Reason.TOO_LARGE})


@dataclass(kw_only=True)
class _Run:
    """What one run learns on its way."""

    settled: datetime
    #: Ids of workspaces that do not answer now.
    silent: set[str] = field(default_factory=set)
    #: Something is left for a run soon.
    is_behind: bool = False


class Watching:
    """Asks each watch about the time since it was asked last, in each workspace for itself.

    A workspace that does not answer is asked for the same time again, at most LONGEST at once: nothing is lost. What
    another has found meanwhile is not told twice by this process; by the next one it may be, as a further alert of the
    same incident.
    """

    def __init__(
        self,
        *,
        store: Watches,
        counting: Counting,
        raising: Raising,
        clock: Clock,
        most_a_run: int = MOST_A_RUN,
    ) -> None:
        self._store = store
        self._counting = counting
        self._raising = raising
        self._clock = clock
        self._most_a_run = most_a_run
        #: By watch and workspace: up to here it has been asked, where that is further than for all.
        self._ahead: dict[tuple[int, str], datetime] = {}

    async def run(self, _chore: Chore | None = None) -> datetime:
        """Ask what is due; return when to do so again. Raises Unavailable(STORE)."""
        now = self._clock.now()
        next_end = await self._raising.end_what_is_over()
        watches = await self._store.watches()
        self._forget(watches)
        run = _Run(settled=now - LATE)
        # A run that came early, to end something, leaves alone what the last one has asked.
        due = sorted((w for w in watches if run.settled - w.until >= EVERY / 2), key=lambda w: w.until)
        run.is_behind = len(due) > self._most_a_run
        places = asyncio.Semaphore(AT_ONCE)

        async def asked(watched: Watched) -> None:
            async with places:
                await self._ask(watched, run)

        await together([asked(watched) for watched in due[: self._most_a_run]])
        again = self._clock.now() + (SOON if run.is_behind else EVERY)
        return again if next_end is None else min(again, max(next_end, now))

    def _forget(self, watches: Sequence[Watched]) -> None:
        known = {watched.number: watched.until for watched in watches}
        self._ahead = {
            (number, workspace): until
            for (number, workspace), until in self._ahead.items()
            if number in known and until > known[number]
        }

    async def _ask(self, watched: Watched, run: _Run) -> None:
        """Ask every workspace about its next window, and keep how far all have been asked."""
        what = wanted_of(watched.line)
        if what is None:
            # The grammar was another one when it was begun.
            log.error("a watch cannot be read", extra={"watch": watched.number})
            return
        outcomes = [
            await self._ask_one(watched, what, workspace, run) for workspace in self._counting.workspaces
        ]
        until = min((until for until, _ in outcomes), default=watched.until)
        found = sum(count for _, count in outcomes)
        run.is_behind |= watched.until < until <= run.settled - EVERY
        if until > watched.until or found:
            await self._store.asked_until(watched.number, until, found, self._clock.now())

    async def _ask_one(
        self, watched: Watched, what: Wanted, workspace: Workspace, run: _Run
    ) -> tuple[datetime, int]:
        """Return up to when this workspace has been asked now, and how many events it had."""
        start = self._ahead.get((watched.number, workspace.id), watched.until)
        # Both edges belong to a window: an event of the very microsecond is told twice rather than not at all.
        end = min(run.settled, start + LONGEST)
        if end <= start or workspace.id in run.silent:
            return start, 0
        wanted = EventFilter(window=Window(start=start, end=end), what=what, clusters=watched.clusters)
        try:
            count = await self._counting.events(workspace, wanted, is_aside=run.settled - start < PATIENCE)
        except OutsideError as failure:
            self._failed(watched, workspace, failure, run)
            return start, 0
        if count.events:
            await self._tell(watched, wanted, workspace)
        elif count.partial:
            # Nothing in the part that was answered says nothing of the rest.
            return start, 0
        self._ahead[watched.number, workspace.id] = end
        return end, count.events

    async def _tell(self, watched: Watched, wanted: EventFilter, workspace: Workspace) -> None:
        try:
            recorded = await self._raising.found(watched, wanted, workspace)
        except Rejected as failure:
            # The conversation ended a moment ago, and its watches with it; else it is a mistake of ours.
            level = logging.INFO if failure.reason is Reason.NOT_FOUND else logging.ERROR
            told = {"watch": watched.number, "reason": failure.reason, "detail": failure.detail}
            log.log(level, "a find was not told", extra=told)
            return
        number = recorded.incident.number if recorded.incident else None
        log.info("a watch found something", extra={"watch": watched.number, "incident": number})

    def _failed(self, watched: Watched, workspace: Workspace, failure: OutsideError, run: _Run) -> None:
        if failure.reason not in _OF_ONE_QUESTION:
            run.silent.add(workspace.id)
        told = {"watch": watched.number, "workspace": workspace.name, "reason": failure.reason}
        log.info("a watch was not answered", extra=told)
