"""The chore that takes away what is older than it is kept."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.ports import Backlog, Chore, Clock

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)


class Retention:
    """Incidents are kept for `keep` after their newest alert, with everything that hangs on them."""

    def __init__(self, *, backlog: Backlog, clock: Clock, keep: timedelta) -> None:
        self._backlog = backlog
        self._clock = clock
        self._keep = keep

    async def clean(self, _chore: Chore) -> datetime:
        """Take away, a few hundred at a time, and return when to look again. Raises Unavailable(STORE)."""
        now = self._clock.now()
        gone = 0
        while some := await self._backlog.clean(now - self._keep):
            gone += some
        if gone:
            log.info("old incidents taken away", extra={"incidents": gone})
        return now + EVERY
