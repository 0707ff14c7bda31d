"""How the process ends, tried on processes: what a second signal does, and what happens when nothing else helps."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from api.ending import Ending
from tests.samples import ROOT

#: Says that it runs, then that it was told to end, and does not.
STUBBORN = """
import asyncio
from api.ending import end_on_signals

async def main():
    end_on_signals(lambda: print("told", flush=True))
    print("runs", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
#: Holds up its own event loop, so that no task and no handler of ours gets a turn.
STUCK = """
import time
from api.ending import end_by_force

end_by_force(0.2)
print("runs", flush=True)
while True:
    time.sleep(60)
"""


@asynccontextmanager
async def program(text: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", text, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert await said(process) == "runs"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def said(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_the_first_signal_asks_and_the_second_ends(
    first: signal.Signals, second: signal.Signals
) -> None:
    async with program(STUBBORN) as process:
        process.send_signal(first)
        assert await said(process) == "told"
        assert process.returncode is None
        process.send_signal(second)
        assert await process.wait() == -second


async def test_a_process_that_hangs_is_ended_by_force() -> None:
    async with program(STUCK) as process:
        assert await process.wait() == -signal.SIGALRM


async def test_it_begins_once_and_all_share_one_span_of_time() -> None:
    ending = Ending(patience=100.0)
    assert (ending.begun, ending.seconds()) == (False, 0.0)
    waiting = asyncio.create_task(ending.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    ending.begin()
    await waiting
    left = ending.left()
    ending.begin()
    assert ending.begun
    assert 0 < ending.left() <= left <= 100


def test_whoever_asks_what_is_left_begins_it() -> None:
    ending = Ending(patience=0.0)
    assert ending.left() == 0.0
    assert ending.begun
