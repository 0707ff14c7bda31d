from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from audit.alert import AlertKind, Condition, Dimension, InvalidAlert, parse_alert
from tests.audit.bodies import CLUSTER, a_body, common, parse, told
from tests.samples import ROOT
from tests.shared_data import shared_data

LOG_V2, LOG_V1, METRIC = AlertKind.LOG_V2, AlertKind.LOG_V1, AlertKind.METRIC
ACTIVITY_LOG, SERVICE_HEALTH = AlertKind.ACTIVITY_LOG, AlertKind.SERVICE_HEALTH

# file -> kind, window, is_test
REAL = {
    "kubernetes-auditor/sample-alert-post-request.json": (LOG_V2, "2022-05-19 09:32:52/09:37:52", False),
    "kubernetes-auditor/log-alerts-v2-schema.json": (
        LOG_V2,
        "2020-07-07 13:54:34/2020-07-09 13:54:34",
        False,
    ),
    "other/log_alert_v2_no_configurationItems.json": (
        LOG_V2,
        "2020-07-07 13:54:34/2020-07-09 13:54:34",
        False,
    ),
    "other/log-alert-v1-with-results.json": (LOG_V1, "2020-04-20 13:00:14/13:10:14", False),
    "other/legacy_log_analytics_v1_noncommon.json": (LOG_V1, "2018-03-26 08:10:40/09:10:40", False),
    "other/metric-alert-not-common-schema.json": (METRIC, "", False),
    "test-action-group/Log_alert_V2.json": (LOG_V2, "2022-11-23 16:21:24.565/16:21:24.565", True),
    "test-action-group/Log_alert_V1_-_Metric.json": (LOG_V1, "2022-11-23 16:31:12.512/16:31:12.512", True),
    "test-action-group/Metric_alert_-_Static_threshold.json": (
        METRIC,
        "2022-11-07 12:13:31.365/12:13:31.365",
        True,
    ),
    "test-action-group/Activity_log_alert.json": (ACTIVITY_LOG, "", True),
    "test-action-group/Service_health_alert.json": (SERVICE_HEALTH, "", True),
}
#: Beside the alerts lie an answer of the workspace and an event.
NOT_ALERTS = {
    "kubernetes-auditor/sample-log-query-result.json",
    "kubernetes-auditor/sample-log_s-result.json",
}


# --- real bodies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REAL)
def test_a_real_body_is_read(name: str) -> None:
    alert = parse_alert(shared_data(f"alerts/{name}").read_bytes())
    assert (alert.kind, told(alert.window), alert.is_test) == REAL[name]
    assert alert.rule
    assert alert.alert_id
    assert re.fullmatch(r"[0-9a-f]{64}", alert.key)


def test_no_real_body_is_left_out() -> None:
    folder = shared_data("alerts")
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*.json")} == REAL.keys() | NOT_ALERTS


@pytest.mark.parametrize("name", sorted(NOT_ALERTS))
def test_other_json_is_not_taken_for_an_alert(name: str) -> None:
    body = shared_data(f"alerts/{name}").read_bytes()
    with pytest.raises(InvalidAlert):
        parse_alert(body)


def test_the_captured_log_alert_is_read_in_full() -> None:
    body = shared_data("alerts/kubernetes-auditor/sample-alert-post-request.json").read_bytes()
    alert = parse_alert(body)
    (criterion,) = alert.criteria
    assert alert.rule == "CoreDNS-Create"
    assert (alert.condition, alert.severity, alert.service) == (Condition.FIRED, "Sev3", "Log Alerts V2")
    assert alert.fired_at == datetime(2022, 5, 19, 9, 38, 24, 452365, UTC)
    assert alert.counted == criterion.metric_value == 2.0
    assert (criterion.operator, criterion.threshold, criterion.aggregation) == (
        "GreaterThanOrEqual",
        "2",
        "Count",
    )
    assert criterion.query.startswith("AzureDiagnostics \n| where")
    assert alert.cluster_id.endswith("/managedclusters/AKS_NAME")
    assert [t.rsplit("/", 1)[1] for t in alert.targets] == ["AKS_NAME", "RG"]


def test_results_inside_a_real_v1_alert_are_kept() -> None:
    alert = parse_alert(shared_data("alerts/other/log-alert-v1-with-results.json").read_bytes())
    (table,) = alert.results
    assert dict(zip(table.columns, table.rows[0], strict=True))["SyslogMessage"].startswith("New session 99")
    assert alert.counted == 1
    assert ("Alert type", "Number of results") in alert.facts


# --- our samples -----------------------------------------------------------------------------------


