"""A short part of the fault matrix: each thing that the bot stands on, broken for a few seconds; all of it: bench.faults."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.postgres import NoPostgres
from tests.faults.cells import BAR, CELLS, WHY_NOT, How, Part, Timing
from tests.faults.matrix import Outcome, run_cell
from tests.faults.troubles import NoSmallDisk
from tests.postgres import postgres_missing

pytestmark = pytest.mark.demo

SHORTLY = Timing(lasting=3.0, slow=2.0, turn=1.0, pause=1.0, patience=BAR)
SOME = (
    (Part.WORKSPACE, How.DOWN),
    (Part.TOKEN, How.GARBAGE),
    (Part.KEYS, How.FLAPPING),
    (Part.CONNECTOR, How.GARBAGE),
    (Part.DISK, How.DOWN),
    (Part.CLOCK, How.GARBAGE),
    (Part.SQLITE, How.SLOW),
    (Part.POSTGRESQL, How.DOWN),
)
#: They wait most of the time.
AT_ONCE = 4

Outcomes = Mapping[tuple[Part, How], Outcome | str]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run the cells side by side; return what became of each, or why it cannot be run here."""
    folders = [tmp_path_factory.mktemp("cell") for _ in SOME]
    return asyncio.run(_run(folders))


async def _run(folders: list[Path]) -> Outcomes:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(part: Part, how: How, folder: Path) -> Outcome | str:
        if part is Part.POSTGRESQL and (missing := postgres_missing()):
            return missing
        async with places:
            try:
                return await run_cell(part, how, folder, SHORTLY)
            except (NoSmallDisk, NoPostgres) as cannot:
                return str(cannot)

    found = await asyncio.gather(*(one(*cell, folder) for cell, folder in zip(SOME, folders, strict=True)))
    return dict(zip(SOME, found, strict=True))


@pytest.mark.parametrize(("part", "how"), SOME)
def test_the_bot_outlives_a_fault_and_is_well_again_by_itself(
    outcomes: Outcomes, part: Part, how: How
) -> None:
    outcome = outcomes[part, how]
    if isinstance(outcome, str):
        pytest.skip(outcome)
    assert outcome.held, str(outcome)


def test_every_cell_of_the_matrix_is_run_or_says_why_not() -> None:
    assert {*CELLS, *WHY_NOT} == {(part, how) for part in Part for how in How}
    assert not set(CELLS) & set(WHY_NOT)
