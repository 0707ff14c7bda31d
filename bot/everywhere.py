"""One question to every workspace at once: one that fails stands beside the others' answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from audit.asked import Asked, AskedOf, Unanswered
from audit.counted import NotCounted
from audit.filter import EventFilter, Window
from bot.asides import DEADLINE as ASIDE
from bot.asides import Beside
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.inquiry import DEADLINE, missing_for
from bot.ports import Answer, AuditLog, Clock, Query, Workspace
from bot.reading import Reading, together
from bot.sources import Known, Sources

#: Seconds of a question's deadline that are kept for what is done with the answers.
_TO_SPARE = 1.0

Result = TypeVar("Result")
#: Workspace, KQL, window -> a portal link, or "".
LogsUrl = Callable[[Workspace, str, Window], str]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is asked for: in words, and in fields."""

    #: In the words of the grammar; see Asked.
    line: str
    wanted: EventFilter
    key: str = ""
    #: Names of the clusters that `wanted.clusters` are.
    clusters: tuple[str, ...] = ()
    #: Names of the workspaces to ask; () for all.
    workspaces: tuple[str, ...] = ()


class NoneAnswered(Unavailable):
    """No workspace answered; `asked` says which were asked, and why each did not. The reason is the first one's."""

    def __init__(self, asked: Asked, first: OutsideError) -> None:
        super().__init__(first.reason, first.detail)
        self.asked = asked


@dataclass(frozen=True, kw_only=True)
class Told(Generic[Result]):
    """What one workspace said."""

    result: Result
    kql: str
    #: The service's words about why this is not all; "" when it is.
    partial: str = ""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One workspace that is asked, within one question's deadline."""

    log: AuditLog
    workspace: Workspace
    known: Known
    deadline: timedelta
    #: By the loop's clock.
    until: float

    @property
    def tables(self) -> tuple[str, ...]:
        """Those that can be asked; one without rows lately may have had them in an older window."""
        return self.known.askable

    def reading(self, window: Window) -> Reading:
        return Reading(log=self.log, workspace=self.workspace, window=window, deadline=self.deadline)

    def beside(self, window: Window) -> Beside:
        return Beside(log=self.log, workspace=self.workspace, tables=self.tables, window=window)

    async def ask(self, window: Window, *queries: str) -> list[Answer]:
        """Ask these at once. Raises OutsideError."""
        reading = self.reading(window)
        return await together([reading.ask(kql) for kql in queries])

    async def aside(self, window: Window, kql: str) -> Answer | None:
        """Ask what is nice to know; None where it is not answered, or not wholly."""
        return await aside(self.log, self.workspace, window, kql)

    async def in_time(self, asked: Awaitable[Result], otherwise: Result) -> Result:
        """Wait for what may be left out as long as the rest of the answer still comes in time."""
        try:
            async with asyncio.timeout_at(self.until - _TO_SPARE):
                return await asked
        except TimeoutError:
            return otherwise


Work = Callable[[Turn], Awaitable[Told[Result]]]


class Everywhere:
    """The workspaces that may be asked."""

    def __init__(
        self,
        *,
        log: AuditLog,
        workspaces: Sequence[Workspace],
        clock: Clock,
        sources: Sources,
        logs_url: LogsUrl,
        deadline: timedelta = DEADLINE,
    ) -> None:
        """`deadline` is for one question to one workspace, all its queries together."""
        self._log = log
        self._workspaces = workspaces
        self._clock = clock
        self._sources = sources
        self._logs_url = logs_url
        self._deadline = deadline

    async def ask(self, subject: Subject, work: Work[Result]) -> tuple[Asked, list[Result]]:
        """Let each workspace have its turn. Raises NoneAnswered; what is no OutsideError is raised as it is."""
        workspaces = self._chosen(subject.workspaces)
        outcomes = await together([self._one(workspace, work) for workspace in workspaces])
        asked = self._asked(subject, list(zip(workspaces, outcomes, strict=True)))
        results = [each.result for each in outcomes if not isinstance(each, OutsideError)]
        failures = [each for each in outcomes if isinstance(each, OutsideError)]
        if failures and not results:
            raise NoneAnswered(asked, failures[0])
        return asked, results

    async def aside(self, window: Window, build: Callable[[Known], str]) -> list[Answer]:
        """Ask all of them what is nice to know; return what was answered. Never raises what is outside."""
        asked = [aside(self._log, each, window, build(self._sources.last(each))) for each in self._workspaces]
        return [answer for answer in await together(asked) if answer is not None]

    def known(self, names: Sequence[str] = ()) -> list[Known]:
        """Return what was last known of what they have rows of, without asking."""
        return [self._sources.last(each) for each in self._chosen(names)]

    def _chosen(self, names: Sequence[str]) -> Sequence[Workspace]:
        return [each for each in self._workspaces if not names or each.name in names]

    async def _one(self, workspace: Workspace, work: Work[Result]) -> Told[Result] | OutsideError:
        until = asyncio.get_running_loop().time() + self._deadline.total_seconds()
        try:
            async with asyncio.timeout_at(until):
                known = await self._sources.of(workspace)
                if not known.askable:
                    return Rejected(Reason.BASIC_PLAN, "every table with audit events is on a Basic plan")
                turn = Turn(
                    log=self._log, workspace=workspace, known=known, deadline=self._deadline, until=until
                )
                return await work(turn)
        except OutsideError as failure:
            return failure
        except NotCounted as garbage:
            return Unavailable(Reason.GARBAGE, f"the answer cannot be read: {garbage}")
        except TimeoutError:
            return Unavailable(Reason.TIMED_OUT, f"no answer within {self._deadline.total_seconds():g} s")

    def _asked(
        self, subject: Subject, outcomes: Sequence[tuple[Workspace, Told[Result] | OutsideError]]
    ) -> Asked:
        window = subject.wanted.window
        told = [(one, each) for one, each in outcomes if not isinstance(each, OutsideError)]
        failed = [(one, each) for one, each in outcomes if isinstance(each, OutsideError)]
        return Asked(
            line=subject.line,
            window=window,
            asked_at=self._clock.now(),
            of=tuple(
                AskedOf(workspace=one.name, kql=each.kql, logs_url=self._logs_url(one, each.kql, window))
                for one, each in told
            ),
            unanswered=tuple(
                Unanswered(workspace=one.name, why=missing_for(each.reason), detail=each.detail)
                for one, each in failed
            ),
            partial=" ".join(dict.fromkeys(each.partial for _, each in told if each.partial)),
            clusters=subject.clusters,
            key=subject.key,
        )


async def aside(log: AuditLog, workspace: Workspace, window: Window, kql: str) -> Answer | None:
    """Ask what is nice to know, within the time that such a thing may take; None where that brings nothing whole."""
    query = Query(workspace=workspace, kql=kql, window=window, deadline=ASIDE, is_aside=True)
    try:
        answer = await log.ask(query)
    except OutsideError:
        return None
    return None if answer.partial else answer
