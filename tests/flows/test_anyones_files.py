"""The sandbox and its check with anyone's own alert and events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.checking import STEPS, Checked, checked
from tests.flows.laptop import ALERT, EVENTS, laptop
from tests.samples import sample
from tests.shared_data import shared_data


async def check_files(folder: Path, *, alert: Path = ALERT, events: Path = EVENTS) -> Checked:
    async with laptop(folder, alert=alert, events=events) as it:
        return await checked(it, alert=alert, events=events)


async def test_the_captured_alert_with_its_rows_is_green(tmp_path: Path) -> None:
    folder = shared_data("alerts/kubernetes-auditor")
    seen = await check_files(
        tmp_path,
        alert=folder / "sample-alert-post-request.json",
        events=folder / "sample-log-query-result.json",
    )
    assert seen.green, seen.lines
    assert seen.steps("ok") == STEPS
    assert "says “workspace returned 4”" in seen.said("card")
    assert "“4 events”, as counted here" in seen.said("chat")


#: Alerts of the project's own samples that have no evidence: what the evidence step says instead, and the card.
WITHOUT_EVIDENCE = {
    "activity-log.json": ("this is no log alert", "does not come from a log query"),
    "legacy-metric.json": ("this is no log alert", "does not come from a log query"),
    "log-v1-with-results.json": ("the alert brings its rows", "brought its rows with it"),
    "metric.json": ("this is no log alert", "does not come from a log query"),
    "test-action-group.json": ("a test notification", "test notification from Azure"),
}


@pytest.mark.parametrize("name", WITHOUT_EVIDENCE)
async def test_an_alert_without_evidence_is_green_and_says_why(name: str, tmp_path: Path) -> None:
    seen = await check_files(tmp_path, alert=sample(f"alerts/{name}"))
    why, said = WITHOUT_EVIDENCE[name]
    assert seen.green, seen.lines
    assert f"skipped: {why}" in seen.said("evidence")
    assert f"says “{said}”" in seen.said("card")
    assert "raw log" in seen.steps("-")


async def test_every_captured_alert_ends_green(tmp_path: Path) -> None:
    rows = shared_data("alerts/kubernetes-auditor/sample-log-query-result.json")
    bodies = [p for p in sorted(shared_data("alerts").rglob("*.json")) if not p.name.startswith("sample-log")]
    assert len(bodies) >= 11
    for number, path in enumerate(bodies):
        folder = tmp_path / str(number)
        folder.mkdir()
        seen = await check_files(folder, alert=path, events=rows)
        assert seen.green, (path.name, seen.lines)
        assert "RED" not in " ".join(seen.lines)


async def test_an_alert_on_tables_that_are_not_there_is_told_as_that(tmp_path: Path) -> None:
    seen = await check_files(
        tmp_path, alert=shared_data("alerts/other/log_alert_v2_no_configurationItems.json")
    )
    assert seen.green, seen.lines
    assert "skipped: the alert's own query cannot be asked of these tables" in seen.said("evidence")
    assert "says “does not have the table, or the column,”" in seen.said("card")


EVENT_FILES: dict[str, tuple[Callable[[], Path], str]] = {
    "table rows": (lambda: sample("events/table-rows.jsonl"), "1 row sent"),
    "raw events": (lambda: shared_data("audit/audit2rbac-demo.log"), "0 rows sent"),
}


@pytest.mark.parametrize("kind", EVENT_FILES)
async def test_events_of_every_kind_end_green(kind: str, tmp_path: Path) -> None:
    file, evidence = EVENT_FILES[kind]
    seen = await check_files(tmp_path, events=file())
    assert seen.green, seen.lines
    assert evidence in seen.said("evidence")
