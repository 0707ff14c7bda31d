"""What the card of every chat answer says around its middle: the question, the exact window, who was asked, and doubts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from audit.asked import Asked, AskedOf, Unanswered
from audit.evidence import SETTLED_AFTER, Evidence, Missing
from audit.filter import Window
from cards import missing
from cards.actions import ask, open_in_logs, raise_, show_query, toggle, watch
from cards.elements import Action, ActionSet, Container, RichTextBlock
from cards.order import events_of
from cards.size import LADDER, Detail
from cards.text import Times, counted, joined, line, named, plain, run, summary_text

#: So many buttons are in sight; further ones stand under "…".
IN_SIGHT = 4
#: Names of clusters in the first line, of workspaces in one line.
_MOST_NAMES = 3
#: Links into the portal, one for each workspace.
_MOST_LINKS = 3
#: Bytes for all of them: events need room too.
_LINK_ROOM = 6000
#: Below this, sentences about what the log does not show are too short to be read.
_READABLE = 60
#: Bytes of JSON of a line that is offered as a button, which holds it twice.
_LONGEST_LINE = 1500
#: Names that a workspace may have, so that one may stand in a button's title, which a client may draw as markdown.
#: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftoperationalinsights
_WORKSPACE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NO_NAME = "(workspace without a name)"
NO_ANSWER = "No workspace answered, so nothing is known about this window."
UNKNOWN = "Nothing is known about this window. Ask again in a few minutes, or look in the portal."
#: Where what is said of an alert does not fit a question.
_OF_A_QUESTION: Mapping[Missing, str] = {
    Missing.NO_TABLE: "It has no table of audit events.",
    Missing.REFUSED_QUERY: "This cannot be asked as it stands.",
    Missing.NO_WORKSPACE: "No workspace is configured for it.",
}
#: What somebody has to do about; the rest passes.
_TO_MEND = frozenset({Missing.FORBIDDEN, Missing.BASIC_PLAN, Missing.WRONG_WORKSPACE})


def times_of(asked: Asked, zone: ZoneInfo) -> Times:
    """Return what writes the card's times in the asker's zone; a time without a date belongs to the window's last day."""
    return Times(zone=zone, day=asked.window.end)


def is_answered(asked: Asked) -> bool:
    """Tell whether any workspace answered; where none did, nothing is known, and zero would be a lie."""
    return bool(asked.of) or not asked.unanswered


# --- the first two lines ---------------------------------------------------------------------------


def first_line(asked: Asked, times: Times, detail: Detail) -> str:
    """Return "audits coredns last 1h · 14:05:00-15:05:00 (Europe/Berlin, UTC+02:00) · prod-weu"."""
    return joined((_question(asked, detail), *_where_and_when(asked, times, detail)))


def head(asked: Asked, second: str, times: Times, detail: Detail) -> Container:
    """Return the question as it was understood with its exact window, and below it `second`, which counts.

    `second` is made of parts that are plain and cut already.
    """
    facts = joined(_where_and_when(asked, times, detail))
    question = run(_question(asked, detail), weight="bolder", size="medium")
    return Container(
        items=[
            line(question, run(f" · {facts}", subtle=True)),
            line(second if is_answered(asked) else NO_ANSWER, spacing="small"),
        ],
        style="emphasis",
        bleed=True,
    )


def summary(asked: Asked, second: str, zone: ZoneInfo) -> str:
    """Return the first two lines as plain text, for the phone's notification."""
    first = first_line(asked, times_of(asked, zone), LADDER[0])
    return summary_text((first, second if is_answered(asked) else NO_ANSWER))


def _question(asked: Asked, detail: Detail) -> str:
    return named(asked.line, "(no question)", 2 * detail.text)


def _where_and_when(asked: Asked, times: Times, detail: Detail) -> tuple[str, str]:
    span = f"{span_of(asked, times)} ({times.stated_by_name()})"
    return span, _names(asked.clusters, "(cluster without a name)", detail)


def span_of(asked: Asked, times: Times) -> str:
    """Return the window; with its date where that is not the day on which it was asked for."""
    window = asked.window
    days = {_day(moment, times) for moment in (window.start, window.end, asked.asked_at)}
    return times.span(window) if len(days) == 1 else _dated(window, times)


def _dated(window: Window, times: Times) -> str:
    is_one_day = _day(window.start, times) == _day(window.end, times)
    end = times.at(window.end) if is_one_day else times.dated(window.end)
    return f"{times.dated(window.start)}–{end}"  # noqa: RUF001


