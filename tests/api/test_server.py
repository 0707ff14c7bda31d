"""Requests that are in hand when the process ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.server import QUIET, InHand, listen, runner


@dataclass(kw_only=True)
class Port:
    in_hand: InHand
    client: TestClient[web.Request, web.Application]
    #: Requests are answered once it is set.
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, _request: web.Request) -> web.Response:
        self.begun.set()
        await self.answering.wait()
        return web.Response(text="done")


@asynccontextmanager
async def port() -> AsyncIterator[Port]:
    in_hand = InHand()
    app = web.Application(middlewares=[in_hand.counted])
    client = TestClient(TestServer(app))
    it = Port(in_hand=in_hand, client=client)
    app.router.add_get("/", it.handle)
    async with client:
        yield it


async def test_without_requests_it_ends_after_a_quiet_moment() -> None:
    async with asyncio.timeout(20 * QUIET):
        assert await InHand().end(100) == 0


async def test_it_waits_for_the_request_in_hand_and_closes_its_connection() -> None:
    async with port() as it:
        request = asyncio.create_task(it.client.get("/"))
        await it.begun.wait()
        ending = asyncio.create_task(it.in_hand.end(100))
        await asyncio.sleep(2 * QUIET)
        assert not ending.done()
        it.answering.set()
        async with await request as answer:
            assert (answer.status, await answer.text()) == (200, "done")
            assert answer.headers["Connection"] == "close"
        assert await ending == 0


async def test_whoever_sends_once_more_on_a_kept_connection_is_answered_and_told_that_it_closes() -> None:
    async with port() as it:
        it.answering.set()
        async with it.client.get("/") as answer:
            assert "Connection" not in answer.headers
        ending = asyncio.create_task(it.in_hand.end(100))
        await asyncio.sleep(QUIET / 2)
        async with it.client.get("/") as answer:
            assert (answer.status, answer.headers["Connection"]) == (200, "close")
        assert await ending == 0


@pytest.mark.parametrize("patience", [0.0, 0.05])
async def test_what_hangs_is_waited_for_no_longer_than_there_is_time(patience: float) -> None:
    async with port() as it:
        request = asyncio.create_task(it.client.get("/"))
        await it.begun.wait()
        assert await it.in_hand.end(patience) == 1
        it.answering.set()
        (await request).close()


async def test_a_connection_that_nobody_has_accepted_yet_is_served_when_the_port_closes() -> None:
    async def handle(_request: web.Request) -> web.Response:
        return web.Response(text="done")

    app = web.Application()
    app.router.add_get("/", handle)
    served = runner(app)
    await served.setup()
    listening = await listen(served, "127.0.0.1", 0)
    port = listening.port
    callers = []
    for _ in range(20):
        # Blocking, so that the loop has no turn in which to accept anything.
        caller = socket.create_connection(("127.0.0.1", port))
        caller.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        callers.append(caller)
    await listening.close()
    for caller in callers:
        with closing(caller):
            reader, writer = await asyncio.open_connection(sock=caller)
            assert (await reader.read()).endswith(b"done")
            writer.close()
            await writer.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await served.cleanup()
