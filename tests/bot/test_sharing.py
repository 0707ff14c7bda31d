from __future__ import annotations

import asyncio

import pytest

from audit.filter import Window
from bot.errors import Reason, Unavailable
from bot.ports import Answer, Query
from bot.sharing import FRESH, SharedLog
from tests.bot.stage import END, PROD, START
from tests.fakes import FakeAuditLog, FakeClock


def query(kql: str = "AKSAudit") -> Query:
    return Query(workspace=PROD, kql=kql, window=Window(start=START, end=END))


async def test_the_same_question_is_asked_once_and_answered_to_all() -> None:
    log = FakeAuditLog(answers=[Answer(rows=[{"n": 1}])])
    shared = SharedLog(log, FakeClock())
    answers = await asyncio.gather(*(shared.ask(query()) for _ in range(5)), shared.ask(query("other")))
    assert len(answers) == 6
    assert sorted(asked.kql for asked in log.asked) == ["AKSAudit", "other"]


async def test_an_answer_is_not_given_again_once_it_is_old() -> None:
    clock = FakeClock()
    log = FakeAuditLog(answers=[Answer(rows=[])])
    shared = SharedLog(log, clock)
    await shared.ask(query())
    clock.at += FRESH
    await shared.ask(query())
    assert len(log.asked) == 1
    clock.pass_time(seconds=1)
    await shared.ask(query())
    assert len(log.asked) == 2


@pytest.mark.parametrize("first", [Unavailable(Reason.THROTTLED), Answer(rows=[], partial="a part")])
async def test_what_is_no_whole_answer_is_asked_for_again(first: Answer | Unavailable) -> None:
    log = FakeAuditLog(answers=[first, Answer(rows=[{"n": 1}])])
    shared = SharedLog(log, FakeClock())
    if isinstance(first, Unavailable):
        with pytest.raises(Unavailable):
            await shared.ask(query())
    else:
        assert (await shared.ask(query())).partial
    assert (await shared.ask(query())).rows == [{"n": 1}]


async def test_a_question_that_nobody_waits_for_any_more_is_ended_and_one_that_somebody_does_goes_on() -> (
    None
):
    ended: list[str] = []
    gate = asyncio.Event()

    async def slow(asked: Query) -> Answer:
        try:
            await gate.wait()
        except asyncio.CancelledError:
            ended.append(asked.kql)
            raise
        return Answer(rows=[{"n": 1}])

    shared = SharedLog(FakeAuditLog(answering=slow), FakeClock())
    alone = asyncio.create_task(shared.ask(query("alone")))
    one = asyncio.create_task(shared.ask(query()))
    two = asyncio.create_task(shared.ask(query()))
    await asyncio.sleep(0.01)
    alone.cancel()
    one.cancel()
    await asyncio.gather(alone, one, return_exceptions=True)
    await asyncio.sleep(0)
    gate.set()
    assert (await two).rows == [{"n": 1}]
    assert ended == ["alone"]
    await shared.ask(query("alone"))
