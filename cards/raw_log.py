"""One audit event in full, as a dialog that only the asker sees. The event comes redacted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cards.actions import raw_log_page
from cards.elements import Action, AdaptiveCard, Container, RichTextBlock
from cards.size import BUDGET, weight
from cards.text import counted, heading, line, named, plain, run

#: The seven questions that an audit log answers, in their order, and the fields that answer each.
#: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What happened", ("verb", "responseStatus")),
    ("When", ("requestReceivedTimestamp", "stageTimestamp", "timestamp")),
    ("Who", ("user", "impersonatedUser")),
    ("On what", ("objectRef",)),
    ("Where it was observed", ("stage", "level", "auditID", "annotations")),
    ("From where", ("sourceIPs", "userAgent")),
    ("To where", ("requestURI",)),
)
_REST = "The rest"
#: Characters of one line; longer values are cut, and say so.
_LINE = 400
#: No card holds more lines than this, so none are built.
_MOST_LINES = 300
#: Lines are given up in such steps until the card fits.
_STEP = 10
#: A list or object of so few characters is not taken apart: a phone shows about fifty of them in two lines.
_SHORT = 60
_MOST_NOTES = 5
#: Fields that a note names, and characters of one.
_MOST_FIELDS = 6
_FIELD = 60
#: HTML folds plain spaces.
_INDENT = "\u00a0\u00a0"


def raw_log_card(
    event: Mapping[str, Any],
    *,
    page: int,
    pages: int,
    asked_by: str,
    at: datetime,
    key: str,
    redactions: int,
    notes: Sequence[str] = (),
    row: str = "",
    in_dialog: bool = True,
) -> dict[str, Any]:
    """Return page `page` (from 0) of `pages`: one event, already redacted, of at most cards.size.BUDGET bytes.

    `at` is when it was asked for; times are UTC. What does not fit is left off at the end, and the card says how much.
    Without a `key` there are no buttons: outside the incident's conversation it opens nothing. With a `row` (its mark) the
    key is a question's, and the pages are the events of that row; outside a dialog the buttons open one. `notes` are what
    is to be known of the event or of the answer that it came in, such as cut_note's.
    """
    lines = list(_lines(event))
    most = min(len(lines), _MOST_LINES)
    while True:
        body = [*_head(page, pages, asked_by, at, redactions), *_notes(notes), *_shown(lines, most)]
        buttons = _actions(key, row, page, pages, in_dialog=in_dialog)
        card = AdaptiveCard.of(body, buttons).to_dict()
        if weight(card) <= BUDGET or not most:
            return card
        # The first step takes what is over in proportion, so that an event of many lines needs few builds.
        most = max(0, min(most - _STEP, most * BUDGET // weight(card)))


def _head(page: int, pages: int, asked_by: str, at: datetime, redactions: int) -> list[RichTextBlock]:
    kept = f"{counted(redactions, 'value')} redacted" if redactions else "nothing redacted"
    asker = named(asked_by, "(no name)", 80)
    asked = f"Asked for by {asker} {at:%Y-%m-%d %H:%M:%S} UTC · {kept} · times are UTC"
    return [
        line(run(f"Event {page + 1:,} of {pages:,}", weight="bolder", size="medium")),
        line(run(asked, size="small", subtle=True), spacing="none"),
    ]


def _notes(notes: Sequence[str]) -> list[RichTextBlock]:
    shown = [note for note in notes if note.strip()][:_MOST_NOTES]
    return [line(run(note, _LINE, weight="bolder"), spacing="small") for note in shown]


def cut_note(lost: Iterable[str]) -> str:
    """Say that Azure cut the event, and which fields (dotted) the cut took, as far as that is known."""
    fields = sorted(lost)
    named_fields = ", ".join(plain(field, _FIELD) for field in fields[:_MOST_FIELDS])
    more = f" and {len(fields) - _MOST_FIELDS:,} more" if len(fields) > _MOST_FIELDS else ""
    where = f"; it took {named_fields}{more}" if fields else ""
    return f"Azure cut this event{where}. What stood after the cut is not in the log."


def partial_note() -> str:
    return "The workspace's answer was incomplete: there may be more events than these."


def unreadable_note(rows: int) -> str:
    return (
        f"{counted(rows, 'row')} of this window could not be read as audit events and stand on no page here."
    )


def _lines(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (question, line of text) for all of the event."""
    named_fields = {field for _, fields in QUESTIONS for field in fields}
    for question, fields in QUESTIONS:
        present = [field for field in fields if event.get(field) not in (None, "", [], {})]
        for field in present:
            yield from ((question, text) for text in _json_lines(field, event[field]))
        if not present:
            yield question, "(the event does not say)"
    for field, value in event.items():
        if field not in named_fields:
            yield from ((_REST, text) for text in _json_lines(field, value))


def _json_lines(field: str, value: Any) -> Iterator[str]:
    """Return `field: value` as lines of indented JSON; what is short stays on one line."""
    yield from _expanded(f"{field}: ", value, "")


def _expanded(start: str, value: Any, indent: str) -> Iterator[str]:
    whole = json.dumps(value, ensure_ascii=False, default=str)
    if not value or not isinstance(value, (Mapping, list)) or len(whole) <= _SHORT:
        yield f"{indent}{start}{whole}"
        return
    if isinstance(value, Mapping):
        yield f"{indent}{start}{{"
        for name, item in value.items():
            yield from _expanded(f"{json.dumps(name, ensure_ascii=False)}: ", item, indent + _INDENT)
        yield f"{indent}}}"
        return
    yield f"{indent}{start}["
    for item in value:
        yield from _expanded("", item, indent + _INDENT)
    yield f"{indent}]"


def _shown(lines: list[tuple[str, str]], most: int) -> list[Any]:
    blocks: list[Any] = []
    before = ""
    for question, text in lines[:most]:
        if question != before:
            blocks += [heading(question, size="small", spacing="medium"), Container(items=[], spacing="none")]
            before = question
        blocks[-1].items.append(line(run(text, _LINE, font="monospace", size="small"), spacing="none"))
    if most < len(lines):
        blocks.append(_cut(most, len(lines)))
    return blocks


def _cut(shown: int, of: int) -> RichTextBlock:
    text = f"Shown: {shown:,} of {counted(of, 'line')} of this event. The whole of it is in the workspace."
    return line(run(text, weight="bolder"), separator=True, spacing="medium")


def _actions(key: str, row: str, page: int, pages: int, *, in_dialog: bool) -> list[Action]:
    if not key:
        return []

    def turn(title: str, to: int) -> Action:
        return raw_log_page(title, key, to, row, question=bool(row), opens=not in_dialog)

    back = [turn("Previous", page - 1)] if page > 0 else []
    return [*back, *([turn("Next", page + 1)] if page + 1 < pages else [])]
