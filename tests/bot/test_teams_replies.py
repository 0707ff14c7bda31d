"""How an answer is waited for and delivered, in a time that passes only when it is told to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.asked import Asker
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.pacing import Pacing
from bot.ports import Conversation, ConversationKind, Message
from bot.teams.replies import HOLD, Replies
from tests.fakes import TENANT, FakeClock, FakeConversations, FakePace, a_conversation

LOOKING = Message(card={}, summary="Looking")
ANSWER = Message(card={}, summary="Answer")
DOWN = Unavailable(Reason.SERVER_ERROR)
GONE = Rejected(Reason.NOT_FOUND)
IN_DOUBT = Unavailable(Reason.UNKNOWN)


@dataclass
class Time:
    now: float = 0.0
    sleepers: list[tuple[float, asyncio.Event]] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        sleeper = (self.now + seconds, asyncio.Event())
        self.sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            self.sleepers.remove(sleeper)

    async def pass_(self, seconds: float) -> None:
        """Let so much time pass, waking who sleeps in turn."""
        ends = self.now + seconds
        await _settled()
        while due := [sleeper for sleeper in self.sleepers if sleeper[0] <= ends]:
            self.now, woken = min(due, key=lambda sleeper: sleeper[0])
            woken.set()
            await _settled()
        self.now = ends


async def _settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@dataclass
class Stage:
    """`failures` are what the next calls of a name raise; `all_fail` what every later one does."""

    time: Time = field(default_factory=Time)
    conversations: FakeConversations = field(default_factory=FakeConversations)
    answer: asyncio.Future[Message | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    failures: dict[str, list[OutsideError]] = field(default_factory=dict)
    all_fail: OutsideError | None = None
    calls: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.conversations.fail = lambda call, _where: self.called(call)
        self.replies = Replies(
            conversations=self.conversations,
            typing=self.typing,
            pacing=Pacing(pace=FakePace(), clock=FakeClock(), sleep=self.time.sleep),
            sleep=self.time.sleep,
        )

    async def typing(self, _where: Conversation) -> None:
        self.called("typing")

    def called(self, call: str) -> None:
        self.calls.append((round(self.time.now, 1), call))
        if queued := self.failures.get(call):
            raise queued.pop(0)
        if self.all_fail:
            raise self.all_fail

    def ask(
        self, kind: ConversationKind = ConversationKind.CHANNEL, *, looking: Message | None = LOOKING
    ) -> asyncio.Task[None]:
        async def answering() -> Message | None:
            return await self.answer

        return asyncio.create_task(self.replies.say(an_asker(kind), answering(), looking=looking))

    def names(self) -> list[str]:
        return [name for _, name in self.calls]


def an_asker(kind: ConversationKind) -> Asker:
    return Asker(
        user_id="29:a",
        object_id="a",
        name="Alice",
        tenant_id=TENANT,
        conversation=a_conversation(kind=kind),
        thread="17" if kind is ConversationKind.CHANNEL else "",
    )


# --- while it is looked for ------------------------------------------------------------------------


async def test_an_answer_within_two_seconds_is_just_the_answer() -> None:
    on = Stage()
    asking = on.ask()
    await on.time.pass_(1.9)
    on.answer.set_result(ANSWER)
    await asking
    (said,) = on.conversations.said
    assert (said.message, said.thread, said.updated) == (ANSWER, "17", False)


async def test_after_two_seconds_a_channel_reads_that_it_is_looked_for_and_that_becomes_the_answer() -> None:
    on = Stage()
    asking = on.ask()
    await on.time.pass_(10)
    assert on.calls == [(2.0, "post")]
    on.answer.set_result(ANSWER)
    await asking
    looking, answer = on.conversations.said
    assert (looking.message, looking.thread) == (LOOKING, "17")
    assert (answer.message, answer.activity_id, answer.updated) == (ANSWER, looking.activity_id, True)


@pytest.mark.parametrize("kind", [ConversationKind.PERSONAL, ConversationKind.GROUP])
async def test_a_chat_sees_typing_at_once_and_every_three_seconds_until_the_answer(
    kind: ConversationKind,
) -> None:
    on = Stage()
    asking = on.ask(kind)
    await on.time.pass_(7)
    on.answer.set_result(ANSWER)
    await asking
    await on.time.pass_(60)
    assert on.calls == [(0.0, "typing"), (3.0, "typing"), (6.0, "typing"), (7.0, "post")]
    assert [(said.message, said.thread) for said in on.conversations.said] == [(ANSWER, "")]


async def test_typing_ends_though_the_answer_does_not_come() -> None:
    on = Stage()
    asking = on.ask(ConversationKind.PERSONAL)
    await on.time.pass_(600)
    assert on.names() == ["typing"] * 11
    assert on.calls[-1][0] <= 35
    asking.cancel()


async def test_a_sign_of_typing_that_fails_harms_nothing() -> None:
    on = Stage(failures={"typing": [GONE, DOWN]})
    asking = on.ask(ConversationKind.PERSONAL)
    await on.time.pass_(7)
    on.answer.set_result(ANSWER)
    await asking
    assert on.conversations.texts() == ["Answer"]


async def test_what_asks_no_workspace_is_only_answered() -> None:
    for kind in ConversationKind:
        on = Stage()
        asking = on.ask(kind, looking=None)
        await on.time.pass_(10)
        assert on.calls == []
        on.answer.set_result(ANSWER)
        await asking
        assert on.names() == ["post"]


async def test_an_answer_that_says_nothing_leaves_nothing_behind() -> None:
    on = Stage()
    asking = on.ask()
    await on.time.pass_(3)
    on.answer.set_result(None)
    await asking
    assert on.conversations.deleted == [on.conversations.said[0].activity_id]
    quick = Stage()
    quick.answer.set_result(None)
    await quick.ask()
    assert quick.calls == []


# --- where Teams fails -----------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [GONE, DOWN, IN_DOUBT])
async def test_where_the_short_reply_fails_the_answer_is_posted(failure: OutsideError) -> None:
    on = Stage(failures={"post": [failure]})
    asking = on.ask()
    await on.time.pass_(3)
    on.answer.set_result(ANSWER)
    await asking
    assert [(said.message, said.updated) for said in on.conversations.said] == [(ANSWER, False)]


async def test_where_the_update_fails_for_good_the_answer_is_posted() -> None:
    on = Stage(failures={"update": [DOWN, GONE]})
    asking = on.ask()
    await on.time.pass_(3)
    on.answer.set_result(ANSWER)
    await on.time.pass_(5)
    await asking
    assert on.names() == ["post", "update", "update", "post"]
    assert on.conversations.texts() == ["Looking", "Answer"]


async def test_while_teams_is_down_the_answer_is_held_for_five_minutes() -> None:
    on = Stage(all_fail=DOWN)
    asking = on.ask()
    on.answer.set_result(ANSWER)
    await on.time.pass_(240)
    assert not asking.done()
    on.all_fail = None
    await on.time.pass_(46)
    await asking
    assert on.conversations.texts() == ["Answer"]


async def test_past_five_minutes_it_is_given_up_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    on = Stage(failures={"post": []})
    asking = on.ask()
    await on.time.pass_(3)
    on.all_fail = DOWN
    on.answer.set_result(ANSWER)
    await on.time.pass_(HOLD + 3)
    await asking
    # Both ways of saying it share the five minutes.
    assert on.calls[-1][0] <= HOLD + 3
    assert on.names()[-1] == "post"
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert (record.message, record.__dict__["reason"]) == ("an answer was not delivered", "server error")


async def test_teams_own_wait_is_kept_and_one_too_long_gives_up() -> None:
    for asked, posts in ((40, 2), (600, 1)):
        on = Stage(failures={"post": [Unavailable(Reason.THROTTLED, retry_after=timedelta(seconds=asked))]})
        asking = on.ask()
        on.answer.set_result(ANSWER)
        await on.time.pass_(39)
        assert on.names() == ["post"]
        await on.time.pass_(10)
        await asking
        assert len(on.calls) == posts


@pytest.mark.parametrize("failure", [GONE, IN_DOUBT])
async def test_what_is_hopeless_or_may_have_arrived_is_tried_once(failure: OutsideError) -> None:
    on = Stage(all_fail=failure)
    asking = on.ask()
    on.answer.set_result(ANSWER)
    await asking
    assert on.names() == ["post"]


async def test_at_the_end_what_waits_is_tried_once_more() -> None:
    on = Stage(all_fail=DOWN)
    asking = on.ask()
    on.answer.set_result(ANSWER)
    await on.time.pass_(1)
    tries = len(on.calls)
    on.replies.close()
    await asking
    assert len(on.calls) == tries + 1


async def test_a_question_that_is_cut_off_leaves_no_task_behind(caplog: pytest.LogCaptureFixture) -> None:
    for kind in ConversationKind:
        on = Stage()
        before = asyncio.all_tasks()
        asking = on.ask(kind)
        await on.time.pass_(3)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await _settled()
        assert asyncio.all_tasks() == before
    stuck = Stage(all_fail=DOWN)
    stuck.answer.set_result(ANSWER)
    asking = stuck.ask()
    await stuck.time.pass_(1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert caplog.records[-1].__dict__["reason"] == "stopped"
