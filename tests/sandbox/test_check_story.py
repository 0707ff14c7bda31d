"""What the check reads on a story's cards, and that it sees what is wrong there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from sandbox.check_story import StoryCheck, says
from sandbox.engine import Engine
from sandbox.page_client import PageClient
from sandbox.sight import Red, Sight
from sandbox.stories import read_stories, story_named
from sandbox.yardstick import Yardstick
from tests.fakes import FakeClock

STORIES = read_stories()
CHANNEL = {"id": "c", "name": "General"}
CUT = "AKS-Writes aks-media-weu workspace returned 8 noor.haddad@contoso.com media/archive-catalogue media:transcoder-operator"
EAST = "AKS-Namespace-Deleted aks-edge-eus workspace returned 3 ines.moreau@contoso.com load-test preview-411"
WEST = "AKS-Namespace-Deleted aks-edge-wus workspace returned 2"


class Shown(PageClient):
    """A page whose channel has cards with these texts."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    async def state(self) -> dict[str, Any]:
        cards = [{"type": "TextBlock", "text": text} for text in self.texts]
        messages = [
            {"id": str(n), "from": {"bot": True}, "conversation": "c", "card": card}
            for n, card in enumerate(cards)
        ]
        return {"conversations": [CHANNEL], "messages": messages}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(clock: FakeClock) -> Iterator[Engine]:
    made = Engine(clock)
    yield made
    made.close()


async def read(engine: Engine, clock: FakeClock, name: str, *texts: str) -> str:
    story = story_named(name, STORIES)
    clock.at = story.start
    engine.ingest(story.rows)
    steps = [(step, Yardstick(engine, step.alert, story.rows)) for step in story.steps]
    sight = Sight(page=cast("PageClient", Shown(*texts)), patience=lambda: 0.05)
    return await StoryCheck(steps=steps).cards(sight)


async def test_cut_and_unreadable_rows_are_counted_on_the_card(engine: Engine, clock: FakeClock) -> None:
    seen = await read(engine, clock, "cut-rows", f"{CUT} unreadable 2 · cut 3")
    assert seen.endswith("cut 3, unreadable 2")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{CUT} cut 3 unreadable 21", "does not say “unreadable 2”"),
        (f"{CUT} unreadable 2", "does not say “cut 3”"),
        (f"{CUT} unreadable 2 · cut 3".replace("noor", "nora"), "does not say “noor.haddad@contoso.com”"),
        (f"{CUT} unreadable 2 · cut 3".replace("returned 8", "returned 18"), "did not see a card"),
        (f"{CUT} unreadable 2 · cut 3".replace("AKS-Writes", "Another"), "did not see a card"),
    ],
)
async def test_a_card_that_says_something_else_is_red(
    text: str, says: str, engine: Engine, clock: FakeClock
) -> None:
    with pytest.raises(Red, match=says):
        await read(engine, clock, "cut-rows", text)


async def test_an_alert_of_two_clusters_has_a_card_for_each(engine: Engine, clock: FakeClock) -> None:
    assert "workspace returned 3 and workspace returned 2" in await read(
        engine, clock, "two-clusters-one-alert", WEST, EAST
    )


async def test_one_card_for_two_clusters_is_red(engine: Engine, clock: FakeClock) -> None:
    with pytest.raises(Red, match="aks-edge-wus"):
        await read(engine, clock, "two-clusters-one-alert", EAST.replace("returned 3", "returned 5"), EAST)


def test_a_number_is_not_part_of_a_longer_one() -> None:
    assert says("returned 6 rows", "returned 6")
    for said in ("returned 61", "returned 6,100", "returned 6.5"):
        assert not says(said, "returned 6")
    assert not says("12 of", "2 of")
