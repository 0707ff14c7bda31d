"""Compared with Azure's own list, nothing stays missing, nothing comes twice, and old alerts stay old."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from audit.alert import Alert, Condition, parse_alert
from audit.incident import Why
from bot.catch_up import EVERY, OVERLAP, RETRY, SETTLED, CatchUp
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import Chore, ChoreKind, ListedAlert, Recorded, Workspace
from tests.fakes import NOW, FakeClock

SUBSCRIPTION = "/subscriptions/a0a0a0a0-0000-4000-8000-000000000001"
CLUSTER = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/prod"
ELSEWHERE = f"{SUBSCRIPTION}/resourceGroups/other/providers/Microsoft.ContainerService/managedClusters/test"
WORKSPACE = Workspace(name="prod", id="a0a0a0a0-0000-4000-8000-000000000003", holds=(CLUSTER,))
SINCE_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class FakeAzure:
    """Has what is listed; `failures` are raised in turn, before it answers again."""

    listed: list[ListedAlert] = field(default_factory=list)
    failures: list[OutsideError] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)

    async def since(self, start: datetime) -> Sequence[ListedAlert]:
        self.asked.append(start)
        if self.failures:
            raise self.failures.pop(0)
        return list(self.listed)


@dataclass
class FakeKnown:
    """What of a store is used here. `failing` lets recording fail after so many more."""

    recorded: list[tuple[Alert, bytes, bool]] = field(default_factory=list)
    failing: int | None = None

    async def record(self, alert: Alert, body: bytes, now: datetime, *, found: bool = False) -> Recorded:
        if self.failing is not None:
            if self.failing == 0:
                raise Unavailable(Reason.STORE, "disk full")
            self.failing -= 1
        repeated = any(kept.key == alert.key for kept, _, _ in self.recorded)
        if not repeated:
            self.recorded.append((alert, body, found))
        return Recorded(why=Why.OPENED, incident=None, repeated=repeated)

    async def known(self, alert_ids: Sequence[str]) -> Mapping[str, frozenset[Condition]]:
        wanted = {id_.lower() for id_ in alert_ids}
        found: dict[str, frozenset[Condition]] = {}
        for alert, _, _ in self.recorded:
            if (id_ := alert.alert_id.lower()) in wanted:
                found[id_] = found.get(id_, frozenset()) | {alert.condition}
        return found

    def found(self) -> list[tuple[str, str]]:
        """Name and condition of what was found, in the order in which it was recorded."""
        return [
            (alert.alert_id.rpartition("/")[2], str(alert.condition))
            for alert, _, found in self.recorded
            if found
        ]


@dataclass
class Desk:
    """A chore that runs on a clock of its own; `due_at` is what the chore's row says."""

    azure: FakeAzure = field(default_factory=FakeAzure)
    store: FakeKnown = field(default_factory=FakeKnown)
    clock: FakeClock = field(default_factory=FakeClock)
    due_at: datetime = SINCE_EVER
    woken: list[datetime] = field(default_factory=list)
    catch_up: CatchUp = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """As after a new start of the process: what it remembered is gone, the store is not."""
        self.catch_up = CatchUp(
            azure={SUBSCRIPTION: self.azure},
            incidents=self.store,
            workspaces=[WORKSPACE],
            clock=self.clock,
            wake=lambda: self.woken.append(self.clock.at),
        )

    async def run(self) -> timedelta:
        """Do the chore as the worker does; return how long it rests then."""
        chore = Chore(
            id=1, attempt=1, owner="me", due_at=self.due_at, claimed_at=self.clock.at, kind=ChoreKind.CATCH_UP
        )
        self.due_at = await self.catch_up.run(chore)
        return self.due_at - self.clock.at

    async def run_when_due(self) -> timedelta:
        self.clock.at = max(self.clock.at, self.due_at)
        return await self.run()

    async def deliver(self, listed: ListedAlert) -> None:
        await self.store.record(parse_alert(listed.fired), listed.fired, self.clock.at)


def a_listed(
    name: str, fired_at: datetime, *, resolved_at: datetime | None = None, target: str = CLUSTER, **more: Any
) -> ListedAlert:
    """Return a log alert, or with `kind="metric"` a metric alert."""
    is_log = more.get("kind") != "metric"
    alert_id = f"{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/{name}"
    criterion = {"searchQuery": "AzureDiagnostics"} if is_log else {"metricName": "node_cpu"}

    def body(**times: str) -> bytes:
        essentials = {
            "alertId": alert_id,
            "alertRule": more.get("rule", "CoreDNS"),
            "severity": "Sev2",
            "monitoringService": "Log Alerts V2" if is_log else "Platform",
            "alertTargetIDs": [target],
            "firedDateTime": fired_at.isoformat(),
            **times,
        }
        context = {"condition": {"allOf": [criterion]}}
        return orjson.dumps(
            {
                "schemaId": "azureMonitorCommonAlertSchema",
                "data": {"essentials": essentials, "alertContext": context},
            }
        )

    resolved = (
        body(monitorCondition="Resolved", resolvedDateTime=resolved_at.isoformat()) if resolved_at else None
    )
    return ListedAlert(alert_id=alert_id, fired=body(monitorCondition="Fired"), resolved=resolved)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def running(desk: Desk) -> Desk:
    """Return the desk of a database that has been there for a day, compared ten minutes ago."""
    desk.due_at = desk.clock.at
    return desk


