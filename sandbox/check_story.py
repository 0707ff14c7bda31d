"""What `--check --story NAME` looks at besides the main job: every card of the story, and what must be on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from audit.alert import resource_name
from sandbox.page_client import Json, text_of
from sandbox.sight import Red, Sight, cards_of_bot
from sandbox.stories import Step
from sandbox.yardstick import Counted, Yardstick


@dataclass(frozen=True, kw_only=True)
class StoryCheck:
    """The steps of a story, each with the yardstick of its own alert."""

    steps: Sequence[tuple[Step, Yardstick]]

    async def cards(self, sight: Sight) -> str:
        """Wait for the card of every alert and cluster, and read it. Raises Red."""
        seen = [await self._step(sight, step, yardstick) for step, yardstick in self.steps]
        return "; ".join(seen)

    async def _step(self, sight: Sight, step: Step, yardstick: Yardstick) -> str:
        if yardstick.window is None:
            raise Red("an alert of the story has no window")
        counted = await yardstick.behind(yardstick.window)
        wanted = [[step.alert.rule, *words] for words in _cards(step, counted)]
        found = [await sight.wait(f"a card saying “{'”, “'.join(w)}”", _saying(w)) for w in wanted]
        said = " ".join(text_of(message["card"]) for message in found)
        for words in (*step.says, *_numbers(counted)):
            if not says(said, words):
                raise Red(f"the card of {step.alert.rule} does not say “{words}”: {said}")
        return f"{' and '.join(w[-1] for w in wanted)}, with {', '.join((*step.says, *_numbers(counted)))}"


def says(said: str, words: str) -> bool:
    """Whether the words stand there, and not as part of a longer number."""
    return re.search(rf"(?<![\d,]){re.escape(words)}(?![,.]?\d)", said) is not None


def _cards(step: Step, counted: Counted) -> Iterator[list[str]]:
    """Give the words that tell each card: one for each cluster that the rows are of."""
    if len(counted.by_cluster) < 2:  # noqa: PLR2004 - several
        yield [resource_name(step.alert.subject), f"workspace returned {counted.total:,}"]
        return
    for cluster, rows in sorted(counted.by_cluster.items()):
        yield [resource_name(cluster), f"workspace returned {rows:,}"]


def _numbers(counted: Counted) -> Iterator[str]:
    if counted.cut:
        yield f"cut {counted.cut:,}"
    if counted.unreadable:
        yield f"unreadable {counted.unreadable:,}"


def _saying(words: Sequence[str]) -> Callable[[Json], Json | None]:
    def look(state: Json) -> Json | None:
        return next((m for m in cards_of_bot(state) if all(says(text_of(m["card"]), w) for w in words)), None)

    return look
