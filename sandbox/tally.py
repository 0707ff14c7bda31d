"""Saying once what happened several times in a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

#: Seconds after the first time during which further ones are of the same moment.
MOMENT = 1.0


class Tally:
    """Counts what is told to it, and says it once the moment is over: how often, and the sum."""

    def __init__(self, say: Callable[[int, int], object], moment: float = MOMENT) -> None:
        self._say = say
        self._moment = moment
        self._times = 0
        self._sum = 0

    def add(self, number: int) -> None:
        """Count one more time, and what it came to."""
        if not self._times:
            asyncio.get_running_loop().call_later(self._moment, self._over)
        self._times += 1
        self._sum += number

    def _over(self) -> None:
        times, total = self._times, self._sum
        self._times = self._sum = 0
        self._say(times, total)
