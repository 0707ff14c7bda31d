from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.asked import Asker
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.membership import BELIEVED_FOR, REMEMBERED, ROSTER_DEADLINE, Membership, Standing
from bot.ports import Conversation, ConversationKind, Member
from tests.fakes import TENANT, FakeClock, FakeConversations, FakeRoutes, a_conversation

ALICE = Member(id="29:alice", object_id="A-11CE", name="Alice Weber", tenant_id=TENANT, is_guest=False)
GINA = replace(ALICE, id="29:gina", object_id="6-111a", is_guest=True)
OTHER_TENANT = "99999999-0d7a-4a60-9d57-0c7f6a1e2b3c"


class Roster(FakeConversations):
    """Counts how often it is asked."""

    def __init__(self, *members: Member) -> None:
        super().__init__(members={member.id: member for member in members})
        self.lookups: list[str] = []

    async def member(self, where: Conversation, user_id: str) -> Member:
        self.lookups.append(user_id)
        return await super().member(where, user_id)


def asking(member: Member = ALICE, **changes: object) -> Asker:
    fields: dict[str, object] = {
        "user_id": member.id,
        "object_id": member.object_id,
        "name": "Alice",
        "tenant_id": TENANT,
        "conversation": a_conversation(),
    }
    return Asker(**(fields | changes))  # type: ignore[arg-type]  # a table of fields for brevity


def a_membership(roster: Roster, clock: FakeClock | None = None, *subscribed: Conversation) -> Membership:
    routes = FakeRoutes(known={c.id: c for c in subscribed}, wanting=[c.id for c in subscribed])
    return Membership(
        conversations=roster, routes=routes, clock=clock or FakeClock(), tenant_id=TENANT.upper()
    )


async def standing(roster: Roster, asker: Asker) -> Standing:
    return (await a_membership(roster).of(asker))[0]


async def test_a_member_is_one_whatever_the_case_of_the_ids() -> None:
    roster = Roster(replace(ALICE, tenant_id=TENANT.upper()))
    asker = asking(object_id=ALICE.object_id.lower(), tenant_id=TENANT.upper())
    assert await a_membership(roster).of(asker) == (
        Standing.MEMBER,
        replace(ALICE, tenant_id=TENANT.upper()),
    )


async def test_a_guest_is_a_guest() -> None:
    assert await standing(Roster(GINA), asking(GINA)) is Standing.GUEST


async def test_somebody_of_another_tenant_in_a_shared_channel_is_a_guest() -> None:
    roster = Roster(replace(ALICE, tenant_id=OTHER_TENANT))
    assert await standing(roster, asking()) is Standing.GUEST


@pytest.mark.parametrize(
    "changes",
    [{"object_id": ""}, {"tenant_id": OTHER_TENANT}, {"tenant_id": ""}],
    ids=["no object id", "another tenant", "no tenant"],
)
async def test_who_cannot_be_one_of_us_is_a_stranger_without_the_roster_being_asked(
    changes: dict[str, Any],
) -> None:
    roster = Roster(ALICE)
    assert await a_membership(roster).of(asking(**changes)) == (Standing.STRANGER, None)
    assert roster.lookups == []


async def test_somebody_elses_entry_in_the_roster_makes_nobody_a_member() -> None:
    assert await standing(Roster(ALICE), asking(object_id="somebody-else")) is Standing.STRANGER
    assert await standing(Roster(replace(ALICE, object_id="")), asking()) is Standing.STRANGER


async def test_who_is_not_in_the_roster_is_a_stranger_until_it_says_otherwise() -> None:
    roster = Roster()
    membership = a_membership(roster)
    assert (await membership.of(asking()))[0] is Standing.STRANGER
    roster.members[ALICE.id] = ALICE
    assert (await membership.of(asking()))[0] is Standing.MEMBER


