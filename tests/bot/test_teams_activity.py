from __future__ import annotations

from typing import Any

import pytest

from bot.ports import ConversationKind
from bot.teams.activity import asker_of, conversation_of, tenants_of
from bot.teams.said import said_to_bot
from tests.fakes import TENANT
from tests.teams_world import ALICE, CHANNEL, TEAM, an_activity


def test_a_message_in_a_thread_says_who_where_and_under_what() -> None:
    asker = asker_of(an_activity(replyToId="1700000000001"))
    assert (asker.user_id, asker.object_id, asker.name) == (ALICE["id"], ALICE["aadObjectId"], ALICE["name"])
    assert asker.thread == "1700000000001"
    assert asker.clicked == ""
    assert asker.time_zone == "Europe/Berlin"
    assert asker.tenant_id == TENANT
    where = asker.conversation
    assert (where.id, where.kind, where.team_id) == (CHANNEL, ConversationKind.CHANNEL, TEAM)
    assert where.user_object_id == ""


def test_a_message_says_its_id_and_a_click_that_waits_for_an_answer_does_not() -> None:
    assert asker_of(an_activity(id="1700000000002")).activity_id == "1700000000002"
    submitted = an_activity(id="f:1", text=None, value={"v": 1}, replyToId="17")
    assert (asker_of(submitted).activity_id, asker_of(submitted).clicked) == ("f:1", "17")
    assert asker_of(an_activity(type="invoke", id="f:1", text=None)).activity_id == ""
    assert asker_of(an_activity(id=5)).activity_id == ""


def test_a_button_that_says_a_line_is_a_typed_line_in_the_thread_of_its_card() -> None:
    conversation = {"id": f"{CHANNEL};messageid=16", "conversationType": "channel"}
    said = an_activity(conversation=conversation, text="risky today", replyToId="17", value={}, entities=None)
    assert (asker_of(said).thread, asker_of(said).clicked) == ("16", "")
    without_root = said | {"conversation": {"id": CHANNEL, "conversationType": "channel"}}
    assert asker_of(without_root).thread == "17"


@pytest.mark.parametrize(
    ("local", "entities", "zone"),
    [
        ("Europe/Berlin", [{"type": "clientInfo", "timezone": "Asia/Tokyo"}], "Europe/Berlin"),
        (None, [{"type": "mention"}, {"type": "clientInfo", "timezone": "Asia/Tokyo"}], "Asia/Tokyo"),
        (
            "",
            [{"type": "clientInfo", "timezone": "America/Argentina/Buenos_Aires"}],
            "America/Argentina/Buenos_Aires",
        ),
        (5, [{"type": "clientInfo", "timezone": "Etc/GMT+3"}], "Etc/GMT+3"),
        ("no zone at all!", [{"type": "clientInfo"}], ""),
        (None, None, ""),
    ],
)
def test_the_askers_time_zone_is_what_teams_sends_with_the_message(
    local: Any, entities: list[Any] | None, zone: str
) -> None:
    assert asker_of(an_activity(localTimezone=local, entities=entities)).time_zone == zone


def test_a_click_says_which_message_was_clicked() -> None:
    assert asker_of(an_activity(type="invoke", text=None, replyToId="17")).clicked == "17"


def test_the_tenant_comes_from_either_place() -> None:
    conversation = {"id": "a:1", "conversationType": "personal"}
    only_channel_data = an_activity(conversation=conversation)
    only_conversation = an_activity(conversation=conversation | {"tenantId": TENANT}, channelData={})
    assert asker_of(only_channel_data).tenant_id == asker_of(only_conversation).tenant_id == TENANT


def test_both_tenants_count_when_two_are_named() -> None:
    activity = an_activity(channelData={"tenant": {"id": "OTHER"}})
    assert tenants_of(activity) == {TENANT, "other"}


@pytest.mark.parametrize(
    ("conversation", "channel_data", "kind"),
    [
        ({"id": "x", "conversationType": "groupChat"}, {}, ConversationKind.GROUP),
        ({"id": "x", "conversationType": "personal"}, {}, ConversationKind.PERSONAL),
        ({"id": "x"}, {"team": {"id": TEAM}}, ConversationKind.CHANNEL),
        ({"id": "x", "isGroup": True}, {}, ConversationKind.GROUP),
        ({"id": "x", "conversationType": "new kind"}, {}, ConversationKind.PERSONAL),
    ],
)
def test_the_kind_of_a_conversation_is_told_or_inferred(
    conversation: dict[str, Any], channel_data: dict[str, Any], kind: ConversationKind
) -> None:
    assert conversation_of(an_activity(conversation=conversation, channelData=channel_data)).kind is kind


def test_a_personal_chat_knows_its_person_and_has_no_thread() -> None:
    activity = an_activity(conversation={"id": "a:1", "conversationType": "personal"}, channelData={})
    asker = asker_of(activity)
    assert asker.conversation.user_object_id == ALICE["aadObjectId"]
    assert asker.conversation.name == "Alice"
    assert asker.thread == ""


def test_general_has_its_name_though_teams_sends_none() -> None:
    conversation = {"id": f"{TEAM};messageid=1", "conversationType": "channel"}
    assert conversation_of(an_activity(conversation=conversation)).name == "General"


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Europe/Berlin\n", "x" * 65, 5, None, ""])
def test_a_time_zone_that_is_no_name_is_left_out(zone: Any) -> None:
    entity = {"type": "clientInfo", "timezone": zone}
    assert asker_of(an_activity(entities=[entity])).time_zone == ""


def test_fields_of_any_type_are_read_without_raising() -> None:
    junks: list[Any] = [None, 1, [], [1], {}, {"id": 1}, {"id": {}}, "x", True]
    for junk in junks:
        activity = dict.fromkeys(
            ("from", "recipient", "conversation", "channelData", "entities", "text"), junk
        )
        assert asker_of(activity).object_id == ""
        assert said_to_bot(activity) in {"", "x"}
