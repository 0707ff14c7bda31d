from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from sandbox.bot_client import BotClient
from sandbox.room import TENANT, Unknown
from tests.sandbox.stage import CARD, CARD_ANSWER, DIALOG, EXECUTE, NEW_CARD, RAW_LOG, Stage, stage


async def a_card(on: Stage) -> str:
    _, answer = await on.post(on.general)
    return str(answer["id"])


async def test_installing_tells_the_bot_the_team_and_the_channel_that_was_chosen() -> None:
    async with stage(installed=False) as on:
        ops = on.room.channels[1]
        result = await on.bot.install_in_team(channel=ops)
        assert (result.kind, result.status) == ("none", 200)
        assert (await on.post(ops.id))[0] == 201
    update, members = on.tiny_bot.heard
    assert (update["type"], update["action"]) == ("installationUpdate", "add")
    assert members["type"] == "conversationUpdate"
    assert members["membersAdded"] == [{"id": on.room.bot_id}]
    for activity in (update, members):
        data = activity["channelData"]
        assert data["settings"] == {"selectedChannel": {"id": ops.id}}
        assert (data["team"]["id"], data["tenant"]) == (on.room.team_id, {"id": TENANT})
        assert activity["conversation"] == {
            "isGroup": True,
            "conversationType": "channel",
            "tenantId": TENANT,
            "id": ops.id,
        }
        assert activity["from"]["aadObjectId"] == on.room.people[0].object_id
    assert update["id"] != members["id"]


async def test_uninstalling_tells_the_bot_and_shuts_the_channels() -> None:
    async with stage() as on:
        await on.bot.uninstall()
        assert (await on.post(on.general))[0] == 403
    update, members = on.tiny_bot.heard
    assert (update["action"], members["membersRemoved"]) == ("remove", [{"id": on.room.bot_id}])
    assert "settings" not in update["channelData"]


async def test_a_line_in_a_channel_comes_with_a_mention_and_its_thread() -> None:
    async with stage() as on:
        alice, general = on.room.people[0], on.room.channels[0]
        root = await a_card(on)
        result = await on.bot.say(alice, general, "audits <b>coredns</b> last 1h", thread=root)
    [activity] = on.tiny_bot.heard
    message = on.room.messages[-1]
    assert (result.kind, message.said.text, message.thread) == ("none", "audits <b>coredns</b> last 1h", root)
    assert activity["text"] == "<at>Auditor</at> audits <b>coredns</b> last 1h"
    assert activity["attachments"][0]["content"] == (
        "<p>&lt;at&gt;Auditor&lt;/at&gt; audits &lt;b&gt;coredns&lt;/b&gt; last 1h</p>"
    )
    assert activity["entities"][0] == {
        "type": "mention",
        "mentioned": {"id": on.room.bot_id, "name": "Auditor"},
        "text": "<at>Auditor</at>",
    }
    assert activity["entities"][1]["timezone"] == "Europe/Berlin"
    assert activity["id"] == message.id
    assert activity["conversation"]["id"] == f"{general.id};messageid={root}"
    assert activity["channelData"]["team"] == {"id": on.room.team_id}
    assert activity["from"] == {"id": alice.id, "name": "Alice Weber", "aadObjectId": alice.object_id}
    assert activity["localTimestamp"] == "2026-03-04T10:38:59.000+01:00"
    assert (activity["localTimezone"], activity["locale"]) == ("Europe/Berlin", "en-GB")
    assert datetime.fromisoformat(activity["timestamp"]) == on.clock.now()


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("@auditor help", "<at>Auditor</at> help"),
        ("please @Auditor help @Auditor", "please <at>Auditor</at> help @Auditor"),
        (r"\1 \g<0>", r"<at>Auditor</at> \1 \g<0>"),
        ("@Auditorium help", "<at>Auditor</at> @Auditorium help"),
    ],
)
async def test_what_is_typed_as_a_mention_becomes_one(typed: str, sent: str) -> None:
    async with stage() as on:
        await on.bot.say(on.room.people[0], on.room.channels[0], typed)
    assert on.tiny_bot.heard[0]["text"] == sent


async def test_a_line_in_a_personal_chat_has_neither_mention_nor_thread() -> None:
    async with stage() as on:
        gina = on.room.people[2]
        chat = on.room.personal(gina)
        await on.bot.say(gina, chat, "help")
        with pytest.raises(Unknown):
            await on.bot.say(on.room.people[0], chat, "let me in")
    [activity] = on.tiny_bot.heard
    assert (activity["text"], [e["type"] for e in activity["entities"]]) == ("help", ["clientInfo"])
    assert activity["conversation"] == {
        "conversationType": "personal",
        "tenantId": TENANT,
        "id": chat.id,
    }
    assert activity["channelData"] == {"tenant": {"id": TENANT}}


