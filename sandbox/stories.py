"""The stories of samples/stories: rows of a workspace and the alerts that Azure raises on them, at any time of day.

A story's files say when it happened, as real ones do. To be told now, every time in them is moved by one span.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from audit.alert import Alert, InvalidAlert, parse_alert
from sandbox.bot_process import ROOT
from sandbox.rows import UnreadableFile, read_events
from sandbox.tables import Rows

STORIES: Final = ROOT / "samples/stories"
#: A time as Azure and Kubernetes write it, and as it stands in a link.
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d)(:|%3A)(\d\d)(?:\2)(\d\d)(?=[.\d]*Z)")
#: What every audit id of a story starts with, so that telling it again can give it others.
_ID: Final = "c0ffee"


class BadStory(Exception):
    """A story cannot be told. The text is one sentence."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """An alert of a story: its body, and how long after the story's first one Azure posts it."""

    body: bytes
    alert: Alert
    after: timedelta
    #: Names and things that are in its rows, and so must be on its card.
    says: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Story:
    """A story as its files have it, at its own time."""

    name: str
    title: str
    sentence: str
    #: What the clock shows when Azure posts the first alert.
    start: datetime
    steps: tuple[Step, ...]
    rows: Rows
    _read: Callable[[Callable[[str], str]], tuple[tuple[Step, ...], Rows]]

    @property
    def targets(self) -> tuple[str, ...]:
        """Resource ids that its alerts are about."""
        return tuple(dict.fromkeys(target for step in self.steps for target in step.alert.targets))

    def told(self, now: datetime, times_before: int = 0) -> tuple[tuple[Step, ...], Rows]:
        """Return alerts and rows as if it started at `now`; told before, its audit ids are others."""
        span = timedelta(seconds=round((now - self.start).total_seconds()))
        fresh = f"{int(_ID, 16) + times_before:06x}"

        def moved(text: str) -> str:
            return _TIME.sub(lambda found: _later(found, span), text).replace(_ID, fresh)

        return self._read(moved)


def read_stories(folder: Path = STORIES) -> tuple[Story, ...]:
    """Read all stories, in the order of their places. Raises BadStory."""
    found = sorted((_place(path), path.parent) for path in folder.glob("*/story.toml"))
    return tuple(_story(path) for _, path in found)


def story_named(name: str, stories: Sequence[Story]) -> Story:
    """Return the story of this name. Raises BadStory, which lists those that there are."""
    for story in stories:
        if story.name == name:
            return story
    there = ", ".join(story.name for story in stories)
    raise BadStory(f"--story is one of {there}{f', not {name!r}' if name else ''}.")


def _place(path: Path) -> int:
    place = _about(path).get("place")
    return place if type(place) is int else 0


def _about(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadStory(f"{path} cannot be read: {error}.") from None


def _story(folder: Path) -> Story:
    about = _about(folder / "story.toml")

    def read(changed: Callable[[str], str]) -> tuple[tuple[Step, ...], Rows]:
        steps = tuple(_step(folder, step, changed) for step in about["steps"])
        return steps, _rows(folder / "events.jsonl", steps[0].alert, changed)

    try:
        steps, rows = read(str)
        return Story(
            name=folder.name,
            title=str(about["title"]),
            sentence=str(about["sentence"]),
            start=about["start"].astimezone(UTC),
            steps=steps,
            rows=rows,
            _read=read,
        )
    except (KeyError, IndexError, TypeError, AttributeError, OSError) as error:
        raise BadStory(f"{folder / 'story.toml'} is not complete: {error}.") from None
    except (InvalidAlert, UnreadableFile) as error:
        raise BadStory(f"{folder}: {error}") from None


def _step(folder: Path, step: Mapping[str, Any], changed: Callable[[str], str]) -> Step:
    body = changed((folder / step["alert"]).read_text("utf-8")).encode()
    return Step(
        body=body,
        alert=parse_alert(body),
        after=timedelta(seconds=step.get("after", 0)),
        says=tuple(step.get("says", ())),
    )


def _rows(path: Path, alert: Alert, changed: Callable[[str], str]) -> Rows:
    ends = alert.window.end if alert.window else datetime.min.replace(tzinfo=UTC)
    return read_events(path, cluster_id=alert.cluster_id, default_time=ends, changed=changed)


def _later(found: re.Match[str], span: timedelta) -> str:
    hour, colon, minute, second = found.groups()
    moment = datetime.fromisoformat(f"{hour}:{minute}:{second}") + span
    return moment.isoformat(timespec="seconds").replace(":", colon)