async def test_an_alert_that_azure_never_delivered_is_recorded_as_found_once() -> None:
    desk = running(Desk())
    desk.azure.listed = [a_listed("a", ago(minutes=8)), a_listed("b", ago(minutes=7), rule="Secrets")]
    assert await desk.run() == EVERY
    assert desk.store.found() == [("a", "Fired"), ("b", "Fired")]
    assert desk.woken == [NOW]
    await desk.run_when_due()
    desk.restart()
    await desk.run_when_due()
    assert len(desk.store.recorded) == 2
    assert len(desk.woken) == 1


async def test_what_was_delivered_is_left_alone() -> None:
    desk = running(Desk())
    delivered = a_listed("a", ago(minutes=8))
    desk.azure.listed = [delivered]
    await desk.deliver(delivered)
    await desk.run()
    assert desk.store.found() == []
    assert desk.woken == []


async def test_a_missed_end_is_recorded_too_after_its_beginning() -> None:
    desk = running(Desk())
    known = a_listed("known", ago(hours=3), resolved_at=ago(minutes=6))
    desk.azure.listed = [known, a_listed("new", ago(minutes=9), resolved_at=ago(minutes=6))]
    await desk.deliver(known)
    await desk.run()
    assert desk.store.found() == [("known", "Resolved"), ("new", "Fired"), ("new", "Resolved")]


async def test_what_may_still_be_on_its_way_is_left_to_the_next_time() -> None:
    desk = running(Desk())
    young = a_listed("young", ago(minutes=4), resolved_at=ago(minutes=1))
    desk.azure.listed = [young, a_listed("over", ago(minutes=8), resolved_at=ago(minutes=1))]
    await desk.run()
    assert desk.store.found() == [("over", "Fired")]
    await desk.run_when_due()
    assert sorted(desk.store.found()) == [
        ("over", "Fired"),
        ("over", "Resolved"),
        ("young", "Fired"),
        ("young", "Resolved"),
    ]


async def test_nothing_is_missed_that_fired_before_the_database_began() -> None:
    desk = Desk()
    desk.azure.listed = [a_listed("old", ago(days=9)), a_listed("older", ago(minutes=6))]
    for _ in range(3):
        await desk.run_when_due()
        desk.restart()
    assert desk.store.recorded == []


async def test_what_fires_after_the_database_began_is_missed_even_if_nothing_was_ever_delivered() -> None:
    desk = Desk()
    await desk.run()
    desk.restart()
    desk.clock.pass_time(minutes=21)
    desk.azure.listed = [a_listed("missed", NOW + timedelta(minutes=3)), a_listed("old", ago(minutes=1))]
    await desk.run()
    assert desk.store.found() == [("missed", "Fired")]


async def test_a_database_that_knows_an_alert_was_there_when_that_fired() -> None:
    desk = running(Desk())
    first = a_listed("first", ago(days=5))
    desk.azure.listed = [a_listed("before", ago(days=6)), first, a_listed("after", ago(days=4))]
    await desk.deliver(first)
    await desk.run()
    assert desk.store.found() == [("after", "Fired")]


async def test_without_the_chores_row_what_is_known_still_tells_when_the_database_began() -> None:
    desk = Desk()
    first = a_listed("first", ago(days=5))
    desk.azure.listed = [a_listed("before", ago(days=6)), first, a_listed("after", ago(days=4))]
    await desk.deliver(first)
    assert await desk.catch_up.run() == NOW + EVERY
    assert desk.store.found() == [("after", "Fired")]


async def test_away_for_longer_than_azure_remembers_is_no_new_database() -> None:
    desk = Desk(due_at=ago(days=40))
    desk.azure.listed = [a_listed("missed", ago(days=29))]
    await desk.run()
    assert desk.store.found() == [("missed", "Fired")]


async def test_at_first_it_looks_back_thirty_days_and_then_an_hour_beyond_the_last_time() -> None:
    desk = running(Desk())
    await desk.run()
    await desk.run_when_due()
    assert desk.azure.asked == [ago(days=30), NOW - OVERLAP]


async def test_a_failure_does_not_shorten_what_is_looked_at_next() -> None:
    desk = running(Desk())
    await desk.run()
    desk.azure.failures = [Unavailable(Reason.UNREACHABLE)] * 3
    for _ in range(3):
        assert await desk.run_when_due() == RETRY
    desk.clock.pass_time(hours=5)
    desk.azure.listed = [a_listed("missed", NOW + timedelta(minutes=1))]
    await desk.run()
    assert set(desk.azure.asked[1:]) == {NOW - OVERLAP}
    assert desk.store.found() == [("missed", "Fired")]