def test_every_sample_is_read_and_only_the_test_is_one() -> None:
    alerts = {p.name: parse_alert(p.read_bytes()) for p in sorted((ROOT / "samples/alerts").glob("*.json"))}
    assert {name: alert.kind for name, alert in alerts.items()} == {
        "activity-log.json": ACTIVITY_LOG,
        "coredns-changed.json": LOG_V2,
        "coredns-changed.resolved.json": LOG_V2,
        "legacy-metric.json": METRIC,
        "log-v1-with-results.json": LOG_V1,
        "metric.json": METRIC,
        "test-action-group.json": LOG_V2,
    }
    assert [name for name, alert in alerts.items() if alert.is_test] == ["test-action-group.json"]
    assert len({alert.key for alert in alerts.values()}) == len(alerts)


def test_the_sample_says_what_it_says() -> None:
    alert = parse(a_body())
    assert (alert.rule, alert.severity, alert.counted) == ("AKS-CoreDNS-Changed", "Sev2", 6.0)
    assert told(alert.window) == "2026-03-04 09:32:52/09:37:52"
    assert alert.criteria[0].dimensions == (Dimension(name="ResourceId", value=CLUSTER.upper()),)
    assert [target.lower() for target in alert.targets] == [CLUSTER]


def test_resolved_has_the_id_of_fired_and_another_key() -> None:
    fired, resolved = parse(a_body()), parse(a_body("coredns-changed.resolved.json"))
    assert resolved.alert_id == fired.alert_id
    assert resolved.key != fired.key
    assert resolved.condition is Condition.RESOLVED
    assert resolved.resolved_at == datetime(2026, 3, 4, 9, 53, 27, 118203, UTC)
    assert resolved.criteria[0].metric_value is None
    assert resolved.counted is None
    assert resolved.criteria[0].dimensions == ()
    assert resolved.cluster_id == fired.cluster_id


def test_a_redelivery_has_the_same_key_whatever_its_white_space() -> None:
    body = a_body()
    compact, wide = json.dumps(body, separators=(",", ":")), json.dumps(body, indent=7, sort_keys=True)
    assert parse_alert(compact.encode()) == parse_alert(wide.encode())


def test_each_firing_has_a_key_of_its_own() -> None:
    again = a_body()
    again["data"]["essentials"]["firedDateTime"] = "2026-03-04T09:43:24.452365Z"
    assert parse(again).key != parse(a_body()).key


def test_facts_of_a_metric_alert() -> None:
    alert = parse(a_body("metric.json"))
    assert alert.facts == (
        ("Metric", "node_cpu_usage_percentage"),
        ("Aggregation", "Average"),
        ("Operator", "GreaterThan"),
        ("Threshold", "90"),
        ("Value", "96.4"),
        ("node", "aks-nodepool1-12345678-vmss000002"),
    )
    assert alert.custom_properties == {
        "team": "platform",
        "runbook": "https://contoso.example/runbooks/node-cpu",
    }
    assert alert.criteria == ()


def test_facts_of_an_activity_log_alert_and_its_content_is_no_custom_property() -> None:
    alert = parse(a_body("activity-log.json"))
    assert dict(alert.facts)["Caller"] == "bob@contoso.com"
    assert [name for name, _ in alert.facts] == ["Operation", "Caller", "Status"]
    assert alert.custom_properties == {}


def test_facts_of_a_service_health_alert() -> None:
    context = {
        "properties": {"title": "Outage", "service": "AKS", "region": "West Europe", "stage": "Active"},
        "channels": 1,
        "level": 3,
    }
    alert = parse(common(context, monitoringService="ServiceHealth"))
    assert alert.kind is SERVICE_HEALTH
    assert alert.facts == (
        ("Title", "Outage"),
        ("Service", "AKS"),
        ("Region", "West Europe"),
        ("Stage", "Active"),
    )


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        ("Prometheus", METRIC),
        ("Platform", METRIC),
        ("Resource Health", ACTIVITY_LOG),
        ("Activity Log - Policy", ACTIVITY_LOG),
        ("Log Alerts V2", LOG_V2),
        ("Application Insights", LOG_V1),
        ("SmartDetector", AlertKind.OTHER),
        ("What comes next year", AlertKind.OTHER),
    ],
)
def test_the_service_tells_the_kind_where_the_context_does_not(service: str, kind: AlertKind) -> None:
    assert parse(common(monitoringService=service)).kind is kind


def test_a_prometheus_alert_says_its_expression() -> None:
    context = {"interval": "PT1M", "expression": "up == 0", "expressionValue": 0, "for": "PT5M"}
    alert = parse(common(context, monitoringService="Prometheus"))
    assert alert.facts == (("Expression", "up == 0"), ("Value", "0"), ("For", "PT5M"))


def test_a_budget_alert_without_a_rule_is_named_by_its_service() -> None:
    context = {"AlertData": {"BudgetName": "platform", "SpentAmount": "$51.00"}}
    alert = parse(
        common(context, alertRule=None, severity=None, alertTargetIDs=None, monitoringService="CostAlerts")
    )
    assert (alert.rule, alert.severity, alert.targets) == ("CostAlerts", "", ())
    assert alert.facts == (("Budget", "platform"), ("Spent", "$51.00"))
