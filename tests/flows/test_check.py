"""`--check` can fail: every step is broken once, and turns red there and nowhere else."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from api.settings import Secret, Settings, Webhook
from sandbox.bot_process import BotProcess
from sandbox.page_client import Got, Json, PageClient
from sandbox.ports import free_ports
from tests.flows.checking import STEPS, Misquoting, checked, make_member
from tests.flows.laptop import Laptop, laptop
from tests.flows.reading import person_id


async def test_every_step_of_the_sample_is_green_and_says_what_it_saw(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:
        seen = await checked(it)
    assert seen.green, seen.lines
    assert seen.steps("ok") == STEPS
    assert all("\n" not in line for line in seen.lines)
    assert "answered 202" in seen.said("webhook")
    assert "6 rows sent, and the alert's own query finds 6" in seen.said("evidence")
    assert "bytes, says “workspace returned 6”" in seen.said("card")
    assert "by Alice Weber" in seen.said("acknowledge")
    assert "1 more by people" in seen.said("copies")
    assert "Event 1 of 6, auditID c0ffee00-" in seen.said("raw log")
    assert "“audits coredns-custom last 1h”" in seen.said("chat")
    assert "“7 events”, as counted here" in seen.said("chat")
    assert "Acknowledged by Alice Weber" in seen.said("resolved")
    assert all(line.endswith(" ms") for line in seen.lines)


# --- one break for each step -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Break:
    """How one step is broken: in the bot's settings, before the run, or after an earlier step."""

    step: str
    how: str
    #: What the red line must say.
    says: str
    before: Callable[[Laptop], object] = lambda _it: None
    after: str = ""
    then: Callable[[Laptop], object] = lambda _it: None
    page: Callable[[Laptop], PageClient | None] = lambda _it: None
    settings: Callable[[Settings], Settings] = lambda settings: settings
    install: bool = True
    #: It is red because something does not come.
    waits: bool = False


class WithoutLibraries(PageClient):
    async def get(self, path: str) -> Got:
        return await super().get(path.replace("adaptivecards", "nothing"))


def nobody_answers_health(it: Laptop) -> None:
    it.process.health_port = free_ports(1)[0]


def with_another_secret(settings: Settings) -> Settings:
    return replace(settings, webhook=Webhook(secrets=(Secret("0123456789abcdef" * 4),)))


class Forgetting(PageClient):
    """Makes the bot's database forget who acknowledged, just before Bob clicks."""

    def __init__(self, it: Laptop) -> None:
        super().__init__(it.page._session, it.page._url)
        self._database = it.process.folder / "auditor.db"

    async def call(self, name: str, /, **body: object) -> Json:
        state = await self.state()
        if name == "click" and body["person"] == person_id(state, "Bob"):
            await asyncio.to_thread(self._forget)
        return await super().call(name, **body)

    def _forget(self) -> None:
        with closing(sqlite3.connect(self._database)) as database, database:
            database.execute(
                "UPDATE incidents SET state = 'fired', acknowledged_by = NULL,"
                " acknowledged_name = NULL, acknowledged_at = NULL"
            )


def break_workspace(kind: str) -> Callable[[Laptop], None]:
    return lambda it: it.site.workspace_faults.set(kind)


def break_teams(it: Laptop) -> None:
    it.site.teams_faults.set("server_error")


def misquote(words: str, other: str) -> Callable[[Laptop], PageClient]:
    return lambda it: Misquoting(it.page, words, other)


