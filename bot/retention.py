"""The chore that takes away what is older than it is kept."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.ports import Backlog, Chore, Clock, Keeping

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)


class Retention:
    """Incidents are kept for `keep` after their newest alert, with everything that hangs on them; questions as long.

    The ledger's lines are kept for `keep_ledger`; None: for ever.
    """

    def __init__(
        self,
        *,
        backlog: Backlog,
        chat: Keeping,
        clock: Clock,
        keep: timedelta,
        keep_ledger: timedelta | None = None,
    ) -> None:
        self._backlog = backlog
        self._chat = chat
        self._clock = clock
        self._keep = keep
        self._keep_ledger = keep_ledger

    async def clean(self, _chore: Chore) -> datetime:
        """Take away, a few hundred at a time, and return when to look again. Raises Unavailable(STORE)."""
        now = self._clock.now()
        gone = {"incidents": 0, "questions": 0, "ledger": 0}
        while some := await self._backlog.clean(now - self._keep):
            gone["incidents"] += some
        while some := await self._chat.forget(now - self._keep):
            gone["questions"] += some
        if self._keep_ledger is not None:
            while some := await self._chat.cut(now - self._keep_ledger, now):
                gone["ledger"] += some
        if any(gone.values()):
            log.info("what was old was taken away", extra=gone)
        return now + EVERY
