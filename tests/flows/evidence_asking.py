"""A case put into the sandbox's workspace, asked by the bot's own inquiry, and compared with the reference."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from hypothesis import HealthCheck, given, settings

from audit.alert import Alert, AlertKind, Condition, Criterion, Dimension
from audit.event import ActorKind
from audit.evidence import Arriving, Evidence, Missing
from audit.kql_columns import Groups, Totals
from bot.errors import Reason, Rejected, Unavailable
from bot.inquiry import Inquiry
from bot.ports import Answer, Query, Workspace
from bot.reading import READ_LIMIT
from sandbox.engine import BadQuery, Engine
from sandbox.wire import Encoded, encode
from tests.fakes import FakeClock
from tests.flows.evidence_card import wrong_numbers
from tests.flows.evidence_drawing import HELD, cases
from tests.flows.evidence_model import Case, Reference, reference
from tests.flows.evidence_rows import rows

#: What stands in the column of a partial answer's error.
WHY = "Query result set has exceeded the internal data size limit"
MOST_GROUPS = 500
_WORKSPACE = "/subscriptions/a0a0a0a0-0000-4000-8000-000000000001/resourcegroups/rg-log/providers/microsoft.operationalinsights/workspaces/log"


class EngineLog:
    """The AuditLog over the sandbox's engine, with what the service may leave out of an answer."""

    def __init__(self, engine: Engine, case: Case) -> None:
        self._engine = engine
        self._case = case
        #: Kinds of answers that were really incomplete.
        self.was_partial: set[str] = set()

    async def ask(self, query: Query) -> Answer:
        """Answer; of what is only nice to know what lies around the window alone, and that not always: it takes long."""
        is_around = query.window.end > self._case.window.end and len(self._case.looks) > 1
        if query.is_aside and not is_around:
            raise Unavailable(Reason.THROTTLED, "not asked: the workspace is busy")
        try:
            result = await self._engine.ask(query.kql, window=query.window)
        except BadQuery as bad:
            raise Rejected(Reason.BAD_REQUEST, f"{bad.code}: {bad}") from bad
        table = encode(result, self._engine.limits.bytes)
        kind = _kind({column.name for column in result.columns})
        if kind in self._case.partial and table.rows:
            self.was_partial.add(kind)
            table = table.half()
        return _decoded(table)


def _kind(columns: set[str]) -> str:
    """Tell what was asked for by what comes back."""
    if columns >= {Totals.ROWS, Totals.UNREADABLE}:
        return "totals"
    if columns >= {Groups.COUNT, Groups.DECISION}:
        return "groups"
    return "rows" if columns & {"log_s", "RequestUri"} else ""


def _decoded(table: Encoded) -> Answer:
    body = orjson.loads(table.body({}))
    found = body["tables"][0]
    names = [column["name"] for column in found["columns"]]
    return Answer(
        rows=[dict(zip(names, row, strict=True)) for row in found["rows"]],
        partial=table.why_cut,
    )


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a look brought, and what it should have."""

    at: datetime
    case: Case
    alert: Alert
    evidence: Evidence
    wanted: Reference
    #: Kinds of answers that were incomplete.
    was_partial: frozenset[str]
    #: Whose rows there are; None where the alert is about one cluster and so nobody asks.
    clusters: frozenset[str] | None = None


async def looks(case: Case) -> list[Look]:
    """Look at the case's window, and again, as the bot does."""
    clock = FakeClock(at=case.looks[0])
    engine = Engine(clock)
    try:
        engine.ingest(rows(case))
        found = []
        log = EngineLog(engine, case)
        inquiry = Inquiry(log=log, workspaces=(workspace(),), clock=clock)
        for at in case.looks:
            clock.at = at
            log.was_partial.clear()
            evidence = await inquiry.behind(alert_of(case))
            found.append(
                Look(
                    at=at,
                    case=case,
                    alert=alert_of(case),
                    evidence=evidence,
                    wanted=reference(case, at),
                    was_partial=frozenset(log.was_partial),
                    clusters=None
                    if case.dimension or case.target
                    else frozenset(await inquiry.clusters(alert_of(case))),
                )
            )
        return found
    finally:
        engine.close()