BREAKS = (
    Break(step="ready", how="nobody on its port", says="/readyz does not answer 200", before=nobody_answers_health),
    Break(step="page", how="a library is missing", says="/npm/adaptivecards.min.js is answered 404", page=lambda it: WithoutLibraries(it.page._session, it.page._url)),
    Break(step="installed", how="never installed", says="did not see a welcome", install=False, waits=True),
    Break(step="webhook", how="wrong secret", says="the webhook answered 401", settings=with_another_secret),
    Break(step="evidence", how="workspace down", says="the workspace answered 0", before=break_workspace("down")),
    Break(step="evidence", how="workspace forbids", says="the workspace answered 403", before=break_workspace("forbidden")),
    Break(step="evidence", how="workspace sends garbage", says="the alert's own query has 6", before=break_workspace("garbage")),
    Break(step="evidence", how="workspace sends half", says="the alert's own query has 6", before=break_workspace("partial")),
    Break(step="card", how="Teams is down", says="did not see a card of incident 1", after="installed", then=break_teams, waits=True),
    Break(step="card", how="another number", says="does not say “workspace returned 6”", page=misquote("returned 6", "returned 16")),
    Break(step="card", how="too large", says="more than 20,000", page=misquote("workspace returned 6", "workspace returned 6" + " " * 20_000)),
    Break(step="guest", how="the guest is a member", says="answered by no message but by card", before=lambda it: make_member(it, "Gina Guest")),
    Break(step="acknowledge", how="Teams is down", says="was answered by no card but by message", after="guest", then=break_teams),
    Break(step="acknowledge", how="another name", says="does not name Alice Weber", page=misquote("Acknowledged by Alice", "Acknowledged by Al")),
    Break(step="second click", how="the acknowledgement is lost", says="was not shown that Alice Weber was first", page=Forgetting),
    Break(step="copies", how="workspace down", says="did not see everybody's card", after="guest", then=break_workspace("down"), waits=True),
    Break(step="copies", how="another number", says="finds 1 to 1 since then", page=misquote("1 more by people", "2 more by people")),
    Break(step="raw log", how="workspace down", says="shows none of the alert's events", after="copies", then=break_workspace("down")),
    Break(step="raw log", how="another event", says="shows none of the alert's events", page=misquote("c0ffee00", "c0ffee99")),
    Break(step="chat", how="workspace sends garbage", says="counted here are 7 events", after="raw log", then=break_workspace("garbage")),
    Break(step="chat", how="another number", says="counted here are 7 events", page=misquote("7 events", "17 events")),
    Break(step="resolved", how="Teams is down", says="did not see the card saying", after="chat", then=break_teams, waits=True),
)  # fmt: skip


@pytest.mark.parametrize("broken", BREAKS, ids=lambda b: f"{b.step}: {b.how}")
async def test_a_broken_step_is_red_and_the_last(broken: Break, tmp_path: Path) -> None:
    async with laptop(tmp_path, install=broken.install, before=broken.settings) as it:
        broken.before(it)
        seen = await checked(
            it,
            after={broken.after: lambda: broken.then(it)},
            page=broken.page(it),
            hurry_after=STEPS[STEPS.index(broken.step) - 1] if broken.waits else "",
        )
    assert not seen.green
    assert seen.steps("ok") == STEPS[: STEPS.index(broken.step)], seen.lines
    assert seen.steps("RED") == [broken.step]
    assert broken.says in seen.lines[-1]
    assert "\n" not in seen.lines[-1]


def test_every_step_is_broken_somewhere() -> None:
    assert {broken.step for broken in BREAKS} | {"stopped"} == set(STEPS)


@pytest.mark.demo
async def test_a_killed_bot_is_not_ready_and_did_not_stop_well(tmp_path: Path) -> None:
    bot = BotProcess(
        sandbox_url=f"http://127.0.0.1:{free_ports(1)[0]}",
        port=free_ports(1)[0],
        health_port=free_ports(1)[0],
        clock_offset=0,
        holds=(),
        folder=tmp_path,
    )
    await bot.start()
    bot.kill()
    await bot.wait()
    (tmp_path / "another").mkdir()
    async with laptop(tmp_path / "another") as it:
        unready = await checked(it, is_ready=bot.is_ready)
        assert unready.steps("RED") == ["ready"]
        stopped = await checked(it, stop=bot.stop)
    assert stopped.steps("RED") == ["stopped"]
    assert "exit code -9" in stopped.lines[-1]


async def test_an_answer_of_any_other_shape_is_red_and_no_traceback(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:

        async def ready() -> bool:
            return True

        seen = await checked(it, page=PageClient(it.session, it.process.url), is_ready=ready)
    assert seen.steps("RED") == ["page"]


async def _never() -> bool:
    return False


async def test_nothing_is_said_after_a_red_step(tmp_path: Path) -> None:
    never: Callable[[], Awaitable[bool]] = _never
    async with laptop(tmp_path) as it:
        seen = await checked(it, is_ready=never)
    assert len(seen.lines) == 1
