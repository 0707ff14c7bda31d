"""Outages of hours, with time that is moved: what waits longer and longer must not wait on when all is well again."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.check import text_of
from sandbox.given import read_files
from tests.faults.cells import BAR
from tests.faults.stage import alert
from tests.flows.laptop import Laptop, MovableClock, laptop, options
from tests.flows.reading import incident, incidents, saying

#: Between two looks of the worker at a clock that is moved, seconds of real time.
MOMENT = 0.3


async def hours_pass(it: Laptop, hours: float) -> None:
    """Let time pass in steps of a minute, at each of which the worker looks at the clock."""
    for _ in range(int(hours * 60)):
        it.clock.pass_time(minutes=1)
        await it.post_alert(it.body)
        await asyncio.sleep(0.01)
    await asyncio.sleep(MOMENT)


async def the_bar_passes(it: Laptop, clock: MovableClock) -> None:
    """Let as much time pass as the bot may take to be well again, a little at a time."""
    for _ in range(6):
        clock.pass_time(seconds=BAR / 6)
        # Delivered before, so that it changes nothing: but the worker looks at the clock.
        await it.post_alert(it.body)
        await asyncio.sleep(MOMENT)


async def test_when_teams_comes_back_after_two_hours_cards_go_out_within_a_minute(tmp_path: Path) -> None:
    async with laptop(tmp_path) as it:
        it.site.teams_faults.set("unavailable")
        assert (await it.post_alert(it.body)).status == 202
        await hours_pass(it, 2)
        assert incidents(await it.page.state()) == []
        it.site.teams_faults.set(None)
        assert (await it.post_alert(alert("fired-when-all-was-well"))).status == 202
        await the_bar_passes(it, it.clock)
        told = [text_of(message["card"]) for message in incidents(await it.page.state())]
        assert len(told) == 2
        assert any("fired-when-all-was-well" in text for text in told)


async def test_when_the_workspace_comes_back_after_most_of_an_hour_its_evidence_is_there_within_a_minute(
    tmp_path: Path,
) -> None:
    async with laptop(tmp_path) as it:
        it.site.workspace_faults.set("down")
        await it.post_alert(it.body)
        await it.see(saying("could not be reached"))
        await hours_pass(it, 0.8)
        it.site.workspace_faults.set(None)
        await the_bar_passes(it, it.clock)
        await it.see(saying("workspace returned 6"), patience=1)


@pytest.mark.parametrize("hours", [3, -3])
async def test_what_was_put_off_by_a_clock_that_was_hours_off_goes_out_once_that_is_right(
    tmp_path: Path, hours: int, caplog: pytest.LogCaptureFixture
) -> None:
    clock = MovableClock(read_files(options()).now - datetime.now(UTC))  # noqa: TID251 - the flows' clock
    async with laptop(tmp_path, bot_clock=clock) as it:
        clock.pass_time(hours=hours)
        it.site.teams_faults.set("unavailable")
        assert (await it.post_alert(it.body)).status == 202
        async with asyncio.timeout(10):
            while "card put off" not in caplog.text:
                await asyncio.sleep(0.05)
        it.site.teams_faults.set(None)
        clock.offset = it.clock.offset
        await the_bar_passes(it, clock)
        # Wrong due times are looked for by the real clock, every few seconds.
        await it.see(incident, "the card", patience=15)
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]
