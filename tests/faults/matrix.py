"""Everything that the bot stands on, broken in every way that has a meaning: what became of the load, and how soon.

In each cell the bot is loaded with alerts, messages and clicks before, during and after the fault. It holds when the
process lives on without a traceback, nothing is answered with a 5xx other than 503, everything that was answered 202
stands in the channel with its evidence, and the bot is well again soon after the fault has ended.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.faults.cells import BAR, KEPT, OUTSIDE, How, Part, Timing
from tests.faults.setups import SETUPS
from tests.faults.stage import Stage
from tests.faults.troubles import mended_at_the_end


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one cell."""

    part: Part
    how: How
    #: Seconds from the fault's end until an alert that was sent since stands, and a person was answered since.
    well: float | None
    #: Until everything that was taken stands with its evidence.
    settled: float | None
    accepted: int
    #: Answered 503.
    refused: int
    unanswered: int
    doubles: int
    lost: tuple[str, ...]
    #: Sentences about what there must never be.
    wrong: tuple[str, ...]

    @property
    def held(self) -> bool:
        quick = all(span is not None and span <= BAR for span in (self.well, self.settled))
        return quick and not self.lost and not self.wrong and self.accepted > 0

    def __str__(self) -> str:
        times = " / ".join("never" if s is None else f"{s:.1f} s" for s in (self.well, self.settled))
        counts = f"{self.accepted} accepted, {self.refused} x 503, {self.unanswered} unanswered, {self.doubles} twice"
        ugly = [*self.wrong, *(["lost: " + ", ".join(self.lost)] if self.lost else [])]
        return f"{self.part} × {self.how}: well {times} · {counts}" + "".join(
            f"\n    {line}" for line in ugly
        )


async def run_cell(part: Part, how: How, folder: Path, timing: Timing) -> Outcome:
    """Run one cell in an empty folder. Raises NoSmallDisk, or NoPostgres, where this machine cannot."""
    async with SETUPS[part](how, folder, timing) as (stage, trouble):
        await stage.first_card()
        pid = stage.it.process.pid
        if part in KEPT:
            await stage.it.process.stop()
        async with AsyncExitStack() as during:
            await during.enter_async_context(mended_at_the_end(trouble))
            if part in KEPT:
                await stage.it.process.start()
                pid = stage.it.process.pid
                # Anew, so that turns begin with the first request.
                await trouble.begin()
            async with stage.load():
                await asyncio.sleep(timing.lasting)
                was_ready = await stage.it.is_ready()
                await during.aclose()
                well, settled = await _recovery(stage, timing.patience)
            await _all_stand(stage)
        wrong = [*stage.tally.wrong, *_ugly(stage, pid)]
        if not trouble.met():
            wrong.append("the fault met nothing")
        if part in OUTSIDE and not was_ready:
            wrong.append("not ready, though alerts could be taken in")
        return _outcome(part, how, stage, well, settled, wrong)


async def _recovery(stage: Stage, patience: float) -> tuple[float | None, float | None]:
    """Wait until all is well; return how long that took, and how long until nothing of before was missing."""
    ended = time.perf_counter()
    well = settled = None
    while (passed := time.perf_counter() - ended) < patience and (well is None or settled is None):
        if well is None and stage.is_well_since(ended) and await stage.it.is_ready():
            well = passed
            stage.enough()
        if settled is None and not stage.missing(before=ended):
            settled = passed
        await asyncio.sleep(0.1)
    return well, settled


async def _all_stand(stage: Stage, patience: float = 20.0) -> None:
    """Wait for the last alerts of the load; those that do not come by then are told as lost."""
    ends = time.perf_counter() + patience
    while stage.lost() and time.perf_counter() < ends:
        await asyncio.sleep(0.1)


def _ugly(stage: Stage, pid: int) -> list[str]:
    found = []
    if pid and (not stage.it.process.running or stage.it.process.pid != pid):
        found.append("the process ended")
    log = stage.it.process.log
    said = log.read_text(errors="replace") if log.exists() else ""
    if "Traceback" in said:
        line = next(line for line in said.splitlines() if "Traceback" in line)
        found.append(f"a traceback: {line[:2000]}")
    return found


def _outcome(
    part: Part, how: How, stage: Stage, well: float | None, settled: float | None, wrong: list[str]
) -> Outcome:
    return Outcome(
        part=part,
        how=how,
        well=well,
        settled=settled,
        accepted=len(stage.tally.accepted),
        refused=stage.tally.refused,
        unanswered=stage.tally.unanswered,
        doubles=stage.doubles(),
        lost=tuple(stage.lost()),
        wrong=tuple(dict.fromkeys(wrong)),
    )
