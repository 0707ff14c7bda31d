"""The run trail of an incident: what happened to it on its way, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from audit.incident import Incident
from cards.elements import FULL_WIDTH, AdaptiveCard, RichTextBlock
from cards.size import BUDGET, weight
from cards.text import Times, counted, joined, line, named, plain, run, summary_text

#: What happened, by its word: before the subject, and before the seconds.
WORDS: dict[str, tuple[str, str]] = {
    "received": ("webhook received", "committed in "),
    "found": ("found in Azure Monitor's own list; Azure did not deliver it", "committed in "),
    "made": ("made by the bot, not by Azure", "committed in "),
    "claimed": ("claimed by a worker", "waited "),
    "taken over": ("taken over from a worker that had stopped", "waited "),
    "asked": ("asked the workspace", "took "),
    "posted": ("card posted", "took "),
    "updated": ("card updated", "took "),
    "put off": ("put off, to be tried again", "took "),
    "failed": ("given up", "took "),
    "folded": ("folded into a digest", "took "),
    "acknowledged": ("acknowledged", "took "),
}
#: Steps whose reason is a failure; elsewhere it says how it went, or why it was.
_FAILURES = frozenset({"put off", "failed"})
_FINE = frozenset({"", "ok"})
#: Characters of one piece of foreign text.
_TEXT = 80
#: Of a trail that is too long, how it began stands in so many steps; the others are the newest.
_BEGINNING = 10
_STEP = 10


@dataclass(frozen=True, kw_only=True)
class TrailLine:
    """One step. Every text of it may be foreign."""

    at: datetime
    #: A word of WORDS; another one is shown as it comes.
    step: str
    subject: str = ""
    seconds: float | None = None
    #: Which try it was, from 1; 0 where there are no tries.
    attempt: int = 0
    #: "ok" where all went well; "" where nothing can go wrong.
    reason: str = ""


def trail_card(incident: Incident, trail: Sequence[TrailLine], *, zone: ZoneInfo) -> dict[str, Any]:
    """Return the steps, oldest first, as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes.

    Of a trail that is too long the middle is left out, and the card says how much.
    """
    times = Times(zone=zone, day=trail[0].at if trail else incident.opened_at)
    rows = [_row(step, times) for step in trail]
    most = len(rows)
    while True:
        shown = _shown(rows, most)
        card = AdaptiveCard.of([*_head(incident, trail, times), *shown], [], msteams=FULL_WIDTH).to_dict()
        if weight(card) <= BUDGET or not most:
            return card
        most = max(0, min(most - _STEP, most * BUDGET // weight(card)))


def trail_summary(incident: Incident) -> str:
    """Return the title as plain text, for the phone's notification."""
    return summary_text([_title(incident)])


def _title(incident: Incident) -> str:
    return f"Run trail of #{incident.number}"


def _head(incident: Incident, trail: Sequence[TrailLine], times: Times) -> list[RichTextBlock]:
    what = joined((named(incident.rule, "(rule without a name)", _TEXT), plain(incident.subject_name, _TEXT)))
    if not trail:
        numbers = "No step of it was kept."
    else:
        numbers = joined(
            (
                counted(len(trail), "step"),
                _first_card(trail),
                f"{times.dated(trail[0].at)} ({times.stated()})",
            )
        )
    return [
        line(
            run(_title(incident), weight="bolder", size="medium"),
            run(f" · {what}", size="medium", subtle=True),
        ),
        line(numbers, spacing="small"),
    ]


def _first_card(trail: Sequence[TrailLine]) -> str:
    """Return how long it took until people saw something: what one asks a trail first."""
    begins = [step.at for step in trail if step.step in {"received", "found"}]
    cards = [step.at for step in trail if step.step == "posted"]
    if not begins or not cards or cards[0] < begins[0]:
        return ""
    return f"first card {took((cards[0] - begins[0]) / timedelta(seconds=1))} after the alert came"


def _shown(rows: Sequence[RichTextBlock], most: int) -> list[RichTextBlock]:
    if most >= len(rows):
        return list(rows)
    first = min(_BEGINNING, most // 2)
    newest = rows[len(rows) - (most - first) :]
    left = line(run(f"{counted(len(rows) - most, 'step')} left out here.", weight="bolder"), spacing="small")
    return [*rows[:first], left, *newest]


def _row(step: TrailLine, times: Times) -> RichTextBlock:
    what, before = WORDS.get(step.step, (plain(step.step, _TEXT), "took "))
    facts = joined(
        (
            f"{what}{f': {plain(step.subject, _TEXT)}' if step.subject.strip() else ''}",
            "" if step.seconds is None else f"{before}{took(step.seconds)}",
            f"attempt {step.attempt:,}" if step.attempt else "",
        )
    )
    failed = step.step in _FAILURES or (step.step == "asked" and step.reason not in _FINE)
    why = [run(f" · {plain(step.reason, _TEXT)}", weight="bolder" if failed else "default")]
    return line(
        run(times.at(step.at), weight="bolder"),
        f" {facts}",
        *(why if step.reason.strip() else []),
        spacing="small",
    )


def took(seconds: float) -> str:
    """Return a duration: "3 ms", "1.84 s", "12 min 5 s"."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:,.0f} ms"
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.2f} s"
    return f"{seconds // 60:,.0f} min {seconds % 60:.0f} s"
