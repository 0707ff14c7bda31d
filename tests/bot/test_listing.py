from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit.event import AuditEvent
from bot.listing import Page, as_wire, page_of
from bot.ports import Cursor
from tests.bot.stage import EVENT, START

Row = tuple[AuditEvent, str]


def digest(n: int) -> str:
    return f"{n:064x}"


def a_row(n: int, seconds: float) -> Row:
    assert isinstance(EVENT, AuditEvent)
    return replace(EVENT, audit_id=f"a-{n}", generated=START + timedelta(seconds=seconds)), digest(n)


def after(rows: Sequence[Row], cursor: Cursor | None, limit: int) -> Page:
    """What a workspace with these rows has after the cursor, as audit.kql.events_listed says it."""
    wire = as_wire(cursor)
    ordered = sorted(rows, key=lambda row: (-row[0].generated.timestamp(), row[1]))
    if wire is None:
        return Page(rows=ordered[:limit])
    until, seen = wire
    left = [row for row in ordered if row[0].generated < until or _is_later(row, wire)]
    assert all(row[1] not in seen for row in left)
    return Page(rows=left[:limit])


def _is_later(row: Row, wire: tuple[object, tuple[str, ...]]) -> bool:
    until, seen = wire
    return row[0].generated == until and row[1] > max(seen)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from("pqr")), max_size=30),
    st.integers(1, 7),
)
def test_page_after_page_every_event_comes_once_newest_first(told: list[tuple[int, str]], size: int) -> None:
    rows = {place: [a_row(n, t) for n, (t, at) in enumerate(told) if at == place] for place in "pqr"}
    cursor: Cursor | None = None
    seen: list[str] = []
    times: list[datetime] = []
    for page in range(len(told) + 1):
        pages = [after(each, cursor, size + 1) for each in rows.values()]
        listed, following = page_of(pages, page=page, cursor=cursor, total=len(told), size=size)
        assert listed.before == len(seen)
        assert listed.total == len(told)
        assert listed.is_last == (following is None)
        seen += [event.audit_id for event in listed.events]
        times += [event.generated for event in listed.events]
        if following is None:
            break
        cursor = following
    assert sorted(seen) == sorted(f"a-{n}" for n in range(len(told)))
    assert times == sorted(times, reverse=True)


def test_an_event_that_two_workspaces_have_comes_once() -> None:
    pages = [
        Page(rows=[a_row(1, 0)], arrived_since=1),
        Page(rows=[a_row(1, 0), a_row(2, 0)], arrived_since=2),
    ]
    listed, following = page_of(pages, page=0, cursor=None, total=1, size=20)
    assert [event.audit_id for event in listed.events] == ["a-1", "a-2"]
    assert (listed.arrived_since, listed.total, following) == (3, 2, None)


def test_a_page_beyond_the_last_event_is_empty() -> None:
    cursor = Cursor(until=START, seen=(digest(1),), before=5)
    listed, following = page_of([Page()], page=1, cursor=cursor, total=5, size=20)
    assert (listed.events, listed.before, listed.total, listed.is_last, following) == ((), 5, 5, True, None)
