"""When to try again what failed outside."""

from __future__ import annotations

import random
from datetime import timedelta

FIRST_WAIT = timedelta(seconds=2)
#: What was away is noticed within a minute of its return.
LONGEST_WAIT = timedelta(seconds=45)
#: What another side may ask for at most; a wrong clock over there must not silence us for a day.
LONGEST_ASKED = timedelta(minutes=15)


def wait_before(attempt: int, asked: timedelta | None, *, random_share: float | None = None) -> timedelta:
    """Return how long to wait after the failed `attempt` (from 1): exponential with jitter, never less than asked.

    Jitter keeps many conversations from coming back in one instant.
    """
    doubled: timedelta = FIRST_WAIT * 2 ** min(attempt - 1, 10)
    share = random.random() if random_share is None else random_share  # noqa: S311 - jitter is no secret
    wait = min(doubled, LONGEST_WAIT) * (0.5 + share / 2)
    return max(wait, min(asked, LONGEST_ASKED)) if asked else wait
