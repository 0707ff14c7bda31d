from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.errors import Reason, Unavailable
from bot.ports import Chore, ChoreKind, Look, Notification
from bot.worker import CHORE_WAIT, LOOKS_AT_ONCE, ChoreDone, Worker
from tests.fakes import NOW, FakeClock, FakeMeter, FakeWork, a_look


async def no_notification(_notification: Notification) -> None:
    raise AssertionError("there is none")


def a_worker(
    work: FakeWork,
    look: Callable[[Look], Awaitable[None]],
    clock: FakeClock | None = None,
    *,
    chores: Mapping[ChoreKind, ChoreDone] | None = None,
    meter: FakeMeter | None = None,
) -> Worker:
    return Worker(
        work=work,
        look=look,
        notify=no_notification,
        chores=chores or {},
        clock=clock or FakeClock(),
        meter=meter or FakeMeter(),
        owner="me",
    )


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        await worker.stop()
        async with asyncio.timeout(5):
            await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_what_is_due_is_done_and_what_is_not_waits() -> None:
    done: list[str] = []

    async def look(claimed: Look) -> None:
        done.append(claimed.incident_key)

    clock = FakeClock()
    work = FakeWork(due=[(NOW, a_look("now")), (NOW + timedelta(minutes=5), a_look("later"))])
    worker = a_worker(work, look, clock)
    async with running(worker):
        await until(lambda: done == ["now"])
        clock.pass_time(minutes=6)
        worker.wake()
        await until(lambda: done == ["now", "later"])
    assert work.released == ["me"]


async def test_a_failure_of_one_row_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    async def look(claimed: Look) -> None:
        if claimed.incident_key == "bad":
            raise RuntimeError("a bug")
        if claimed.incident_key == "away":
            raise Unavailable(Reason.STORE)
        done.append(claimed.incident_key)

    work = FakeWork(due=[(NOW, a_look("bad")), (NOW, a_look("away")), (NOW, a_look("good"))])
    async with running(a_worker(work, look)):
        await until(lambda: done == ["good"])
    assert [r.getMessage() for r in caplog.records if r.exc_info] == ["work failed"]


async def test_a_store_that_does_not_answer_is_asked_again() -> None:
    done: list[str] = []

    async def look(claimed: Look) -> None:
        done.append(claimed.incident_key)

    work = FakeWork(due=[(NOW, a_look())], failing=[Unavailable(Reason.STORE)])
    async with running(a_worker(work, look)):
        await until(lambda: done == ["k1"])


async def test_no_more_is_claimed_than_can_be_done_at_once() -> None:
    gate = asyncio.Event()

    async def look(_claimed: Look) -> None:
        await gate.wait()

    work = FakeWork(due=[(NOW, a_look(f"k{n}")) for n in range(LOOKS_AT_ONCE + 5)])
    async with running(a_worker(work, look)):
        await until(lambda: len(work.claimed) == LOOKS_AT_ONCE)
        await asyncio.sleep(0.05)
        assert len(work.claimed) == LOOKS_AT_ONCE
        gate.set()
        await until(lambda: len(work.claimed) == LOOKS_AT_ONCE + 5)


async def test_stopping_finishes_what_is_in_hand_first() -> None:
    started, finished = asyncio.Event(), []

    async def look(claimed: Look) -> None:
        started.set()
        await asyncio.sleep(0.05)
        finished.append(claimed.incident_key)

    work = FakeWork(due=[(NOW, a_look())])
    async with running(a_worker(work, look)):
        await started.wait()
    assert finished == ["k1"]
    assert work.released == ["me"]


async def test_a_chore_comes_again_when_it_says_and_soon_after_a_failure() -> None:
    clock, done = FakeClock(), []

    async def retention(_chore: Chore) -> datetime:
        done.append(clock.now())
        if len(done) == 1:
            raise Unavailable(Reason.STORE)
        return clock.now() + timedelta(hours=1)

    async def look(_claimed: Look) -> None:
        raise AssertionError("there is none")

    chore = Chore(id=1, kind=ChoreKind.RETENTION, attempt=1, owner="me", due_at=NOW, claimed_at=NOW)
    work = FakeWork(chores=[(NOW, chore)])
    worker = a_worker(work, look, clock, chores={ChoreKind.RETENTION: retention})
    async with running(worker):
        await until(lambda: len(done) == 1 and len(work.chores) == 1)
        assert work.chores[0][0] == NOW + CHORE_WAIT
        clock.pass_time(minutes=2)
        worker.wake()
        await until(lambda: len(done) == 2 and len(work.chores) == 1)
        assert work.chores[0][0] == clock.now() + timedelta(hours=1)


async def test_what_takes_long_is_cut_off_at_the_end_and_let_go() -> None:
    started = asyncio.Event()

    async def look(_claimed: Look) -> None:
        started.set()
        await asyncio.Event().wait()

    work = FakeWork(due=[(NOW, a_look())])
    worker = a_worker(work, look)
    task = asyncio.create_task(worker.run())
    await started.wait()
    async with asyncio.timeout(5):
        await worker.stop(patience=0.01)
        await task
    assert work.released == ["me"]


async def test_what_is_claimed_is_counted_and_what_was_taken_over_too() -> None:
    done: list[str] = []

    async def look(claimed: Look) -> None:
        done.append(claimed.incident_key)

    meter = FakeMeter()
    work = FakeWork(due=[(NOW, a_look("one")), (NOW, replace(a_look("two"), taken_over=True))])
    async with running(a_worker(work, look, meter=meter)):
        await until(lambda: len(done) == 2)
    assert sorted(meter.counted) == [("claimed", "look"), ("claimed", "look"), ("taken over", "look")]
