"""What /metrics tells, read back the way Prometheus reads it."""

from __future__ import annotations

import asyncio
import math
import time
import tomllib
from collections.abc import Mapping
from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from api import VERSION
from api.metrics import LAG_EVERY, OPERATIONS, Metrics
from bot.errors import Reason
from bot.ports import Load, Meter
from bot.teams import sender
from tests.fakes import NOW
from tests.samples import ROOT

NOTHING: Mapping[str, Load] = {}


def told(metrics: Metrics, load: Mapping[str, Load] | None = NOTHING) -> dict[tuple[str, ...], float]:
    """Return name and label values -> value, of everything that is ours."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.text(load, NOW).decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_what_happens_is_counted_under_its_own_name() -> None:
    metrics = Metrics()
    meter: Meter = metrics
    meter.accepted("accepted")
    meter.accepted("accepted")
    meter.accepted("not stored")
    meter.claimed("look", 3, 1)
    meter.sent("post", "ok", 0.2)
    meter.sent("post", Reason.THROTTLED, 0.1)
    meter.asked("partial", 4.0)
    meter.put_off("notification", Reason.THROTTLED)
    meter.gave_up(Reason.BAD_REQUEST)
    values = told(metrics)
    assert values["auditor_alerts_total", "accepted"] == 2
    assert values["auditor_alerts_total", "not stored"] == 1
    assert values["auditor_claims_total", "look"] == 3
    assert values["auditor_lease_takeovers_total", "look"] == 1
    assert values["auditor_sends_total", "post", "ok"] == 1
    assert values["auditor_sends_total", "post", "throttled"] == 1
    assert values["auditor_send_seconds_count", "post"] == 2
    assert math.isclose(values["auditor_send_seconds_sum", "post"], 0.3)
    assert values["auditor_queries_total", "partial"] == 1
    assert values["auditor_query_seconds_sum",] == 4
    assert values["auditor_retries_total", "notification", "throttled"] == 1
    assert values["auditor_given_up_total", "bad request"] == 1


def test_what_never_happened_stands_at_zero_so_that_a_rate_can_rise_from_it() -> None:
    values = told(Metrics())
    for result in ("accepted", "repeated", "refused", "not stored"):
        assert values["auditor_alerts_total", result] == 0
    for kind in ("look", "notification", "chore"):
        assert values["auditor_lease_takeovers_total", kind] == 0


def test_a_label_takes_no_value_that_others_could_choose() -> None:
    metrics = Metrics()
    for n in range(100):
        hostile = f'x"}}\n{n}'
        metrics.accepted(hostile)
        metrics.claimed(hostile, 1, 0)
        metrics.sent(hostile, hostile, 0.0)
        metrics.asked(hostile, 0.0)
        metrics.put_off(hostile, hostile)
        metrics.gave_up(hostile)
    values = told(metrics, {"digestion": Load(due=1, held=0, failed=0, oldest_due_at=None)})
    for name, labels in (
        ("alerts_total", 1),
        ("claims_total", 1),
        ("sends_total", 2),
        ("queries_total", 1),
        ("retries_total", 2),
        ("given_up_total", 1),
    ):
        assert values["auditor_" + name, *["other"] * labels] == 100
    assert values["auditor_due", "other"] == 1
    assert len(values) < 200


def test_every_reason_there_is_has_its_own_label() -> None:
    metrics = Metrics()
    for reason in Reason:
        metrics.sent("update", reason, 0.0)
        metrics.sent("update", reason.value, 0.0)
    values = told(metrics)
    assert all(values["auditor_sends_total", "update", reason.value] == 2 for reason in Reason)


def test_every_operation_that_is_counted_has_its_own_label() -> None:
    assert set(sender.OPERATIONS.values()) == OPERATIONS


def test_what_is_due_and_given_up_is_told_as_the_store_has_it() -> None:
    load = {
        "look": Load(due=2, held=1, failed=0, oldest_due_at=NOW - timedelta(seconds=90)),
        "notification": Load(due=0, held=0, failed=4, oldest_due_at=None),
        "chore": Load(due=0, held=0, failed=0, oldest_due_at=NOW + timedelta(hours=1)),
    }
    values = told(Metrics(), load)
    assert values["auditor_store_up",] == 1
    assert values["auditor_due", "look"] == 2
    assert values["auditor_held", "look"] == 1
    assert values["auditor_oldest_due_seconds", "look"] == 90
    assert values["auditor_oldest_due_seconds", "notification"] == 0
    assert values["auditor_oldest_due_seconds", "chore"] == 0
    assert values["auditor_dead_letters",] == 4


def test_of_a_store_that_does_not_answer_nothing_old_is_told() -> None:
    metrics = Metrics()
    told(metrics, {"look": Load(due=2, held=1, failed=1, oldest_due_at=NOW)})
    values = told(metrics, None)
    assert values["auditor_store_up",] == 0
    assert math.isnan(values["auditor_dead_letters",])
    assert not [
        key for key in values if key[0] in {"auditor_due", "auditor_held", "auditor_oldest_due_seconds"}
    ]


def test_what_runs_is_told_and_is_what_the_project_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
    (build,) = [key for key in told(Metrics()) if key[0] == "auditor_build_info"]
    assert VERSION in build


def test_two_applications_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.accepted("accepted")
    assert told(other)["auditor_alerts_total", "accepted"] == 0


async def test_a_loop_that_is_held_up_is_seen() -> None:
    metrics = Metrics()
    async with metrics.watching_the_loop():
        await asyncio.sleep(LAG_EVERY / 2)
        time.sleep(3 * LAG_EVERY)
        await asyncio.sleep(LAG_EVERY / 2)
    values = told(metrics)
    assert values["auditor_loop_lag_seconds_count",] >= 1
    assert values["auditor_loop_lag_seconds_sum",] >= LAG_EVERY
