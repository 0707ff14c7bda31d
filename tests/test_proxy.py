"""The fault proxy itself: a fault that does something else than it says would prove nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.proxy import WELL, Fault, Kind, Proxy, Upstream, open_proxy

PARTS = {"/a": "a", "/b": "b"}
PATIENCE = aiohttp.ClientTimeout(total=5)


@dataclass(kw_only=True)
class Stage:
    proxy: Proxy
    session: aiohttp.ClientSession
    heard: list[str] = field(default_factory=list)

    async def get(self, path: str) -> str:
        async with self.session.get(f"{self.proxy.url}{path}", timeout=PATIENCE) as answer:
            return await answer.text()

    async def ask(self, path: str, body: bytes = b"hello") -> str:
        async with self.session.post(f"{self.proxy.url}{path}", data=body, timeout=PATIENCE) as answer:
            return await answer.text()


@asynccontextmanager
async def stage(*, parts: bool = True) -> AsyncIterator[Stage]:
    heard: list[str] = []

    async def echo(request: web.Request) -> web.Response:
        heard.append(request.path)
        return web.json_response({"size": len(await request.read()), "path": request.path})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    # Without parts a connection is kept, and could be used once more before its end has been noticed.
    connector = aiohttp.TCPConnector(force_close=not parts)
    async with TestServer(app) as server, aiohttp.ClientSession(connector=connector) as session:
        assert server.port is not None
        async with open_proxy(Upstream(port=server.port), PARTS if parts else None) as proxy:
            yield Stage(proxy=proxy, session=session, heard=heard)


@pytest.mark.parametrize("parts", [True, False])
async def test_what_is_well_passes_with_all_its_bytes(parts: bool) -> None:
    async with stage(parts=parts) as it:
        assert '"size": 300000' in await it.ask("/a/long", b"x" * 300_000)
        assert '"size": 5' in await it.ask("/elsewhere")
        assert it.proxy.met == {}


async def test_a_client_that_keeps_its_connections_meets_the_fault_of_every_part() -> None:
    async with stage() as it:
        for path in ("/a", "/b", "/a"):
            await it.ask(path)
        await it.proxy.set(Fault(kind=Kind.DOWN), "a")
        with pytest.raises(aiohttp.ClientError):
            await it.ask("/a")
        await it.ask("/b")
        assert it.proxy.met == {"a": 1}


@pytest.mark.parametrize("kind", [Kind.DOWN, Kind.GARBAGE, Kind.HALF])
async def test_a_fault_meets_its_part_and_no_other(kind: Kind) -> None:
    async with stage() as it:
        await it.proxy.set(Fault(kind=kind), "a")
        with pytest.raises(aiohttp.ClientError):
            await it.ask("/a")
        assert '"size": 5' in await it.ask("/b")
        await it.proxy.set(WELL, "a")
        assert '"size": 5' in await it.ask("/a")
        assert it.proxy.met == {"a": 1} or kind is Kind.HALF


async def test_garbage_is_no_http_then_a_page_then_broken_json_and_reaches_nobody() -> None:
    async with stage() as it:
        await it.proxy.set(Fault(kind=Kind.GARBAGE), "a")
        seen = set()
        for _ in range(3):
            try:
                seen.add(await it.ask("/a"))
            except aiohttp.ClientError as failure:
                seen.add(type(failure).__name__)
        assert len(seen) == 3
        with pytest.raises(aiohttp.ClientError):
            await it.get("/a")
        assert it.heard == []


async def test_an_answer_cut_in_the_middle_was_asked_for() -> None:
    async with stage() as it:
        await it.proxy.set(Fault(kind=Kind.HALF), "a")
        with pytest.raises(aiohttp.ClientError):
            await it.ask("/a")
        assert it.heard == ["/a"]


async def test_a_slow_part_is_late_and_keeps_nobody_else_waiting() -> None:
    async with stage() as it:
        await it.proxy.set(Fault(kind=Kind.SLOW, seconds=0.3), "a")
        started = time.perf_counter()
        late = asyncio.create_task(it.ask("/a"))
        await it.ask("/b")
        assert not late.done()
        await late
        assert time.perf_counter() - started >= 0.3


async def test_a_part_that_hangs_never_answers() -> None:
    async with stage() as it:
        await it.proxy.set(Fault(kind=Kind.HANG), "a")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await it.ask("/a")
        assert it.heard == []


async def test_without_parts_down_is_a_closed_port_that_opens_again() -> None:
    async with stage(parts=False) as it:
        await it.ask("/a")
        for _ in range(3):
            await it.proxy.set(Fault(kind=Kind.DOWN))
            with pytest.raises(aiohttp.ClientConnectorError):
                await it.ask("/a")
            await it.proxy.set(WELL)
            await it.ask("/a")


@pytest.mark.parametrize("parts", [True, False])
async def test_flapping_goes_down_and_up_in_turns(parts: bool) -> None:
    async with stage(parts=parts) as it:
        await it.proxy.set(Fault(kind=Kind.FLAPPING, seconds=0.1), "a" if parts else "")
        turns: list[bool] = []
        while len(turns) < 4:
            try:
                up = bool(await it.ask("/a"))
            except aiohttp.ClientError:
                up = False
            if not turns or turns[-1] is not up:
                turns.append(up)
            await asyncio.sleep(0.02)
        assert turns == [False, True, False, True]
        await it.proxy.set(WELL, "a" if parts else "")
        for _ in range(10):
            await it.ask("/a")
            await asyncio.sleep(0.03)
