"""Each event of a question, newest first, a page at a time: a dialog that only the asker sees."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from audit.asked import Asked, Listed
from audit.event import AuditEvent
from audit.redact import redact_uri
from cards import answering, words
from cards.actions import list_page
from cards.elements import Action, AdaptiveCard, Container, RichTextBlock
from cards.size import BUDGET, LADDER, Detail, weight
from cards.text import Times, counted, joined, line, named, plain, run

#: Characters of one piece of foreign text, and events, from most to least: a page of 20 keeps all of its events.
_ROOMS = ((120, 50), (60, 50), (40, 50), (20, 50), (10, 50), (5, 50), (5, 20), (5, 10))


def listed_card(asked: Asked, listed: Listed, *, zone: ZoneInfo) -> dict[str, Any]:
    """Return one page as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes. `zone` is the asker's.

    All events of a page of 20 stand on it, with shorter texts where room is short; of a longer one that does not fit, the
    card says how many it shows. Without `asked.key` there are no buttons to turn pages. URIs are redacted here.
    """
    times = answering.times_of(asked, zone)
    shown = [(event, redact_uri(event.uri)) for event in listed.events[: _ROOMS[0][1]]]
    card: dict[str, Any] = {}
    for text, most in _ROOMS:
        detail = Detail(events=1, groups=LADDER[0].groups, text=text, lines=1)
        body = [
            _head(asked, listed, times, detail),
            *answering.doubts(asked, detail),
            *(row for event, uri in shown[:most] for row in _rows(event, uri, times, text)),
            *_foot(listed, min(most, len(shown))),
        ]
        card = AdaptiveCard.of(body, _actions(asked, listed)).to_dict()
        if weight(card) <= BUDGET:
            break
    return card


def listed_summary(asked: Asked, listed: Listed, *, zone: ZoneInfo) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    return answering.summary(asked, _place(listed), zone)


def _head(asked: Asked, listed: Listed, times: Times, detail: Detail) -> Container:
    head = answering.head(asked, _place(listed), times, detail)
    if listed.arrived_since:
        since = f"{listed.arrived_since:,} arrived since, on no page; ask again to see them."
        head.items.append(line(run(since, weight="bolder"), spacing="small"))
    return head


def _place(listed: Listed) -> str:
    """Return "21-40 of 1,204 events · newest first"."""
    if not listed.events:
        return f"No events on this page; {counted(listed.total, 'event')} in all."
    first, last = listed.before + 1, listed.before + len(listed.events)
    # What was counted before the last rows came must not be less than what stands here.
    total = max(listed.total, last)
    place = f"{first:,}–{last:,}" if last > first else f"{first:,}"  # noqa: RUF001
    return joined((f"{place} of {counted(total, 'event')}", "newest first" if total > 1 else ""))


def _rows(event: AuditEvent, uri: str, times: Times, text: int) -> list[RichTextBlock]:
    """Return one event on two lines: when, who, how it ended; the verb and the URI."""
    user = named(event.username, words.NOBODY, text)
    acting = f" acting as {plain(event.impersonated, text)}" if event.impersonated else ""
    ended = words.outcome(event.code, event.reason, text, event.decision)
    return [
        line(run(times.at(event.time), weight="bolder"), f" {user}{acting} · ", run(ended), spacing="medium"),
        line(
            f"{named(event.verb, '(no verb)', text)} ",
            run(named(uri, "(no URL)", 2 * text), font="monospace", size="small"),
            spacing="none",
        ),
    ]


def _foot(listed: Listed, shown: int) -> list[RichTextBlock]:
    if shown >= len(listed.events):
        return []
    return [line(f"Shown: {shown:,} of {len(listed.events):,} of this page.", spacing="small")]


def _actions(asked: Asked, listed: Listed) -> list[Action]:
    if not asked.key:
        return []
    back = [list_page("Previous", asked.key, listed.page - 1)] if listed.page > 0 else []
    return [*back, *([] if listed.is_last else [list_page("Next", asked.key, listed.page + 1)])]
