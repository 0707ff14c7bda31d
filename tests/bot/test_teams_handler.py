"""Stories over real HTTP: what Teams sends, what reaches the responder, what is answered and posted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.asked import (
    Acknowledge,
    AskEvents,
    Help,
    Misunderstood,
    SevenAnswers,
    ShowRawLog,
    ShowSeenBefore,
    Subscribe,
    WhatElse,
)
from bot.teams.adapter import Authentication
from tests.fakes import a_conversation
from tests.teams_world import ALICE, BOT_ID, CHANNEL, KEY, TEAM, World, open_world

MARK = "0123456789ab"

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
FAILED = "That did not work, and it has been logged. Please try again."


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with open_world() as opened:
        yield opened


def click(world: World, **changes: Any) -> dict[str, Any]:
    action = {"type": "Action.Execute", "verb": "acknowledge", "data": {"v": 1, "k": KEY}} | changes
    action = {name: value for name, value in action.items() if value is not None}
    return world.activity(
        type="invoke",
        name="adaptiveCard/action",
        text=None,
        entities=None,
        replyToId="1700000000001",
        value={"action": action, "trigger": "manual"},
    )


def dialog(world: World, name: str = "task/fetch", **data: Any) -> dict[str, Any]:
    value = {"data": {"msteams": {"type": "task/fetch"}, "v": 1, "a": "raw", "k": KEY} | data, "context": {}}
    return world.activity(type="invoke", name=name, text=None, value=value, replyToId="1700000000001")


# --- messages --------------------------------------------------------------------------------------


async def test_a_typed_line_is_answered_as_a_card_in_its_thread(world: World) -> None:
    activity = world.activity(text="<at>Audit</at> Audits coredns last 1h")
    assert await world.send(activity) == (202, None)
    await world.settled()

    ((command, asker),) = world.responder.asked
    assert isinstance(command, AskEvents)
    assert command.what.term == "coredns"
    assert asker.object_id == ALICE["aadObjectId"]
    assert asker.thread == "1700000000001"
    (sent,) = world.connector.sent
    conversation = "19%3Aops%40thread.tacv2%3Bmessageid%3D1700000000001"
    assert (sent.method, sent.path) == ("POST", f"v3/conversations/{conversation}/activities")
    assert sent.authorization == "Bearer token-1"
    assert sent.body["summary"] == "AskEvents"
    assert "text" not in sent.body
    (attachment,) = sent.body["attachments"]
    assert attachment["contentType"] == CARD_TYPE
    assert attachment["content"]["body"][0]["text"] == "AskEvents"


async def test_a_slow_answer_keeps_nobody_waiting(world: World) -> None:
    world.connector.slow = 0.3
    started = time.perf_counter()
    assert (await world.send(world.activity()))[0] == 202
    assert time.perf_counter() - started < 0.25
    await world.settled()
    assert world.connector.said() == ["Help"]


@pytest.mark.parametrize(
    ("data", "command"),
    [
        ({"a": "else", "g": MARK}, WhatElse(key=KEY, row=MARK)),
        ({"a": "seven", "g": MARK}, SevenAnswers(key=KEY, row=MARK)),
        ({"a": "before"}, ShowSeenBefore(key=KEY)),
    ],
)
async def test_what_is_asked_of_a_row_opens_a_dialog_or_goes_to_the_personal_chat(
    world: World, data: dict[str, Any], command: WhatElse | SevenAnswers | ShowSeenBefore
) -> None:
    status, body = await world.send(dialog(world, **data))
    assert (status, body["task"]["type"]) == (200, "continue")
    await world.send(world.activity(text=None, value={"v": 1, "k": KEY} | data))
    await world.settled()
    assert world.responder.commands() == [command, replace(command, no_dialog=True)]


async def test_a_submitted_button_is_a_click_without_a_dialog(world: World) -> None:
    value = {"v": 1, "a": "raw", "k": KEY, "p": 2}
    await world.send(world.activity(text=None, value=value, replyToId="17"))
    await world.send(world.activity(text="", value={"v": 1, "a": "acknowledge", "k": KEY}))
    await world.send(world.activity(text=None, value="junk"))
    await world.settled()
    assert world.responder.commands() == [
        ShowRawLog(key=KEY, page=2, no_dialog=True),
        Acknowledge(key=KEY),
        Help(),
    ]
    assert world.responder.asked[0][1].clicked == "17"


async def test_a_message_renews_the_conversation_reference_only_when_it_changed(world: World) -> None:
    world.routes.known[CHANNEL] = a_conversation(
        id=CHANNEL,
        team_id=TEAM,
        name="ops",
        service_url="https://smba.trafficmanager.net/old/",
        bot_id=BOT_ID,
    )
    for _ in range(2):
        await world.send(world.activity())
        await world.settled()
    (renewed,) = world.routes.remembered
    assert renewed.service_url == world.connector.service_url
    assert renewed.name == "ops"


async def test_an_answer_is_given_though_the_store_is_down(world: World) -> None:
    world.routes.down = True
    await world.send(world.activity())
    await world.settled()
    assert world.connector.said() == ["Help"]


async def test_a_bug_behind_a_message_is_logged_once_and_owned_up_to(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.responder.failure = RuntimeError("a bug")
    assert (await world.send(world.activity()))[0] == 202
    await world.settled()
    assert world.connector.said() == [FAILED]
    assert len([record for record in caplog.records if record.exc_info]) == 1


async def test_a_throttled_answer_is_said_again_after_the_wait(world: World) -> None:
    world.connector.faults = [(429, {"Retry-After": "0"}, b"")]
    await world.send(world.activity())
    await world.settled()
    assert world.connector.said() == ["Help", "Help"]


async def test_an_answer_that_may_have_arrived_is_not_said_twice(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.connector.faults = [(0, {}, b"")]
    await world.send(world.activity())
    await world.settled()
    assert world.connector.said() == ["Help"]
    assert [record.message for record in caplog.records] == ["an answer was not delivered"]
    assert not caplog.records[0].exc_info


async def test_someone_without_an_object_id_reaches_the_responder_as_nobody(world: World) -> None:
    await world.send(world.activity(**{"from": {"id": "29:x", "name": "Alice"}}))
    await world.settled()
    assert world.responder.asked[0][1].object_id == ""


async def test_where_nothing_is_to_be_said_nothing_is(world: World) -> None:
    world.responder.silent = True
    for text in ("help", "audits coredns"):
        await world.send(world.activity(text=text))
    await world.settled()
    assert world.connector.sent == []
    twice = "This has been asked already; the answer is on its way."
    assert (await world.send(click(world)))[1]["value"] == twice
    assert (await world.send(dialog(world)))[1] == {"task": {"type": "message", "value": twice}}


# --- clicks ----------------------------------------------------------------------------------------


async def test_a_click_is_answered_with_the_new_card(world: World) -> None:
    status, body = await world.send(click(world))
    assert status == 200
    assert body == {
        "statusCode": 200,
        "type": CARD_TYPE,
        "value": {
            "type": "AdaptiveCard",
            "version": "1.5",
            "body": [{"type": "TextBlock", "text": "Acknowledge"}],
        },
    }
    ((command, asker),) = world.responder.asked
    assert command == Acknowledge(key=KEY)
    assert asker.clicked == "1700000000001"
    assert world.connector.sent == []


async def test_the_verb_decides_and_not_the_data(world: World) -> None:
    await world.send(click(world, data={"v": 1, "k": KEY, "a": "raw"}))
    assert world.responder.commands() == [Acknowledge(key=KEY)]


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "Action.Submit"},
        {"type": None},
        {"verb": None},
        {"verb": 5},
        {"data": None},
        {"data": "x"},
        {"data": []},
    ],
)
async def test_a_malformed_click_is_told_so_with_status_200(world: World, changes: dict[str, Any]) -> None:
    activity = click(world, **{name: value for name, value in changes.items() if value is not None})
    for name, value in changes.items():
        if value is None:
            activity["value"]["action"].pop(name)
    status, body = await world.send(activity)
    assert status == 200
    assert (body["statusCode"], body["type"]) == (400, "application/vnd.microsoft.error")
    assert body["value"]["code"] == "BadRequest"
    assert world.responder.asked == []


@pytest.mark.parametrize("value", [None, "x", [], 5, {}, {"action": "x"}, {"action": None}, {"action": []}])
async def test_a_click_of_another_shape_is_told_so(world: World, value: Any) -> None:
    activity = click(world) | {"value": value}
    status, body = await world.send(activity)
    assert (status, body["statusCode"]) == (200, 400)


async def test_forged_data_reaches_the_responder_as_misunderstood(world: World) -> None:
    status, body = await world.send(click(world, data={"v": 1, "k": "'; drop table", "user": "admin"}))
    assert (status, body["statusCode"]) == (200, 200)
    assert isinstance(world.responder.commands()[0], Misunderstood)


async def test_a_bug_behind_a_click_leaves_the_card_as_it_is(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.responder.failure = RuntimeError("a bug")
    status, body = await world.send(click(world))
    assert status == 200
    assert body == {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": FAILED}
    assert len([record for record in caplog.records if record.exc_info]) == 1


async def test_an_invoke_of_another_kind_is_refused(world: World) -> None:
    for name in ("composeExtension/query", "fileConsent/invoke", "", None):
        status, body = await world.send(world.activity(type="invoke", name=name))
        assert (status, body) == (400, {"error": "This bot does not know this kind of invoke."})


# --- dialogs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["task/fetch", "task/submit"])
async def test_the_raw_log_opens_and_pages_in_a_dialog(world: World, name: str) -> None:
    status, body = await world.send(dialog(world, name, p=3))
    assert status == 200
    value = body["task"]["value"]
    assert body["task"]["type"] == "continue"
    assert (value["title"], value["height"], value["width"]) == ("ShowRawLog", "large", "large")
    assert value["card"]["contentType"] == CARD_TYPE
    assert value["card"]["content"]["type"] == "AdaptiveCard"
    assert world.responder.commands() == [ShowRawLog(key=KEY, page=3)]


@pytest.mark.parametrize("value", [None, "x", [], {}, {"data": None}, {"data": "x"}, {"data": {"v": 2}}])
async def test_a_dialog_of_another_shape_says_so_in_the_dialog(world: World, value: Any) -> None:
    status, body = await world.send(dialog(world) | {"value": value})
    assert (status, body["task"]["type"]) == (200, "continue")
    assert isinstance(world.responder.commands()[0], Misunderstood)


async def test_a_bug_behind_a_dialog_is_a_sentence(world: World) -> None:
    world.responder.failure = RuntimeError("a bug")
    assert await world.send(dialog(world)) == (200, {"task": {"type": "message", "value": FAILED}})


# --- everything else -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["typing", "messageReaction", "event", "endOfConversation", "brand new", "trace"]
)
async def test_other_activities_are_taken_and_ignored(world: World, kind: str) -> None:
    status, _ = await world.send(world.activity(type=kind, text=None))
    assert status == 200
    assert world.responder.asked == []
    assert world.connector.sent == []


@pytest.mark.parametrize("kind", ["message", "invoke", "conversationUpdate", "installationUpdate", "event"])
async def test_activities_full_of_junk_never_give_a_traceback(
    world: World, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    junks: list[dict[str, Any]] = [{"id": 1}, {"tenant": 5}, {"team": []}, {"settings": "x", "eventType": 5}]
    for junk in junks:
        activity = world.activity(type=kind, membersAdded=[junk, "x"], entities=[junk, 1], value=junk)
        activity["channelData"] = junk
        activity["recipient"] = {}
        status, _ = await world.send(activity)
        assert status in {200, 202, 400}
    await world.settled()
    assert not [record for record in caplog.records if record.exc_info]


async def test_the_order_to_subscribe_comes_from_the_channel_itself(world: World) -> None:
    await world.send(world.activity(text="<at>Audit</at>&nbsp;subscribe"))
    await world.settled()
    ((command, asker),) = world.responder.asked
    assert command == Subscribe()
    assert asker.conversation.id == CHANNEL


async def test_a_stop_waits_for_the_answer_under_way() -> None:
    async with open_world() as world:
        world.connector.slow = 0.2
        await world.send(world.activity())
        while not world.connector.sent:
            await asyncio.sleep(0.01)
        connector = world.connector
    assert connector.said() == ["Help"]


async def test_the_sdks_own_doors_are_closed(world: World) -> None:
    authentication = Authentication(app_id="x")
    assert await authentication.credentials.is_authentication_disabled() is False
    with pytest.raises(PermissionError):
        await authentication.authenticate_request(None, "")
    with pytest.raises(PermissionError):
        await authentication.authenticate_streaming_request("", "")
    with pytest.raises(PermissionError):
        await authentication.credentials.create_credentials("x", "y", "z", True)