async def test_a_line_in_a_group_chat_comes_with_a_mention_and_without_a_thread() -> None:
    async with stage() as on:
        chat = on.room.conversations[-1]
        await on.bot.say(on.room.people[1], chat, "help")
        assert on.room.messages[-1].thread == ""
        assert (await on.post(chat.id))[0] == 201
    [activity] = on.tiny_bot.heard
    assert activity["text"] == "<at>Auditor</at> help"
    assert activity["conversation"] == {
        "isGroup": True,
        "conversationType": "groupChat",
        "tenantId": TENANT,
        "id": chat.id,
    }
    assert activity["channelData"] == {"tenant": {"id": TENANT}}


def says(**told: Any) -> dict[str, Any]:
    return {"type": "Action.Submit", "data": {"msteams": {"type": "messageBack"} | told}}


async def test_a_button_that_says_a_line_shows_one_text_and_tells_the_bot_another_without_a_mention() -> None:
    async with stage() as on:
        alice = on.room.people[0]
        message_id = await a_card(on)
        result = await on.bot.click(alice, message_id, says(text="help", displayText="Help me"))
        assert (result.kind, result.status) == ("none", 200)
        shown = on.room.messages[-1]
        assert (shown.said.text, shown.sender_id, shown.thread) == ("Help me", alice.id, message_id)
    [activity] = on.tiny_bot.heard
    assert (activity["type"], activity["text"], activity["replyToId"]) == ("message", "help", message_id)
    assert activity["conversation"]["id"] == f"{on.general};messageid={message_id}"
    assert [entity["type"] for entity in activity["entities"]] == ["clientInfo"]
    assert activity["id"].startswith("f:")
    assert "value" not in activity


async def test_a_button_may_say_a_line_unseen_and_send_data_beside_it() -> None:
    async with stage() as on:
        message_id = await a_card(on)
        action = says(text="help", value={"b": 2})
        action["data"]["a"] = 1
        await on.bot.click(on.room.people[0], message_id, action)
        await on.bot.click(on.room.people[0], message_id, says(text=5, displayText=None, value="x"))
        assert [message.id for message in on.room.messages] == [message_id]
    first, odd = on.tiny_bot.heard
    assert (first["text"], first["value"]) == ("help", {"a": 1, "b": 2})
    assert odd["text"] == ""


async def test_a_clicked_execute_is_an_invoke_and_its_card_is_for_who_clicked_until_the_bot_updates() -> None:
    async with stage() as on:
        alice, bob = on.room.people[:2]
        message_id = await a_card(on)
        on.tiny_bot.answer = CARD_ANSWER
        result = await on.bot.click(alice, message_id, EXECUTE)
        assert (result.kind, result.card, result.status) == ("card", NEW_CARD, 200)
        assert result.bytes > 100
        shown = on.room.message(message_id)
        assert shown.said.card == CARD
        assert shown.cards_for == {alice.id: NEW_CARD}
        assert shown.edited is None
        await on.bot.click(bob, message_id, EXECUTE)
        assert set(on.room.message(message_id).cards_for) == {alice.id, bob.id}
        path = f"conversations/{on.general}/activities/{message_id}"
        await on.call("PUT", path, {"type": "message", "text": "done"})
        assert on.room.message(message_id).cards_for == {}
    activity = on.tiny_bot.heard[0]
    assert (activity["type"], activity["name"]) == ("invoke", "adaptiveCard/action")
    action = {"type": "Action.Execute", "verb": "acknowledge", "data": {"v": 1, "k": "x"}}
    assert activity["value"] == {"action": action, "trigger": "manual"}
    assert activity["replyToId"] == message_id
    assert activity["conversation"]["id"] == f"{on.general};messageid={message_id}"
    assert activity["channelData"]["legacy"] == {"replyToId": message_id}
    assert "text" not in activity
    invokes = [e for e in on.run.entries if e.kind == "invoke"]
    assert [e.title for e in invokes] == [
        "Alice Weber clicked Acknowledge",
        "Bob Lee clicked Acknowledge",
    ]
    assert invokes[0].detail["answer"] == CARD_ANSWER


async def test_an_answer_that_comes_after_the_update_for_all_does_not_hide_it() -> None:
    async with stage() as on:
        message_id = await a_card(on)
        on.tiny_bot.answer, on.tiny_bot.go = CARD_ANSWER, asyncio.Event()
        click = asyncio.create_task(on.bot.click(on.room.people[0], message_id, EXECUTE))
        while not on.tiny_bot.heard:
            await asyncio.sleep(0.01)
        path = f"conversations/{on.general}/activities/{message_id}"
        await on.call("PUT", path, {"type": "message", "text": "newer"})
        on.tiny_bot.go.set()
        assert (await click).kind == "card"
        assert on.room.message(message_id).cards_for == {}


