from __future__ import annotations

from typing import Any

import pytest

from bot.commands import Audits, from_text
from bot.ports import ConversationKind
from bot.teams.activity import asker_of, conversation_of, said_to_bot, tenants_of
from tests.fakes import TENANT
from tests.teams_world import ALICE, BOT_ID, CHANNEL, TEAM, an_activity


def mention(text: str | None = "<at>Audit</at>", **changes: Any) -> dict[str, Any]:
    entity = {"type": "mention", "text": text, "mentioned": {"id": BOT_ID, "name": "Audit"}} | changes
    return {name: value for name, value in entity.items() if value is not None}


@pytest.mark.parametrize(
    ("text", "entities", "said"),
    [
        ("<at>Audit</at> Audits coredns last 1h", [mention()], "Audits coredns last 1h"),
        ("Audits Audit <at>Audit</at>", [mention()], "Audits Audit"),
        ("<at>Audit</at>&nbsp;help&nbsp;", [mention()], "help"),
        ("<at>Audit</at>\u00a0help", [mention()], "help"),
        ("<at>Audit</at>\r\nhelp<br/>\n", [mention()], "help"),
        ("<at>Audit</at> a <at>Audit</at> b", [mention(), mention()], "a b"),
        ("<at>Audit</at> help", [mention(mentioned=None)], "help"),
        ("<at>Audit</at> help", [mention(text=None)], "help"),
        ("<at>Audit</at> help", [{"type": "mention"}], "<at>Audit</at> help"),
        ("<at>Audit</at> help", [], "<at>Audit</at> help"),
        ('<at id="0">Audit</at> help', [mention('<at id="0">Audit</at>')], "help"),
        ("audits <at>Bob</at>", [mention("<at>Bob</at>", mentioned={"id": "29:bob"})], "audits <at>Bob</at>"),
        ("audits coredns", [mention("audits")], "audits coredns"),
        ("audits coredns", [mention("")], "audits coredns"),
        ("help", [None, 1, {"type": 5}, mention(mentioned="x")], "help"),
        ("", [mention()], ""),
        ("a" * 100_000, [], "a" * 4000),
    ],
)
def test_only_the_bots_own_mention_is_taken_off(text: str, entities: list[Any], said: str) -> None:
    assert said_to_bot(an_activity(text=text, entities=entities)) == said


def test_smart_quotes_reach_the_command_as_plain_ones() -> None:
    activity = an_activity(text="<at>Audit</at> audits “kube system” last 1h")
    command = from_text(said_to_bot(activity))
    assert isinstance(command, Audits)
    assert command.term == "kube system"


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
