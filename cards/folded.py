"""Routine of the platform: one line for each reason, which opens into what was done."""

from __future__ import annotations

from typing import Any

from audit.evidence import Evidence, Group
from cards import words
from cards.actions import toggle
from cards.elements import Container, RichTextBlock
from cards.event_rows import event_row, when
from cards.order import Fold, folds
from cards.size import Detail
from cards.text import Times, counted, joined, line, named, run


def folded_blocks(evidence: Evidence, times: Times, detail: Detail) -> list[Any]:
    """Return a line for each reason to fold, and what opens below it."""
    blocks: list[Any] = []
    for n, fold in enumerate(folds(evidence)):
        blocks += _blocks(fold, f"f{n}", times, detail)
    return blocks


def folded_words(evidence: Evidence, limit: int) -> str:
    """Say in few words what is folded, for the numbers: "aksService × 4, AKS's own reconciler; kubelets × 12"."""  # noqa: RUF002
    return "; ".join(_in_few(fold, limit) for fold in folds(evidence))


def folded_rows(evidence: Evidence, detail: Detail) -> int:
    """Return how many single events can be seen in what is folded."""
    most = _most_rows(detail)
    return sum(
        min(most, sum(len(group.events) for group in fold.groups[: detail.groups]))
        for fold in folds(evidence)
    )


def _most_rows(detail: Detail) -> int:
    """Routine must not push risk off the card."""
    return max(1, detail.events // 2)


def _in_few(fold: Fold, limit: int) -> str:
    count = f"× {fold.count:,}"  # noqa: RUF001
    if len(fold.users) > 1:
        return f"{fold.reason} {count}"
    return f"{named(fold.users[0], words.NOBODY, limit)} {count}, {fold.reason}"


def _blocks(fold: Fold, name: str, times: Times, detail: Detail) -> list[Container]:
    targets = [f"{name}-all", f"{name}-show", f"{name}-hide"]
    what = counted(fold.count, "event")
    show = line(run(f"▸ Show {what}", color="accent"), id=targets[1], spacing="none")
    hide = line(run(f"▾ Hide {what}", color="accent"), id=targets[2], visible=False, spacing="none")
    opens = toggle("Show or hide what is folded", targets)
    return [
        Container(items=[_heading(fold, detail), show, hide], select_action=opens, spacing="medium"),
        Container(
            items=_inside(fold, times, detail),
            id=targets[0],
            visible=False,
            style="emphasis",
            spacing="small",
        ),
    ]


def _heading(fold: Fold, detail: Detail) -> RichTextBlock:
    """Return who, why it is folded, how much, and how it ended."""
    many = len(fold.users)
    user = named(fold.users[0], words.NOBODY, detail.text) if many == 1 else f"{many:,} users"
    facts = f" · platform, routine: {fold.reason} · {fold.count:,}× · "  # noqa: RUF001
    return line(run(user, weight="bolder"), facts, words.outcomes(fold.groups, detail.text))


def _inside(fold: Fold, times: Times, detail: Detail) -> list[RichTextBlock]:
    """Return each kind of request with its events, as far as there is room, and what is left off."""
    lines: list[RichTextBlock] = []
    most, rows = _most_rows(detail), 0
    for group in fold.groups[: detail.groups]:
        lines.append(_kind(group, times, detail, named_too=len(fold.users) > 1))
        events = group.events[: most - rows]
        lines += [event_row(event, times, detail) for event in events]
        rows += len(events)
    return [*lines, *_rest(fold, rows, detail)]


def _rest(fold: Fold, rows: int, detail: Detail) -> list[RichTextBlock]:
    left = len(fold.groups) - detail.groups
    shown = f"Shown: {rows:,} of {counted(fold.count, 'event')}." if rows < fold.count else ""
    kinds = f"{counted(left, 'more kind')} of request." if left > 0 else ""
    said = " ".join(part for part in (shown, kinds) if part)
    return [line(run(said, size="small", subtle=True), spacing="small")] if said else []


def _kind(group: Group, times: Times, detail: Detail, *, named_too: bool) -> RichTextBlock:
    end = words.outcome(group.code, group.reason, detail.text, group.decision)
    user = words.who(group, detail.text) if named_too else ""
    facts = (user, f"{group.count:,}×", words.act(group, detail.text), when(group, times), end)  # noqa: RUF001
    return line(run(joined(facts), weight="bolder"), spacing="small")
