"""An alert out of Azure's own list reads as the webhook would have told it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.alert import AlertKind, Condition, parse_alert
from audit.incident import alert_identity, identity
from audit.listed_alert import MAX_BODY, Listed, read_listed
from sandbox.alerts_management import AlertsList
from tests.fakes import NOW, FakeClock
from tests.samples import sample

SUBSCRIPTION = "/subscriptions/a0a0a0a0-0000-4000-8000-000000000001"
ID = f"{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/b1b1b1b1-0000-4000-8000-000000000001"
CLUSTER = (
    f"{SUBSCRIPTION}/resourcegroups/rg-platform"
    "/providers/microsoft.containerservice/managedclusters/aks-prod-weu"
)
ESSENTIALS = {
    "severity": "Sev2",
    "monitorCondition": "Fired",
    "monitorService": "Log Alerts V2",
    "targetResource": CLUSTER,
    "alertRule": f"{SUBSCRIPTION}/resourcegroups/rg/providers/microsoft.insights/scheduledqueryrules/aks-coredns-changed",
    "startDateTime": "2026-03-04T09:38:24.4523651Z",
    "lastModifiedDateTime": "2026-03-04T09:38:25Z",
    "monitorConditionResolvedDateTime": "",
}


def an_item(**changes: Any) -> dict[str, Any]:
    """Return an item as the list has it; `context`, `name` and `id` are its own, the rest are essentials."""
    context = changes.pop("context", {})
    return {
        "id": changes.pop(
            "id", f"{CLUSTER}/providers/Microsoft.AlertsManagement/alerts/{ID.rpartition('/')[2]}"
        ),
        "name": changes.pop("name", "AKS-CoreDNS-Changed"),
        "type": "Microsoft.AlertsManagement/alerts",
        "properties": {"essentials": ESSENTIALS | changes, "context": context},
    }


def read(item: object) -> Listed:
    listed = read_listed(item)
    assert listed is not None
    return listed


def listed_by_azure(name: str) -> dict[str, Any]:
    """Return what the sandbox's list makes of a webhook's body."""
    body = sample(f"alerts/{name}.json").read_bytes()
    azure = AlertsList(FakeClock(parse_alert(body).fired_at or NOW))
    azure.fired(orjson.loads(body))
    items: list[dict[str, Any]] = azure.items()
    return items[0]


@pytest.mark.parametrize("name", ["coredns-changed", "log-v1-with-results", "metric", "activity-log"])
def test_what_the_list_tells_reads_as_the_webhook_would_have(name: str) -> None:
    sent = parse_alert(sample(f"alerts/{name}.json").read_bytes())
    found = parse_alert(read(listed_by_azure(name)).fired)
    assert (found.alert_id, found.rule, found.severity, found.kind) == (
        sent.alert_id,
        sent.rule,
        sent.severity,
        sent.kind,
    )
    assert (found.window, found.criteria, found.facts) == (sent.window, sent.criteria, sent.facts)
    assert (found.description, found.condition) == (sent.description, sent.condition)
    assert sent.fired_at is not None
    assert found.fired_at == sent.fired_at.replace(microsecond=sent.fired_at.microsecond // 1000 * 1000)
    assert found.service == sent.service
    assert identity(found) == identity(sent)
    assert alert_identity(found) == alert_identity(sent)


def test_the_resource_between_subscription_and_alert_is_taken_out_of_the_id() -> None:
    assert read(an_item()).alert_id == ID
    assert read(an_item(id=ID)).alert_id == ID


def test_the_rule_is_called_as_people_wrote_it_and_by_its_resource_id_where_the_list_has_no_name() -> None:
    assert parse_alert(read(an_item()).fired).rule == "AKS-CoreDNS-Changed"
    assert parse_alert(read(an_item(name=" ")).fired).rule == "aks-coredns-changed"
    assert parse_alert(read(an_item(name="", alertRule="Just a name")).fired).rule == "Just a name"


def test_what_fires_has_no_resolved() -> None:
    listed = read(an_item())
    assert listed.resolved is None
    assert listed.changed_at > listed.started_at


def test_a_resolved_alert_has_both_and_they_belong_together() -> None:
    context = {
        "condition": {
            "allOf": [{"searchQuery": "AzureDiagnostics", "metricValue": 6.0, "timeAggregation": "Count"}]
        }
    }
    listed = read(
        an_item(
            monitorCondition="Resolved",
            monitorConditionResolvedDateTime="2026-03-04T09:53:27Z",
            lastModifiedDateTime="2026-03-04T09:53:24Z",
            context=context,
        )
    )
    assert listed.resolved is not None
    fired, resolved = parse_alert(listed.fired), parse_alert(listed.resolved)
    assert (fired.condition, resolved.condition) == (Condition.FIRED, Condition.RESOLVED)
    assert alert_identity(fired) == alert_identity(resolved)
    assert fired.resolved_at is None
    assert str(resolved.resolved_at) == "2026-03-04 09:53:27+00:00"
    assert (fired.counted, resolved.counted) == (6.0, None)


@pytest.mark.parametrize(
    ("told", "changed", "then"),
    [
        ("", "2026-03-04T10:00:00Z", "2026-03-04 10:00:00+00:00"),
        ("2026-03-04T08:00:00Z", "2026-03-04T10:00:00Z", "2026-03-04 10:00:00+00:00"),
        (None, None, "2026-03-04 09:38:24.452365+00:00"),
    ],
)
def test_when_it_was_resolved_is_never_before_it_fired(told: Any, changed: Any, then: str) -> None:
    listed = read(
        an_item(
            monitorCondition="Resolved", monitorConditionResolvedDateTime=told, lastModifiedDateTime=changed
        )
    )
    assert listed.resolved is not None
    assert str(parse_alert(listed.resolved).resolved_at) == then


def test_a_window_of_a_later_evaluation_is_not_taken_for_that_of_the_firing() -> None:
    condition = {
        "allOf": [{"searchQuery": "AzureDiagnostics"}],
        "windowStartTime": "2026-03-04T09:47:52Z",
        "windowEndTime": "2026-03-04T09:52:52Z",
    }
    found = parse_alert(read(an_item(context={"condition": condition})).fired)
    assert found.window is None
    assert found.kind is AlertKind.LOG_V2


def test_custom_properties_are_found_in_either_place() -> None:
    item = an_item(context={"context": {"condition": {"allOf": []}}, "properties": {"runbook": "RB-12"}})
    assert parse_alert(read(item).fired).custom_properties == {"runbook": "RB-12"}
    item["properties"]["customProperties"] = {"runbook": "RB-13"}
    assert parse_alert(read(item).fired).custom_properties == {"runbook": "RB-13"}


def test_an_alert_whose_actions_a_rule_keeps_back_says_so() -> None:
    assert not read(an_item()).is_suppressed
    assert read(an_item(actionStatus={"isSuppressed": True})).is_suppressed


@pytest.mark.parametrize(
    "item",
    [
        None,
        [],
        "alert",
        {},
        an_item(id=""),
        an_item(id="/subscriptions/s/resourceGroups/rg"),
        an_item(id=7),
        an_item(startDateTime="yesterday"),
        an_item(startDateTime=None),
        an_item(name="", alertRule=""),
        an_item() | {"properties": []},
    ],
)
def test_what_is_no_alert_is_none(item: object) -> None:
    assert read_listed(item) is None


def test_a_context_beyond_azures_limit_is_left_out() -> None:
    listed = read(an_item(context={"SearchQuery": "x" * MAX_BODY}))
    assert len(listed.fired) < MAX_BODY
    assert parse_alert(listed.fired).rule == "AKS-CoreDNS-Changed"


def test_a_context_nested_too_deep_to_be_written_is_left_out() -> None:
    deep: dict[str, Any] = {}
    for _ in range(600):
        deep = {"a": deep}
    assert parse_alert(read(an_item(context=deep)).fired).criteria == ()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = [*ESSENTIALS, "description", "actionStatus", "signalType", "sourceCreatedId", "context", "name"]


@settings(max_examples=200, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6))
def test_whatever_the_list_has_it_is_an_alert_that_can_be_read_or_none(changes: dict[str, Any]) -> None:
    listed = read_listed(an_item(**changes))
    if listed is not None:
        parse_alert(listed.fired)
        if listed.resolved is not None:
            parse_alert(listed.resolved)
