"""The stories of samples/stories: each is whole, true to its formats, and can be told at any time."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from audit.alert import AlertKind, Condition
from audit.event import AuditEvent, parse_event
from sandbox.engine import Engine
from sandbox.stories import STORIES, BadStory, Step, Story, read_stories, story_named
from sandbox.tables import AKS_AUDIT, AKS_AUDIT_ADMIN, ARRIVES, AZURE_DIAGNOSTICS, Row
from sandbox.yardstick import Counted, Yardstick
from tests.fakes import FakeClock

ALL = read_stories()
NAMES = (
    "corefile-edit",
    "cluster-admin",
    "shell-in-pod",
    "secret-sweep",
    "pipeline-deploy",
    "two-clusters",
    "two-clusters-one-alert",
    "late-rows",
    "cut-rows",
)
ELSEWHEN = datetime(2027, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)
#: Stories with rows that are no whole audit events, and how many.
CUT = {"cut-rows": 3}
UNREADABLE = {"cut-rows": 2}

each = pytest.mark.parametrize("story", ALL, ids=lambda story: story.name)


def rows_of(story: Story) -> Iterator[Row]:
    for rows in story.rows.tables.values():
        yield from rows


def written(row: Row) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


async def counted(story: Story, step: Step, now: datetime) -> Counted:
    engine = Engine(FakeClock(now))
    try:
        engine.ingest(story.rows)
        assert step.alert.window
        return await Yardstick(engine, step.alert, story.rows).behind(step.alert.window)
    finally:
        engine.close()


def test_there_are_these_stories_in_this_order() -> None:
    assert tuple(story.name for story in ALL) == NAMES


@each
def test_its_alerts_are_azures(story: Story) -> None:
    for step in story.steps:
        alert, window = step.alert, step.alert.window
        assert alert.kind is AlertKind.LOG_V2
        assert alert.condition is Condition.FIRED
        assert not alert.is_test
        assert window
        assert alert.fired_at
        assert window.end < alert.fired_at < story.start + step.after
        assert story.start - window.end < timedelta(minutes=2)
        assert step.says


@each
def test_its_rows_are_read_as_audit_events(story: Story) -> None:
    read = [parse_event(written(row)) for row in rows_of(story)]
    unreadable = len(read) - sum(isinstance(event, AuditEvent) for event in read)
    least = UNREADABLE.get(story.name, 0)
    assert least <= unreadable <= least + CUT.get(story.name, 0)
    for event in read:
        if isinstance(event, AuditEvent):
            assert event.audit_id.startswith("c0ffee")
            assert event.cluster_id in story.targets or len(story.steps[0].alert.criteria[0].dimensions) == 0


@each
def test_nobody_else_is_in_it(story: Story) -> None:
    text = "".join(path.read_text() for path in (STORIES / story.name).rglob("*") if path.is_file())
    hosts = {part.split("/")[0].split("#")[0] for part in text.split("https://")[1:]}
    assert hosts <= {"portal.azure.com", "api.loganalytics.io"}
    people = {word for word in text.replace('"', " ").replace("\\", " ").split() if "@" in word}
    named = {word.split("@")[1] for word in people if "." in word.split("@")[1] and "://" not in word}
    assert {name.rstrip(",") for name in named} <= {"contoso.com", "fabrikam.com"}


@each
async def test_each_alert_counted_what_its_query_finds_when_it_fires(story: Story) -> None:
    for step in story.steps:
        assert step.alert.fired_at
        found = await counted(story, step, step.alert.fired_at)
        assert found.total == step.alert.counted
        assert found.total > 0
        assert (found.cut, found.unreadable) == (CUT.get(story.name, 0), UNREADABLE.get(story.name, 0))


@each
async def test_what_a_card_must_say_is_in_the_rows(story: Story) -> None:
    text = "".join(str(written(row)) for row in rows_of(story))
    for step in story.steps:
        for words in step.says:
            assert all(part in text for part in words.split("/")), words


@each
def test_told_at_another_time_everything_is_moved_by_one_span(story: Story) -> None:
    steps, rows = story.told(ELSEWHEN)
    span = timedelta(seconds=round((ELSEWHEN - story.start).total_seconds()))
    for then, now in zip(story.steps, steps, strict=True):
        assert then.alert.window
        assert now.alert.window
        assert then.alert.fired_at
        assert now.alert.fired_at
        assert now.alert.window.end - then.alert.window.end == span
        assert now.alert.fired_at - then.alert.fired_at == span
        year = str(story.start.year).encode()
        assert b"timespan=" + year not in now.body
    for table, moved in rows.tables.items():
        for before, after in zip(story.rows.tables[table], moved, strict=True):
            assert after["TimeGenerated"] - before["TimeGenerated"] == span
            assert after.get(ARRIVES, ELSEWHEN) - before.get(ARRIVES, ELSEWHEN - span) == span


def test_told_again_the_events_are_others() -> None:
    ids = []
    for times in (0, 1, 300):
        _, rows = ALL[0].told(ELSEWHEN, times)
        ids.append({orjson.loads(row["log_s"])["auditID"] for row in rows.tables[AZURE_DIAGNOSTICS]})
    assert not ids[0] & ids[1]
    assert not ids[1] & ids[2]
    assert {len(each) for each in ids} == {len(ids[0])}


def test_all_tables_and_doubles_are_among_them() -> None:
    used = {story.name: {t for t, rows in story.rows.tables.items() if rows} for story in ALL}
    assert used["secret-sweep"] == {AKS_AUDIT}
    assert used["pipeline-deploy"] == used["two-clusters-one-alert"] == {AKS_AUDIT_ADMIN}
    assert used["shell-in-pod"] == {AZURE_DIAGNOSTICS, AKS_AUDIT, AKS_AUDIT_ADMIN}
    shells = story_named("shell-in-pod", ALL).rows.tables[AZURE_DIAGNOSTICS]
    marks = Counter(
        (orjson.loads(row["log_s"])["auditID"], orjson.loads(row["log_s"])["stage"]) for row in shells
    )
    assert set(marks.values()) == {1, 2}


async def test_the_late_rows_come_after_four_and_eight_minutes() -> None:
    story = story_named("late-rows", ALL)
    (step,) = story.steps
    assert step.alert.fired_at
    found = [
        (await counted(story, step, step.alert.fired_at + timedelta(minutes=m))).total for m in (3, 4, 8)
    ]
    assert found == [3, 5, 7]


async def test_the_two_clusters_are_told_apart() -> None:
    story = story_named("two-clusters-one-alert", ALL)
    found = await counted(story, story.steps[0], story.start)
    assert sorted(found.by_cluster.values()) == [2, 3]


async def test_rows_are_cut_where_azure_cuts() -> None:
    logs = [row["log_s"].encode() for row in story_named("cut-rows", ALL).rows.tables[AZURE_DIAGNOSTICS]]
    assert sorted(len(log) for log in logs)[-3:] == [16_384, 16_384, 32_766]


def test_an_unknown_story_is_answered_with_those_that_there_are() -> None:
    for name in ("", "x"):
        with pytest.raises(BadStory, match=f"one of {', '.join(NAMES)}") as error:
            story_named(name, ALL)
        assert ("not 'x'" in str(error.value)) == bool(name)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("story.toml", "place = [", "cannot be read"),
        ("story.toml", "place = 1", "is not complete"),
        (
            "story.toml",
            'title = "t"\nsentence = "s"\nsteps = []\nstart = 2026-01-01T00:00:00Z',
            "not complete",
        ),
        ("events.jsonl", "{}", "neither an audit.k8s.io Event"),
        ("alerts/namespace-deleted.json", "{}", "two-clusters-one-alert|one"),
    ],
)
def test_a_story_that_is_not_whole_is_told_in_a_sentence(
    file: str, text: str, says: str, tmp_path: Path
) -> None:
    shutil.copytree(STORIES / "two-clusters-one-alert", tmp_path / "one")
    (tmp_path / "one" / file).write_text(text)
    with pytest.raises(BadStory, match=says):
        read_stories(tmp_path)