async def test_a_task_fetch_opens_a_dialog_and_its_submit_turns_the_page() -> None:
    async with stage() as on:
        alice = on.room.people[0]
        message_id = await a_card(on)
        on.tiny_bot.answer = DIALOG
        opened = await on.bot.click(alice, message_id, {"type": "Action.Submit", "data": RAW_LOG})
        turned = await on.bot.dialog_submit(alice, message_id, {"v": 1, "a": "raw", "k": "x", "p": 1})
        on.tiny_bot.answer = None
        closed = await on.bot.dialog_submit(alice, message_id, {})
        unopened = await on.bot.click(alice, message_id, {"type": "Action.Submit", "data": RAW_LOG})
        assert on.room.message(message_id).cards_for == {}
    assert (opened.kind, opened.title, opened.card) == ("dialog", "Raw log", CARD)
    assert (opened.height, opened.width, turned.kind) == ("large", 600, "dialog")
    assert (closed.kind, unopened.kind) == ("none", "error")
    fetch, submit, *_ = on.tiny_bot.heard
    assert (fetch["name"], fetch["value"]["data"]) == ("task/fetch", RAW_LOG)
    assert (submit["name"], submit["value"]["data"]["p"]) == ("task/submit", 1)
    assert fetch["value"]["context"] == {"theme": "default"}
    assert fetch["replyToId"] == message_id


async def test_a_plain_submit_is_a_message_with_a_value() -> None:
    async with stage() as on:
        message_id = await a_card(on)
        action = {"type": "Action.Submit", "data": {"a": "help"}}
        result = await on.bot.click(on.room.people[0], message_id, action)
    [activity] = on.tiny_bot.heard
    assert (result.kind, activity["type"], activity["value"]) == ("none", "message", {"a": "help"})
    assert activity["replyToId"] == message_id
    assert "name" not in activity


async def test_a_click_on_what_one_cannot_see_or_send_is_refused() -> None:
    async with stage() as on:
        alice, bob = on.room.people[:2]
        _, theirs = await on.post(on.room.personal(bob).id)
        message_id = await a_card(on)
        with pytest.raises(Unknown):
            await on.bot.click(alice, theirs["id"], EXECUTE)
        with pytest.raises(Unknown):
            await on.bot.dialog_submit(alice, "1", {})
        for kind in ("Action.OpenUrl", None, 1):
            with pytest.raises(ValueError, match="sent to a bot"):
                await on.bot.click(alice, message_id, {"type": kind})
    assert on.tiny_bot.heard == []


@pytest.mark.parametrize(
    ("answer", "status", "kind", "text"),
    [
        (None, 200, "error", "not a JSON object"),
        (b"<html>", 200, "error", "not a JSON object"),
        (b"[" * 5000, 200, "error", "not a JSON object"),
        ([], 200, "error", "not a JSON object"),
        (
            {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": "x"},
            200,
            "error",
            "",
        ),
        ({"type": "application/vnd.microsoft.activity.message", "value": "No"}, 200, "message", "No"),
        (
            {"type": "application/vnd.microsoft.error", "value": {"message": "Not you"}},
            200,
            "error",
            "Not you",
        ),
        (CARD_ANSWER, 500, "error", "answered 500"),
        (None, 401, "error", "answered 401"),
    ],
)
async def test_an_answer_is_read_as_teams_reads_it(answer: Any, status: int, kind: str, text: str) -> None:
    async with stage() as on:
        message_id = await a_card(on)
        on.tiny_bot.answer, on.tiny_bot.status = answer, status
        result = await on.bot.click(on.room.people[0], message_id, EXECUTE)
        assert on.room.message(message_id).cards_for == {}
    assert (result.kind, result.status) == (kind, status)
    assert text in result.text


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"task": {"type": "message", "value": "Too late"}}, "message"),
        ({"task": {"type": "continue", "value": {"card": {"content": "x"}}}}, "error"),
        ({"task": {"type": "continue", "value": "x"}}, "error"),
        ({"task": {"type": "other", "value": DIALOG["task"]["value"]}}, "error"),
        ({"task": []}, "error"),
        (b"garbage", "error"),
    ],
)
async def test_a_dialog_s_answer_is_read_as_teams_reads_it(answer: Any, kind: str) -> None:
    async with stage() as on:
        message_id = await a_card(on)
        on.tiny_bot.answer = answer
        assert (await on.bot.dialog_submit(on.room.people[0], message_id, {})).kind == kind


async def test_a_bot_that_is_slow_or_away_gives_an_error_and_no_exception() -> None:
    async with stage(patience=0.2) as on:
        message_id = await a_card(on)
        on.tiny_bot.go = asyncio.Event()
        slow = await on.bot.click(on.room.people[0], message_id, EXECUTE)
        on.tiny_bot.go.set()
        async with aiohttp.ClientSession() as session:
            away = BotClient(
                session=session,
                bot_url="http://127.0.0.1:1/api/messages",
                service_url=f"{on.url}/teams/",
                issuer=on.issuer,
                room=on.room,
                run=on.run,
                clock=on.clock,
            )
            gone = await away.say(on.room.people[0], on.room.channels[0], "help")
    assert (slow.kind, slow.status) == ("error", 0)
    assert "did not answer" in slow.text
    assert (gone.kind, gone.status) == ("error", 0)
    assert "cannot be reached" in gone.text
    assert on.run.entries[-1].detail["problem"] == gone.text
