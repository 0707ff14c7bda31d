"""The answer to a question asked by chat: what was asked, exactly when, how many, and who did it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from audit.evidence import Evidence
from audit.filter import EventFilter, Window
from cards import missing, words
from cards.actions import open_in_logs, toggle
from cards.elements import FULL_WIDTH, Action, AdaptiveCard, Container
from cards.groups import group_blocks
from cards.order import tally
from cards.query import query_lines
from cards.size import LADDER, Detail, fit
from cards.text import Times, counted, joined, length, line, named, plain, run, summary_text

#: Spans that a wider question is offered in.
_WIDER = (timedelta(hours=6), timedelta(hours=24), timedelta(days=7))


def answer_card(
    wanted: EventFilter, evidence: Evidence, *, zone: ZoneInfo, logs_url: str = ""
) -> dict[str, Any]:
    """Return the answer as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes. `zone` is the asker's."""
    times = _times(wanted, evidence, zone)

    def build(detail: Detail) -> AdaptiveCard:
        first, second = _lines(wanted, evidence, times, detail)
        head = [line(run(first, weight="bolder", size="medium")), line(second, spacing="small")]
        body = [
            Container(items=head, style="emphasis", bleed=True),
            *_doubts(wanted, evidence, detail),
            *([] if evidence.missing else group_blocks(evidence, times, detail)),
            *_asked(wanted, evidence, times, detail),
        ]
        return AdaptiveCard.of(body, _actions(evidence, logs_url), msteams=FULL_WIDTH)

    return fit(build)


def answer_summary(wanted: EventFilter, evidence: Evidence, *, zone: ZoneInfo) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    times = _times(wanted, evidence, zone)
    return summary_text(_lines(wanted, evidence, times, LADDER[0]))


def _times(wanted: EventFilter, evidence: Evidence, zone: ZoneInfo) -> Times:
    return Times(zone=zone, day=_window(wanted, evidence).end)


def _window(wanted: EventFilter, evidence: Evidence) -> Window:
    """The window that was really asked for, which may be shorter than the one wanted."""
    return evidence.window or wanted.window


def _lines(wanted: EventFilter, evidence: Evidence, times: Times, detail: Detail) -> tuple[str, str]:
    window = f"{times.span(_window(wanted, evidence))} ({times.stated_by_name()})"
    asked = f"audits {named(wanted.term, '(nothing)', detail.text)}"
    return joined((asked, window)), _found(evidence, detail)


def _found(evidence: Evidence, detail: Detail) -> str:
    if evidence.missing:
        return missing.not_known(evidence.missing)
    if not evidence.returned:
        return "Nothing found."
    where = tally(evidence, detail.groups)
    by = words.actors(evidence.groups)
    facts = (f"{where.shown:,} shown", f"{where.folded:,} folded" if where.folded else "")
    events = sum(group.count for group in evidence.groups)
    told = ", ".join(fact for fact in facts if fact)
    found = f"{counted(events, 'event')}{f' by {by}' if by else ''}; {told}"
    if evidence.read + evidence.repeated < evidence.returned:
        return f"{counted(evidence.returned, 'row')}, of which {evidence.read:,} were read: {found}"
    return found


def _doubts(wanted: EventFilter, evidence: Evidence, detail: Detail) -> list[Any]:
    sentences = []
    if evidence.missing:
        sentences.append(
            "Nothing is known about this window. Ask again in a few minutes, or look in the portal."
        )
    elif not evidence.returned:
        sentences += [_searched(wanted, evidence, detail), _wider(wanted, detail)]
    if not evidence.missing and evidence.partial:
        sentences.append("The answer is incomplete.")
    if not evidence.missing and evidence.unreadable:
        sentences.append(f"{counted(evidence.unreadable, 'row')} could not be read as audit events.")
    if not evidence.missing and evidence.repeated:
        sentences.append(f"{counted(evidence.repeated, 'row')} held an event that is counted already.")
    said = f"Detail: {plain(evidence.detail, 2 * detail.text)}" if evidence.detail.strip() else ""
    return [line(text, spacing="small") for text in (*sentences, said) if text]


def _searched(wanted: EventFilter, evidence: Evidence, detail: Detail) -> str:
    where = named(evidence.workspace, "the audit log", 2 * detail.text)
    term = plain(wanted.term, detail.text)
    return f"Searched: audit events in {where} with “{term}” anywhere in them, upper and lower case alike."


def _wider(wanted: EventFilter, detail: Detail) -> str:
    asked = wanted.window.length
    span = next((wider for wider in _WIDER if wider > asked), None)
    if span is None:
        return "The log also arrives a few minutes late. Another word may find more."
    return (
        "The log arrives a few minutes late. A wider question: "
        f"audits {plain(wanted.term, detail.text)} last {length(span)}"
    )


def _asked(wanted: EventFilter, evidence: Evidence, times: Times, detail: Detail) -> list[Any]:
    """Say what was asked and of whom; the KQL opens below."""
    where = plain(evidence.workspace, 2 * detail.text)
    window = _window(wanted, evidence)
    term = named(wanted.term, "(nothing)", detail.text)
    until = f"last {length(window.length)} until {times.dated(window.end)}"
    asked = f"Asked: {term}{f' in {where}' if where else ''}, {until}"
    foot = line(run(asked, size="small", subtle=True), separator=True, spacing="medium")
    return [foot, *_kql(evidence.kql, detail)]


def _kql(kql: str, detail: Detail) -> list[Container]:
    """Keep the query's lines, for it is read and copied."""
    if not kql.strip():
        return []
    return [Container(items=query_lines(kql, detail), id="kql", visible=False, style="emphasis")]


def _actions(evidence: Evidence, logs_url: str) -> list[Action]:
    kql = [toggle("Show the query", ["kql"])] if evidence.kql.strip() else []
    return [*open_in_logs(logs_url), *kql]
