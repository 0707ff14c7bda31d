"""Telling a story: its rows go into the workspace, and its alerts to the bot, one after the other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson

from sandbox.alarm import Alarm, Sent
from sandbox.engine import Engine
from sandbox.run import Clock, Kind, Run
from sandbox.stories import Step, Story, story_named
from sandbox.tables import Rows
from sandbox.yardstick import Yardstick


class Teller:
    """Tells the stories that there are, now and as often as asked. Ends with `close`."""

    def __init__(
        self,
        *,
        stories: Sequence[Story],
        engine: Engine,
        alarm: Alarm,
        clock: Clock,
        run: Run,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stories = stories
        self._engine = engine
        self._alarm = alarm
        self._clock = clock
        self._run = run
        self._sleep = sleep
        self._told: Counter[str] = Counter()
        self._coming: set[asyncio.Task[None]] = set()

    def to_json(self) -> list[dict[str, Any]]:
        """Return name, title and sentence of each story, for a menu."""
        return [
            {"name": story.name, "title": story.title, "sentence": story.sentence} for story in self._stories
        ]

    async def tell(self, name: str) -> Sent:
        """Move a story to now, load its rows, and fire its first alert; the others follow. Raises BadStory."""
        story = story_named(name, self._stories)
        # Never with the ids of its files, which may have been loaded at the start.
        self._told[name] += 1
        steps, rows = await asyncio.to_thread(story.told, self._clock.now(), self._told[name])
        await asyncio.to_thread(self._engine.ingest, rows)
        # Rows of the last time may be in this window too, and Azure would count them.
        steps = tuple([await self._recounted(step, rows) for step in steps])
        self._run.add(Kind.NOTE, f"Story: {story.title}", rows=len(rows))
        return await self.fire(steps)

    async def fire(self, steps: Sequence[Step]) -> Sent:
        """Fire the first step now and the others when they are due; return what was answered to the first."""
        first, *others = steps
        sent = await self._alarm.fire(first.body)
        for step in others:
            task = asyncio.create_task(self._later(step, step.after - first.after))
            self._coming.add(task)
            task.add_done_callback(self._coming.discard)
        return sent

    async def close(self) -> None:
        """Fire nothing more."""
        coming = tuple(self._coming)
        for task in coming:
            task.cancel()
        await asyncio.gather(*coming, return_exceptions=True)

    async def _recounted(self, step: Step, rows: Rows) -> Step:
        yardstick = Yardstick(self._engine, step.alert, rows)
        if yardstick.window is None:
            return step
        document = orjson.loads(step.body)
        counted = await yardstick.behind(yardstick.window)
        for criterion, count in zip(
            document["data"]["alertContext"]["condition"]["allOf"], counted.rows, strict=True
        ):
            criterion["metricValue"] = float(count)
        return replace(step, body=orjson.dumps(document))

    async def _later(self, step: Step, wait: timedelta) -> None:
        await self._sleep(wait.total_seconds())
        await self._alarm.fire(step.body)
