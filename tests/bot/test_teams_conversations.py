from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import pytest

from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import Conversation, ConversationKind, Member, Message
from bot.teams import AppToken, Sender, ServiceHosts, TeamsConversations
from tests.fakes import TENANT, FakeClock, FakeMeter, a_conversation
from tests.teams_world import ALICE, BOT_ID, Connector, FakeCredential, hosts_of, open_connector

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Grüße 🙂"}]}
MESSAGE = Message(card=CARD, summary="High: DNS was rewritten")
ALICE_AS_MEMBER = Member(id="29:alice", object_id="o", name="Alice", tenant_id=TENANT, is_guest=False)


@dataclass
class Speaking:
    connector: Connector
    conversations: TeamsConversations
    where: Conversation


@pytest.fixture
async def speaking() -> AsyncIterator[Speaking]:
    clock = FakeClock()
    async with open_connector() as connector, aiohttp.ClientSession() as session:
        sender = Sender(
            session=session,
            tokens=AppToken(FakeCredential(clock), clock),
            hosts=hosts_of(connector),
            clock=clock,
            meter=FakeMeter(),
            timeout=aiohttp.ClientTimeout(total=0.5),
        )
        where = a_conversation(service_url=connector.service_url, bot_id=BOT_ID)
        yield Speaking(connector, TeamsConversations(sender), where)


async def test_a_card_is_posted_alone_with_its_summary(speaking: Speaking) -> None:
    assert await speaking.conversations.post(speaking.where, MESSAGE) == "activity-1"
    (sent,) = speaking.connector.sent
    assert (sent.method, sent.path) == ("POST", "v3/conversations/19%3Ageneral%40thread.tacv2/activities")
    assert sent.body == {
        "type": "message",
        "from": {"id": BOT_ID},
        "conversation": {"id": "19:general@thread.tacv2", "tenantId": TENANT},
        "summary": "High: DNS was rewritten",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": CARD}],
    }


async def test_an_answer_in_a_thread_names_its_root(speaking: Speaking) -> None:
    await speaking.conversations.post(speaking.where, MESSAGE, thread="17")
    (sent,) = speaking.connector.sent
    assert sent.path == "v3/conversations/19%3Ageneral%40thread.tacv2%3Bmessageid%3D17/activities"
    assert sent.body["conversation"]["id"] == "19:general@thread.tacv2;messageid=17"


async def test_an_update_puts_the_card_in_the_place_of_the_old_one(speaking: Speaking) -> None:
    await speaking.conversations.update(speaking.where, "1:a/b", MESSAGE)
    (sent,) = speaking.connector.sent
    assert (sent.method, sent.path) == (
        "PUT",
        "v3/conversations/19%3Ageneral%40thread.tacv2/activities/1%3Aa%2Fb",
    )
    assert sent.body["id"] == "1:a/b"


@pytest.mark.parametrize(
    ("entry", "guest"),
    [
        ({"tenantId": TENANT, "userRole": "user"}, False),
        ({"tenantId": TENANT.upper()}, False),
        ({"tenantId": TENANT, "userRole": "Guest"}, True),
        ({"tenantId": "another"}, True),
        ({}, True),
    ],
)
async def test_a_member_is_a_guest_by_role_or_by_tenant(
    speaking: Speaking, entry: dict[str, str], guest: bool
) -> None:
    speaking.connector.members["29:alice"] = ALICE | entry
    member = await speaking.conversations.member(speaking.where, "29:alice")
    assert (member.id, member.object_id, member.name) == ("29:alice", ALICE["aadObjectId"], "Alice")
    assert member.is_guest is guest


async def test_the_rosters_older_name_of_the_object_id_is_read_too(speaking: Speaking) -> None:
    speaking.connector.members["29:alice"] = {"id": "29:alice", "objectId": "o", "tenantId": TENANT}
    assert (await speaking.conversations.member(speaking.where, "29:alice")).object_id == "o"


async def test_who_is_not_in_the_roster_is_not_found(speaking: Speaking) -> None:
    with pytest.raises(Rejected) as failure:
        await speaking.conversations.member(speaking.where, "29:mallory")
    assert failure.value.reason is Reason.NOT_FOUND
    assert failure.value.detail == "HTTP 404 x: y"


async def test_a_personal_chat_is_opened_in_the_same_tenant(speaking: Speaking) -> None:
    speaking.connector.answer = {"id": "a:chat"}
    chat = await speaking.conversations.personal(speaking.where, ALICE_AS_MEMBER)
    (sent,) = speaking.connector.sent
    assert (sent.method, sent.path) == ("POST", "v3/conversations")
    assert sent.body == {
        "bot": {"id": BOT_ID},
        "members": [{"id": "29:alice"}],
        "isGroup": False,
        "tenantId": TENANT,
        "channelData": {"tenant": {"id": TENANT}},
    }
    assert (chat.id, chat.kind, chat.user_object_id) == ("a:chat", ConversationKind.PERSONAL, "o")
    assert chat.service_url == speaking.where.service_url


async def _post(speaking: Speaking) -> None:
    await speaking.conversations.post(speaking.where, MESSAGE)


async def _update(speaking: Speaking) -> None:
    await speaking.conversations.update(speaking.where, "1", MESSAGE)


CALLS = {"post": _post, "update": _update}


