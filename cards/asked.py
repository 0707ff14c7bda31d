"""The answer to a question about events: what was asked, exactly when, how many there are, and who did it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from audit.asked import Asked
from audit.event import ActorKind
from audit.evidence import Evidence, Severity
from cards import answering, words
from cards.actions import list_events
from cards.elements import FULL_WIDTH, Action, AdaptiveCard
from cards.folded import folded_rows
from cards.groups import group_blocks, most_groups
from cards.order import events_of, tally, unfolded
from cards.size import LADDER, Detail, fit
from cards.text import Times, counted

#: The question that asks for findings: what no rule finds fault with is counted on its card, not listed.
_RISKY = "risky"


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What is shown of the evidence."""

    evidence: Evidence
    #: Groups that were asked for at most; 0 for as many as fit.
    top: int = 0
    #: Events that no rule finds fault with, where those with findings were asked for; None otherwise.
    faultless: int | None = None


def asked_card(
    asked: Asked,
    evidence: Evidence,
    *,
    zone: ZoneInfo,
    top: int = 0,
    wider: str = "",
    reaches_back_to: datetime | None = None,
) -> dict[str, Any]:
    """Return the answer to `audits`, `exec`, `rbac`, `secrets` or `risky`: a card of at most cards.size.BUDGET bytes.

    `zone` is the asker's. `top`: how many groups were asked for at most, 0 for as many as fit. Where nothing was found,
    `wider` is a line that is offered as a button, and `reaches_back_to` when the oldest event of the log is.
    """
    times = answering.times_of(asked, zone)
    answer = _answer(asked, evidence, top)

    def build(detail: Detail) -> AdaptiveCard:
        is_empty = _is_empty(answer)
        nothing = answering.nothing_found(
            asked,
            times,
            detail,
            wider=wider,
            reaches_back_to=reaches_back_to,
            blind_spots=evidence.blind_spots,
        )
        body = [
            answering.head(asked, _found(answer, detail), times, detail),
            *answering.doubts(asked, detail),
            *answering.about_rows(asked, evidence, detail),
            *(nothing if is_empty else _middle(asked, answer, times, detail)),
            *answering.foot(asked, times, detail),
        ]
        actions = answering.buttons(
            asked,
            first=_list_all(asked, answer, detail),
            wider=wider if is_empty else "",
            can_raise=not is_empty,
        )
        return AdaptiveCard.of(body, actions, msteams=FULL_WIDTH)

    return fit(build)


def asked_summary(asked: Asked, evidence: Evidence, *, zone: ZoneInfo, top: int = 0) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    return answering.summary(asked, _found(_answer(asked, evidence, top), LADDER[0]), zone)


def _answer(asked: Asked, evidence: Evidence, top: int) -> _Answer:
    """Take out what no rule finds fault with, where findings were asked for. Numbers stay exact: it is counted."""
    if evidence.missing or asked.line.partition(" ")[0] != _RISKY:
        return _Answer(evidence=evidence, top=top)
    kept = tuple(group for group in evidence.groups if group.severity > Severity.ROUTINE)
    faultless = sum(group.count for group in evidence.groups) - sum(group.count for group in kept)
    left = max(0, events_of(evidence) - faultless)
    return _Answer(evidence=replace(evidence, groups=kept, events=left), top=top, faultless=faultless)


def _is_empty(answer: _Answer) -> bool:
    found = answer.evidence
    return not found.missing and not found.findings and not events_of(found)


def _middle(asked: Asked, answer: _Answer, times: Times, detail: Detail) -> list[Any]:
    if answer.evidence.missing:
        return []
    return [
        *group_blocks(answer.evidence, times, detail, key=asked.key, question=True, most=answer.top),
        *answering.blind_spot_blocks(answer.evidence.blind_spots, detail),
    ]


# --- the second line -------------------------------------------------------------------------------


def _found(answer: _Answer, detail: Detail) -> str:
    """Return "6 events by 1 person and the platform; 2 shown, 4 folded"."""
    evidence = answer.evidence
    if evidence.missing:
        return answering.why_not(evidence.missing)
    events = events_of(evidence)
    if not events:
        looked_at = f" in {counted(answer.faultless, 'event')}" if answer.faultless else ""
        return "Nothing found." if answer.faultless is None else f"No findings{looked_at}."
    where = tally(evidence, most_groups(detail, answer.top))
    facts = (
        f"{where.shown:,} shown",
        f"{where.folded:,} folded" if where.folded else "",
        f"{where.left:,} left out" if where.left else "",
        _faultless(answer),
    )
    told = ", ".join(fact for fact in facts if fact)
    least = "At least " if evidence.partial else ""
    return f"{least}{counted(events, 'event')}{_by(evidence, events)}; {told}"


def _faultless(answer: _Answer) -> str:
    """Of events that the rules did not see, nobody can say that there is no fault in them."""
    if not answer.faultless:
        return ""
    judged, events = answer.evidence.judged, events_of(answer.evidence) + answer.faultless
    why = "without a finding" if judged is not None and judged < events else "that no rule finds fault with"
    return f"{answer.faultless:,} more {why}"


def _by(evidence: Evidence, events: int) -> str:
    """Say who was behind them: by name of kind where all are known, else by how many events, where that adds up."""
    if sum(group.count for group in evidence.groups) == events:
        by = words.actors(evidence.groups)
        return f" by {by}" if by else ""
    counts = {
        ActorKind.PERSON: evidence.by_people,
        ActorKind.WORKLOAD: evidence.by_workloads,
        ActorKind.PLATFORM: evidence.by_platform,
    }
    if sum(counts.values()) != events:
        return ""
    told = (f"{n:,} by {words.ACTOR_COUNTS[kind][1]}" for kind, n in counts.items() if n)
    return f" ({', '.join(told)})"


# --- the button to all of them ----------------------------------------------------------------------


def _list_all(asked: Asked, answer: _Answer, detail: Detail) -> Sequence[Action]:
    """Offer the list where not every event has a row of its own on the card."""
    evidence = answer.evidence
    events = 0 if evidence.missing else events_of(evidence) + (answer.faultless or 0)
    shown = unfolded(evidence)[: most_groups(detail, answer.top)]
    rows = sum(min(len(each.group.events), detail.events) for each in shown) + folded_rows(evidence, detail)
    if not asked.key or rows >= events:
        return ()
    return (list_events(asked.key, title=f"List all {events:,}"),)
