"""What else somebody did around an incident, as a dialog that only the asker sees: the same groups as an answer's."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from audit.evidence import Evidence
from audit.filter import Window
from cards import missing, words
from cards.actions import open_in_logs
from cards.elements import AdaptiveCard, Container
from cards.groups import group_blocks
from cards.order import events_of, tally
from cards.size import Detail, fit
from cards.text import Times, counted, joined, line, named, plain, run

_WHERE = "All clusters of this workspace."


def what_else_card(
    evidence: Evidence, user: str, window: Window, *, zone: ZoneInfo, logs_url: str = "", where: str = _WHERE
) -> dict[str, Any]:
    """Return what `user` did in `window`, on every cluster, as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes.

    `zone` is the asker's; `logs_url` adds a button if it leads into the Azure portal; `where` says where was looked.
    """
    asked = evidence.window or window
    times = Times(zone=zone, day=asked.end)

    def build(detail: Detail) -> AdaptiveCard:
        title = f"What else {named(user, words.NOBODY, detail.text)} did"
        span = f"{times.dated(asked.start)} to {times.dated(asked.end)} ({times.stated_by_name()})"
        head = [
            line(run(title, weight="bolder", size="medium")),
            line(_found(evidence, detail), spacing="small"),
            line(run(f"{span}. {where}", size="small", subtle=True), spacing="small"),
        ]
        body = [
            Container(items=head, style="emphasis", bleed=True),
            *_doubts(evidence, detail),
            *([] if evidence.missing else group_blocks(evidence, times, detail)),
        ]
        return AdaptiveCard.of(body, list(open_in_logs(logs_url)))

    return fit(build)


def _found(evidence: Evidence, detail: Detail) -> str:
    if evidence.missing:
        return missing.not_known(evidence.missing)
    if not evidence.returned:
        return "Nothing found."
    where = tally(evidence, detail.groups)
    parts = (
        counted(events_of(evidence), "event"),
        f"{where.shown:,} shown",
        f"{where.folded:,} folded" if where.folded else "",
        f"{where.left:,} left out" if where.left else "",
    )
    return joined(parts)


def _doubts(evidence: Evidence, detail: Detail) -> list[Any]:
    sentences = []
    if not evidence.missing and evidence.partial:
        sentences.append("The answer is incomplete.")
    if not evidence.missing and evidence.unreadable:
        sentences.append(f"{counted(evidence.unreadable, 'row')} could not be read as audit events.")
    if evidence.detail.strip():
        sentences.append(f"Detail: {plain(evidence.detail, 2 * detail.text)}")
    return [line(text, spacing="small") for text in sentences]
