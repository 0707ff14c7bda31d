"""One card for the many incidents of a storm in one conversation, updated in place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from audit.incident import Incident
from cards import words
from cards.actions import toggle
from cards.elements import FULL_WIDTH, AdaptiveCard, Container, RichTextBlock
from cards.size import BUDGET, weight
from cards.storm import (
    ACKNOWLEDGED,
    NOT_ACKNOWLEDGED,
    OVER,
    STATES,
    Rule,
    by_state,
    exactly,
    rank,
    rules_of,
    state_of,
    within,
)
from cards.text import Times, counted, joined, line, named, run, summary_text

_STYLES = {0: "attention", 1: "attention", 2: "warning"}
_MOST_CLUSTERS = 3
#: Of more incidents the numbers are folded away: on a phone they would be screens of digits.
_MOST_OPEN = 60


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much of a storm a card tells."""

    #: Incidents of one rule that have a line each; of more, the numbers stand together.
    lines: int
    #: Rules that have a paragraph of their own.
    rules: int
    #: Characters of one piece of foreign text.
    text: int
    #: Characters of the numbers of the rules without one; beyond that they are told by ranges that hold them.
    numbers: int


#: From most to least. The last is small by itself.
LADDER = (
    Extent(lines=12, rules=40, text=80, numbers=6000),
    Extent(lines=4, rules=40, text=80, numbers=6000),
    Extent(lines=0, rules=40, text=80, numbers=6000),
    Extent(lines=0, rules=40, text=40, numbers=6000),
    Extent(lines=0, rules=24, text=40, numbers=8000),
    Extent(lines=0, rules=12, text=40, numbers=8000),
    Extent(lines=0, rules=4, text=30, numbers=8000),
    Extent(lines=0, rules=1, text=12, numbers=6000),
    Extent(lines=0, rules=0, text=12, numbers=6000),
)


def digest_card(incidents: Sequence[Incident], *, zone: ZoneInfo, at: datetime) -> dict[str, Any]:
    """Return the incidents, as they are at `at`, as one Adaptive Card 1.5 of at most cards.size.BUDGET bytes.

    Every incident's number stands on it, alone or within a range; what is told of each gets less as they get more.
    """
    times, rules = Times(zone=zone, day=_began(incidents, at)), rules_of(incidents)
    card: dict[str, Any] = {}
    for extent in LADDER:
        card = _card(incidents, rules, extent, times, at).to_dict()
        if weight(card) <= BUDGET:
            break
    return card


def digest_summary(incidents: Sequence[Incident], *, zone: ZoneInfo, at: datetime) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    return summary_text(_head(incidents, Times(zone=zone, day=_began(incidents, at))))


def _card(
    incidents: Sequence[Incident], rules: Sequence[Rule], extent: Extent, times: Times, at: datetime
) -> AdaptiveCard:
    first, second = _head(incidents, times)
    top = [line(run(first, weight="bolder", size="medium")), line(second, spacing="small")]
    body: list[Any] = [Container(items=top, style=_style(incidents), bleed=True)]
    numbered: list[RichTextBlock] = []
    for rule in rules[: extent.rules]:
        heading, lines, numbers = _paragraph(rule, extent, times)
        body += [heading, *lines, *numbers]
        numbered += numbers
    left = _left_out(rules[extent.rules :], extent)
    body += left
    if len(incidents) > _MOST_OPEN:
        body.insert(1, _folded([*numbered, *left[1:]]))
    return AdaptiveCard.of([*body, *_foot(incidents, times, at)], [], msteams=FULL_WIDTH)


def _folded(numbers: Sequence[RichTextBlock]) -> Container:
    """Fold the lines of numbers away, and return the line that shows all of them."""
    for n, each in enumerate(numbers):
        each.id, each.visible = f"n{n}", False
    show = line(run("▸ Show the incidents' numbers", color="accent"), id="show")
    hide = line(run("▾ Hide the incidents' numbers", color="accent"), id="hide", visible=False)
    targets = ["show", "hide", *(f"n{n}" for n in range(len(numbers)))]
    return Container(items=[show, hide], select_action=toggle("Show or hide the numbers", targets))


def _began(incidents: Sequence[Incident], at: datetime) -> datetime:
    return min((incident.opened_at for incident in incidents), default=at)


# --- the first lines -------------------------------------------------------------------------------


def _head(incidents: Sequence[Incident], times: Times) -> tuple[str, str]:
    """Return how many wait, how severe, and how much it is altogether."""
    states = by_state(incidents)
    waiting = states[NOT_ACKNOWLEDGED]
    become = f"{waiting:,} {NOT_ACKNOWLEDGED}" if waiting else "none waits to be acknowledged"
    where = len({incident.subject_id for incident in incidents} - {""})
    facts = (
        _severities(incidents),
        *(f"{states[state]:,} {state}" for state in STATES[1:] if states[state]),
        counted(sum(incident.alert_count for incident in incidents), "alert"),
        counted(len({incident.rule for incident in incidents}), "rule"),
        counted(where, "cluster") if where else "",
        _opened(incidents, times),
    )
    return f"Storm: {counted(len(incidents), 'incident')}, {become}", joined(facts)


