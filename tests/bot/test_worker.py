from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.errors import Reason, Unavailable
from bot.ports import Look, Notification
from bot.worker import LOOKS_AT_ONCE, Worker
from tests.fakes import NOW, FakeClock, FakeWork, a_look


async def no_notification(_notification: Notification) -> None:
    raise AssertionError("there is none")


def a_worker(
    work: FakeWork, look: Callable[[Look], Awaitable[None]], clock: FakeClock | None = None
) -> Worker:
    return Worker(work=work, look=look, notify=no_notification, clock=clock or FakeClock(), owner="me")


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
