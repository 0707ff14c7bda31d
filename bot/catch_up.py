"""What Azure never delivered: its own list of fired alerts, compared with what was recorded here.

Azure calls a webhook for little more than a minute and is then silent for 15:
https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#webhook
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from audit.alert import Alert, AlertKind, Condition, parse_alert
from bot.errors import OutsideError, Reason, Unavailable
from bot.ports import Chore, Clock, FiredAlerts, ListedAlert, Recorded, Workspace
from bot.retry import LONGEST_ASKED
from bot.scope import workspace_for
from cards.status import Watching

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=10)
#: After a failure that may pass.
RETRY = timedelta(minutes=1)
#: Azure keeps an alert for so long. What is kept here must be kept longer, or it would look like never delivered.
LONGEST = timedelta(days=30)
#: Azure's list lags behind, so a bit of what was compared before is compared again.
OVERLAP = timedelta(hours=1)
#: What is younger may still be on its way: a first call and five more, with 75 s of waiting and their own time.
SETTLED = timedelta(minutes=5)
#: More than this is recorded by further runs, one right after the other.
MOST_A_RUN = 2000
#: Recorded side by side, so that they share commits.
AT_ONCE = 32
IDS_AT_ONCE = 500
#: A chore's row that was due longer ago was made due since ever, and has never been done.
NEVER = timedelta(days=3600)

_LOG_ALERTS = frozenset({AlertKind.LOG_V1, AlertKind.LOG_V2})
_PROBLEMS = {
    Reason.FORBIDDEN: "Azure's list of alerts may not be read: give the bot's identity the role Monitoring Reader on {}",
    Reason.UNAUTHORIZED: "Azure's list of alerts may not be read: the bot's identity gets no token for {}",
    Reason.NOT_FOUND: "Azure knows no {}: check WORKSPACES",
    Reason.STORE: "Azure's list of alerts of {} could not be compared: the database does not answer",
}
_PROBLEM = "Azure's list of alerts of {} could not be read: {}"


class Known(Protocol):
    """What of bot.ports.Incidents this needs."""

    async def record(self, alert: Alert, body: bytes, now: datetime, *, found: bool = False) -> Recorded: ...

    async def known(self, alert_ids: Sequence[str]) -> Mapping[str, frozenset[Condition]]: ...


@dataclass(kw_only=True)
class _Scope:
    """How it stands with one subscription or resource group."""

    name: str
    azure: FiredAlerts
    #: When it was last compared by this process.
    compared_at: datetime | None = None
    #: Why the last try did not work; None where it did.
    problem: Reason | None = None
    #: What fired before that belongs to a time in which there was nobody to deliver to.
    began: datetime | None = None
    #: Names of rules that were seen to deliver here.
    rules: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class _Told:
    """An alert of the list, and in which conditions it is recorded here."""

    fired: Alert
    listed: ListedAlert
    known: frozenset[Condition]


@dataclass(frozen=True, kw_only=True)
class _Missed:
    alert: Alert
    body: bytes


class CatchUp:
    """The chore ChoreKind.CATCH_UP. `azure` has the list of each scope; `wake` is called when something came of it.

    Missed is what concerns resources that the workspaces hold: log alerts, and others of rules that delivered here
    before, because the list does not tell whom Azure was to call. Nothing is missed that fired before this database
    began: before its first run and the earliest alert that it knows.
    """

    def __init__(
        self,
        *,
        azure: Mapping[str, FiredAlerts],
        incidents: Known,
        workspaces: Sequence[Workspace],
        clock: Clock,
        wake: Callable[[], None],
        longest: timedelta = LONGEST,
    ) -> None:
        """`longest`: how far to look back at first; never longer than alerts are kept."""
        self._scopes = [_Scope(name=name, azure=fired) for name, fired in azure.items()]
        self._incidents = incidents
        self._workspaces = workspaces
        self._clock = clock
        self._wake = wake
        self._longest = longest

    def watching(self) -> Watching:
        """Return how it stands, for the `status` command."""
        last = [scope.compared_at for scope in self._scopes]
        return Watching(
            last=min((at for at in last if at), default=None) if all(last) else None,
            problem=". ".join(_sentence(scope) for scope in self._scopes if scope.problem),
        )

    async def check(self) -> None:
        """Find out whether the lists can be read, and say in the log where not. Raises no OutsideError."""
        for scope in self._scopes:
            try:
                await scope.azure.since(self._clock.now())
            except OutsideError as failure:
                self._failed(scope, failure)

    async def run(self, chore: Chore | None = None) -> datetime:
        """Compare every scope; return when to do so again. A failure of the outside is kept as the status.

        `chore` is the claimed row: when it was due tells a process that has just started when the last one compared.
        """
        waits = [await self._waited(scope, chore) for scope in self._scopes]
        return self._clock.now() + min(waits, default=EVERY)

    async def _waited(self, scope: _Scope, chore: Chore | None) -> timedelta:
        now = self._clock.now()
        scope.began = scope.began or _last_run(chore, now)
        try:
            return await self._compare(scope, scope.began, now)
        except OutsideError as failure:
            self._failed(scope, failure)
            return _wait_after(failure)

    async def _compare(self, scope: _Scope, began: datetime, now: datetime) -> timedelta:
        """Record what is missing; return how long the next comparison can wait."""
        start = scope.compared_at - OVERLAP if scope.compared_at else now - self._longest
        told = await self._told(await scope.azure.since(start))
        here = [one for one in told if one.known]
        scope.rules |= {one.fired.rule for one in here}
        fired_here = [one.fired.fired_at for one in here if one.fired.fired_at]
        scope.began = began = min([began, *fired_here])
        # Off the loop: after a long absence these are thousands.
        missed = await asyncio.to_thread(
            lambda: [alert for one in told for alert in self._missed(one, scope, began, now)]
        )
        found = await self._record(missed[:MOST_A_RUN], now)
        if found:
            log.warning("Azure did not deliver alerts", extra={"scope": scope.name, "alerts": found})
            self._wake()
        if len(missed) > MOST_A_RUN:
            return timedelta()
        scope.compared_at, scope.problem = now, None
        return EVERY

    async def _told(self, listed: Sequence[ListedAlert]) -> list[_Told]:
        known: dict[str, frozenset[Condition]] = {}
        ids = [spelling for one in listed for spelling in _spellings(one.alert_id)]
        for first in range(0, len(ids), IDS_AT_ONCE):
            known |= await self._incidents.known(ids[first : first + IDS_AT_ONCE])
        return await asyncio.to_thread(lambda: [_told(one, known) for one in listed])

    def _missed(self, one: _Told, scope: _Scope, began: datetime, now: datetime) -> Iterator[_Missed]:
        """Yield what of this alert was not delivered: its Fired, its Resolved, or both."""
        fired_at = one.fired.fired_at
        fires = (
            fired_at is not None and began <= fired_at <= now - SETTLED and self._is_ours(one.fired, scope)
        )
        if fires and Condition.FIRED not in one.known:
            yield _Missed(alert=one.fired, body=one.listed.fired)
        if one.listed.resolved is None or Condition.RESOLVED in one.known or not (fires or one.known):
            return
        resolved = parse_alert(one.listed.resolved)
        if resolved.resolved_at is not None and resolved.resolved_at <= now - SETTLED:
            yield _Missed(alert=resolved, body=one.listed.resolved)

    def _is_ours(self, alert: Alert, scope: _Scope) -> bool:
        concerned = alert.kind in _LOG_ALERTS or alert.rule in scope.rules
        return concerned and workspace_for(alert, self._workspaces) is not None

    async def _record(self, missed: Sequence[_Missed], now: datetime) -> int:
        """Record in this order, so that an incident's number tells which fired first; return how many were new."""
        found = 0
        for first in range(0, len(missed), AT_ONCE):
            group = missed[first : first + AT_ONCE]
            done = await asyncio.gather(
                *(self._incidents.record(one.alert, one.body, now, found=True) for one in group),
                return_exceptions=True,
            )
            for recorded in done:
                if isinstance(recorded, BaseException):
                    raise recorded
                found += not recorded.repeated
        return found

    def _failed(self, scope: _Scope, failure: OutsideError) -> None:
        """Keep why; say it in the log when it is new."""
        news = scope.problem is not failure.reason
        scope.problem = failure.reason
        told = {"scope": scope.name, "reason": failure.reason, "detail": failure.detail}
        if news:
            log.error(_sentence(scope), extra=told)
        else:
            log.info("still not compared with Azure's list of alerts", extra=told)