@pytest.mark.parametrize(
    "failure",
    [Unavailable(Reason.TIMED_OUT), Unavailable(Reason.GARBAGE), Rejected(Reason.FORBIDDEN)],
    ids=lambda failure: failure.reason,
)
async def test_while_the_roster_does_not_answer_nothing_is_known_or_remembered(failure: OutsideError) -> None:
    roster = Roster(ALICE)

    def fail(_call: str, _where: str) -> None:
        raise failure

    works, roster.fail = roster.fail, fail
    membership = a_membership(roster)
    assert await membership.of(asking()) == (Standing.UNKNOWN, None)
    roster.fail = works
    assert (await membership.of(asking()))[0] is Standing.MEMBER


@pytest.mark.parametrize(("member", "as_what"), [(ALICE, Standing.MEMBER), (GINA, Standing.GUEST)])
async def test_the_rosters_word_is_believed_for_ten_minutes(member: Member, as_what: Standing) -> None:
    roster, clock = Roster(member), FakeClock()
    membership = a_membership(roster, clock)
    for seconds in (0, 300, 299):
        clock.pass_time(seconds=seconds)
        assert (await membership.of(asking(member)))[0] is as_what
    assert roster.lookups == [member.id]
    clock.pass_time(seconds=1)
    roster.members = {}
    assert (await membership.of(asking(member)))[0] is Standing.STRANGER
    assert timedelta(minutes=10) == BELIEVED_FOR


async def test_what_is_known_of_one_person_or_conversation_says_nothing_of_another() -> None:
    roster = Roster(ALICE)
    membership = a_membership(roster)
    assert (await membership.of(asking()))[0] is Standing.MEMBER
    assert (await membership.of(asking(object_id="forged")))[0] is Standing.STRANGER
    roster.members = {}
    elsewhere = asking(conversation=a_conversation(id="19:ops@thread.tacv2"))
    assert (await membership.of(elsewhere))[0] is Standing.STRANGER


async def test_the_rosters_name_stands_and_the_activitys_where_it_has_none() -> None:
    _, named = await a_membership(Roster(ALICE)).of(asking(name="Mallory"))
    _, nameless = await a_membership(Roster(replace(ALICE, name=""))).of(asking(name="Alice"))
    assert named is not None
    assert nameless is not None
    assert (named.name, nameless.name) == ("Alice Weber", "Alice")


async def test_so_many_are_remembered_and_no_more() -> None:
    crowd = [replace(ALICE, id=f"29:{n}", object_id=str(n)) for n in range(REMEMBERED + 1)]
    roster, clock = Roster(*crowd), FakeClock()
    membership = a_membership(roster, clock)
    for member in crowd[:REMEMBERED]:
        await membership.of(asking(member))
    clock.pass_time(minutes=10)
    await membership.of(asking(crowd[0]))  # known anew, and so the last to be forgotten
    await membership.of(asking(crowd[REMEMBERED]))
    roster.lookups.clear()
    await membership.of(asking(crowd[0]))
    await membership.of(asking(crowd[REMEMBERED]))
    assert roster.lookups == []
    assert len(membership._known) == REMEMBERED


# --- outside channels ------------------------------------------------------------------------------

CHAT = a_conversation(id="a:alice", kind=ConversationKind.PERSONAL, team_id="")
GROUP = a_conversation(id="19:group@thread.v2", kind=ConversationKind.GROUP, team_id="")


class Rosters(Roster):
    """Knows who is where: conversation id -> ids of persons."""

    def __init__(self, where: dict[str, set[str]], *members: Member) -> None:
        super().__init__(*members)
        self.where = where

    async def member(self, where: Conversation, user_id: str) -> Member:
        if user_id not in self.where.get(where.id, set()):
            raise Rejected(Reason.NOT_FOUND)
        return await super().member(where, user_id)


@pytest.mark.parametrize("chat", [CHAT, GROUP], ids=["personal", "group"])
async def test_in_a_chat_who_sees_incidents_in_a_channel_may_ask(chat: Conversation) -> None:
    channel = a_conversation()
    roster = Rosters({chat.id: {ALICE.id}, channel.id: {ALICE.id}}, ALICE)
    membership = a_membership(roster, None, channel)
    assert await membership.of(asking(conversation=chat)) == (Standing.MEMBER, ALICE)


