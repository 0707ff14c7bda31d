"""Stories over real HTTP: what is seen while a question is asked, and what is delivered twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.asked import Acknowledge, AskEvents, Help, ShowStatus
from bot.commands import COMMANDS, Spec
from bot.grammar import from_text
from bot.teams.handler import ASKING
from tests.fakes import TENANT
from tests.teams_world import BOT_ID, KEY, World, open_world

PERSONAL = {
    "conversation": {"conversationType": "personal", "id": "a:1", "tenantId": TENANT},
    "channelData": {},
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with open_world() as opened:
        yield opened


@pytest.mark.parametrize("kind", ["personal", "groupChat"])
async def test_while_a_workspace_is_asked_a_chat_sees_the_bot_typing(world: World, kind: str) -> None:
    chat = {"conversation": {"conversationType": kind, "id": "a:1", "tenantId": TENANT}, "channelData": {}}
    world.responder.wait = asyncio.Event()
    await world.send(world.activity(text="audits coredns", **chat))
    await world.sees(lambda: world.connector.sent)
    world.responder.wait.set()
    await world.settled()
    typing, answer = world.connector.sent
    assert (typing.method, typing.path) == ("POST", "v3/conversations/a%3A1/activities")
    assert typing.body == {"type": "typing", "from": {"id": BOT_ID}, "conversation": {"id": "a:1"}}
    assert (answer.path, answer.body["summary"]) == (typing.path, "AskEvents")


async def test_what_asks_no_workspace_shows_no_typing(world: World) -> None:
    for line in ("help", "status", "incident 12", "subscribe", "nonsense"):
        await world.send(world.activity(text=line, **PERSONAL))
    await world.settled()
    assert {sent.body["type"] for sent in world.connector.sent} == {"message"}


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_the_table_and_the_handler_agree_about_what_asks_a_workspace(spec: Spec) -> None:
    for line in spec.examples:
        assert isinstance(from_text(line), ASKING) is spec.asks, line


async def test_a_message_that_comes_twice_is_answered_once(world: World) -> None:
    typed = world.activity(text="help")
    clicked = world.activity(text=None, value={"v": 1, "a": "acknowledge", "k": KEY}, id="f:1")
    elsewhere = typed | {"conversation": {"id": "a:1", "conversationType": "personal", "tenantId": TENANT}}
    for activity in (typed, clicked, typed, clicked, elsewhere):
        assert await world.send(activity) == (202, None)
    without_id = world.activity(text="status") | {"id": None}
    for _ in range(2):
        await world.send(without_id)
    await world.settled()
    assert [type(command) for command in world.responder.commands()] == [
        Help,
        Acknowledge,
        Help,
        ShowStatus,
        ShowStatus,
    ]
    assert world.responder.asked[0][1].activity_id == typed["id"]
    assert world.responder.asked[1][1].activity_id == "f:1"


async def test_a_button_that_says_a_line_is_answered_in_the_thread_of_its_card(world: World) -> None:
    said = world.activity(
        id="f:2", text="audits coredns last 1h", value={"x": 1}, replyToId="17", entities=None
    )
    await world.send(said)
    await world.settled()
    ((command, asker),) = world.responder.asked
    assert isinstance(command, AskEvents)
    assert (asker.thread, asker.clicked) == ("1700000000001", "")
    assert world.connector.sent[0].path.endswith("%3Bmessageid%3D1700000000001/activities")
