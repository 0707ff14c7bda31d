from __future__ import annotations

from datetime import UTC, datetime

import pytest

from audit.alert import AlertKind, Condition, InvalidAlert
from tests.audit.bodies import CLUSTER, a_body, parse


def test_a_legacy_metric_alert_and_its_end_have_one_id_and_two_keys() -> None:
    body = a_body("legacy-metric.json")
    fired = parse(body)
    body["data"] |= {"status": "Deactivated"}
    body["data"]["context"]["timestamp"] = "2026-03-04T09:52:31Z"
    resolved = parse(body)
    assert fired.alert_id == resolved.alert_id
    assert fired.key != resolved.key
    assert (fired.condition, resolved.condition) == (Condition.FIRED, Condition.RESOLVED)
    assert (fired.fired_at is None, fired.resolved_at) == (False, None)
    assert (resolved.fired_at, resolved.resolved_at) == (None, datetime(2026, 3, 4, 9, 52, 31, tzinfo=UTC))
    assert fired.cluster_id.lower() == CLUSTER
    assert fired.severity == "Sev3"
    assert fired.custom_properties == {"team": "platform"}


def a_legacy_log(**changes: object) -> dict[str, object]:
    return {
        "SubscriptionId": "a0a0a0a0-0000-4000-8000-000000000001",
        "AlertRuleName": "Old rule",
        "SearchQuery": "Perf",
        "SearchIntervalStartTimeUtc": "2026-03-04T09:00:00Z",
        "SearchIntervalEndtimeUtc": "2026-03-04T10:00:00Z",
        "AlertThresholdOperator": "Greater Than",
        "AlertThresholdValue": 0,
        "ResultCount": 2,
        "Severity": "Warning",
    } | changes


def test_a_bare_log_alert_has_an_id_that_stays_with_its_window() -> None:
    alert, again = parse(a_legacy_log()), parse(dict(reversed(a_legacy_log().items())))
    later = parse(a_legacy_log(SearchIntervalEndtimeUtc="2026-03-04T11:00:00Z"))
    assert alert.key == again.key != later.key
    assert (alert.rule, alert.kind, alert.counted) == ("Old rule", AlertKind.LOG_V1, 2)
    assert (alert.criteria[0].operator, alert.criteria[0].threshold) == ("Greater Than", "0")
    assert (alert.severity, alert.facts) == ("", (("Severity", "Warning"),))
    assert alert.fired_at is None


def test_an_application_insights_log_alert_is_read() -> None:
    alert = parse({"schemaId": "Microsoft.Insights/LogAlert", "data": a_legacy_log(Severity="3")})
    assert (alert.rule, alert.service, alert.severity) == ("Old rule", "Application Insights", "Sev3")


def test_a_legacy_activity_log_alert_is_read() -> None:
    activity = {
        "caller": "bob@contoso.com",
        "operationName": "Microsoft.ContainerService/managedClusters/write",
        "status": "Succeeded",
        "eventSource": "Administrative",
        "eventDataId": "b1b1b1b1-0000-4000-8000-0000000000e1",
        "eventTimestamp": "2026-03-04T09:31:55.048Z",
        "resourceId": CLUSTER,
        "subscriptionId": "a0a0a0a0-0000-4000-8000-000000000001",
        "properties": {"message": "hostile"},
    }
    body = {
        "schemaId": "Microsoft.Insights/activityLogs",
        "data": {
            "status": "Activated",
            "context": {"activityLog": activity},
            "properties": {"team": "platform"},
        },
    }
    alert = parse(body)
    assert (alert.kind, alert.rule) == (AlertKind.ACTIVITY_LOG, "Activity Log - Administrative")
    assert alert.cluster_id == CLUSTER
    assert dict(alert.facts)["Caller"] == "bob@contoso.com"
    assert alert.custom_properties == {"team": "platform"}
    assert alert.fired_at == datetime(2026, 3, 4, 9, 31, 55, 48000, UTC)


def test_a_legacy_body_of_the_test_button_is_recognised() -> None:
    assert parse(a_legacy_log(SubscriptionId="11111111-1111-1111-1111-111111111111")).is_test


def test_a_legacy_body_that_names_nothing_is_refused() -> None:
    with pytest.raises(InvalidAlert, match="which alert it is"):
        parse({"schemaId": "AzureMonitorMetricAlert", "data": {}})