def _told(one: ListedAlert, known: Mapping[str, frozenset[Condition]]) -> _Told:
    conditions = (known.get(id_, frozenset()) for id_ in _spellings(one.alert_id))
    return _Told(fired=parse_alert(one.fired), listed=one, known=frozenset[Condition]().union(*conditions))


def _sentence(scope: _Scope) -> str:
    """Say what is wrong and, where somebody can, what to do."""
    words = _PROBLEMS.get(scope.problem, _PROBLEM) if scope.problem else ""
    return words.format(scope.name, scope.problem)


def _wait_after(failure: OutsideError) -> timedelta:
    if not isinstance(failure, Unavailable):
        return EVERY
    return min(max(failure.retry_after or RETRY, RETRY), LONGEST_ASKED)


def _spellings(alert_id: str) -> tuple[str, ...]:
    """Return the id in small letters, its GUID with and without hyphens: Azure's webhooks write it either way."""
    head, slash, name = alert_id.lower().rpartition("/")
    try:
        guid = uuid.UUID(name)
    except ValueError:
        return (alert_id.lower(),)
    return (f"{head}{slash}{guid}", f"{head}{slash}{guid.hex}")


def _last_run(chore: Chore | None, now: datetime) -> datetime:
    """Return when the process before this one compared last; now, if there was none."""
    if chore is None or chore.due_at < now - NEVER:
        return now
    return min(now, chore.due_at - EVERY)
