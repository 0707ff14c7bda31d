"""The sandbox's own count: what the check holds the bot's cards against."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit.alert import Alert, Criterion, Dimension
from audit.filter import Window
from audit.kql_guard import RefusedQuery
from sandbox.clock import MovedClock
from sandbox.engine import Engine
from sandbox.given import Given, read_files
from sandbox.options import read_options
from sandbox.rows import read_events, rows_of
from sandbox.stories import read_stories, story_named
from sandbox.yardstick import HOUR, Yardstick
from tests.samples import sample

GIVEN: Given = read_files(read_options([]))
FIRED = GIVEN.now
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(MovedClock.showing(FIRED))
    made.ingest(GIVEN.rows)
    yield made
    made.close()


def asking(query: str, *dimensions: Dimension) -> Alert:
    return replace(GIVEN.alert, criteria=(Criterion(query=query, dimensions=dimensions),))


def yardstick(engine: Engine, alert: Alert = GIVEN.alert) -> Yardstick:
    return Yardstick(engine, alert, GIVEN.rows)


async def test_it_finds_what_the_sample_was_made_of(engine: Engine) -> None:
    found = yardstick(engine)
    assert found.window is not None
    counted = await found.behind(found.window)
    assert counted.rows == (6,)
    assert len(counted.audit_ids) == 6
    assert await found.absent(FIRED) is None


async def test_dimensions_narrow_its_count_too(engine: Engine) -> None:
    window = GIVEN.alert.window
    assert window is not None
    everything = "AzureDiagnostics"
    cluster = GIVEN.alert.criteria[0].dimensions[0]
    all_rows = (await yardstick(engine, asking(everything)).behind(window)).total
    assert all_rows > 6
    assert (await yardstick(engine, asking(everything, cluster)).behind(window)).total == all_rows
    other = Dimension(name=cluster.name, value="/subscriptions/none")
    assert (await yardstick(engine, asking(everything, other)).behind(window)).total == 0
    nameless = Dimension(name="Category", value="")
    assert (await yardstick(engine, asking(everything, nameless)).behind(window)).total == 0


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("externaldata (a: string) ['https://example.com']", "not one that this bot runs"),
        ("NoSuchTable", "did not accept the question"),
        ("AzureDiagnostics | summarize count() by Category", "does not return audit events"),
        ("AzureDiagnostics | where", "did not accept the question"),
    ],
)
async def test_a_query_that_cannot_give_events_is_expected_to_be_told(
    query: str, says: str, engine: Engine
) -> None:
    absent = await yardstick(engine, asking(query)).absent(FIRED)
    assert absent is not None
    assert says in absent.says


async def test_a_dimension_that_no_column_can_have_is_refused(engine: Engine) -> None:
    absent = await yardstick(engine, asking("AzureDiagnostics", Dimension(name="a'b", value="x"))).absent(
        FIRED
    )
    assert absent is not None
    assert "not one that this bot runs" in absent.says
    with pytest.raises(RefusedQuery):
        await yardstick(engine, asking("")).behind(Window(start=NOON, end=NOON))


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (timedelta(hours=25), "fired too long ago"),
        (timedelta(hours=23), None),
        (timedelta(minutes=-9), None),
        (timedelta(minutes=-11), "fired in the future"),
    ],
)
async def test_an_alert_of_another_time_is_not_asked_about(
    now: timedelta, says: str | None, engine: Engine
) -> None:
    assert GIVEN.alert.fired_at is not None
    absent = await yardstick(engine).absent(GIVEN.alert.fired_at + now)
    assert (absent.says[0] if absent else None) == says


async def test_an_alert_about_nothing_known_has_no_workspace(engine: Engine) -> None:
    absent = await yardstick(engine, replace(GIVEN.alert, targets=("somewhere",))).absent(FIRED)
    assert absent is not None
    assert absent.says == ("No configured workspace",)


def test_of_a_long_window_the_last_day_is_asked(engine: Engine) -> None:
    long = Window(start=NOON - timedelta(days=3), end=NOON)
    assert yardstick(engine, replace(GIVEN.alert, window=long)).window == Window(
        start=NOON - timedelta(days=1), end=NOON
    )


async def test_a_word_is_counted_in_every_table_and_repeats_once(engine: Engine, tmp_path: Path) -> None:
    lines = sample("events/table-rows.jsonl").read_text().splitlines()
    diagnostics = json.loads(lines[0])
    twice = tmp_path / "rows.jsonl"
    twice.write_text("\n".join([*lines, json.dumps({**diagnostics, "Category": "kube-audit"})]))
    engine.ingest(read_events(twice, cluster_id=GIVEN.alert.subject, default_time=FIRED))
    window = Window(start=FIRED - HOUR, end=FIRED)
    before = await yardstick(engine).mentions("nothing-has-this-name", window)
    assert (before.rows, before.requests, before.events) == (0, 0, 0)
    audit_id = json.loads(diagnostics["log_s"])["auditID"]
    found = await yardstick(engine).mentions(audit_id, window)
    assert (found.rows, found.requests, found.events) == (3, 1, 1)  # the sample has it twice already
    typed = [json.loads(line) for line in lines if "log_s" not in line]
    uri = typed[0]["RequestUri"].rsplit("/", 1)[-1].partition("?")[0]
    assert (await yardstick(engine).mentions(uri, window)).rows >= 1


def test_the_word_is_the_name_that_most_events_of_the_hour_have(engine: Engine) -> None:
    found = yardstick(engine)
    assert found.word(FIRED) == "coredns-custom"
    assert found.word(FIRED + timedelta(days=1)) == ""
    assert found.word(FIRED - timedelta(days=1)) == ""


def test_without_names_the_word_is_a_kind_of_resource(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    event = {"auditID": "1", "stageTimestamp": "2026-03-04T11:59:00Z", "objectRef": {"resource": "pods"}}
    hostile = {**event, "objectRef": {"resource": "pods", "name": 'x" | union *'}}
    path.write_text(json.dumps(event) + "\n" + json.dumps(hostile))
    rows = read_events(path, cluster_id="/subscriptions/x", default_time=NOON)
    assert Yardstick(engine, GIVEN.alert, rows).word(NOON) == "pods"


async def test_rows_are_counted_by_cluster_and_by_how_whole_they_are(engine: Engine) -> None:
    made, now = "AzureDiagnostics\n| where Category == 'mine'", FIRED.isoformat()
    lines = ['{"kind":"Event"}\n', '{"kind":"Ev', "W0304 dropped\n", "\n"]
    rows = [
        {"TimeGenerated": now, "Category": "mine", "log_s": log, "_ResourceId": f"/subscriptions/{place}"}
        for log, place in zip(lines, "abba", strict=True)
    ]
    engine.ingest(rows_of(rows, cluster_id="/subscriptions/s", default_time=FIRED))
    counted = await yardstick(engine, asking(made)).behind(Window(start=FIRED - HOUR, end=FIRED))
    assert counted.by_cluster == {"/subscriptions/a": 2, "/subscriptions/b": 2}
    assert (counted.total, counted.cut, counted.unreadable) == (4, 1, 2)


async def test_what_has_not_arrived_is_no_word_of_the_last_hour() -> None:
    story = story_named("late-rows", read_stories())
    engine = Engine(MovedClock.showing(story.start))
    found = Yardstick(engine, story.steps[0].alert, story.rows).word(story.start)
    engine.close()
    assert found.startswith("aks-batch-24494897")
