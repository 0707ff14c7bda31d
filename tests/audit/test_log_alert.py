from __future__ import annotations

from typing import Any

import pytest

from tests.audit.bodies import CLUSTER, a_body, a_criterion, common, parse, told


def test_the_older_name_of_the_measured_column_is_known() -> None:
    assert parse(common(a_criterion(metricMeasure="Cpu"))).criteria[0].measure_column == "Cpu"
    assert parse(common(a_criterion(metricMeasureColumn="Mem"))).criteria[0].measure_column == "Mem"


def test_only_a_rule_that_counts_has_counted() -> None:
    assert parse(common(a_criterion())).counted == 3
    assert parse(common(a_criterion(timeAggregation="Average"))).counted is None


def test_a_window_that_cannot_be_read_or_runs_backwards_is_none() -> None:
    context: dict[str, Any] = a_criterion()
    context["condition"] |= {
        "windowStartTime": "2026-03-04T10:00:00Z",
        "windowEndTime": "2026-03-04T09:00:00Z",
    }
    assert parse(common(context)).window is None
    context["condition"]["windowEndTime"] = "later"
    assert parse(common(context)).window is None


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2019-03-22T13:36:31Z", "2019-03-22T13:41:31.0000000Z"),
        ("3/22/2019 1:36:31 PM", "3/22/2019 1:41:31 PM"),
        ("03/22/2019 13:36:31", "03/22/2019 13:41:31"),
        ("2019-03-22T14:36:31+01:00", "2019-03-22T13:41:31"),
    ],
)
@pytest.mark.parametrize("names", [("StartTimeUtc", "EndtimeUtc"), ("StartTimeUTC", "EndTimeUtc")])
def test_v1_spells_its_times_in_several_ways(start: str, end: str, names: tuple[str, str]) -> None:
    context = {"SearchQuery": "T", f"SearchInterval{names[0]}": start, f"SearchInterval{names[1]}": end}
    window = parse(common(context)).window
    assert told(window) == "2019-03-22 13:36:31/13:41:31"


def test_a_v1_sample_brings_its_rows_and_its_cluster() -> None:
    alert = parse(a_body("log-v1-with-results.json"))
    (table,) = alert.results
    assert table.columns == ("TimeGenerated", "Resource", "log_s")
    assert len(table.rows) == alert.counted == 2
    assert alert.cluster_id.lower() == CLUSTER
    assert alert.criteria[0].threshold == "0"


def test_rows_of_a_wrong_length_are_made_to_fit() -> None:
    table = {
        "name": "T",
        "columns": [{"name": "a"}, {"name": "b"}],
        "rows": [[1], ["x", None, 3], "row", [2.0, {"k": 1}]],
    }
    alert = parse(common({"SearchQuery": "T", "SearchResults": {"tables": [table]}}))
    assert alert.results[0].rows == (("1", ""), ("x", ""), ("2", '{"k":1}'))
