"""Questions: who may ask how often, and what is kept of them; on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from audit.incident import Person
from bot.errors import Reason, Rejected, Unavailable
from bot.ports import Admission, Admitted, Answered, Cursor, Kept, Limits, Row, Store
from bot.store.questions import FORGOTTEN_AT_ONCE
from bot.store.store import open_store
from tests.contracts.asking import A_SECOND, LIMITS, NO_LIMITS, answer, asked, put, the_ledger
from tests.contracts.steps import A_MINUTE, ALICE, BOB, GENERAL, OPS
from tests.fakes import NOW

GRANTED = Admitted(verdict=Admission.GRANTED)
HOSTILE = "x\x00\ud800\u202e<at>" + "y" * 100_000


def person(number: int) -> Person:
    return Person(id=f"person-{number}", name=f"Person {number}")


async def test_a_question_is_kept_with_what_became_of_it(store: Store) -> None:
    one = put(activity_id="a1")
    assert await store.question(one.key) is None
    assert await store.admit(one, LIMITS) == GRANTED
    assert await store.question(one.key) == Kept(put=one)
    row = Row(mark="m", audit_ids=("i1", "i2"), user="alice", first=NOW, last=NOW, said="alice patched x")
    told = replace(answer(), rows=(row,), outcome="partial")
    await store.answered(one.key, told, NOW)
    assert await store.question(one.key) == Kept(put=one, answer=told)


async def test_the_first_answer_stands(store: Store) -> None:
    one = await asked(store)
    await store.answered(one.key, answer(at=NOW + A_MINUTE, events=9), NOW)
    assert await store.question(one.key) == Kept(put=one, answer=answer())


async def test_where_pages_begin_is_kept_and_never_forgotten_again(store: Store) -> None:
    one = await asked(store)
    pages = [Cursor(until=NOW - n * A_SECOND, seen=("ab",), before=20 * n) for n in range(3)]
    for some in (pages[:1], pages, pages[:2]):
        await store.turned(one.key, some)
    kept = await store.question(one.key)
    assert kept is not None
    assert kept.answer == replace(answer(), cursors=tuple(pages))
    await store.turned("f" * 32, pages)


async def test_an_answer_may_bring_where_its_pages_begin(store: Store) -> None:
    told = replace(answer(), cursors=(Cursor(until=NOW),))
    one = await asked(store, told=told)
    assert await store.question(one.key) == Kept(put=one, answer=told)


async def test_a_question_that_was_never_asked_has_no_answer(store: Store) -> None:
    with pytest.raises(Rejected) as failure:
        await store.answered("f" * 32, answer(), NOW)
    assert failure.value.reason is Reason.NOT_FOUND
    assert await store.entries() == []


async def test_what_is_delivered_twice_is_taken_once(store: Store) -> None:
    assert await store.admit(put("q1", activity_id="a1"), LIMITS) == GRANTED
    again = await store.admit(put("q2", activity_id="a1"), LIMITS)
    assert again == Admitted(verdict=Admission.REPEATED)
    assert await store.question(put("q2").key) is None
    elsewhere = put("q3", activity_id="a1", conversation_id=OPS.id)
    assert await store.admit(elsewhere, LIMITS) == GRANTED
    for name in ("q4", "q5"):
        assert await store.admit(put(name), LIMITS) == GRANTED
    assert len(await store.entries()) == 4


async def test_what_is_delivered_twice_at_once_is_taken_once(store: Store) -> None:
    verdicts = await asyncio.gather(
        *(store.admit(put(f"q{n}", activity_id="a1"), NO_LIMITS) for n in range(10))
    )
    assert Counter(v.verdict for v in verdicts) == {Admission.GRANTED: 1, Admission.REPEATED: 9}


async def test_a_person_has_so_many_questions_in_a_span_wherever_they_are_asked(store: Store) -> None:
    where = (GENERAL.id, OPS.id)
    for n in range(5):
        one = put(f"q{n}", at=NOW + n * A_SECOND, conversation_id=where[n % 2])
        assert await store.admit(one, LIMITS) == GRANTED
    refused = await store.admit(put("q5", at=NOW + 10 * A_SECOND), LIMITS)
    assert refused == Admitted(verdict=Admission.PERSON_LIMIT, wait=50 * A_SECOND)
    assert await store.question(put("q5").key) is None
    assert await store.admit(put("q6", by=BOB, at=NOW + 10 * A_SECOND), LIMITS) == GRANTED
    # The first one has left the span, to the microsecond; what was refused takes no room.
    assert await store.admit(put("q7", at=NOW + A_MINUTE), LIMITS) == GRANTED
    refused = await store.admit(put("q8", at=NOW + A_MINUTE), LIMITS)
    assert refused == Admitted(verdict=Admission.PERSON_LIMIT, wait=A_SECOND)


async def test_a_conversation_has_so_many_questions_in_a_span_whoever_asks(store: Store) -> None:
    limits = Limits(per_conversation=3)
    for n in range(3):
        assert await store.admit(put(f"q{n}", by=person(n)), limits) == GRANTED
    refused = await store.admit(put("q3", by=BOB, at=NOW + A_SECOND), limits)
    assert refused == Admitted(verdict=Admission.CONVERSATION_LIMIT, wait=59 * A_SECOND)
    assert await store.admit(put("q4", by=BOB, conversation_id=OPS.id), limits) == GRANTED


async def test_where_the_limit_was_lowered_the_wait_is_until_there_is_room(store: Store) -> None:
    for n in range(5):
        await store.admit(put(f"q{n}", at=NOW + n * A_SECOND), LIMITS)
    at = NOW + 10 * A_SECOND
    refused = await store.admit(put("q5", at=at), Limits(per_person=2))
    assert refused.wait == 53 * A_SECOND
    assert await store.admit(put("q6", at=at + refused.wait), Limits(per_person=2)) == GRANTED
    none = await store.admit(put("q7", by=BOB), Limits(per_person=0))
    assert none == Admitted(verdict=Admission.PERSON_LIMIT, wait=A_MINUTE)


async def test_limits_hold_exactly_for_many_at_once(store: Store) -> None:
    limits = Limits(per_person=5, per_conversation=30)
    puts = [put(f"q{n}", by=person(n % 8), at=NOW + timedelta(microseconds=n)) for n in range(80)]
    verdicts = await asyncio.gather(*(store.admit(one, limits) for one in puts))
    granted = Counter(one.by.id for one, v in zip(puts, verdicts, strict=True) if v == GRANTED)
    assert sum(granted.values()) == 30
    assert max(granted.values()) <= 5
    assert all(timedelta(0) < v.wait <= A_MINUTE for v in verdicts if v != GRANTED)
    whats = Counter(line.what for line in await store.entries())
    assert whats["asked"] == 30
    assert whats["refused"] == len({one.by.id for one in puts})
    assert await store.broken() is None


@pytest.mark.postgres
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
async def test_limits_and_ledger_hold_over_replicas(store_url: str) -> None:
    async with open_store(store_url) as one, open_store(store_url) as two:
        both = (one, two)
        puts = [put(f"q{n}", by=person(n % 4), activity_id=f"a{n // 2}") for n in range(120)]
        verdicts = await asyncio.gather(
            *(both[n % 2].admit(each, LIMITS) for n, each in enumerate(puts)),
        )
        granted = Counter(p.by.id for p, v in zip(puts, verdicts, strict=True) if v == GRANTED)
        assert granted == {person(n).id: 5 for n in range(4)}
        lines = await the_ledger(one)
        assert [line.number for line in lines] == list(range(1, len(lines) + 1))
        assert Counter(line.what for line in lines) == {"asked": 20, "refused": 4}
        assert await two.broken() is None


async def test_who_hammers_leaves_one_line_a_span(store: Store) -> None:
    limits = Limits(per_person=1)
    await store.admit(put("q"), limits)
    for n in range(1, 50):
        await store.admit(put(f"q{n}", at=NOW + n * A_SECOND), limits)
    assert [line.what for line in await the_ledger(store)] == ["asked", "refused"]
    await store.admit(put("again", at=NOW + A_MINUTE), limits)
    await store.admit(put("more", at=NOW + A_MINUTE + 2 * A_SECOND), limits)
    lines = await the_ledger(store)
    assert [line.what for line in lines] == ["asked", "refused", "asked", "refused"]
    assert (lines[1].outcome, lines[1].about, lines[1].key) == (
        Admission.PERSON_LIMIT,
        "audits coredns last 1h",
        "",
    )


async def test_a_clock_that_jumps_back_locks_nobody_out(store: Store) -> None:
    ahead = NOW + timedelta(days=1)
    for n in range(5):
        assert await store.admit(put(f"q{n}", at=ahead), LIMITS) == GRANTED
    for n in range(5, 10):
        assert await store.admit(put(f"q{n}"), LIMITS) == GRANTED
    refused = await store.admit(put("q10", at=NOW + A_SECOND), LIMITS)
    assert refused == Admitted(verdict=Admission.PERSON_LIMIT, wait=59 * A_SECOND)
    # Replicas' clocks differ a little: what another dated a moment ahead counts, and nobody waits longer than a span.
    a_little_before = await store.admit(put("q11", at=NOW - 30 * A_SECOND), LIMITS)
    assert a_little_before == Admitted(verdict=Admission.PERSON_LIMIT, wait=A_MINUTE)


async def test_hostile_text_is_kept_as_text_and_cut(store: Store) -> None:
    who = Person(id="o\x00" + "i" * 5000, name=HOSTILE)
    one = put("h", by=who, line=HOSTILE, conversation_id="19:" + HOSTILE, activity_id=HOSTILE)
    assert await store.admit(one, LIMITS) == GRANTED
    assert (await store.admit(one, LIMITS)).verdict is Admission.REPEATED
    row = Row(mark=HOSTILE, audit_ids=(HOSTILE,), user=HOSTILE, first=NOW, last=NOW, said=HOSTILE)
    told = replace(answer(events=-5, outcome=HOSTILE), rows=(row,), clusters=(HOSTILE,))
    await store.answered(one.key, told, NOW)
    kept = await store.question(one.key)
    assert kept is not None
    assert len(kept.put.line) == 500
    assert kept.put.line.startswith("x\ufffd?\u202e<at>y")
    assert kept.answer is not None
    assert kept.answer.events == 0
    assert kept.answer.rows[0].said.endswith("yyy")
    huge = await asked(store, put("huge"), answer(events=10**30))
    kept = await store.question(huge.key)
    assert kept is not None
    assert kept.answer is not None
    assert kept.answer.events == 2**63 - 1
    assert await store.broken() is None


async def test_one_that_cannot_be_kept_does_not_hold_up_those_beside_it(store: Store) -> None:
    """Two questions with one key come from no caller of ours; the database refuses the second."""
    await store.admit(put("same", by=BOB), LIMITS)
    outcomes = await asyncio.gather(
        store.admit(put("same"), LIMITS),
        store.admit(put("other"), LIMITS),
        store.write("raw log", ALICE, GENERAL.id, NOW),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], Unavailable)
    assert list(outcomes[1:]) == [GRANTED, None]
    assert [line.what for line in await the_ledger(store)] == ["asked", "asked", "raw log"]
    assert await store.broken() is None


async def test_old_questions_are_forgotten_and_their_lines_stay(store: Store) -> None:
    await asyncio.gather(
        *(store.admit(put(f"old{n}"), NO_LIMITS) for n in range(FORGOTTEN_AT_ONCE + 1)),
    )
    new = await asked(store, put("new", at=NOW + A_MINUTE))
    assert await store.forget(NOW) == 0
    assert await store.forget(NOW + A_SECOND) == FORGOTTEN_AT_ONCE
    assert await store.forget(NOW + A_SECOND) == 1
    assert await store.forget(NOW + A_SECOND) == 0
    assert await store.question(put("old1").key) is None
    assert await store.question(new.key) is not None
    assert len(await store.entries(10**6)) == FORGOTTEN_AT_ONCE + 3


async def test_an_answer_without_a_count_says_nothing_of_rows(store: Store) -> None:
    await asked(store, told=answer(events=None, outcome="timed out"))
    line = (await store.entries(1))[0]
    assert (line.what, line.rows, line.outcome) == ("answered", None, "timed out")


def test_an_answer_knows_no_other_shape() -> None:
    """What is kept of it is read back by another version of ours: new parts need a default."""
    assert Answered(window=answer().window) == replace(answer(), clusters=(), events=None)
