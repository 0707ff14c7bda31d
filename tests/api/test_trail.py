from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.trail import add_trail
from bot.errors import Reason, Rejected, Unavailable
from bot.ports import Step, Trace
from tests.fakes import NOW

STEPS = (
    Trace(at=NOW, step=Step.RECEIVED, subject="Fired", seconds=0.012, reason="opened"),
    Trace(at=NOW, step=Step.PUT_OFF, subject="<b>General</b>\u202e", attempt=2, reason="throttled"),
)


async def asked(path: str, failure: Exception | None = None, method: str = "GET") -> tuple[int, Any]:
    async def trail(number: int) -> Sequence[Trace]:
        if failure:
            raise failure
        return STEPS if number == 12 else ()

    app = web.Application()
    add_trail(app, trail)
    async with TestClient(TestServer(app)) as client, client.request(method, path) as response:
        text = await response.text()
        return response.status, json.loads(text) if response.content_type == "application/json" else text


async def test_the_trail_is_told_step_by_step() -> None:
    status, told = await asked("/incidents/12/trail")
    assert status == 200
    assert told["number"] == 12
    assert told["steps"][0] == {
        "at": "2026-03-04T09:38:59.000Z",
        "step": "received",
        "subject": "Fired",
        "seconds": 0.012,
        "attempt": 0,
        "reason": "opened",
    }
    assert told["steps"][1]["seconds"] is None
    assert told["steps"][1]["subject"] == "<b>General</b>\u202e"


async def test_an_incident_of_which_nothing_is_kept_is_not_found() -> None:
    assert await asked("/incidents/13/trail") == (404, {"error": "Nothing is kept of an incident #13."})


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "9" * 10, "9" * 5000, "%D9%A1", "1%20or%201=1", "%00"])
async def test_what_is_no_number_is_told_so(number: str) -> None:
    status, told = await asked(f"/incidents/{number}/trail")
    assert status == 400
    assert told["error"].startswith("The number of an incident is a whole number")


@pytest.mark.parametrize("failure", [Unavailable(Reason.STORE, "closed"), Rejected(Reason.STORE, "x")])
async def test_without_the_store_it_says_so(failure: Exception) -> None:
    assert await asked("/incidents/12/trail", failure) == (503, {"error": "The store does not answer."})


async def test_it_is_only_read() -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert (await asked("/incidents/12/trail", method=method))[0] == 405
