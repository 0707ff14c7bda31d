from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from sandbox.trails import Trails
from tests.sandbox.stage import stage


@asynccontextmanager
async def a_health_port(*answers: tuple[int, str]) -> AsyncIterator[tuple[list[int], list[str]]]:
    """Bots that answer so, one after the other: their ports, and the paths that they were asked for."""
    asked: list[str] = []
    async with AsyncExitStack() as opened:
        ports = []
        for status, body in answers:
            ports.append((await opened.enter_async_context(_answering(status, body, asked))).port or 0)
        yield ports, asked


def _answering(status: int, body: str, asked: list[str]) -> TestServer:
    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, text=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return TestServer(app)


async def test_the_trail_is_asked_of_the_first_bot_that_answers() -> None:
    async with a_health_port((200, "no JSON"), (404, '{"error": "Nothing is kept."}')) as (ports, asked):
        told = await Trails(lambda: [unused_port(), *ports]).of(12)
    assert (told.status, told.body) == (404, {"error": "Nothing is kept."})
    assert asked == ["/incidents/12/trail"] * 2


async def test_a_bot_that_is_away_leaves_a_sentence() -> None:
    told = await Trails(lambda: [unused_port()]).of(12)
    assert (told.status, told.body) == (503, {"error": "The bot does not answer."})


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 5000, "1/../../alerts"])
async def test_a_trail_is_asked_for_by_a_number_only(number: str) -> None:
    steps = '{"number": 12, "steps": []}'
    async with a_health_port((200, steps)) as (ports, asked), stage(trails=Trails(lambda: ports)) as on:
        async with on.session.get(f"{on.url}/sandbox/trail", params={"number": number}) as refused:
            assert refused.status == 400
        async with on.session.get(f"{on.url}/sandbox/trail?number=12") as answer:
            assert (answer.status, await answer.json()) == (200, {"number": 12, "steps": []})
    assert asked == ["/incidents/12/trail"]
