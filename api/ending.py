"""How the process ends: told once, one span of time for all that is in hand, and then by force."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable

#: From the signal to the end of the process, whatever hangs. A platform must wait longer than that before it kills.
LONGEST = 20.0
#: What of it may be waited for what is in hand; the rest is for letting go and closing.
PATIENCE = 17.0
#: The kernel ends us then, a little before the time is over.
BY_FORCE = LONGEST - 0.5


class Ending:
    """Begins once; from then on everything that is in hand shares the time that is left."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._begun_at = 0.0
        self._begun = asyncio.Event()

    @property
    def begun(self) -> bool:
        return self._begun.is_set()

    def begin(self) -> None:
        """Begin; what has begun goes on."""
        if not self.begun:
            self._begun_at = time.perf_counter()
            self._begun.set()

    async def wait(self) -> None:
        """Wait until it begins."""
        await self._begun.wait()

    def seconds(self) -> float:
        """Return how long ago it began; 0 before that."""
        return time.perf_counter() - self._begun_at if self.begun else 0.0

    def left(self) -> float:
        """Begin, and return how many seconds may still be waited: never less than 0."""
        self.begin()
        return max(0.0, self._patience - self.seconds())


def end_on_signals(begin: Callable[[], None]) -> None:
    """Call `begin` at the first SIGTERM or SIGINT; a second one ends the process at once. Needs a running loop."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def first() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        begin()

    for number in numbers:
        loop.add_signal_handler(number, first)


def end_by_force(after: float = BY_FORCE) -> None:
    """Have the kernel end this process after so many seconds, if it has not ended by then.

    Not a task and not a thread: either may be held up by the very thing that hangs (a blocked loop, a lock, a disk).
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, after)
