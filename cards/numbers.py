"""The header that never lies: what was counted by whom, and what may be missing of it. Zeros that say nothing are left out."""

from __future__ import annotations

from audit.alert import Alert
from audit.evidence import SETTLED_AFTER, Arriving, Evidence, Since
from audit.filter import Window
from cards.elements import RichTextBlock
from cards.folded import folded_words
from cards.order import events_of, tally
from cards.size import Detail
from cards.text import Times, counted, joined, line, named, number, run

_WHY_DIFFER = " (the alert's payload does not say why they differ)"
_OF_ALL_CLUSTERS = " of this cluster (the alert counts all of the workspace's)"
_NAMED_USERS = 3


def number_lines(
    alert: Alert, evidence: Evidence, times: Times, detail: Detail, *, cluster: str = ""
) -> list[RichTextBlock]:
    """Return the counts, the window, and what went on since; where two counts differ, the card does not guess why.

    `cluster`: what the evidence is narrowed to (a resource id), where that may be more than the alert itself names.
    """
    counts = [f"Alert counted {number(alert.counted)}"] if alert.counted is not None else []
    if not evidence.missing and not _is_table_only(evidence):
        counts += _counts(alert, evidence, detail, cluster)
    window = _window(alert, evidence, times)
    one_line = evidence.missing or _is_table_only(evidence)
    top = [joined([*counts, *window])] if one_line else [joined(counts), joined(window)]
    lines = [*top, *_limits(evidence)]
    said = [line(run(text, size="small"), spacing="small") for text in lines if text]
    if evidence.since and not evidence.missing:
        said.append(line(_since(evidence.since, times, detail.text), spacing="small"))
    return said


def _is_table_only(evidence: Evidence) -> bool:
    """Tell whether the query's answer was a table and no events were asked for beside it."""
    return evidence.table is not None and not evidence.returned and not evidence.groups


def _counts(alert: Alert, evidence: Evidence, detail: Detail, cluster: str) -> list[str]:
    where = tally(evidence, detail.groups)
    folded = f" ({folded_words(evidence, detail.text)})" if where.folded else ""
    return [
        _returned(alert, evidence, cluster),
        *([f"{evidence.read:,} of {evidence.returned:,} read"] if _is_capped(evidence) else []),
        f"shown {where.shown:,}",
        *([f"folded {where.folded:,}{folded}"] if where.folded else []),
        *([f"left out {where.left:,}"] if where.left else []),
        *([f"unreadable {evidence.unreadable:,}"] if evidence.unreadable else []),
        *([f"cut {evidence.cut:,}"] if evidence.cut else []),
    ]


def _returned(alert: Alert, evidence: Evidence, cluster: str) -> str:
    """Return how many rows there are, and how many events where those are fewer."""
    same = {float(evidence.returned), float(events_of(evidence))}
    differ = alert.counted is not None and alert.counted not in same and not evidence.partial
    is_part = _is_cluster(cluster) and alert.subject.lower() != cluster.lower()
    known = _WHY_DIFFER if differ and not evidence.late else ""
    known = _OF_ALL_CLUSTERS if differ and is_part else known
    least = "at least " if evidence.partial else ""
    events = evidence.events
    once = (
        f" ({counted(events, 'event')}, each counted once)" if events not in {None, evidence.returned} else ""
    )
    if events is None and evidence.repeated:
        once = f" ({counted(evidence.repeated, 'row')} the same event again)"
    return f"workspace returned {least}{evidence.returned:,}{known}{once}"


def _is_cluster(resource_id: str) -> bool:
    return "/managedclusters/" in resource_id.lower()


def _is_capped(evidence: Evidence) -> bool:
    """Tell whether the groups speak only for rows that were read, and these are not all."""
    return evidence.events is None and evidence.read + evidence.repeated < evidence.returned


def _window(alert: Alert, evidence: Evidence, times: Times) -> list[str]:
    window = evidence.window or alert.window
    parts = [f"window {times.span(window)} ({times.stated()})"] if window else []
    if evidence.missing or _is_table_only(evidence):
        return parts
    by = f"{evidence.by_people:,} by people, {evidence.by_workloads:,} by workloads, {evidence.by_platform:,} by the platform"
    return [*parts, _around(evidence), by, _arriving(evidence, window, times)]


def _around(evidence: Evidence) -> str:
    beside = {"just before": evidence.before, "just after": evidence.after}
    found = ", ".join(f"{where}: {count:,}" for where, count in beside.items() if count)
    return f"{found}; not counted" if found else ""


def _arriving(evidence: Evidence, window: Window | None, times: Times) -> str:
    """Say whether rows may still come, and when it will be asked for them."""
    if evidence.arriving is not Arriving.STILL or window is None:
        return evidence.arriving or ""
    try:
        return f"{evidence.arriving}, asked again at {times.at(window.end + SETTLED_AFTER)}"
    except OverflowError:  # an alert may claim the year 9999
        return evidence.arriving


def _limits(evidence: Evidence) -> list[str]:
    """Return what the numbers cannot be relied on for, a sentence each."""
    if evidence.missing:
        return []
    said = ["The workspace says that its answer is incomplete (partial)."] if evidence.partial else []
    if evidence.late:
        rows = counted(evidence.late, "row")
        said.append(f"Late: {rows} reached the workspace after the alert was raised.")
    events = events_of(evidence)
    if evidence.judged is not None and evidence.judged < events:
        said.append(f"Risk judged on {evidence.judged:,} of {counted(events, 'event')}.")
    return said


def _since(since: Since, times: Times, limit: int) -> str:
    until = f"Since then, until {times.at(since.until)}: "
    if not since.returned:
        return f"{until}nothing more."
    last = f", last {times.at(since.last)}" if since.last else ""
    names = ", ".join(named(user, "(no user named)", limit) for user in since.new_users[:_NAMED_USERS])
    left = len(since.new_users) - _NAMED_USERS
    more = f" and {left} more" if left > 0 else ""
    return f"{until}{_by_whom(since)}{last}.{f' Not seen before: {names}{more}.' if names else ''}"


def _by_whom(since: Since) -> str:
    """Tell apart what was read; who was behind the rest is not known."""
    read, more = (since.returned, " more") if since.read is None else (since.read, "")
    others = read - since.by_people
    counts = [f"{since.by_people:,}{more} by people"] if since.by_people or not others else []
    counts += [f"{others:,}{more} by others"] if others else []
    all_of = "" if more else f"{since.returned:,} more; the newest {read:,} were read: "
    return f"{all_of}{', '.join(counts)}"
