"""The answer to `cost`: what the audit log costs, by table and category, and whose events it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from audit.asked import Asked, Billed, Cost
from cards.answering import buttons, doubts, foot, head, is_answered, summary, times_of
from cards.elements import FULL_WIDTH, AdaptiveCard, RichTextBlock
from cards.size import Detail, fit
from cards.text import counted, joined, line, named, run

_NO_NAME = "(without a name)"
#: Every request of the API server, and the same without reads: https://learn.microsoft.com/azure/aks/monitor-aks
_ALL = ("kube-audit", "AKSAudit")
_WITHOUT_READS = ("kube-audit-admin", "AKSAuditAdmin")
#: https://learn.microsoft.com/azure/azure-monitor/logs/analyze-usage
_USAGE = (
    "Usage is what Azure bills. It comes hourly, so the newest hours may be missing, and it counts whole tables: "
    "AzureDiagnostics may hold rows of other services too."
)
#: https://learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns#_billedsize
_BY_ROW = (
    "_BilledSize stands on every row; here it is summed up over audit events alone, in the exact window. "
    "That is why the two may differ. GB are 10⁹ bytes."
)
_TWICE = "What {less} holds is in {all} too: a cluster that sends both is billed for it twice."


def cost_card(asked: Asked, cost: Cost, *, zone: ZoneInfo) -> dict[str, Any]:
    """Return the answer as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes. It cannot be watched or raised."""
    times = times_of(asked, zone)

    def build(detail: Detail) -> AdaptiveCard:
        body = [
            head(asked, _second(asked, cost), times, detail),
            *doubts(asked, detail),
            *(_parts(cost, detail) if is_answered(asked) else []),
            *foot(asked, times, detail),
        ]
        return AdaptiveCard.of(body, buttons(asked, can_watch=False, can_raise=False), msteams=FULL_WIDTH)

    return fit(build)


def cost_summary(asked: Asked, cost: Cost, *, zone: ZoneInfo) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    return summary(asked, _second(asked, cost), zone)


def size(gigabytes: float) -> str:
    """Return gigabytes (10^9 bytes) to three significant digits: "1,230 GB", "4.21 GB", "4 MB", "12 kB", "0 MB"."""
    if not isfinite(gigabytes):
        return "(not known)"
    # Rounded before the unit is chosen, or 999.6 MB would be "1,000 MB".
    rounded = float(f"{gigabytes:.2e}")
    if not rounded:
        return "0 MB"
    for unit, factor in (("GB", 1.0), ("MB", 1e3), ("kB", 1e6)):
        if abs(rounded) * factor >= 1:
            return f"{_three(rounded * factor)} {unit}"
    return "less than 1 kB"


def _three(value: float) -> str:
    if abs(value) >= 1e15:  # noqa: PLR2004 - nobody reads that many digits
        return f"{value:.2e}"
    whole = len(str(int(abs(value))))
    shown = f"{value:,.{max(0, 3 - whole)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def share(part: float, whole: float) -> str:
    """Return "92 %"; "less than 1 %" for what is not nothing; "" where there is no whole. No line ends in it."""
    if not isfinite(part) or not isfinite(whole) or whole <= 0:
        return ""
    percent = 100 * part / whole
    return "less than 1\u00a0%" if 0 < percent < 1 else f"{percent:,.0f}\u00a0%"


def _sum(rows: Sequence[Billed]) -> float:
    return sum(each.gigabytes for each in rows)


def _second(asked: Asked, cost: Cost) -> str:
    rows, by = (cost.tables, "billed") if cost.tables else (cost.categories, "by the rows' own size")
    if not rows:
        return "No audit log was billed in this window."
    total = _sum(rows)
    days = asked.window.length / timedelta(days=1)
    daily = f"{size(total / days)} a day" if days > 1 else ""
    largest = max(cost.categories, key=lambda each: each.gigabytes, default=None)
    # The name is cut far below what a header may hold.
    most = f"most of it {named(largest.what, _NO_NAME, 60)}" if largest and len(cost.categories) > 1 else ""
    return joined((f"{size(total)} {by}", daily, most))


def _parts(cost: Cost, detail: Detail) -> list[Any]:
    of_rows = _sum(cost.categories)
    both = (*cost.tables, *cost.categories, *cost.actors)
    return [
        *_list("Billed by table (Usage)", cost.tables, _sum(cost.tables), detail),
        *_list("By category (_BilledSize of audit events)", cost.categories, of_rows, detail),
        *_facts(cost.categories),
        *_list("Noisiest actors (_BilledSize of their events)", cost.actors, of_rows, detail),
        *([_note(_USAGE, spacing="medium"), _note(_BY_ROW)] if both else []),
    ]


def _note(text: str, spacing: str = "small") -> RichTextBlock:
    return line(run(text, size="small", subtle=True), spacing=spacing)


def _list(title: str, rows: Sequence[Billed], whole: float, detail: Detail) -> list[Any]:
    if not rows:
        return []
    shown, rest = rows[: detail.groups], rows[detail.groups :]
    more = f"{size(_sum(rest))} of {len(rest):,} more"
    return [
        # The title is our own, but an underscore is markdown.
        line(run(title, weight="bolder"), spacing="medium"),
        *(_row(each, whole, detail) for each in shown),
        *([line(more, spacing="none")] if rest else []),
    ]


def _row(each: Billed, whole: float, detail: Detail) -> RichTextBlock:
    rows = counted(each.rows, "row") if each.rows is not None else ""
    facts = joined((share(each.gigabytes, whole), rows))
    return line(
        run(f"{size(each.gigabytes)} ", weight="bolder"),
        named(each.what, _NO_NAME, detail.text),
        *([run(f" · {facts}", subtle=True)] if facts else []),
        spacing="none",
    )


def _facts(categories: Sequence[Billed]) -> list[Any]:
    """Say how much the category without reads is of the one with all, where both are sent; what to do is not ours."""
    said = []
    for everything, less in zip(_ALL, _WITHOUT_READS, strict=True):
        sizes = [_of(categories, name) for name in (everything, less)]
        # What holds more than all is of another time, or of other clusters: nothing can be said of it.
        if 0 < sizes[1] <= sizes[0]:
            told = f"{less} is {share(sizes[1], sizes[0])} as large as {everything}. "
            said.append(told + _TWICE.format(less=less, all=everything))
    return [line(text, spacing="small") for text in said]


def _of(categories: Sequence[Billed], name: str) -> float:
    return _sum([each for each in categories if each.what[-len(name) - 1 :].split()[-1:] == [name]])
