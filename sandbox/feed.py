"""What the page hears while it is open: every change of the room, the run and the faults, numbered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.room import Room
from sandbox.run import Run


@dataclass(frozen=True, kw_only=True)
class Event:
    seq: int
    name: str
    data: Any


class Feed:
    """Keeps the last `keep` events, so that who was told the state at one number misses nothing after it."""

    def __init__(self, room: Room, run: Run, *, keep: int = 5000) -> None:
        self._events: deque[Event] = deque(maxlen=keep)
        self._news = asyncio.Event()
        self.seq = 0
        self.closed = False
        room.subscribe(self.publish)
        run.subscribe(lambda entry: self.publish("run", entry.to_json()))

    def publish(self, name: str, data: Any) -> None:
        """Append an event and wake who waits for one."""
        self.seq += 1
        self._events.append(Event(seq=self.seq, name=name, data=data))
        self._wake()

    def close(self) -> None:
        """End all streams: without this, an open page would hold up the sandbox's end."""
        self.closed = True
        self._wake()

    def after(self, seq: int) -> Sequence[Event] | None:
        """Return the events later than `seq`; None if some are no longer kept, or `seq` is of another sandbox."""
        if not 0 <= self.seq - seq <= len(self._events):
            return None
        return [event for event in self._events if event.seq > seq]

    async def wait(self, seq: int, seconds: float) -> None:
        """Return when there is an event later than `seq`, when the feed is closed, or after `seconds`."""
        news = self._news
        if self.seq > seq or self.closed:
            return
        try:
            await asyncio.wait_for(news.wait(), seconds)
        except TimeoutError:
            return

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
