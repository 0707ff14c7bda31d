"""All events of a question, page by page: what was shown stays where it is, whatever arrives meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.asked import Listed
from audit.event import AuditEvent
from bot.ports import Cursor


@dataclass(frozen=True, kw_only=True)
class Page:
    """What one workspace has for a page: events with their digests, newest first, and one more where there are more."""

    rows: Sequence[tuple[AuditEvent, str]] = ()
    arrived_since: int = 0


def as_wire(cursor: Cursor | None) -> tuple[datetime, tuple[str, ...]] | None:
    """Write where a page begins as events_listed takes it."""
    return None if cursor is None else (cursor.until, cursor.seen)


def page_of(
    pages: Sequence[Page], *, page: int, cursor: Cursor | None, total: int, size: int
) -> tuple[Listed, Cursor | None]:
    """Put the workspaces' pages together: `size` events, and where the next page begins, None after the last.

    `cursor` is where this page began.
    """
    rows = [row for each in pages for row in each.rows]
    # As events_listed orders them: of one instant by digest. An event that two workspaces have comes once.
    by_digest = sorted(rows, key=lambda row: row[1])
    newest = sorted(by_digest, key=lambda row: row[0].generated, reverse=True)
    once = list({digest: event for event, digest in newest}.items())
    shown, is_last = once[:size], len(once) <= size
    before = cursor.before if cursor else 0
    listed = Listed(
        events=tuple(event for _, event in shown),
        page=page,
        before=before,
        # Rows may arrive between two questions: never below what was shown.
        total=max(total, before + len(once)),
        arrived_since=sum(each.arrived_since for each in pages),
        is_last=is_last,
    )
    return listed, None if is_last else _after(shown, before)


def _after(shown: Sequence[tuple[str, AuditEvent]], before: int) -> Cursor:
    until = shown[-1][1].generated
    # The greatest digest of that instant is what counts, see audit.kql.events_listed.
    seen = tuple(digest for digest, event in shown if event.generated == until)
    return Cursor(until=until, seen=seen, before=before + len(shown))
