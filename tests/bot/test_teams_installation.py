"""Stories over real HTTP: where the bot is installed, and what becomes of channels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.asked import Welcome
from bot.errors import Reason, Unavailable
from bot.ports import ConversationKind
from tests.fakes import TENANT, a_conversation
from tests.teams_world import ALICE, BOT_ID, CHANNEL, TEAM, World, open_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with open_world() as opened:
        yield opened


def installed(
    world: World, *, selected: str = "", via: str = "conversationUpdate", **changes: Any
) -> dict[str, Any]:
    channel_data: dict[str, Any] = {"team": {"id": TEAM, "name": "Ops"}, "tenant": {"id": TENANT}}
    if selected:
        channel_data["settings"] = {"selectedChannel": {"id": selected}}
    event: dict[str, Any] = (
        {"action": "add"} if via == "installationUpdate" else {"membersAdded": [{"id": BOT_ID}]}
    )
    conversation = {
        "id": selected or TEAM,
        "conversationType": "channel",
        "tenantId": TENANT,
        "isGroup": True,
    }
    base = {
        "type": via,
        "text": None,
        "entities": None,
        "channelData": channel_data,
        "conversation": conversation,
    }
    return world.activity(**(base | event | changes))


@pytest.mark.parametrize("via", ["conversationUpdate", "installationUpdate"])
async def test_the_channel_chosen_at_the_install_gets_the_incidents(world: World, via: str) -> None:
    assert await world.send(installed(world, selected=CHANNEL, via=via)) == (200, None)
    assert world.routes.wanting == [CHANNEL]
    (remembered,) = world.routes.remembered
    assert (remembered.kind, remembered.team_id) == (ConversationKind.CHANNEL, TEAM)
    assert remembered.tenant_id == TENANT
    assert world.responder.commands() == [Welcome()]
    (sent,) = world.connector.sent
    assert sent.path == "v3/conversations/19%3Aops%40thread.tacv2/activities"


async def test_without_a_choice_general_gets_the_incidents(world: World) -> None:
    await world.send(installed(world))
    assert world.routes.wanting == [TEAM]
    assert world.routes.known[TEAM].name == "General"


async def test_one_install_told_twice_at_once_is_welcomed_once(world: World) -> None:
    await asyncio.gather(
        world.send(installed(world, selected=CHANNEL)),
        world.send(installed(world, selected=CHANNEL, via="installationUpdate")),
    )
    assert world.routes.wanting == [CHANNEL]
    assert world.connector.said() == ["Welcome"]


@pytest.mark.parametrize("chosen_first", [True, False])
async def test_the_chosen_channel_wins_whichever_of_two_events_names_it(
    world: World, chosen_first: bool
) -> None:
    events = [
        installed(world, selected=CHANNEL),
        installed(world, via="installationUpdate", conversation={"id": TEAM, "conversationType": "channel"}),
    ]
    for event in events if chosen_first else reversed(events):
        await world.send(event)
    assert world.routes.wanting == [CHANNEL]


async def test_an_upgrade_changes_no_route(world: World) -> None:
    await world.send(installed(world, selected=CHANNEL))
    world.routes.wanting.clear()
    for action in ("add-upgrade", "remove-upgrade", "something new"):
        await world.send(installed(world, via="installationUpdate", action=action))
    assert world.routes.wanting == []
    assert list(world.routes.known) == [CHANNEL]


async def test_a_personal_install_is_remembered_and_welcomed_once(world: World) -> None:
    conversation = {"id": "a:1", "conversationType": "personal", "tenantId": TENANT}
    for via in ("conversationUpdate", "installationUpdate"):
        await world.send(
            installed(world, via=via, conversation=conversation, channelData={"tenant": {"id": TENANT}})
        )
    assert world.routes.known["a:1"].user_object_id == ALICE["aadObjectId"]
    assert world.routes.wanting == []
    assert world.connector.said() == ["Welcome"]


async def test_a_welcome_that_cannot_be_said_does_not_undo_the_install(world: World) -> None:
    world.connector.faults = [(403, {}, b"")]
    assert await world.send(installed(world, selected=CHANNEL)) == (200, None)
    assert world.routes.wanting == [CHANNEL]


async def test_an_install_that_cannot_be_stored_is_503(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.routes.down = True
    status, body = await world.send(installed(world, selected=CHANNEL))
    assert (status, body) == (503, {"error": "This cannot be done at the moment."})
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "conversationUpdate", "membersRemoved": [{"id": BOT_ID}]},
        {"type": "installationUpdate", "action": "remove"},
        {"type": "conversationUpdate", "eventType": "teamDeleted"},
        {"type": "conversationUpdate", "eventType": "teamHardDeleted"},
    ],
)
async def test_leaving_a_team_ends_all_its_routes(world: World, event: dict[str, Any]) -> None:
    await world.send(installed(world, selected=CHANNEL))
    other = a_conversation(id="19:other@thread.tacv2", team_id="19:other@thread.tacv2")
    world.routes.known[other.id] = other
    changes = {name: value for name, value in event.items() if name != "eventType"}
    activity = world.activity(text=None, **changes)
    activity["channelData"] = {
        "team": {"id": TEAM},
        "tenant": {"id": TENANT},
        "eventType": event.get("eventType"),
    }
    assert await world.send(activity) == (200, None)
    assert world.routes.wanting == []
    assert list(world.routes.known) == [other.id]


async def test_a_person_who_leaves_ends_nothing(world: World) -> None:
    await world.send(installed(world, selected=CHANNEL))
    await world.send(world.activity(type="conversationUpdate", membersRemoved=[{"id": "29:bob"}, None, 5]))
    await world.send(world.activity(type="conversationUpdate", membersAdded=[{"id": "29:bob"}]))
    assert world.routes.wanting == [CHANNEL]
    assert world.connector.said() == ["Welcome"]


def channel_event(world: World, event: str, channel: dict[str, str]) -> dict[str, Any]:
    data = {"team": {"id": TEAM}, "tenant": {"id": TENANT}, "eventType": event, "channel": channel}
    conversation = {"id": TEAM, "conversationType": "channel", "tenantId": TENANT}
    return world.activity(type="conversationUpdate", text=None, channelData=data, conversation=conversation)


async def test_a_deleted_channel_ends_only_itself(world: World) -> None:
    await world.send(installed(world, selected=CHANNEL))
    world.routes.known[TEAM] = a_conversation(id=TEAM, team_id=TEAM)
    await world.send(channel_event(world, "channelDeleted", {"id": CHANNEL}))
    assert list(world.routes.known) == [TEAM]
    assert world.routes.wanting == []


async def test_a_renamed_channel_keeps_its_route_under_the_new_name(world: World) -> None:
    await world.send(installed(world, selected=CHANNEL))
    await world.send(channel_event(world, "channelRenamed", {"id": CHANNEL, "name": "on-call"}))
    await world.send(channel_event(world, "channelRenamed", {"id": "19:new@thread.tacv2", "name": "x"}))
    assert [(c.id, c.name) for c in world.routes.known.values()] == [(CHANNEL, "on-call")]
    assert world.routes.wanting == [CHANNEL]


async def test_leaving_a_personal_chat_ends_that_one(world: World) -> None:
    world.routes.known["a:1"] = a_conversation(id="a:1", kind=ConversationKind.PERSONAL, team_id="")
    activity = world.activity(
        type="installationUpdate",
        action="remove",
        conversation={"id": "a:1", "conversationType": "personal", "tenantId": TENANT},
        channelData={"tenant": {"id": TENANT}},
    )
    await world.send(activity)
    assert world.routes.known == {}


async def test_a_welcome_from_a_failing_responder_is_no_crash() -> None:
    async with open_world() as world:
        world.responder.failure = Unavailable(Reason.STORE)
        assert await world.send(installed(world, selected=CHANNEL)) == (200, None)
