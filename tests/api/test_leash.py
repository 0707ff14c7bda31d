"""When the bot ends because its standard input does: in sandbox mode, on a pipe, and never else."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.ports import free_ports
from tests.samples import ROOT

pytestmark = pytest.mark.demo


@asynccontextmanager
async def bot_on(
    stdin: int, folder: Path, *, in_sandbox: bool = True
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the bot on this standard input, and wait until it serves."""
    port, health_port = free_ports(2)
    told = BotProcess(
        sandbox_url="http://127.0.0.1:1",
        port=port,
        health_port=health_port,
        clock_offset=0,
        holds=(),
        folder=folder,
    )
    environment = told.environment()
    if not in_sandbox:
        environment = {k: v for k, v in environment.items() if not k.startswith("SANDBOX_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", cwd=ROOT, env=environment, stdin=stdin
    )
    try:
        async with asyncio.timeout(20):
            while not await told.is_ready():
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def has_ended(process: asyncio.subprocess.Process, within: float) -> bool:
    try:
        return await asyncio.wait_for(process.wait(), within) == 0
    except TimeoutError:
        return False


async def test_in_the_sandbox_it_ends_with_the_pipe_whatever_came_through_it(tmp_path: Path) -> None:
    held, leash = os.pipe()
    async with bot_on(held, tmp_path) as process:
        os.close(held)
        os.write(leash, b"hello\n")
        assert not await has_ended(process, 0.3)
        os.close(leash)
        assert await has_ended(process, 10)


async def test_nothing_but_a_pipe_says_that_the_parent_is_gone(tmp_path: Path) -> None:
    async with bot_on(asyncio.subprocess.DEVNULL, tmp_path) as process:
        assert not await has_ended(process, 0.5)


async def test_in_production_standard_input_means_nothing(tmp_path: Path) -> None:
    held, leash = os.pipe()
    async with bot_on(held, tmp_path, in_sandbox=False) as process:
        os.close(held)
        os.close(leash)
        assert not await has_ended(process, 0.5)
