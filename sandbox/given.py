"""The files that the sandbox was given, read: an alert, audit events, and what time it is then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from audit.alert import Alert, InvalidAlert, parse_alert
from sandbox.clock import EARLIEST, LATEST
from sandbox.options import Options
from sandbox.rows import UnreadableFile, read_events
from sandbox.stories import BadStory, Step, Story, read_stories, story_named
from sandbox.tables import Rows

#: When the demo shows the alert: Azure has evaluated, the webhook is on its way.
AFTER_FIRED = timedelta(seconds=35)
#: Far beyond what an action group sends; what is larger is another file.
LARGEST_ALERT = 4 * 1024 * 1024


class CannotStart(Exception):
    """One sentence for the person in front of the terminal."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """The files, read."""

    body: bytes
    alert: Alert
    rows: Rows
    now: datetime
    #: All alerts of the story that is told; empty where there is but the one.
    steps: tuple[Step, ...] = ()
    #: What the page's menu offers.
    stories: tuple[Story, ...] = ()

    @property
    def is_common(self) -> bool:
        """Whether the alert is of the common alert schema, the only one that the sandbox can write a Resolved of."""
        document = orjson.loads(self.body)
        data = document.get("data")
        return isinstance(data, dict) and bool(data.get("essentials"))

    @property
    def holds(self) -> tuple[str, ...]:
        """Resource ids whose audit log the sandbox's workspace holds."""
        targets = (*self.alert.targets, *(target for story in self.stories for target in story.targets))
        return tuple(dict.fromkeys(t for t in targets if t.lower().startswith("/subscriptions/")))


def read_given(options: Options) -> Given:
    """Read the story or the files that the options name. Raises CannotStart."""
    try:
        stories = read_stories() if options.offers_stories else ()
        if options.story is None:
            return replace(read_files(options), stories=stories)
        story = story_named(options.story, stories)
    except BadStory as error:
        raise CannotStart(str(error)) from None
    first = story.steps[0]
    return Given(
        body=first.body,
        alert=first.alert,
        rows=story.rows,
        now=story.start,
        steps=story.steps,
        stories=stories,
    )


def read_files(options: Options) -> Given:
    """Read the alert and the events; without --now it is shortly after the alert fired. Raises CannotStart."""
    body = _read(options.alert)
    try:
        alert = parse_alert(body)
    except InvalidAlert as error:
        raise CannotStart(f"{options.alert} is no alert that can be read. {error.reason}") from None
    now = options.now or _soon_after(options.alert, alert)
    default_time = alert.window.end if alert.window else now
    try:
        rows = read_events(options.events, cluster_id=cluster_of(alert), default_time=default_time)
    except UnreadableFile as error:
        raise CannotStart(str(error)) from None
    return Given(body=body, alert=alert, rows=rows, now=now)


def cluster_of(alert: Alert) -> str:
    """The cluster that raw events are ascribed to: the one that the alert's own dimension names, if it names one."""
    for criterion in alert.criteria:
        for dimension in criterion.dimensions:
            if dimension.name.lower() in {"resourceid", "_resourceid"}:
                return dimension.value
    return alert.subject


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_ALERT + 1)
    except OSError as error:
        raise CannotStart(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CannotStart(f"{str(path)!r} cannot be read: {error}.") from None
    if len(body) > LARGEST_ALERT:
        raise CannotStart(f"{path} is larger than {LARGEST_ALERT >> 20} MiB; an alert is a few KiB.")
    return body


def _soon_after(path: Path, alert: Alert) -> datetime:
    fired = alert.fired_at or alert.resolved_at or (alert.window.end if alert.window else None)
    if fired is None:
        return datetime.now(UTC)  # noqa: TID251 - an alert without times happens now
    if not EARLIEST <= fired <= LATEST:
        raise CannotStart(f"{path} says that it fired in {fired.year}; give another time with --now.")
    return fired + AFTER_FIRED
