"""The sandbox's list of alerts answers as Azure's does, and has what fired whether or not the bot was there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp.test_utils import TestServer, unused_port

from sandbox.alarm import Alarm
from sandbox.alerts_management import AlertsList, alerts_management_app
from sandbox.issuer import InvalidToken
from sandbox.run import Run
from sandbox.workspace_faults import Faults
from tests.fakes import FakeClock
from tests.samples import sample

SUBSCRIPTION = "/subscriptions/a0a0a0a0-0000-4000-8000-000000000001"
BODY = sample("alerts/coredns-changed.json").read_bytes()
GOOD = {"api-version": "2019-03-01"}


@dataclass
class Azure:
    url: str
    session: aiohttp.ClientSession
    clock: FakeClock = field(default_factory=FakeClock)
    faults: Faults = field(default_factory=Faults)
    alerts: AlertsList = field(init=False)
    #: What the run was told of it, and the statuses.
    heard: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.alerts = AlertsList(self.clock)

    def fire(self, name: str) -> str:
        body = orjson.loads(BODY)
        body["data"]["essentials"]["alertId"] = (
            f"{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/{name}"
        )
        self.alerts.fired(body)
        return str(body["data"]["essentials"]["alertId"])

    async def list(
        self, scope: str = SUBSCRIPTION, token: str = "good", **query: str
    ) -> tuple[int, Mapping[str, Any]]:
        url = f"{self.url}{scope}/providers/Microsoft.AlertsManagement/alerts"
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.get(url, params=GOOD | query, headers=headers) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def azure() -> AsyncIterator[Azure]:
    async with aiohttp.ClientSession() as session:
        it = Azure("", session)

        def check(authorization: str | None, _audience: str) -> None:
            if authorization != "Bearer good":
                raise InvalidToken("The token is not valid.")

        app = alerts_management_app(
            it.alerts,
            tokens=check,
            clock=it.clock,
            faults=it.faults,
            heard=lambda *told: it.heard.append(told),
        )
        async with TestServer(app) as server:
            it.url = str(server.make_url("")).rstrip("/")
            yield it


def names(answer: Mapping[str, Any]) -> list[str]:
    return [item["id"].rpartition("/")[2] for item in answer["value"]]


async def test_what_changed_last_stands_in_front_and_pages_lead_on_to_each_other() -> None:
    async with azure() as it:
        for n in range(30):
            it.clock.pass_time(seconds=1)
            it.fire(f"{n}")
        status, first = await it.list()
        assert status == 200
        assert names(first) == [str(n) for n in range(29, 4, -1)]
        async with it.session.get(first["nextLink"], headers={"Authorization": "Bearer good"}) as answer:
            second = await answer.json()
        assert names(second) == ["4", "3", "2", "1", "0"]
        assert "nextLink" not in second


async def test_an_item_has_the_services_own_shape() -> None:
    async with azure() as it:
        alert_id = it.fire("one")
        it.clock.pass_time(minutes=5)
        it.alerts.resolved(alert_id)
        _, answer = await it.list(includeContext="true")
        (item,) = answer["value"]
        essentials = item["properties"]["essentials"]
        assert item["id"] == f"{essentials['targetResource']}/providers/Microsoft.AlertsManagement/alerts/one"
        assert item["name"] == "AKS-CoreDNS-Changed"
        assert essentials["alertRule"].endswith("/scheduledqueryrules/aks-coredns-changed")
        assert (essentials["monitorCondition"], essentials["alertState"]) == ("Resolved", "New")
        assert essentials["startDateTime"] < essentials["monitorConditionResolvedDateTime"]
        assert item["properties"]["context"]["context"]["condition"]["allOf"][0]["searchQuery"]
        _, without = await it.list()
        assert "context" not in without["value"][0]["properties"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"api-version": ""}, "api-version"),
        ({"pageCount": "0"}, "between 1 and 250"),
        ({"pageCount": "26", "includeContext": "true"}, "between 1 and 25"),
        ({"pageCount": "x"}, "not a number"),
        ({"timeRange": "2d"}, "timeRange must be one of"),
        ({"customTimeRange": "a/b"}, "timeRange only"),
        ({"sortBy": "name"}, "cannot sort by name"),
        ({"ctoken": "-1"}, "not a number"),
    ],
)
async def test_a_wrong_question_is_refused_in_a_sentence(query: dict[str, str], says: str) -> None:
    async with azure() as it:
        status, answer = await it.list(**query)
        assert status == 400
        assert says in answer["error"]["message"]


async def test_a_range_of_time_is_one_of_when_alerts_fired() -> None:
    async with azure() as it:
        old = it.fire("old")
        it.clock.pass_time(days=2)
        it.alerts.resolved(old)
        assert (await it.list())[1]["value"] == []
        assert names((await it.list(timeRange="7d"))[1]) == ["old"]


async def test_a_scope_has_its_own_alerts_only_whatever_its_case() -> None:
    async with azure() as it:
        it.fire("one")
        assert names((await it.list(f"{SUBSCRIPTION.upper()}/resourceGroups/RG-Platform"))[1]) == ["one"]
        assert (await it.list(f"{SUBSCRIPTION}/resourceGroups/rg-plat"))[1]["value"] == []


async def test_a_bad_token_and_a_fault_are_answered_as_such() -> None:
    async with azure() as it:
        assert (await it.list(token="bad"))[0] == 401
        it.faults.set("forbidden")
        assert (await it.list())[0] == 403
        it.faults.set("down")
        with pytest.raises(aiohttp.ClientError):
            await it.list()


async def test_an_alert_that_nobody_answered_for_is_listed_with_its_end() -> None:
    clock = FakeClock()
    alerts = AlertsList(clock)
    async with aiohttp.ClientSession() as session:
        alarm = Alarm(
            session=session,
            alerts_url=f"http://127.0.0.1:{unused_port()}/api/alerts",
            secret="s",
            body=BODY,
            run=Run(clock),
            clock=clock,
            listed=alerts,
        )
        assert (await alarm.fire()).status == 0
        (item,) = alerts.items()
        assert item["properties"]["essentials"]["monitorCondition"] == "Fired"
        await alarm.resolve()
        (item,) = alerts.items()
        assert item["properties"]["essentials"]["monitorCondition"] == "Resolved"


async def test_several_calls_of_one_moment_are_told_in_one_line() -> None:
    async with azure() as it:
        for _ in range(3):
            await it.list()
        it.fire("a")
        await it.list()
        await it.list(token="bad")
        assert it.heard == [("Azure's list of alerts was asked for: The token is not valid.", 401)]
        async with asyncio.timeout(5):
            while len(it.heard) < 2:
                await asyncio.sleep(0.05)
        assert it.heard[1:] == [("Azure's list of alerts was asked for 4 times: 1 alert listed", 200)]
