"""Rate limits as sliding windows, counted by whoever is called."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

#: Calls and seconds, per conversation; updates count.
#: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
PER_CONVERSATION = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
#: All of a bot's calls in one tenant, of the same page.
PER_TENANT = ((50, 1.0),)
#: Queries of one identity.
#: https://learn.microsoft.com/azure/azure-monitor/service-limits#log-queries-and-language
PER_IDENTITY = ((200, 30.0),)


class Windows:
    """Counts calls by key against limits, each of which is (calls, seconds)."""

    def __init__(self, limits: Sequence[tuple[int, float]]) -> None:
        self._limits = limits
        self._longest = max(seconds for _, seconds in limits)
        self._calls: dict[str, deque[float]] = defaultdict(deque)

    def wait(self, key: str, now: float) -> float:
        """Return the seconds until there is room for one more call; 0.0 where there is."""
        calls = self._calls[key]
        while calls and calls[0] <= now - self._longest:
            calls.popleft()
        waits = [calls[-count] + seconds - now for count, seconds in self._limits if len(calls) >= count]
        return max(0.0, *waits) if waits else 0.0

    def spend(self, key: str, now: float) -> None:
        """Count a call."""
        self._calls[key].append(now)