async def test_alerts_on_what_no_workspace_holds_are_not_ours() -> None:
    desk = running(Desk())
    desk.azure.listed = [
        a_listed("a", ago(minutes=8), target=ELSEWHERE),
        a_listed("b", ago(minutes=8), target=""),
    ]
    await desk.run()
    assert desk.store.recorded == []


async def test_of_other_kinds_only_rules_that_delivered_here_before_are_ours() -> None:
    desk = running(Desk())
    before = a_listed("before", ago(days=1), kind="metric", rule="CPU of ours")
    desk.azure.listed = [
        before,
        a_listed("ours", ago(minutes=8), kind="metric", rule="CPU of ours"),
        a_listed("others", ago(minutes=8), kind="metric", rule="CPU of others"),
    ]
    await desk.deliver(before)
    await desk.run()
    assert desk.store.found() == [("ours", "Fired")]


@pytest.mark.parametrize("hyphens", [True, False])
async def test_an_id_with_and_without_hyphens_is_one(hyphens: bool) -> None:
    guid = "b1b1b1b1-0000-4000-8000-000000000001"
    one, other = (guid, guid.replace("-", "")) if hyphens else (guid.replace("-", ""), guid)
    desk = running(Desk())
    desk.azure.listed = [a_listed(one, ago(minutes=8))]
    await desk.deliver(a_listed(other.upper(), ago(minutes=8)))
    await desk.run()
    assert desk.store.found() == []


async def test_a_first_flood_is_recorded_in_several_runs_and_none_is_left_out() -> None:
    desk = running(Desk())
    desk.azure.listed = [a_listed(f"{n}", ago(minutes=9) + timedelta(milliseconds=n)) for n in range(2500)]
    assert await desk.run() == timedelta()
    assert len(desk.store.found()) == 2000
    assert desk.catch_up.watching().last is None
    assert await desk.run() == EVERY
    assert [name for name, _ in desk.store.found()] == [str(n) for n in range(2500)]


async def test_without_the_role_it_says_which_and_where_and_asks_on_every_ten_minutes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = running(Desk())
    desk.azure.failures = [Rejected(Reason.FORBIDDEN, "<b>no</b>")] * 3
    await desk.catch_up.check()
    assert await desk.run() == EVERY
    assert await desk.run_when_due() == EVERY
    problem = desk.catch_up.watching().problem
    assert problem.endswith(f"give the bot's identity the role Monitoring Reader on {SUBSCRIPTION}")
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [problem]
    await desk.run_when_due()
    assert desk.catch_up.watching().problem == ""
    assert desk.catch_up.watching().last == desk.clock.at


async def test_what_azure_asks_to_wait_is_waited_but_not_for_ever() -> None:
    desk = running(Desk())
    desk.azure.failures = [
        Unavailable(Reason.THROTTLED, retry_after=timedelta(minutes=3)),
        Unavailable(Reason.THROTTLED, retry_after=timedelta(days=3)),
        Unavailable(Reason.THROTTLED, retry_after=timedelta(seconds=1)),
    ]
    waits = [await desk.run_when_due() for _ in range(3)]
    assert waits == [timedelta(minutes=3), timedelta(minutes=15), RETRY]


async def test_a_database_that_stops_in_the_middle_loses_nothing() -> None:
    desk = running(Desk())
    desk.azure.listed = [a_listed(f"{n}", ago(minutes=9)) for n in range(100)]
    desk.store.failing = 40
    assert await desk.run() == RETRY
    assert "database" in desk.catch_up.watching().problem
    assert desk.catch_up.watching().last is None
    desk.store.failing = None
    assert await desk.run_when_due() == EVERY
    assert len({name for name, _ in desk.store.found()}) == len(desk.store.recorded) == 100


async def test_one_scope_that_fails_does_not_hold_up_the_others() -> None:
    desk = running(Desk())
    broken = FakeAzure(failures=[Rejected(Reason.FORBIDDEN)])
    desk.azure.listed = [a_listed("a", ago(minutes=8))]
    both = CatchUp(
        azure={"/subscriptions/other": broken, SUBSCRIPTION: desk.azure},
        incidents=desk.store,
        workspaces=[WORKSPACE],
        clock=desk.clock,
        wake=lambda: None,
    )
    chore = Chore(id=1, attempt=1, owner="me", due_at=NOW, claimed_at=NOW, kind=ChoreKind.CATCH_UP)
    assert await both.run(chore) == NOW + EVERY
    assert desk.store.found() == [("a", "Fired")]
    assert "/subscriptions/other" in both.watching().problem
    assert both.watching().last is None


async def test_with_no_scope_there_is_nothing_to_compare() -> None:
    none = CatchUp(azure={}, incidents=FakeKnown(), workspaces=[], clock=FakeClock(), wake=lambda: None)
    assert await none.run() == NOW + EVERY
    assert none.watching().problem == ""


def test_what_is_settled_is_older_than_azures_last_try() -> None:
    # A first call and five more; in between 5, 20, 5, 40 and 5 s.
    assert timedelta(seconds=75 + 6 * 30) <= SETTLED
