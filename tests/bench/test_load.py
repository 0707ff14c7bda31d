from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from bench.load import Report, Shot, fire, percentile
from sandbox.ports import free_ports

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[str]:
    port = free_ports(1)[0]
    app = web.Application()
    app.router.add_post("/api/alerts", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/api/alerts"
    finally:
        await runner.cleanup()


async def test_every_body_is_posted_once_with_the_secret() -> None:
    came: list[tuple[bytes, str]] = []

    async def answer(request: web.Request) -> web.Response:
        came.append((await request.read(), request.headers["Authorization"]))
        return web.json_response({"incident": len(came)}, status=202)

    async with listening(answer) as url:
        report = await fire(url, [b"%d" % n for n in range(50)], secret="s3cret", connections=8)
    assert sorted(int(body) for body, _ in came) == list(range(50))
    assert {header for _, header in came} == {"Basic YXp1cmU6czNjcmV0"}
    assert report.statuses == {202: 50}
    assert sorted(shot.index for shot in report.shots) == list(range(50))
    assert all(shot.body.startswith(b'{"incident"') for shot in report.shots)


async def test_refusals_and_closed_connections_are_told_and_the_rest_goes_on() -> None:
    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        if body == b"cut":
            assert request.transport is not None
            request.transport.abort()
        response = web.Response(status=503 if body == b"full" else 202)
        if body == b"full":
            response.force_close()
        return response

    async with listening(answer) as url:
        report = await fire(url, [b"a", b"cut", b"b", b"full", b"c"], secret="s", connections=1)
    assert [shot.status for shot in report.shots] == [202, 0, 202, 503, 202]
    assert report.shots[1].sent_at > 0


async def test_where_nobody_listens_nothing_was_sent() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}/api/alerts"
    report = await fire(url, [b"a"], secret="s")
    assert [(shot.status, shot.sent_at) for shot in report.shots] == [(0, 0.0)]


async def test_an_answer_in_pieces_is_put_together() -> None:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\nx")
        for piece in (b"HTTP/1.1 202 Acce", b"pted\r\nContent-Length: 4\r\n", b"\r\nab", b"cd"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        report = await fire(f"http://127.0.0.1:{port}/api/alerts", [b"x"], secret="s")
    assert [(shot.status, shot.body) for shot in report.shots] == [(202, b"abcd")]


def test_percentiles_are_values_that_were_seen() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert math.isnan(percentile([], 0.5))


def test_what_was_not_answered_has_no_latency() -> None:
    shots = [Shot(index=0, status=202, seconds=0.1), Shot(index=1, status=0, seconds=30.0)]
    assert Report(shots=shots).percentile(0.99) == 0.1
