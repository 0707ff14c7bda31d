"""The stories of samples/stories, told to the bot: each alert and cluster has its card, with what must be on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.check_story import StoryCheck
from sandbox.sight import Sight
from sandbox.stories import STORIES, Story, read_stories
from sandbox.yardstick import Yardstick
from tests.flows.laptop import laptop

PATIENCE = 10.0


@pytest.mark.parametrize("story", read_stories(), ids=lambda story: story.name)
async def test_a_story_is_on_its_cards(story: Story, tmp_path: Path) -> None:
    folder = STORIES / story.name
    alert = tmp_path / "alert.json"
    alert.write_bytes(story.steps[0].body)
    async with laptop(tmp_path, alert=alert, events=folder / "events.jsonl", stories=(story,)) as it:
        for step in story.steps:
            assert (await it.site.alarm.fire(step.body)).status == 202
        steps = [(step, Yardstick(it.engine, step.alert, story.rows)) for step in story.steps]
        await StoryCheck(steps=steps).cards(Sight(page=it.page, patience=lambda: PATIENCE))


async def test_a_story_told_twice_from_the_menu_is_told_of_the_present_both_times(tmp_path: Path) -> None:
    async with laptop(tmp_path, stories=read_stories()) as it:
        for _ in range(2):
            assert (await it.page.call("story", name="cluster-admin"))["status"] == 202
            it.clock.pass_time(minutes=10)
        state = await it.page.state()
        assert [entry["title"] for entry in state["run"]].count(
            "Story: A local admin binds cluster-admin"
        ) == 2
