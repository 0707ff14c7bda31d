"""Several bots behind one address, each a tiny server of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.alarm import Alarm
from sandbox.bot_process import BotFailed, BotProcess
from sandbox.page_api import Page, page_api
from sandbox.ports import free_ports
from sandbox.postgres import NoPostgres, fresh_database
from sandbox.replicas import Replica, Replicas, State
from sandbox.room import Room
from sandbox.run import Run
from tests.fakes import FakeClock
from tests.sandbox.stage import APP_ID


@dataclass(kw_only=True)
class Pretended(BotProcess):
    """A bot that is a server in this process; what it is asked goes to `heard`."""

    number: int
    heard: list[int]
    lives: bool = False
    ready: bool = True
    fails: bool = False
    code: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    server: TestServer | None = None

    @property
    def running(self) -> bool:
        return self.lives

    @property
    def pid(self) -> int:
        return 100 + self.number

    async def is_ready(self) -> bool:
        return self.ready

    async def start(self) -> None:
        if self.fails:
            raise BotFailed("It said nothing.")
        app = web.Application()
        app.router.add_post("/api/alerts", self._take)
        self.server = TestServer(app, host="127.0.0.1", port=self.port)
        await self.server.start_server()
        self.lives = True
        self.ended.clear()

    async def _take(self, _request: web.Request) -> web.Response:
        self.heard.append(self.number)
        return web.json_response({}, status=202)

    async def close(self) -> None:
        """Listen no more, though it counts as running: as a process does that has just died."""
        if self.server is not None:
            await self.server.close()

    def kill(self) -> None:
        self.lives = False
        self.ended.set()

    async def wait(self) -> None:
        await self.ended.wait()
        await self.close()

    async def stop(self) -> int:
        self.kill()
        await self.close()
        return self.code


@dataclass
class Pair:
    replicas: Replicas
    one: Pretended
    two: Pretended
    heard: list[int]


@asynccontextmanager
async def pair(tmp_path: Path, *, start: bool = True) -> AsyncIterator[Pair]:
    heard: list[int] = []
    one, two = (
        Pretended(
            number=number,
            heard=heard,
            port=port,
            sandbox_url="",
            health_port=1,
            clock_offset=0,
            holds=(),
            folder=tmp_path,
            name=f"bot-{number}",
        )
        for number, port in enumerate(free_ports(2), 1)
    )
    replicas = Replicas([one, two])
    if start:
        await replicas.start()
    try:
        yield Pair(replicas, one, two, heard)
    finally:
        await replicas.stop()
        for each in (one, two):
            await each.close()


async def test_requests_go_to_the_replicas_in_turn(tmp_path: Path) -> None:
    async with pair(tmp_path) as it, it.replicas.session() as session:
        for _ in range(4):
            async with session.post(f"{it.replicas.url}/api/alerts") as answer:
                assert answer.status == 202
        assert it.heard in ([1, 2, 1, 2], [2, 1, 2, 1])


async def test_a_dead_one_is_passed_over_and_one_that_just_died_costs_no_request(tmp_path: Path) -> None:
    async with pair(tmp_path) as it, it.replicas.session() as session:
        await it.one.close()
        for _ in range(3):
            async with session.post(f"{it.replicas.url}/api/alerts") as answer:
                assert answer.status == 202
        await it.replicas.kill_one(1)
        async with session.post(f"{it.replicas.url}/api/alerts") as answer:
            assert answer.status == 202
        assert it.heard == [2, 2, 2, 2]
        assert it.one.heard is it.heard


async def test_where_none_runs_the_connection_is_refused(tmp_path: Path) -> None:
    async with pair(tmp_path, start=False) as it, it.replicas.session() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.post(f"{it.replicas.url}/api/alerts")
        assert not await it.replicas.is_ready()


async def test_one_is_killed_and_started_again_and_who_looks_hears_of_it(tmp_path: Path) -> None:
    told: list[str] = []
    heard: list[list[tuple[int, State]]] = []
    async with pair(tmp_path) as it:
        it.replicas.subscribe(lambda shown: heard.append([(r.number, r.state) for r in shown]))
        async with it.replicas.watched(told.append):
            await until(lambda: bool(heard))
            assert await it.replicas.kill_one(1)
            assert not await it.replicas.kill_one(1)
            assert not await it.replicas.kill_one(3)
            assert not await it.replicas.kill_one(0)
            assert await it.replicas.is_ready()
            assert await it.replicas.start_one(1)
            assert not await it.replicas.start_one(1)
            assert not await it.replicas.start_one(2)
            await until(lambda: heard[-1] == [(1, State.READY), (2, State.READY)])
            it.two.ready = False
            await until(lambda: heard[-1] == [(1, State.READY), (2, State.NOT_READY)])
            it.two.kill()
            await until(lambda: heard[-1] == [(1, State.READY), (2, State.DEAD)])
            it.two.fails = True
            assert await it.replicas.start_one(2)
            await until(lambda: "did not start" in told[-1])
    assert [(1, State.DEAD), (2, State.READY)] in heard
    assert told == [
        "Replica 1 was killed (pid 101)",
        "Replica 1 is ready (pid 101)",
        "Replica 2 has ended (pid 102)",
        "Replica 2 did not start. It said nothing.",
    ]
    assert it.replicas.shown[0] == Replica(number=1, pid=101, state=State.READY)


async def test_the_exit_code_of_all_is_the_first_that_is_not_0(tmp_path: Path) -> None:
    async with pair(tmp_path) as it:
        it.two.code = 3
        assert await it.replicas.stop() == 3
        assert await it.replicas.stop() == 0
        it.one.log.write_text("one\n")
        assert it.replicas.last_words() == "replica 1: one · replica 2: it said nothing."


async def test_the_page_kills_and_starts_and_bad_input_gets_one_sentence(tmp_path: Path) -> None:
    async with pair(tmp_path) as it, it.replicas.watched(print), aiohttp.ClientSession() as session:
        await until(lambda: bool(it.replicas.shown))
        async with TestServer(a_page(it.replicas, session)) as served:

            async def call(**body: Any) -> tuple[int, Any]:
                async with session.post(served.make_url("/replica"), json=body) as answer:
                    return answer.status, await answer.json()

            status, answer = await call(number=1, do="kill")
            assert (status, answer["replicas"][0]) == (202, {"number": 1, "pid": 101, "state": "dead"})
            assert (await call(number=1, do="kill"))[0] == 409
            assert (await call(number=9, do="start"))[0] == 409
            for body in ({}, {"number": 1}, {"number": "1", "do": "kill"}, {"number": True, "do": "kill"}):
                assert (await call(**body))[0] == 400
            assert (await call(number=1, do="freeze"))[0] == 400
            status, answer = await call(number=1, do="start")
            assert (status, answer["replicas"][0]["state"]) == (202, "starting")
            await until(lambda: it.replicas.shown[0].state is State.READY)
            async with session.get(served.make_url("/state")) as state:
                assert [r["number"] for r in (await state.json())["replicas"]] == [1, 2]


@pytest.mark.parametrize("url", ["", "x", "sqlite:///x", "mysql://a/b"])
async def test_a_database_url_of_another_kind_is_a_sentence(url: str) -> None:
    with pytest.raises(NoPostgres, match="must be postgresql://"):
        async with fresh_database(url):
            pass


async def test_a_server_that_is_away_is_a_sentence() -> None:
    with pytest.raises(NoPostgres, match="cannot be reached"):
        async with fresh_database("postgresql://nobody@127.0.0.1:1/nothing"):
            pass


def a_page(replicas: Replicas, session: aiohttp.ClientSession) -> web.Application:
    clock = FakeClock()
    run, room = Run(clock), Room(app_id=APP_ID, clock=clock)
    alarm = Alarm(session=session, alerts_url="", secret="", body=b"", run=run, clock=clock)
    return page_api(
        Page(
            room=room,
            run=run,
            bot=None,  # type: ignore[arg-type]  # nobody speaks to it here
            alarm=alarm,
            clock=clock,
            break_workspace=print,
            break_teams=print,
            replicas=replicas,
        )
    )


async def until(is_so: Any) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.01)