@pytest.mark.parametrize("chat", [CHAT, GROUP], ids=["personal", "group"])
async def test_in_a_chat_anybody_else_of_the_tenant_is_an_outsider(chat: Conversation) -> None:
    roster = Rosters({chat.id: {ALICE.id}}, ALICE)
    for subscribed in ((), (a_conversation(),), (replace(GROUP, id="19:other@thread.v2"),)):
        standing, _ = await a_membership(roster, None, *subscribed).of(asking(conversation=chat))
        assert standing is Standing.OUTSIDER


async def test_a_subscribed_group_chat_opens_nothing() -> None:
    roster = Rosters({GROUP.id: {ALICE.id}}, ALICE)
    standing, _ = await a_membership(roster, None, GROUP).of(asking(conversation=GROUP))
    assert standing is Standing.OUTSIDER


# --- a roster that takes long ----------------------------------------------------------------------


class Silent(Roster):
    """Answers once it is told to."""

    def __init__(self, *members: Member) -> None:
        super().__init__(*members)
        self.go = asyncio.Event()

    async def member(self, where: Conversation, user_id: str) -> Member:
        await self.go.wait()
        return await super().member(where, user_id)


async def test_who_clicks_waits_for_the_roster_no_longer_than_its_deadline() -> None:
    roster = Silent(ALICE)
    membership = Membership(
        conversations=roster,
        routes=FakeRoutes(),
        clock=FakeClock(),
        tenant_id=TENANT,
        deadline=timedelta(milliseconds=1),
    )
    assert await membership.of(asking()) == (Standing.UNKNOWN, None)
    roster.go.set()
    assert await membership.of(asking()) == (Standing.MEMBER, ALICE)


def test_the_deadline_leaves_time_for_the_answer() -> None:
    assert timedelta(seconds=4) >= ROSTER_DEADLINE


async def test_the_first_channel_that_knows_the_asker_is_enough() -> None:
    channels = [a_conversation(id=f"19:{n}@thread.tacv2") for n in range(30)]
    roster = Roster(ALICE)
    chat = a_conversation(id="a:1", kind=ConversationKind.PERSONAL)
    assert (await a_membership(roster, None, *channels).of(asking(conversation=chat)))[0] is Standing.MEMBER
    assert len(roster.lookups) == 2


async def test_where_there_is_a_list_of_askers_nobody_else_is_looked_up() -> None:
    roster = Roster(ALICE, replace(GINA, is_guest=False))
    membership = Membership(
        conversations=roster,
        routes=FakeRoutes(),
        clock=FakeClock(),
        tenant_id=TENANT,
        askers=frozenset({ALICE.object_id.lower()}),
        readers=frozenset({GINA.object_id.lower()}),
    )
    assert (await membership.of(asking()))[0] is Standing.MEMBER
    assert not membership.may_read(asking())
    roster.lookups.clear()
    assert await membership.of(asking(GINA)) == (Standing.UNLISTED, None)
    assert roster.lookups == []


async def test_without_a_list_every_member_may_read() -> None:
    assert a_membership(Roster(ALICE)).may_read(asking())


async def test_a_persons_channels_are_those_that_get_incidents_and_have_the_person() -> None:
    general, ops = a_conversation(), replace(a_conversation(), id="19:ops@thread.tacv2")
    chat = replace(a_conversation(), id="a:1", kind=ConversationKind.PERSONAL)

    class InOps(Roster):
        async def member(self, where: Conversation, user_id: str) -> Member:
            if where.id != ops.id:
                raise Rejected(Reason.NOT_FOUND)
            return await super().member(where, user_id)

    membership = a_membership(InOps(ALICE), None, general, ops, chat)
    assert await membership.channels_of(asking(conversation=chat)) == [ops.id]