@pytest.mark.parametrize(
    ("call", "status", "failure", "reason"),
    [
        ("post", 400, Rejected, Reason.BAD_REQUEST),
        ("post", 401, Unavailable, Reason.UNAUTHORIZED),
        ("post", 403, Rejected, Reason.FORBIDDEN),
        ("post", 404, Rejected, Reason.NOT_FOUND),
        ("post", 405, Rejected, Reason.BAD_REQUEST),
        ("post", 408, Unavailable, Reason.TIMED_OUT),
        ("post", 412, Unavailable, Reason.THROTTLED),
        ("post", 413, Rejected, Reason.TOO_LARGE),
        ("post", 429, Unavailable, Reason.THROTTLED),
        ("post", 500, Unavailable, Reason.UNKNOWN),
        ("post", 502, Unavailable, Reason.UNKNOWN),
        ("post", 503, Unavailable, Reason.SERVER_ERROR),
        ("post", 504, Unavailable, Reason.UNKNOWN),
        ("post", 0, Unavailable, Reason.UNKNOWN),
        ("post", 302, Rejected, Reason.BAD_REQUEST),
        ("update", 412, Unavailable, Reason.THROTTLED),
        ("update", 429, Unavailable, Reason.THROTTLED),
        ("update", 500, Unavailable, Reason.SERVER_ERROR),
        ("update", 502, Unavailable, Reason.SERVER_ERROR),
        ("update", 504, Unavailable, Reason.SERVER_ERROR),
    ],
)
async def test_every_answer_has_its_reason_and_is_not_tried_again(
    speaking: Speaking, call: str, status: int, failure: type[OutsideError], reason: Reason
) -> None:
    speaking.connector.faults = [(status, {}, b"")] * (2 if status == 401 else 1)
    with pytest.raises(failure) as raised:
        await CALLS[call](speaking)
    assert raised.value.reason is reason
    assert len(speaking.connector.sent) == (2 if status == 401 else 1)


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503, 504])
async def test_what_the_service_asks_to_wait_is_handed_on(speaking: Speaking, status: int) -> None:
    speaking.connector.faults = [(status, {"Retry-After": "7"}, b"")]
    with pytest.raises(Unavailable) as failure:
        await _post(speaking)
    assert failure.value.retry_after == timedelta(seconds=7)


async def test_a_hanging_post_may_have_arrived_and_a_hanging_update_may_be_said_again(
    speaking: Speaking,
) -> None:
    speaking.connector.slow = 5
    with pytest.raises(Unavailable) as posted:
        await _post(speaking)
    with pytest.raises(Unavailable) as updated:
        await _update(speaking)
    assert (posted.value.reason, updated.value.reason) == (Reason.UNKNOWN, Reason.TIMED_OUT)


async def test_a_reset_update_may_be_said_again(speaking: Speaking) -> None:
    # aiohttp itself repeats an idempotent request once when a kept connection turns out to be dead.
    speaking.connector.faults = [(0, {}, b"")] * 3
    with pytest.raises(Unavailable) as failure:
        await _update(speaking)
    assert failure.value.reason is Reason.UNREACHABLE


async def test_nobody_there_means_that_nothing_was_sent(speaking: Speaking, unused_tcp_port: int) -> None:
    clock = FakeClock()
    host = f"127.0.0.1:{unused_tcp_port}"
    async with aiohttp.ClientSession() as session:
        sender = Sender(
            session=session,
            tokens=AppToken(FakeCredential(clock), clock),
            hosts=ServiceHosts(sandbox=host),
            clock=clock,
            meter=FakeMeter(),
        )
        where = a_conversation(service_url=f"http://{host}/teams/")
        with pytest.raises(Unavailable) as failure:
            await TeamsConversations(sender).post(where, MESSAGE)
    assert failure.value.reason is Reason.UNREACHABLE


async def test_the_services_own_words_are_kept_short_and_printable(speaking: Speaking) -> None:
    words = b'{"error":{"code":"MessageSizeTooBig","message":"a\\nb\\u202ec' + b"x" * 500 + b'"}}'
    speaking.connector.faults = [(413, {}, words)]
    with pytest.raises(Rejected) as failure:
        await _post(speaking)
    assert failure.value.detail.startswith("HTTP 413 MessageSizeTooBig: a b cx")
    assert len(failure.value.detail) < 250


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":"x"}', b'{"error":{}}', b"\xff"])
async def test_an_error_without_words_is_still_an_error(speaking: Speaking, body: bytes) -> None:
    speaking.connector.faults = [(403, {}, body)]
    with pytest.raises(Rejected) as failure:
        await _post(speaking)
    assert failure.value.detail == "HTTP 403"


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b'{"id":5}', b"<html>"])
async def test_a_post_that_was_taken_without_an_id_is_in_doubt(speaking: Speaking, answer: bytes) -> None:
    speaking.connector.faults = [(200, {}, answer)]
    with pytest.raises(Unavailable) as failure:
        await _post(speaking)
    assert failure.value.reason is Reason.UNKNOWN


async def test_an_endless_answer_is_cut_off(speaking: Speaking) -> None:
    speaking.connector.faults = [(200, {}, b'{"id":"' + b"x" * 2_000_000 + b'"}')]
    with pytest.raises(Unavailable):
        await _post(speaking)


async def test_a_card_that_is_no_json_is_rejected_unsent(speaking: Speaking) -> None:
    with pytest.raises(Rejected) as failure:
        await speaking.conversations.post(speaking.where, Message(card={"a": "\ud800"}, summary=""))
    assert failure.value.reason is Reason.BAD_REQUEST
    assert speaking.connector.sent == []