def alert_of(case: Case) -> Alert:
    dimensions = (Dimension(name=case.dimension, value=case.dimension_value),) if case.dimension else ()
    return Alert(
        key="k",
        alert_id="/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/1",
        rule="AKS-CoreDNS-Changed",
        condition=Condition.FIRED,
        kind=AlertKind.LOG_V2,
        service="Log Alerts V2",
        severity="Sev3",
        fired_at=case.fired,
        targets=(case.target or _WORKSPACE,),
        window=case.window,
        criteria=(Criterion(query=case.asked.kql, dimensions=dimensions),),
        counted=float(reference(case, case.fired).rows),
        custom_properties={},
    )


def workspace() -> Workspace:
    return Workspace(
        name="prod",
        id="a1b2c3d4-0000-4000-8000-000000000001",
        holds=(HELD.rstrip("/"),),
        resource_id=_WORKSPACE,
    )


def differences(look: Look) -> Iterator[str]:
    """Name every figure of the evidence that is not the reference's."""
    evidence, wanted = look.evidence, look.wanted
    if evidence.missing is Missing.NOT_EVENTS and wanted.is_no_events:
        return
    if evidence.missing:
        yield f"missing: {evidence.missing} {evidence.detail}"
        return
    for name, is_, ought in _figures(look):
        if is_ != ought:
            yield f"{name}: {is_}, must be {ought}"
    if (
        not look.was_partial
        and wanted.rows <= READ_LIMIT
        and evidence.read != wanted.events + wanted.unreadable
    ):
        yield f"read: {evidence.read}, must be {wanted.events + wanted.unreadable}"
    yield from _of_groups(look)
    yield from wrong_numbers(look.case, look.alert, evidence, wanted, partial=look.was_partial)


def _figures(look: Look) -> Iterator[tuple[str, object, object]]:
    evidence, wanted = look.evidence, look.wanted
    yield "returned", evidence.returned, wanted.rows
    yield "events", evidence.events, wanted.events
    yield "by people", evidence.by_people, wanted.by_kind.get(ActorKind.PERSON, 0)
    yield "by workloads", evidence.by_workloads, wanted.by_kind.get(ActorKind.WORKLOAD, 0)
    yield "by platform", evidence.by_platform, wanted.by_kind.get(ActorKind.PLATFORM, 0)
    yield "unreadable", evidence.unreadable, wanted.unreadable
    yield "cut", evidence.cut, wanted.cut
    yield "late", evidence.late, wanted.late
    yield "partial", evidence.partial, bool(look.was_partial)
    if look.clusters is not None and not look.was_partial:
        # Rows that cannot be read are somebody's, too.
        yield "clusters", wanted.clusters <= look.clusters, True
    yield "arriving", evidence.arriving, _arriving(look)
    if not look.case.asked.reshapes and len(look.case.looks) > 1:
        yield "before and after", (evidence.before, evidence.after), (wanted.before, wanted.after)


def _arriving(look: Look) -> Arriving:
    """Rows come within 10 minutes of their time: https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time."""
    return Arriving.STILL if look.at < look.case.window.end + timedelta(minutes=10) else Arriving.SETTLED


def _of_groups(look: Look) -> Iterator[str]:
    """The groups' counts are those of the events, as long as all groups are there."""
    evidence, wanted = look.evidence, look.wanted
    if len(evidence.groups) > MOST_GROUPS:
        yield f"groups: {len(evidence.groups)}, more than {MOST_GROUPS}"
    if look.was_partial & {"groups"}:
        return
    found: Mapping[tuple[str, str], int] = _by_deed(evidence)
    total = sum(found.values())
    if evidence.groups_left:
        if total >= wanted.events:
            yield f"groups: {total} events in {len(evidence.groups)}, with {evidence.groups_left} left of {wanted.events} events"
    elif found != wanted.by_deed:
        yield f"groups: {dict(found)}, must be {dict(wanted.by_deed)}"


def _by_deed(evidence: Evidence) -> Mapping[tuple[str, str], int]:
    found: Counter[tuple[str, str]] = Counter()
    for group in evidence.groups:
        found[group.user, group.verb] += group.count
    return found


def check(count: int, *, questions: Sequence[int]) -> None:
    """Look at so many random windows, asked about in these ways. Raises AssertionError with the smallest that differs."""

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(questions))
    def numbers_are_those_of_the_reference(case: Case) -> None:
        found = asyncio.run(looks(case))
        wrong = [f"{look.at:%H:%M:%S.%f} {text}" for look in found for text in differences(look)]
        assert not wrong, "\n".join(wrong)

    numbers_are_those_of_the_reference()
