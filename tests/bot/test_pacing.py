from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import Reason, Unavailable
from bot.pacing import TENANT, THREAD, Level, Paced, Pacing, take
from bot.ports import Message, Send
from tests.fakes import NOW, FakeClock, FakeConversations, FakePace, a_conversation

#: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
THREAD_LIMITS = ((7, 1), (8, 2), (60, 30), (1800, 3600))
CARD = Send(conversation_id="c", tenant_id="t")
ANSWER = Send(conversation_id="c", tenant_id="t", to_person=True)
MESSAGE = Message(card={"type": "AdaptiveCard"}, summary="")


def most_within(times: list[datetime], seconds: float) -> int:
    """Return the largest number of times in any window of that length."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= timedelta(seconds=seconds):
            first += 1
        most = max(most, last - first + 1)
    return most


def sent_at_full_speed(sends: list[Send], spans: list[float]) -> list[datetime]:
    """Send whenever there is room, trying again after each of these spans; return when each went out."""
    levels: dict[str, Level] = {}
    now, gone = NOW, []
    for send, span in zip(itertools.cycle(sends), spans, strict=False):
        if take(levels, [send], now) == [timedelta()]:
            gone.append(now)
        now += timedelta(seconds=span)
    return gone


def test_the_limits_are_kept_for_a_whole_hour_at_full_speed() -> None:
    gone = sent_at_full_speed([CARD, ANSWER, ANSWER], [0.05] * 90_000)
    for count, span in THREAD_LIMITS:
        assert most_within(gone, span) <= count, (count, span)
    # And not much below what Teams would take.
    assert most_within(gone, 3600) > 1500


@settings(max_examples=30)
@given(st.lists(st.floats(0, 3), min_size=50, max_size=300), st.lists(st.booleans(), min_size=1, max_size=5))
def test_no_pattern_of_sending_breaks_a_limit(spans: list[float], people: list[bool]) -> None:
    sends = [ANSWER if person else CARD for person in people]
    gone = sent_at_full_speed(sends, spans)
    for count, span in THREAD_LIMITS[:3]:
        assert most_within(gone, span) <= count


def test_a_tenant_has_a_limit_of_its_own_over_all_its_conversations() -> None:
    levels: dict[str, Level] = {}
    gone = []
    for step in range(4000):
        now = NOW + timedelta(seconds=step / 1000)
        send = Send(conversation_id=f"c{step}", tenant_id="t")
        if take(levels, [send], now) == [timedelta()]:
            gone.append(now)
    assert 40 <= most_within(gone, 1) <= 50


def test_in_a_storm_there_is_always_room_for_an_answer() -> None:
    levels: dict[str, Level] = {}
    for step in range(3600 * 4):
        now = NOW + timedelta(seconds=step / 4)
        take(levels, [CARD], now)
        if step % 200 == 0:
            assert take(levels, [ANSWER], now) == [timedelta()]


def test_a_clock_that_was_set_back_silences_nobody_for_long() -> None:
    levels: dict[str, Level] = {}
    take(levels, [CARD] * 5, NOW)
    (wait,) = take(levels, [CARD], NOW - timedelta(hours=2))
    assert wait <= timedelta(seconds=max(THREAD.slow.empty_for, TENANT.slow.empty_for))


async def test_a_short_wait_is_waited_out_and_a_long_one_is_told() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    teams = FakeConversations()
    paced = Paced(teams, Pacing(pace=FakePace(waits=[0.4, 0.0, 30.0]), clock=FakeClock(), sleep=sleep))
    await paced.post(a_conversation(), MESSAGE)
    assert (slept, len(teams.said)) == ([0.4], 1)
    with pytest.raises(Unavailable) as failure:
        await paced.update(a_conversation(), "activity-1", MESSAGE)
    assert (failure.value.reason, failure.value.retry_after) == (Reason.PACED, timedelta(seconds=30))
    assert len(teams.said) == 1


async def test_an_answer_to_a_person_is_tried_without_room_rather_than_not_at_all() -> None:
    teams, pace = FakeConversations(), FakePace(waits=[60.0])
    await Paced(teams, Pacing(pace=pace, clock=FakeClock()), to_person=True).post(a_conversation(), MESSAGE)
    assert len(teams.said) == 1
    assert [send.to_person for send in pace.asked] == [True]


async def test_an_answer_to_a_person_needs_no_store() -> None:
    class Away(FakePace):
        async def reserve(self, *_: object) -> list[timedelta]:
            raise Unavailable(Reason.STORE)

    teams = FakeConversations()
    await Paced(teams, Pacing(pace=Away(), clock=FakeClock()), to_person=True).post(a_conversation(), MESSAGE)
    assert len(teams.said) == 1
