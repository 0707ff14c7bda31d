"""Telling a story: its rows are there and its alerts are posted, now and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.alarm import Alarm
from sandbox.engine import Engine
from sandbox.run import Run
from sandbox.stories import BadStory, read_stories
from sandbox.tale import Teller
from tests.fakes import FakeClock
from tests.sandbox.engine_stage import values
from tests.sandbox.stage import ALERT

NOW = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Sleeper:
    """Wakes at once, and remembers for how long it was to sleep."""

    slept: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass
class Stage:
    teller: Teller
    engine: Engine
    clock: FakeClock
    run: Run
    alarm: Alarm
    heard: list[dict[str, Any]]
    sleeper: Sleeper

    async def hear(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.heard) < count:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    heard: list[dict[str, Any]] = []

    async def hear(request: web.Request) -> web.Response:
        heard.append(await request.json())
        return web.Response(status=202, text="recorded")

    app = web.Application()
    app.router.add_post("/alerts", hear)
    clock = FakeClock(NOW)
    run, engine = Run(clock), Engine(clock)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        alarm = Alarm(
            session=session,
            alerts_url=str(server.make_url("/alerts")),
            secret="s",
            body=ALERT,
            run=run,
            clock=clock,
        )
        sleeper = Sleeper()
        teller = Teller(
            stories=read_stories(), engine=engine, alarm=alarm, clock=clock, run=run, sleep=sleeper
        )
        yield Stage(teller, engine, clock, run, alarm, heard, sleeper)
        await teller.close()
    engine.close()


def window(body: dict[str, Any]) -> tuple[str, str]:
    condition = body["data"]["alertContext"]["condition"]
    return condition["windowStartTime"], condition["windowEndTime"]


def measured(body: dict[str, Any]) -> float:
    return float(body["data"]["alertContext"]["condition"]["allOf"][0]["metricValue"])


async def test_a_story_happens_now() -> None:
    async with stage() as on:
        sent = await on.teller.tell("secret-sweep")
        assert sent.status == 202
        assert window(on.heard[0]) == ("2027-01-02T02:58:00Z", "2027-01-02T03:03:00Z")
        assert await values(on.engine, "AKSAudit | where TimeGenerated > ago(1h) | count") == [30]
        assert [entry.title for entry in on.run.entries] == [
            "Story: A secret sweep",
            "Alert fired: AKS-Secrets-Read · aks-data-weu",
        ]


async def test_all_alerts_of_a_story_are_posted_and_resolved() -> None:
    async with stage() as on:
        await on.teller.tell("two-clusters")
        await on.hear(2)
        rules = [body["data"]["essentials"]["alertTargetIDs"][0].rpartition("/")[2] for body in on.heard]
        assert rules == ["aks-east-eus", "aks-west-wus"]
        assert on.sleeper.slept == [2]
        await on.alarm.resolve()
        assert [body["data"]["essentials"]["monitorCondition"] for body in on.heard[2:]] == ["Resolved"] * 2


async def test_told_again_soon_azure_counts_what_is_still_in_the_window() -> None:
    async with stage() as on:
        await on.teller.tell("cluster-admin")
        on.clock.pass_time(seconds=20)
        await on.teller.tell("cluster-admin")
        assert [measured(body) for body in on.heard] == [3, 5]
        on.clock.pass_time(minutes=20)
        await on.teller.tell("cluster-admin")
        assert measured(on.heard[2]) == 3
        ids = {body["data"]["essentials"]["alertId"] for body in on.heard}
        assert len(ids) == 3


async def test_there_is_a_menu_and_no_other_story() -> None:
    async with stage() as on:
        assert [item["name"] for item in on.teller.to_json()][:2] == ["corefile-edit", "cluster-admin"]
        assert {tuple(item) for item in on.teller.to_json()} == {("name", "title", "sentence")}
        with pytest.raises(BadStory, match="not 'x'"):
            await on.teller.tell("x")
