"""The cells of the fault matrix: what is broken, how, for how long, and which cells have no meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

#: In seconds: what the bot may take to be well again.
BAR = 60.0


class Part(StrEnum):
    WORKSPACE = "workspace"
    TOKEN = "token"
    KEYS = "keys"
    CONNECTOR = "connector"
    DISK = "disk"
    CLOCK = "clock"
    SQLITE = "database, SQLite"
    POSTGRESQL = "database, PostgreSQL"


class How(StrEnum):
    DOWN = "down"
    SLOW = "slow"
    GARBAGE = "garbage"
    FLAPPING = "flapping"


OUTSIDE = frozenset({Part.WORKSPACE, Part.TOKEN, Part.KEYS, Part.CONNECTOR})
#: What the bot keeps for hours once it has it: it is started anew under the fault.
KEPT = frozenset({Part.TOKEN, Part.KEYS})

WHY_NOT: Mapping[tuple[Part, How], str] = {
    (Part.DISK, How.SLOW): "a slow disk is to the bot a database that is slow: see there",
    (
        Part.DISK,
        How.GARBAGE,
    ): "a damaged file does not mend itself: the bot stays not ready until it is restored",
    (Part.CLOCK, How.DOWN): "a machine has a clock; one that stands still is the slow one",
    (Part.SQLITE, How.GARBAGE): "the same damaged file as of the disk",
}
CELLS = tuple((part, how) for part in Part for how in How if (part, how) not in WHY_NOT)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """All in seconds."""

    #: How long the fault lasts.
    lasting: float = 25.0
    #: How late a slow answer is.
    slow: float = 10.0
    #: How long each turn of flapping is.
    turn: float = 2.0
    #: Between two alerts.
    pause: float = 2.0
    #: After the fault, before it is given up.
    patience: float = BAR * 2