def _severities(incidents: Sequence[Incident]) -> str:
    """Return how severe what waits is: "2 critical, 11 warning"; "" where nothing waits."""
    found = Counter(rank(each.severity) for each in incidents if state_of(each) == NOT_ACKNOWLEDGED)
    names = (*(name.lower() for name in words.SEVERITIES.values()), "of another severity")
    told = ", ".join(f"{found[place]:,} {name}" for place, name in enumerate(names) if found[place])
    return f"Waiting: {told}" if told else ""


def _opened(incidents: Sequence[Incident], times: Times) -> str:
    if not incidents:
        return ""
    first, last = (pick(incident.opened_at for incident in incidents) for pick in (min, max))
    newest = f", the newest {times.at(last)}" if last > first else ""
    return f"since {times.dated(first)}{newest} ({times.stated()})"


def _style(incidents: Sequence[Incident]) -> str:
    """Support the words: by the worst that nobody has taken on."""
    waiting = [rank(incident.severity) for incident in incidents if state_of(incident) == NOT_ACKNOWLEDGED]
    if waiting:
        return _STYLES.get(min(waiting), "accent")
    return "good" if all(state_of(incident) == OVER for incident in incidents) else "emphasis"


# --- one rule --------------------------------------------------------------------------------------


def _paragraph(
    rule: Rule, extent: Extent, times: Times
) -> tuple[RichTextBlock, Sequence[RichTextBlock], Sequence[RichTextBlock]]:
    """Return the heading, then a line for each incident where they are few, else lines of their numbers by state."""
    severity = words.severity(rule.severity, extent.text)
    name = named(rule.name, "(rule without a name)", extent.text)
    alone = len(rule.incidents) <= extent.lines
    alerts = sum(incident.alert_count for incident in rule.incidents)
    facts = (
        counted(len(rule.incidents), "incident"),
        counted(alerts, "alert") if alerts > len(rule.incidents) else "",
        "" if alone else f"{_become_of(rule.incidents)} · {_clusters(rule.incidents, extent.text)}",
    )
    title = run(joined((severity, name)), weight="bolder")
    heading = line(title, f" · {joined(facts)}", separator=True, spacing="medium")
    if alone:
        return heading, [_row(incident, extent.text, times) for incident in rule.incidents], []
    return heading, [], _numbers(rule.incidents)


def _row(incident: Incident, limit: int, times: Times) -> RichTextBlock:
    where = named(incident.subject_name, "(no cluster named)", limit)
    alerts = counted(incident.alert_count, "alert") if incident.alert_count > 1 else ""
    facts = joined((where, _become(incident, limit, times), alerts))
    return line(run(f"#{incident.number}", weight="bolder"), f" {facts}", spacing="small")


def _become(incident: Incident, limit: int, times: Times) -> str:
    """Say what has become of an incident, and since when."""
    taken = incident.acknowledgement
    if state_of(incident) == OVER:
        over = f"{OVER} {times.at(incident.resolved_at)}" if incident.resolved_at else OVER
        return over if taken else f"{over}, nobody acknowledged"
    if taken:
        return f"{ACKNOWLEDGED} by {named(taken.by.name, '(no name)', limit)} {times.at(taken.at)}"
    return NOT_ACKNOWLEDGED


def _become_of(incidents: Sequence[Incident]) -> str:
    states = by_state(incidents)
    return ", ".join(f"{states[state]:,} {state}" for state in STATES if states[state])


def _clusters(incidents: Sequence[Incident], limit: int) -> str:
    found = Counter(named(incident.subject_name, "(no cluster named)", limit) for incident in incidents)
    shown = [
        f"{name} ({count:,})" if count > 1 else name for name, count in found.most_common(_MOST_CLUSTERS)
    ]
    more = len(found) - len(shown)
    return ", ".join(shown) + (f" and {counted(more, 'other cluster')}" if more else "")


def _numbers(incidents: Sequence[Incident]) -> Sequence[RichTextBlock]:
    """Return the incidents' numbers, those that wait first."""
    numbers = {state: [each.number for each in incidents if state_of(each) == state] for state in STATES}
    return [
        line(run(f"{state}: ", weight="bolder"), run(exactly(found), BUDGET), spacing="small")
        for state, found in numbers.items()
        if found
    ]


# --- what has no paragraph of its own --------------------------------------------------------------


def _left_out(rules: Sequence[Rule], extent: Extent) -> Sequence[RichTextBlock]:
    """Tell the numbers of all that is left, exactly, or by ranges that say that they hold others as well."""
    incidents = [incident for rule in rules for incident in rule.incidents]
    if not incidents:
        return []
    more = "more rule" if extent.rules else "rule"
    title = f"{counted(len(rules), more)} · {counted(len(incidents), 'incident')} · {_become_of(incidents)}"
    numbers = [incident.number for incident in incidents]
    told = within(numbers, extent.numbers)
    note = "" if told == exactly(numbers) else " (not every number in these ranges belongs to it)"
    return [
        line(run(title, weight="bolder"), separator=True, spacing="medium"),
        line(run(f"{told}{note}", BUDGET), spacing="small"),
    ]


def _foot(incidents: Sequence[Incident], times: Times, at: datetime) -> Sequence[RichTextBlock]:
    as_it_was = f"As it was {times.at(at)} ({times.stated()}); this card is updated in place."
    small = line(run(as_it_was, size="small", subtle=True), spacing="small")
    if not incidents:
        return [small]
    example = run(
        f"incident {min(incident.number for incident in incidents)}", font="monospace", weight="bolder"
    )
    how = line("Open one by its number: ", example, separator=True, spacing="medium")
    return [how, small]
