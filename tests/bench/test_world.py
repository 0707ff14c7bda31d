from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from bench.world import PASSWORD, World
from sandbox.bot_process import APP_ID, WORKSPACE_ID
from sandbox.ports import free_ports

KEY = "0123456789abcdef" * 2
PLACE = "v3/conversations/19:a@thread.tacv2/activities"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Calls the world as the bot does."""

    url: str
    session: aiohttp.ClientSession
    headers: Mapping[str, str]

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else orjson.dumps(body)
        async with self.session.request(
            method, f"{self.url}/{path}", data=data, headers=self.headers
        ) as answer:
            said = await answer.read()
            return answer.status, orjson.loads(said) if said else None

    async def post(self, *, text: str = "#1", key: str = KEY) -> tuple[int, Any]:
        return await self.call("POST", f"teams/{PLACE}", activity(text, key))

    async def teams(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.call("GET", "world/counts"))[1]["teams"]
        return found

    async def set(self, **wanted: Any) -> int:
        return (await self.call("POST", "world/set", wanted))[0]


def activity(text: str, key: str, **more: Any) -> dict[str, Any]:
    button = {"type": "Action.Execute", "title": "Acknowledge", "data": {"v": 1, "k": key} | more}
    card = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": text}], "actions": [button]}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "conversation": {"tenantId": "t1"}, "attachments": [attachment]}


@asynccontextmanager
async def a_world(*, limited: bool = False) -> AsyncIterator[Caller]:
    port = free_ports(1)[0]
    url = f"http://127.0.0.1:{port}"
    runner = web.AppRunner(World(url, limited=limited).app(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with aiohttp.ClientSession() as session:
            form = {
                "grant_type": "client_credentials",
                "client_id": APP_ID,
                "client_secret": PASSWORD,
                "scope": "https://api.botframework.com/.default",
            }
            async with session.post(f"{url}/login/token", data=form) as answer:
                token = (await answer.json())["access_token"]
            yield Caller(url=url, session=session, headers={"Authorization": f"Bearer {token}"})
    finally:
        await runner.cleanup()


async def test_cards_are_counted_by_conversation_and_by_incident() -> None:
    async with a_world() as caller:
        status, answer = await caller.post()
        assert status == 201
        assert (await caller.call("PUT", f"teams/{PLACE}/{answer['id']}", activity("#1 over", KEY)))[0] == 200
        await caller.post()
        counts = await caller.teams()
        messages = (await caller.call("GET", "world/messages"))[1]
    assert counts["conversations"] == {"19:a@thread.tacv2": {"posts": 2, "updates": 1}}
    assert counts["keys"] == {KEY: {"19:a@thread.tacv2": 2}}
    assert [(m["text"], m["updates"], m["tenant"]) for m in messages] == [
        ("#1 over\nAcknowledge", 1, "t1"),
        ("#1\nAcknowledge", 0, "t1"),
    ]


async def test_a_deleted_message_is_gone_for_updates_and_counts_no_more() -> None:
    async with a_world() as caller:
        id_ = (await caller.post())[1]["id"]
        assert (await caller.call("DELETE", f"teams/{PLACE}/{id_}"))[0] == 200
        assert (await caller.call("PUT", f"teams/{PLACE}/{id_}", activity("#1", KEY)))[0] == 404
        assert (await caller.teams())["keys"] == {}


async def test_the_card_of_an_answer_is_no_copy() -> None:
    async with a_world() as caller:
        await caller.call("POST", f"teams/{PLACE}", activity("#1", KEY, c=1))
        assert (await caller.teams())["keys"] == {}


async def test_without_a_token_nothing_is_taken() -> None:
    async with a_world() as caller, aiohttp.ClientSession() as stranger:
        async with stranger.post(f"{caller.url}/teams/{PLACE}", data=b"{}") as answer:
            assert answer.status == 401
        assert (await caller.teams())["posts"] == 0


async def test_limits_are_counted_without_being_enforced() -> None:
    async with a_world() as caller:
        assert {(await caller.post())[0] for _ in range(9)} == {201}
        counts = await caller.teams()
    assert (counts["posts"], counts["over_conversation"], counts["refused"]) == (9, 2, 0)


async def test_limits_that_are_enforced_refuse() -> None:
    async with a_world(limited=True) as caller:
        assert [(await caller.post())[0] for _ in range(9)] == [201] * 7 + [429] * 2
        counts = await caller.teams()
    assert (counts["posts"], counts["refused"]) == (7, 2)


@pytest.mark.parametrize(("fault", "status"), [("throttled", 429), ("timeout", 504), ("forbidden", 403)])
async def test_a_fault_is_answered_until_it_is_taken_back(fault: str, status: int) -> None:
    async with a_world() as caller:
        await caller.set(part="teams", fault=fault)
        assert (await caller.post())[0] == status
        await caller.set(part="teams", fault="none")
        assert (await caller.post())[0] == 201


async def test_what_was_cut_after_it_was_taken_stands() -> None:
    async with a_world() as caller:
        await caller.set(part="teams", fault="reset_after")
        with pytest.raises(aiohttp.ClientError):
            await caller.post()
        assert (await caller.teams())["keys"] == {KEY: {"19:a@thread.tacv2": 1}}


async def test_what_was_cut_before_it_was_taken_does_not() -> None:
    async with a_world() as caller:
        await caller.set(part="teams", fault="down")
        with pytest.raises(aiohttp.ClientError):
            await caller.post()
        assert (await caller.teams())["posts"] == 0


async def test_a_post_whose_caller_went_away_stands_and_is_counted_as_cut() -> None:
    async with a_world() as caller:
        await caller.set(part="teams", latency=0.3)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await caller.post()
        assert len((await caller.call("GET", "world/flight"))[1]["in_flight"]) == 1
        while (counts := await caller.teams())["posts_in_flight"]:
            await asyncio.sleep(0.02)
    assert (counts["posts"], counts["cut"]) == (1, 1)


async def test_what_there_is_not_cannot_be_set() -> None:
    async with a_world() as caller:
        assert await caller.set(part="teams", fault="sulking") == 400
        assert await caller.set(part="moon", fault="none") == 400


async def test_the_workspace_answers_rows_and_their_count() -> None:
    async with a_world() as caller:
        path = f"workspace/v1/workspaces/{WORKSPACE_ID}/query"
        rows = (await caller.call("POST", path, {"query": "AzureDiagnostics"}))[1]["tables"][0]
        count = (await caller.call("POST", path, {"query": "T\n| summarize Total = count()"}))[1]["tables"][0]
    assert count["rows"] == [[len(rows["rows"])]]
    assert len(rows["rows"]) > 3
    assert [column["name"] for column in count["columns"]] == ["Total"]
