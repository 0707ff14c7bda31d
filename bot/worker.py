"""The one loop that makes what is in Teams match what must be there: claim what is due, do it, let go.

What is to be done is a column in our tables, so a process that dies loses nothing: the row is still due, and is
somebody else's once its lease has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from bot.errors import OutsideError
from bot.ports import Chore, ChoreKind, Claim, Clock, Look, Meter, Notification, Work

log = logging.getLogger(__name__)

#: Conversations that are spoken in at once: a few that hang for half a minute must not hold up the others.
SENDS_AT_ONCE = 50
#: As many questions as the workspace answers at once.
LOOKS_AT_ONCE = 4
#: How long to sleep at most when nothing is due: another process, or a moved clock, may have made something due.
LONGEST_SLEEP = timedelta(seconds=1)
#: And at least: a row that is due but cannot be claimed must not make the loop spin.
SHORTEST_SLEEP = timedelta(milliseconds=20)
#: After being woken, before looking what is due.
GATHERING = timedelta(milliseconds=10)
#: After a failure of the store, before it is asked again.
STORE_WAIT = timedelta(seconds=1)
#: A third of the lease (bot.store.leases): two renewals may fail before somebody else takes the row over.
RENEW_EVERY = timedelta(seconds=8)
#: A chore that failed comes again after this.
CHORE_WAIT = timedelta(minutes=1)

ChoreDone = Callable[[Chore], Awaitable[datetime]]


class Worker:
    """Runs until `stop()`; `wake()` tells it that something has become due."""

    def __init__(
        self,
        *,
        work: Work,
        look: Callable[[Look], Awaitable[None]],
        notify: Callable[[Notification], Awaitable[None]],
        chores: Mapping[ChoreKind, ChoreDone],
        clock: Clock,
        meter: Meter,
        owner: str,
        sends_at_once: int = SENDS_AT_ONCE,
    ) -> None:
        """`chores`: each returns when it is due again."""
        self._work = work
        self._look = look
        self._notify = notify
        self._chores = chores
        self._clock = clock
        self._meter = meter
        self._owner = owner
        self._sends_at_once = sends_at_once
        self._held: dict[asyncio.Task[None], Claim] = {}
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Claim and do, until stopped; then let go of what is left."""
        renewing = asyncio.create_task(self._keep())
        try:
            while not self._stopping:
                self._woken.clear()
                await self._turn()
            await self.idle()
        finally:
            renewing.cancel()
        with suppress(OutsideError):
            await self._work.release(self._owner)

    async def stop(self, patience: float = 15.0) -> None:
        """Claim nothing more, and wait that many seconds for what is in hand; the rest is cut off, and due again."""
        self._stopping = True
        self.wake()
        if self._held:
            await asyncio.wait(set(self._held), timeout=patience)
        left = set(self._held)
        for task in left:
            task.cancel()
        if left:
            log.warning("cut off at the end", extra={"rows": len(left)})
            await asyncio.gather(*left, return_exceptions=True)

    async def idle(self) -> None:
        """Wait until nothing is in hand."""
        while self._held:
            await asyncio.wait(set(self._held))

    async def _turn(self) -> None:
        try:
            if not await self.step():
                await self._sleep()
        except OutsideError as failure:
            log.warning("the store does not answer", extra={"reason": failure.reason})
            await self._pause(STORE_WAIT)
        except Exception:
            # Whatever it was, a worker that ended here would leave every later alert without a card.
            log.exception("the worker stumbled")
            await self._pause(STORE_WAIT)

    async def step(self) -> int:
        """Claim what is due, as far as there is room, and start on it; return how many rows."""
        now = self._clock.now()
        notifications: Sequence[Notification] = ()
        looks: Sequence[Look] = ()
        # What is ready to be said goes first: looks at a workspace that hangs must not hold up cards.
        if room := self._room(Notification, self._sends_at_once):
            notifications = await self._work.claim_notifications(self._owner, now, room)
            self._start("notification", [(claim, self._notify(claim)) for claim in notifications])
        if room := self._room(Look, LOOKS_AT_ONCE):
            looks = await self._work.claim_looks(self._owner, now, room)
            self._start("look", [(claim, self._look(claim)) for claim in looks])
        chores: Sequence[Chore] = ()
        if room := self._room(Chore, 1):
            chores = await self._work.claim_chores(self._owner, now, room)
            self._start("chore", [(claim, self._chore(claim)) for claim in chores])
        return len(notifications) + len(looks) + len(chores)

    def _room(self, kind: type[Claim], most: int) -> int:
        return max(0, most - sum(isinstance(claim, kind) for claim in self._held.values()))

    def _start(self, kind: str, work: Sequence[tuple[Claim, Awaitable[None]]]) -> None:
        for claim, doing in work:
            task = asyncio.create_task(self._guarded(doing, claim))
            self._held[task] = claim
            task.add_done_callback(self._done)
        if work:
            self._meter.claimed(kind, len(work), sum(claim.taken_over for claim, _ in work))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._held.pop(task, None)
        self.wake()

    async def _guarded(self, work: Awaitable[None], claim: Claim) -> None:
        told = {"row": claim.id, "kind": type(claim).__name__}
        try:
            await work
        except OutsideError as failure:
            # The row stays claimed until its lease ends and is then due again.
            log.warning("work interrupted", extra={**told, "reason": failure.reason})
        except Exception:
            log.exception("work failed", extra=told)

    async def _chore(self, chore: Chore) -> None:
        again_at = self._clock.now() + CHORE_WAIT
        try:
            if do := self._chores.get(chore.kind):
                again_at = await do(chore)
            else:
                again_at = self._clock.now() + timedelta(days=1)
        except OutsideError as failure:
            log.warning("chore put off", extra={"chore": chore.kind, "reason": failure.reason})
        finally:
            await self._work.chore_done(chore, again_at)

    async def _keep(self) -> None:
        """Renew the leases of what is in hand, for as long as it takes."""
        while True:
            try:
                if self._held:
                    await self._work.renew(list(self._held.values()))
                if count := await self._work.pull_in(self._clock.now()):
                    log.warning("a clock was wrong: due dates pulled in", extra={"rows": count})
            except OutsideError as failure:
                log.warning("leases not renewed", extra={"reason": failure.reason})
            except Exception:
                log.exception("leases not renewed")
            await asyncio.sleep(RENEW_EVERY.total_seconds())

    async def _sleep(self) -> None:
        now = self._clock.now()
        due = await self._work.next_due(now)
        await self._pause(LONGEST_SLEEP if due is None else min(due - now, LONGEST_SLEEP))
        # In a storm we are woken all the time: what comes within a moment is claimed at once.
        await asyncio.sleep(GATHERING.total_seconds())

    async def _pause(self, wait: timedelta) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(wait, SHORTEST_SLEEP).total_seconds()):
                await self._woken.wait()
