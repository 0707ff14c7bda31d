"""What can be asked in the chat, asked of every workspace at once, each answer with what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from audit.asked import Activity, Actors, Asked, Clusters, ClusterSeen, Cost, Listed
from audit.asked_rows import (
    activity_of,
    activity_together,
    actors_of,
    actors_together,
    clusters_of,
    cost_of,
    cost_together,
    listed_of,
    reach_of,
)
from audit.blind_spots import Facts, blind_spots
from audit.counted import NotCounted
from audit.distinct import distinct
from audit.evidence import Evidence
from audit.filter import EventFilter, Window
from audit.kql import (
    TABLES,
    EventQueries,
    EvidenceQueries,
    activity_asked,
    actors_asked,
    arrived_since,
    billed,
    clusters_seen,
    events_asked,
    events_by_id,
    events_listed,
    reach,
    what_else,
)
from bot.asides import Asides
from bot.clusters_told import blind_spots_of, with_configured
from bot.everywhere import Everywhere, Subject, Told, Turn
from bot.inquiry import RawEvents, raw_events
from bot.listing import Page, as_wire, page_of
from bot.ports import Answer, Clock, Cursor
from bot.reading import READ_LIMIT, Build, count_of
from bot.several import Telling, evidence_of
from bot.sources import Known

#: Events on one page of all of them.
PAGE = 20
#: How far back is looked for where the log begins.
REACH = timedelta(days=30)
_STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 180, 360, 720, 1440))
#: A plot has so many steps where that is possible.
FEWEST_STEPS = 12

#: Tables -> queries for a number of rows.
_Building = Callable[[tuple[str, ...]], Callable[[int], EventQueries]]


class Asking:
    """Every method that asks raises NoneAnswered, and InvalidTerm before anything is asked."""

    def __init__(self, *, everywhere: Everywhere, clock: Clock) -> None:
        self._everywhere = everywhere
        self._clock = clock

    # --- events ------------------------------------------------------------------------------------

    async def events(self, subject: Subject) -> tuple[Asked, Evidence]:
        """Return the events as evidence, judged, and compared with the state before."""
        wanted = subject.wanted
        return await self._evidence(
            subject, lambda tables: lambda limit: events_asked(wanted, limit=limit, tables=tables)
        )

    async def what_else(self, user: str, window: Window) -> tuple[Asked, Evidence]:
        """Return all that one user did in the window, in every cluster."""
        return await self._evidence(
            _about(window), lambda tables: lambda limit: what_else(user, window, limit=limit, tables=tables)
        )

    async def listed(
        self, subject: Subject, *, page: int, cursor: Cursor | None, known_at: datetime, total: int
    ) -> tuple[Asked, Listed, Cursor | None]:
        """Return a page of all events that had reached the workspaces at `known_at`, and where the next one begins.

        `cursor` is where this page begins, None for the window's end; None is returned after the last page.
        `total` is how many events there were when the question was asked.
        """
        wanted, after = subject.wanted, as_wire(cursor)

        def listing(tables: tuple[str, ...]) -> str:
            return events_listed(wanted, known_at=known_at, cursor=after, limit=PAGE + 1, tables=tables)

        async def work(turn: Turn) -> Told[Page]:
            kql = listing(turn.tables)
            since = arrived_since(wanted, known_at=known_at, tables=turn.tables)
            (answer,), late = await asyncio.gather(
                turn.ask(wanted.window, kql), turn.aside(wanted.window, since)
            )
            rows = await asyncio.to_thread(listed_of, answer.rows)
            found = Page(rows=rows, arrived_since=count_of(late) if late else 0)
            return Told(result=found, kql=kql, partial=answer.partial)

        events_listed(wanted, known_at=known_at, cursor=after, limit=1)
        asked, pages = await self._everywhere.ask(subject, work)
        return asked, *page_of(pages, page=page, cursor=cursor, total=total, size=PAGE)

    async def raw(self, audit_ids: Sequence[str], window: Window) -> RawEvents:
        """Return whole events by their ids, in this order, with all that share an id. 1 to MAX_IDS ids."""

        async def work(turn: Turn) -> Told[Answer]:
            kql = events_by_id(audit_ids, window, tables=turn.tables)
            (answer,) = await turn.ask(window, kql)
            return Told(result=answer, kql=kql, partial=answer.partial)

        events_by_id(audit_ids, window)
        asked, answers = await self._everywhere.ask(_about(window), work)
        rows = [row for answer in answers for row in answer.rows]
        found = await asyncio.to_thread(raw_events, rows, audit_ids)
        return replace(found, is_partial=bool(asked.partial or asked.unanswered))

    # --- numbers -----------------------------------------------------------------------------------

    async def actors(self, subject: Subject) -> tuple[Asked, Actors]:
        """Return who did it."""
        wanted = subject.wanted

        async def work(turn: Turn) -> Told[Actors]:
            kql = actors_asked(wanted, tables=turn.tables)
            (answer,) = await turn.ask(wanted.window, kql)
            return Told(result=actors_of(answer.rows), kql=kql, partial=answer.partial)

        actors_asked(wanted)
        asked, found = await self._everywhere.ask(subject, work)
        return asked, actors_together(found)

    async def activity(self, subject: Subject) -> tuple[Asked, Activity]:
        """Return events over time; see step_of."""
        wanted, window = subject.wanted, subject.wanted.window
        step = step_of(window)

        async def work(turn: Turn) -> Told[Activity]:
            made = activity_asked(wanted, step, tables=turn.tables)
            answers = await turn.ask(window, made.buckets, made.actors, made.objects)
            buckets, actors, objects = (answer.rows for answer in answers)
            found = activity_of(buckets, actors, objects, window=window, step=step)
            return Told(result=found, kql=made.buckets, partial=_partial(answers))

        activity_asked(wanted, step)
        asked, found = await self._everywhere.ask(subject, work)
        return asked, activity_together(found)

    async def cost(self, subject: Subject) -> tuple[Asked, Cost]:
        """Return what the audit log of whole workspaces costs."""
        window = subject.wanted.window

        async def work(turn: Turn) -> Told[Cost]:
            made = billed(window, tables=turn.tables)
            answers = await turn.ask(window, made.usage, made.categories, made.actors)
            usage, categories, actors = (answer.rows for answer in answers)
            found = cost_of(usage, categories, actors)
            return Told(result=found, kql=made.categories, partial=_partial(answers))

        asked, found = await self._everywhere.ask(subject, work)
        return asked, cost_together(found)

    async def clusters(self, subject: Subject) -> tuple[Asked, Clusters]:
        """Return the clusters that have rows in the window, and those that the settings name besides."""
        asked, found = await self._clusters(subject)
        rows = tuple(cluster for of_one, _ in found for cluster in of_one)
        return asked, Clusters(rows=rows, window=subject.wanted.window)

    async def blind_spots(self, subject: Subject) -> tuple[Asked, Sequence[tuple[str, Sequence[str]]]]:
        """Return each cluster's name, and sentences about what its log cannot show."""
        asked, found = await self._clusters(subject)
        return asked, [blind_spots_of(cluster, known) for of_one, known in found for cluster in of_one]

    async def reaches_back_to(self) -> datetime | None:
        """Return when the log begins, at most REACH ago; None where no workspace says. Never raises what is outside."""
        now = self._clock.now()
        window = Window(start=now - REACH, end=now)
        answers = await self._everywhere.aside(window, lambda known: reach(window, tables=known.askable))
        found = [_reach(answer) for answer in answers]
        return min((each for each in found if each is not None), default=None)

    def not_logged(self, workspaces: Sequence[str] = ()) -> tuple[str, ...]:
        """Return sentences about what the log of these workspaces (() for all) cannot show, without asking them."""
        found = (
            spot
            for known in self._everywhere.known(workspaces)
            for spot in blind_spots(Facts(sources=known.sources, events=(), basic_tables=known.basic))
        )
        return tuple(dict.fromkeys(found))

    # --- how ---------------------------------------------------------------------------------------

    async def _clusters(self, subject: Subject) -> tuple[Asked, list[tuple[tuple[ClusterSeen, ...], Known]]]:
        window = subject.wanted.window

        async def work(turn: Turn) -> Told[tuple[tuple[ClusterSeen, ...], Known]]:
            kql = clusters_seen(window, tables=turn.tables)
            (answer,) = await turn.ask(window, kql)
            found = with_configured(clusters_of(answer.rows, turn.workspace.name), turn.workspace)
            return Told(result=(found, turn.known), kql=kql, partial=answer.partial)

        return await self._everywhere.ask(subject, work)

    async def _evidence(self, subject: Subject, building: _Building) -> tuple[Asked, Evidence]:
        window, now = subject.wanted.window, self._clock.now()

        async def work(turn: Turn) -> Told[Telling]:
            build = _as_evidence(building(turn.tables))
            part = await turn.reading(window).part(build)
            kql = build(READ_LIMIT).rows
            blank = Evidence(asked_at=now, window=window, workspace=turn.workspace.name, kql=kql)
            events = await asyncio.to_thread(distinct, part.events)
            asides = await turn.in_time(turn.beside(window).states(events), Asides())
            telling = Telling(blank=blank, part=part, known=turn.known, asides=asides)
            return Told(result=telling, kql=kql, partial=part.partial)

        building(TABLES)(READ_LIMIT)
        asked, tellings = await self._everywhere.ask(subject, work)
        return asked, await asyncio.to_thread(evidence_of, tellings)


def step_of(window: Window) -> timedelta:
    """Return the longest step that makes FEWEST_STEPS of the window; a minute for one that is too short for that."""
    fitting = [step for step in _STEPS if window.length / step >= FEWEST_STEPS]
    return fitting[-1] if fitting else _STEPS[0]


def _about(window: Window) -> Subject:
    return Subject(line="", wanted=EventFilter(window=window))


def _reach(answer: Answer) -> datetime | None:
    try:
        return reach_of(answer.rows)
    except NotCounted:
        return None


def _partial(answers: Sequence[Answer]) -> str:
    return next((answer.partial for answer in answers if answer.partial), "")


def _as_evidence(build: Callable[[int], EventQueries]) -> Build:
    def made(limit: int) -> EvidenceQueries:
        queries = build(limit)
        return EvidenceQueries(
            is_events=True, rows=queries.rows, totals=queries.totals, groups=queries.groups
        )

    return made
