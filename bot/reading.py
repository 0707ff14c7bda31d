"""Asking a workspace for the events of one window: rows, exact numbers, and what is too many to be read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from audit.counted import NotCounted, Totals, groups_of, totals_of
from audit.event import AuditEvent, Unreadable, parse_event
from audit.evidence import Group, SmallTable
from audit.filter import Window
from audit.kql import TOTAL, EvidenceQueries
from audit.small_table import small_table
from audit.untyped import count
from bot.errors import OutsideError, Reason, Unavailable
from bot.ports import Answer, AuditLog, Query, Workspace

#: Rows read of one window, ranked by what the risk rules must see; all numbers are the workspace's own.
READ_LIMIT = 300
#: Rows read where so many are too large an answer.
FEW = 30
#: The API's timespan is wider than the window by this much, so that only the query itself decides at the edges.
MARGIN = timedelta(minutes=1)

Result = TypeVar("Result")
Build = Callable[[int], EvidenceQueries]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one question brought."""

    #: Repeats are among them.
    events: Sequence[AuditEvent] = ()
    unreadable: Sequence[Unreadable] = ()
    totals: Totals = field(default_factory=Totals)
    #: The workspace's own groups, where not all rows were read.
    groups: Sequence[Group] = ()
    #: How many groups there are in all; 0 where they were not asked for.
    groups_in_all: int = 0
    table: SmallTable | None = None
    #: The service's words about why this is not all; "" when it is.
    partial: str = ""
    #: Sentences of ours about what could not be had.
    notes: tuple[str, ...] = ()

    @property
    def read(self) -> int:
        return len(self.events) + len(self.unreadable)

    @property
    def returned(self) -> int:
        """How many rows there are: rows may arrive between two questions, so never below what was read."""
        return max(self.totals.rows, self.read)


class Reading:
    """Asks one workspace about one window."""

    def __init__(self, *, log: AuditLog, workspace: Workspace, window: Window, deadline: timedelta) -> None:
        self._log = log
        self._workspace = workspace
        self._window = window
        self._deadline = deadline

    async def part(self, build: Build, *, with_rest: bool = True) -> Part:
        """Ask what the queries that `build` makes for a number of rows ask for. Raises OutsideError.

        Without the rest only rows and totals are asked for. Beside events a table that cannot be had is left out.
        """
        queries = build(READ_LIMIT)
        work: list[Coroutine[Any, Any, Part]] = []
        if queries.is_events:
            work.append(self._events(build, queries, with_rest=with_rest))
        if queries.table and (with_rest or not queries.is_events):
            work.append(self._beside(queries) if queries.is_events else self._table(queries))
        parts = await together(work)
        whole = replace(parts[0], table=parts[-1].table)
        partial = next((part.partial for part in parts if part.partial), "")
        notes = (*parts[0].notes, *(parts[-1].notes if len(parts) > 1 else ()), *_ignored(queries))
        return replace(whole, partial=partial, notes=notes)

    async def _beside(self, queries: EvidenceQueries) -> Part:
        try:
            return await self._table(queries)
        except OutsideError as failure:
            return Part(
                notes=(f"The table that the alert's query makes could not be had: {failure.reason}.",)
            )

    async def ask(self, kql: str, *, is_windowed: bool = True) -> Answer:
        """Ask one question about the window."""
        margin = MARGIN if is_windowed else timedelta(0)
        wide = Window(start=self._window.start - margin, end=self._window.end + margin)
        return await self._log.ask(
            Query(workspace=self._workspace, kql=kql, window=wide, deadline=self._deadline)
        )

    async def _events(self, build: Build, queries: EvidenceQueries, *, with_rest: bool) -> Part:
        notes: list[str] = []
        rows, counted = await together(
            [
                self._rows(build, queries, notes),
                self.ask(queries.totals, is_windowed=queries.is_windowed),
            ]
        )
        part = await asyncio.to_thread(read, rows.rows, _totals(counted))
        part = replace(part, partial=rows.partial or counted.partial, notes=tuple(notes))
        return part if part.read >= part.returned or not with_rest else await self._with_groups(part, queries)

    async def _rows(self, build: Build, queries: EvidenceQueries, notes: list[str]) -> Answer:
        """Ask for the rows; where so many are too large, for a few, which is noted."""
        try:
            return await self.ask(queries.rows, is_windowed=queries.is_windowed)
        except OutsideError as failure:
            if failure.reason is not Reason.TOO_LARGE:
                raise
        notes.append(f"The rows are too large to be read at once; {FEW} of them were read.")
        return await self.ask(build(FEW).rows, is_windowed=queries.is_windowed)

    async def _with_groups(self, part: Part, queries: EvidenceQueries) -> Part:
        """Have the workspace group what was not read. Without that the rest of the card still stands."""
        try:
            answer = await self.ask(queries.groups, is_windowed=queries.is_windowed)
            groups, in_all = groups_of(answer.rows)
        except (OutsideError, NotCounted):
            return replace(part, notes=(*part.notes, "The workspace did not say who did the rest."))
        return replace(part, groups=groups, groups_in_all=in_all, partial=part.partial or answer.partial)

    async def _table(self, queries: EvidenceQueries) -> Part:
        rows, total = await together(
            [
                self.ask(queries.table, is_windowed=queries.is_windowed),
                self.ask(queries.table_total, is_windowed=queries.is_windowed),
            ]
        )
        table = small_table(rows.rows, total=count_of(total), because=queries.because)
        return Part(table=table, partial=rows.partial or total.partial)


async def together(work: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Do all at once, as asyncio.gather does; but a failure ends the others, which hold places at the workspace."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


def read(rows: Sequence[Mapping[str, Any]], totals: Totals) -> Part:
    parsed = [parse_event(row) for row in rows]
    return Part(
        events=[event for event in parsed if isinstance(event, AuditEvent)],
        unreadable=[event for event in parsed if isinstance(event, Unreadable)],
        totals=totals,
    )


def _totals(answer: Answer) -> Totals:
    try:
        return totals_of(answer.rows)
    except NotCounted as error:
        raise Unavailable(Reason.GARBAGE, f"the workspace's count cannot be read: {error}") from error


def count_of(answer: Answer) -> int:
    """Return a `count`; no rows at all is how a workspace without data answers. Raises Unavailable."""
    total = count(answer.rows[0].get(TOTAL)) if answer.rows else 0
    if total is None:
        raise Unavailable(Reason.GARBAGE, "the count is not a number")
    return total


def _ignored(queries: EvidenceQueries) -> tuple[str, ...]:
    names = ", ".join(queries.ignored_dimensions)
    by_dimension = f"The events are not narrowed by the alert's dimension {names}." if names else ""
    by_cluster = (
        "" if queries.is_narrowed else "This is of every cluster: the alert's query has no place for one."
    )
    return tuple(note for note in (by_dimension, by_cluster) if note)