def _day(moment: datetime, times: Times) -> str:
    return times.dated(moment)[: len("2022-05-19")]


def _names(names: Sequence[str], otherwise: str, detail: Detail) -> str:
    shown = ", ".join(named(each, otherwise, detail.text) for each in names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


# --- doubts ----------------------------------------------------------------------------------------


def doubts(asked: Asked, detail: Detail) -> list[RichTextBlock]:
    """Say of which workspaces nothing is known, and that an answer is incomplete; nothing where all is well."""
    shown = asked.unanswered[: max(1, min(_MOST_NAMES, detail.groups))]
    lines = [_not_answered(each, detail) for each in shown]
    more = len(asked.unanswered) - len(shown)
    if more > 0:
        lines.append(line(f"{counted(more, 'more workspace')} did not answer.", spacing="small"))
    if asked.partial.strip():
        said = f"The answer is incomplete. Detail: {plain(asked.partial, 2 * detail.text)}"
        lines.append(line(said, spacing="small"))
    return lines


def _not_answered(each: Unanswered, detail: Detail) -> RichTextBlock:
    mend = f" {missing.SENTENCES[each.why][1]}" if each.why in _TO_MEND else ""
    said = f" Detail: {plain(each.detail, 2 * detail.text)}" if each.detail.strip() else ""
    name = run(named(each.workspace, _NO_NAME, detail.text), weight="bolder")
    return line(name, f" is not in this answer. {why_not(each.why)}{mend}{said}", spacing="small")


def about_rows(asked: Asked, evidence: Evidence, detail: Detail) -> list[RichTextBlock]:
    """Say what the numbers of evidence cannot be relied on for; where there is none, that nothing is known."""
    detailed = f"Detail: {plain(evidence.detail, 2 * detail.text)}" if evidence.detail.strip() else ""
    unknown = (UNKNOWN,) if is_answered(asked) else ()
    of_rows = unknown if evidence.missing else _of_rows(evidence)
    return [line(text, spacing="small") for text in (*of_rows, detailed) if text]


def _of_rows(evidence: Evidence) -> Sequence[str]:
    events = events_of(evidence)
    is_judged_in_part = evidence.judged is not None and evidence.judged < events
    counts = (
        (evidence.unreadable, "could not be read as audit events"),
        (evidence.repeated, "held an event that is counted already"),
    )
    return (
        "The workspace says that its answer is incomplete." if evidence.partial else "",
        f"Risk judged on {evidence.judged:,} of {counted(events, 'event')}." if is_judged_in_part else "",
        *(f"{counted(count, 'row')} {what}." for count, what in counts if count),
        f"Azure cut {counted(evidence.cut, 'row')}." if evidence.cut else "",
    )


def why_not(why: Missing) -> str:
    """Say in one sentence why something is not known, of a question where other words are needed than of an alert."""
    return _OF_A_QUESTION.get(why) or missing.not_known(why)


def nothing_found(
    asked: Asked,
    times: Times,
    detail: Detail,
    *,
    wider: str = "",
    reaches_back_to: datetime | None = None,
    blind_spots: Sequence[str] = (),
) -> list[Any]:
    """Say what was searched, how far back the log reaches, what is not logged, and which wider question there is.

    Nothing at all where no workspace answered: then nobody knows whether there is something to be found.
    """
    if not is_answered(asked):
        return []
    where = _names([each.workspace for each in asked.of], _NO_NAME, detail) or "the audit log"
    lines = [
        line(f"Searched: the audit events in {where}, {span_of(asked, times)}.", spacing="small"),
        *([line(_reaches(asked, reaches_back_to, times), spacing="small")] if reaches_back_to else []),
        *blind_spot_blocks(blind_spots, detail, is_open=True),
    ]
    if can_ask(wider):
        lines.append(
            line("A wider question: ", run(wider, 2 * detail.text, weight="bolder"), spacing="small")
        )
    return lines


def _reaches(asked: Asked, back_to: datetime, times: Times) -> str:
    if back_to > asked.window.start:
        return f"The log begins at {times.dated(back_to)} only: of the time before nothing can be found."
    return f"The log reaches back to {times.dated(back_to)}."


def blind_spot_blocks(
    spots: Sequence[str], detail: Detail, *, is_open: bool = False, name: str = "blind"
) -> list[Any]:
    """Return one line that opens what the log does not show; a single sentence stands for itself.

    `is_open`: all stand open from the start. `name` begins the ids.
    """
    most = len(spots) if detail.text >= _READABLE else detail.groups
    shown = [text for text in spots if text.strip()][: min(most, 2 * detail.groups)]
    lines = [
        line(run(text, 3 * detail.text, size="small", subtle=True), spacing="none" if n else "small")
        for n, text in enumerate(shown)
    ]
    if is_open or len(lines) <= 1:
        return lines
    targets = [f"{name}-all", f"{name}-show", f"{name}-hide"]
    what = f"what this log does not show ({len(lines)})"
    shut, opened = (run(f"{sign} {what}", size="small", color="accent") for sign in ("▸ Show", "▾ Hide"))
    opens = toggle("Show or hide what this log does not show", targets)
    return [
        Container(
            items=[
                line(shut, id=targets[1], spacing="none"),
                line(opened, id=targets[2], visible=False, spacing="none"),
            ],
            select_action=opens,
            spacing="small",
        ),
        Container(items=lines, id=targets[0], visible=False, spacing="none"),
    ]


# --- the foot --------------------------------------------------------------------------------------


def foot(asked: Asked, times: Times, detail: Detail) -> list[Any]:
    """Say who was asked and when; below it, shut, the links of several workspaces."""
    names = f": {_names([each.workspace for each in asked.of], _NO_NAME, detail)}," if asked.of else ""
    facts = (f"Asked{names} {times.dated(asked.asked_at)}", _arriving(asked))
    last = line(run(joined(facts), size="small", subtle=True), separator=True, spacing="medium")
    return [last, *link_blocks(asked, detail)]


def _arriving(asked: Asked) -> str:
    """A window that has only just ended is not whole yet."""
    is_settled = asked.asked_at - asked.window.end >= SETTLED_AFTER
    return "" if is_settled or not asked.of else "the log comes minutes late, so there may be more"


def link_blocks(asked: Asked, detail: Detail) -> list[Any]:
    """Return a link for each of several workspaces, shut, under the id "logs"; the only one is a button of the card."""
    links = _links(asked)
    if len(links) < 2:  # noqa: PLR2004
        return []
    actions: list[Action] = []
    room = _LINK_ROOM
    for n, (each, (action,)) in enumerate(links[:_MOST_LINKS], start=1):
        room -= len(each.logs_url)
        if room < 0 and actions:
            break
        name = each.workspace if _WORKSPACE.fullmatch(each.workspace) else f"workspace {n}"
        action.title = f"{action.title}: {name}"
        actions.append(action)
    left = [each.workspace for each, _ in links[len(actions) :]]
    rest = f"Not linked: {_names(left, _NO_NAME, detail)}." if left else ""
    said = [line(run(rest, size="small", subtle=True), spacing="small")] if rest else []
    return [Container(items=[ActionSet(actions=actions), *said], id="logs", visible=False, style="emphasis")]


def _links(asked: Asked) -> list[tuple[AskedOf, Sequence[Any]]]:
    return [(each, action) for each in asked.of if (action := open_in_logs(each.logs_url))]


# --- buttons ---------------------------------------------------------------------------------------


def can_ask(text: str) -> bool:
    """Tell whether a line can be offered as a button: there is one, and it is not so long that it fills the card."""
    return bool(text.strip()) and len(json.dumps(text[: _LONGEST_LINE + 1])) <= _LONGEST_LINE


def buttons(
    asked: Asked,
    *,
    first: Sequence[Action] = (),
    wider: str = "",
    can_watch: bool = True,
    can_raise: bool = True,
) -> list[Action]:
    """Return the buttons: `first`, a wider question, KQL, the portal, Watch this and Raise; IN_SIGHT of them in sight.

    KQL, Watch this and Raise only with a key and where a workspace answered; `can_raise` is for what found something. The
    card must hold `foot`, for one of them opens what stands there.
    """
    has_key = bool(asked.key) and is_answered(asked)
    links = _links(asked)
    portal = list(links[0][1]) if len(links) == 1 else [toggle("Open in Logs", ["logs"])] if links else []
    actions: list[Action] = [
        *first,
        *([ask(wider, "Ask the wider question")] if can_ask(wider) else []),
        *([show_query(asked.key)] if has_key and any(each.kql.strip() for each in asked.of) else []),
        *portal,
        *([watch(asked.key)] if has_key and can_watch else []),
        *([raise_(asked.key)] if has_key and can_raise else []),
    ]
    for action in actions[IN_SIGHT:]:
        action.mode = "secondary"
    return actions
