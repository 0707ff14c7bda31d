"""Many incidents by rule and by what has become of them, and their numbers in few characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from audit.incident import Incident, State
from cards.words import SEVERITIES

NOT_ACKNOWLEDGED, ACKNOWLEDGED, OVER = "not acknowledged", "acknowledged", "over"
#: In the order of the card: what waits for somebody comes first.
STATES = (NOT_ACKNOWLEDGED, ACKNOWLEDGED, OVER)
_RANKS = {severity: rank for rank, severity in enumerate(SEVERITIES)}
#: A run of numbers that is shorter than this is written number by number.
_SHORTEST_RANGE = 3

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The incidents of one rule and severity, by number."""

    severity: str
    name: str
    incidents: Sequence[Incident]


def rules_of(incidents: Iterable[Incident]) -> Sequence[Rule]:
    """Group by severity and rule: the most severe first, then the one that most wait of, then by number."""
    groups: dict[tuple[str, str], list[Incident]] = {}
    for incident in sorted(incidents, key=lambda each: each.number):
        groups.setdefault((incident.severity, incident.rule), []).append(incident)
    rules = [Rule(severity=s, name=name, incidents=found) for (s, name), found in groups.items()]

    def order(rule: Rule) -> tuple[int, int, int]:
        waiting = by_state(rule.incidents)[NOT_ACKNOWLEDGED]
        return rank(rule.severity), -waiting, rule.incidents[0].number

    return sorted(rules, key=order)


def rank(severity: str) -> int:
    """Return 0 for the most severe, the greatest for what is none of Azure's severities."""
    return _RANKS.get(severity, len(_RANKS))


def state_of(incident: Incident) -> str:
    """Return which of STATES it is in."""
    if incident.state is State.RESOLVED:
        return OVER
    return ACKNOWLEDGED if incident.acknowledgement else NOT_ACKNOWLEDGED


def by_state(incidents: Iterable[Incident]) -> Counter[str]:
    return Counter(state_of(incident) for incident in incidents)


def exactly(numbers: Iterable[int]) -> str:
    """Return the numbers in rising order, runs of them as ranges: "#41–#50, #52"; "" for none."""  # noqa: RUF002
    return _written(_spans(sorted(set(numbers))))


def within(numbers: Iterable[int], limit: int) -> str:
    """Return ranges that hold all of the numbers; others too, where `limit` characters leave no other way.

    The smallest gaps are closed first. The first and the last number are told whatever the limit.
    """
    spans = _spans(sorted(set(numbers)))
    while len(text := _written(spans)) > limit and len(spans) > 1:
        gaps = sorted(after[0] - before[1] for before, after in pairwise(spans))
        # Half of the gaps at once: a few rounds are enough for any number of them.
        spans = _closed(spans, gaps[len(gaps) // 2])
    return text


def _spans(numbers: Sequence[int]) -> list[Span]:
    spans: list[Span] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans


def _closed(spans: Sequence[Span], widest: int) -> list[Span]:
    closed = [spans[0]]
    for start, end in spans[1:]:
        if start - closed[-1][1] <= widest:
            closed[-1] = (closed[-1][0], end)
        else:
            closed.append((start, end))
    return closed


def _written(spans: Iterable[Span]) -> str:
    return ", ".join(_range(start, end) for start, end in spans)


def _range(start: int, end: int) -> str:
    if end - start + 1 < _SHORTEST_RANGE:
        return ", ".join(f"#{number}" for number in range(start, end + 1))
    return f"#{start}–#{end}"  # noqa: RUF001
