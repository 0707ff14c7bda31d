"""The one loop that makes what is in Teams match what must be there: claim what is due, do it, let go.

What is to be done is a column in our tables, so a process that dies loses nothing: the row is still due.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from bot.errors import OutsideError
from bot.ports import Clock, Look, Notification, Work

log = logging.getLogger(__name__)

#: Rows in hand at once: queries wait for the workspace's four places anyway.
AT_ONCE = 8
#: Of those, looks: as many questions as the workspace answers at once.
LOOKS_AT_ONCE = 4
#: How long to sleep at most when nothing is due: another process, or a moved clock, may have made something due.
LONGEST_SLEEP = timedelta(seconds=1)
#: And at least: a row that is due but cannot be claimed must not make the loop spin.
SHORTEST_SLEEP = timedelta(milliseconds=20)
#: After a failure of the store, before it is asked again.
STORE_WAIT = timedelta(seconds=1)


class Worker:
    """Runs until `stop()`; `wake()` tells it that something has become due."""

    def __init__(
        self,
        *,
        work: Work,
        look: Callable[[Look], Awaitable[None]],
        notify: Callable[[Notification], Awaitable[None]],
        clock: Clock,
        owner: str,
    ) -> None:
        self._work = work
        self._look = look
        self._notify = notify
        self._clock = clock
        self._owner = owner
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stopping = False
        self._looking = 0

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Claim and do, until stopped; then finish what is in hand and let go."""
        while not self._stopping:
            self._woken.clear()
            try:
                if not await self.step():
                    await self._sleep()
            except OutsideError as failure:
                log.warning("the store does not answer", extra={"reason": failure.reason})
                await asyncio.sleep(STORE_WAIT.total_seconds())
            except Exception:
                # Whatever it was, a worker that ended here would leave every later alert without a card.
                log.exception("the worker stumbled")
                await asyncio.sleep(STORE_WAIT.total_seconds())
        await self.idle()
        with suppress(OutsideError):
            await self._work.release(self._owner)

    async def stop(self) -> None:
        self._stopping = True
        self.wake()

    async def idle(self) -> None:
        """Wait until nothing is in hand."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def step(self) -> int:
        """Claim what is due, as far as there is room, and start on it; return how many rows."""
        now = self._clock.now()
        room = AT_ONCE - len(self._tasks)
        if room <= 0:
            return 0
        # What is ready to be said goes first: looks at a workspace that hangs must not hold up cards.
        notifications = await self._work.claim_notifications(self._owner, now, room)
        for notification in notifications:
            self._start(self._notify(notification), notification.incident_key)
        room = min(room - len(notifications), LOOKS_AT_ONCE - self._looking)
        looks = await self._work.claim_looks(self._owner, now, room) if room > 0 else ()
        self._looking += len(looks)
        for look in looks:
            self._start(self._looked(look), look.incident_key)
        return len(looks) + len(notifications)

    async def _looked(self, look: Look) -> None:
        try:
            await self._look(look)
        finally:
            self._looking -= 1

    def _start(self, work: Awaitable[None], incident_key: str) -> None:
        task = asyncio.create_task(self._guarded(work, incident_key))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.wake()

    async def _guarded(self, work: Awaitable[None], incident_key: str) -> None:
        try:
            await work
        except OutsideError as failure:
            # The row stays claimed until its lease ends and is then due again.
            log.warning("work interrupted", extra={"incident": incident_key, "reason": failure.reason})
        except Exception:
            log.exception("work failed", extra={"incident": incident_key})

    async def _sleep(self) -> None:
        now = self._clock.now()
        due = await self._work.next_due(now) if len(self._tasks) < AT_ONCE else None
        wait = LONGEST_SLEEP if due is None else max(SHORTEST_SLEEP, min(due - now, LONGEST_SLEEP))
        with suppress(TimeoutError):
            async with asyncio.timeout(wait.total_seconds()):
                await self._woken.wait()
