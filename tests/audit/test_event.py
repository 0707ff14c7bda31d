from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.actor import classify
from audit.event import ActorKind, AuditEvent, Unreadable, parse_event
from tests.samples import sample
from tests.shared_data import shared_data

CLUSTER = (
    "/subscriptions/a0a0a0a0-0000-4000-8000-000000000001/resourcegroups/rg-platform"
    "/providers/microsoft.containerservice/managedclusters/aks-prod-weu"
)
GENERATED = "2026-03-04T09:37:25Z"


def an_event(**changes: object) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(sample("events/coredns-changed.jsonl").read_text().splitlines()[7])
    return event | changes


def a_row(event: object, **columns: object) -> dict[str, Any]:
    row = {
        "log_s": json.dumps(event) + "\n",
        "TimeGenerated": GENERATED,
        "_ResourceId": CLUSTER,
        "pod_s": "api-1",
    }
    return row | columns


def a_typed_row(**changes: object) -> dict[str, Any]:
    return {
        "TimeGenerated": GENERATED,
        "Level": "Metadata",
        "AuditId": "c0ffee00-0000-4000-8000-000000000001",
        "Stage": "ResponseComplete",
        "RequestUri": "/api/v1/namespaces/kube-system/configmaps",
        "Verb": "create",
        "User": '{"username":"aksService","groups":["system:masters","system:authenticated"]}',
        "SourceIps": '["172.31.37.156"]',
        "UserAgent": "kubectl/v1.31.1",
        "ObjectRef": '{"resource":"configmaps","namespace":"kube-system","name":"coredns-custom"}',
        "ResponseStatus": '{"metadata":{},"status":"Failure","reason":"AlreadyExists","code":409}',
        "RequestReceivedTime": "2026-03-04T09:37:25.56626Z",
        "StageReceivedTime": "2026-03-04T09:37:25.582218Z",
        "Annotations": '{"authorization.k8s.io/decision":"allow"}',
        "PodName": "api-1",
        "_ResourceId": CLUSTER,
    } | changes


def read(row: dict[str, Any]) -> AuditEvent:
    event = parse_event(row)
    assert isinstance(event, AuditEvent)
    return event


def unreadable(row: dict[str, Any]) -> str:
    event = parse_event(row)
    assert isinstance(event, Unreadable)
    return event.reason


# --- both shapes -----------------------------------------------------------------------------------


def test_a_row_of_azure_diagnostics_is_read() -> None:
    event = read(a_row(an_event()))
    assert (event.username, event.actor, event.group_count) == ("aksService", ActorKind.PLATFORM, 2)
    assert (event.verb, event.resource, event.namespace) == ("create", "configmaps", "kube-system")
    assert (event.name, event.code, event.reason) == ("coredns-custom", 409, "AlreadyExists")
    assert event.time == datetime(2026, 3, 4, 9, 33, 31, 891110, UTC)
    assert event.generated == datetime(2026, 3, 4, 9, 37, 25, tzinfo=UTC)
    assert (event.decision, event.cluster_id, event.pod) == ("allow", CLUSTER, "api-1")
    assert (event.source_ips, event.subresource, event.api_group) == (("172.31.37.156",), "", "")
    assert event.raw == an_event()


def test_a_row_of_typed_columns_says_the_same() -> None:
    event = read(a_typed_row())
    assert (event.username, event.verb, event.name, event.code) == (
        "aksService",
        "create",
        "coredns-custom",
        409,
    )
    assert (event.source_ips, event.group_count, event.pod) == (("172.31.37.156",), 2, "api-1")
    assert event.time == datetime(2026, 3, 4, 9, 37, 25, 566260, UTC)
    assert list(event.raw) == [
        "kind",
        "apiVersion",
        "level",
        "auditID",
        "stage",
        "requestURI",
        "verb",
        "user",
        "sourceIPs",
        "userAgent",
        "objectRef",
        "responseStatus",
        "requestReceivedTimestamp",
        "stageTimestamp",
        "annotations",
    ]
    assert event.raw["user"]["groups"] == ["system:masters", "system:authenticated"]


def test_dynamic_columns_may_be_parsed_already() -> None:
    parsed = {
        name: json.loads(value)
        if name in {"User", "SourceIps", "ObjectRef", "ResponseStatus", "Annotations"}
        else value
        for name, value in a_typed_row().items()
    }
    assert read(parsed) == read(a_typed_row())
    assert read(a_row(0, log_s=an_event())) == read(a_row(an_event()))


@pytest.mark.parametrize("sent", ["skipped-too-big-size-object", '"skipped-too-big-size-object"'])
def test_a_body_that_was_too_big_stays_the_words_that_say_so(sent: str) -> None:
    assert read(a_typed_row(RequestObject=sent)).raw["requestObject"] == "skipped-too-big-size-object"


@pytest.mark.parametrize("empty", [None, "", "null"])
def test_an_empty_dynamic_column_is_no_field(empty: str | None) -> None:
    assert "requestObject" not in read(a_typed_row(RequestObject=empty)).raw


def test_an_empty_log_s_of_a_union_does_not_hide_the_columns() -> None:
    assert read(a_typed_row(log_s="")).verb == "create"


def test_the_rows_of_the_sample_are_read_also_the_one_that_was_cut() -> None:
    rows = [json.loads(line) for line in sample("events/table-rows.jsonl").read_text().splitlines()]
    events = [parse_event(row) for row in rows]
    assert [e.username for e in events if isinstance(e, AuditEvent) and e.is_cut] == ["carol@contoso.com"]
    assert [e.category for e in events if isinstance(e, AuditEvent)] == ["kube-audit-admin"] * len(rows)
    told = {(e.username, e.verb, e.actor) for e in events if isinstance(e, AuditEvent)}
    assert told == {
        ("alice@contoso.com", "patch", ActorKind.PERSON),
        ("masterclient", "delete", ActorKind.PERSON),
        ("carol@contoso.com", "create", ActorKind.PERSON),
        ("carol@contoso.com", "update", ActorKind.PERSON),
    }


def test_the_story_of_the_sample() -> None:
    lines = sample("events/coredns-changed.jsonl").read_text().splitlines()
    events = [read(a_row(json.loads(line))) for line in lines]
    start, end = datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC), datetime(2026, 3, 4, 9, 37, 52, tzinfo=UTC)
    dns = [e for e in events if e.name == "coredns-custom" and e.verb in {"create", "patch", "update"}]
    window = [e for e in dns if start <= e.time <= end]
    assert Counter((e.username, e.verb, e.code) for e in window) == {
        ("alice@contoso.com", "patch", 200): 2,
        ("aksService", "create", 409): 4,
    }
    assert [(e.username, e.time > end) for e in dns if e not in window] == [("alice@contoso.com", True)]
    assert {e.actor for e in events} == set(ActorKind)
    assert len({e.audit_id for e in events}) == len(events) == 16
    assert events != sorted(events, key=lambda e: e.time)


# --- real events -----------------------------------------------------------------------------------


def test_all_real_events_are_read_as_rows_of_azure_diagnostics() -> None:
    lines = shared_data("audit/events.jsonl").read_text().splitlines()
    events = [read(a_row(json.loads(line)["event"])) for line in lines]
    assert len(events) == 157
    assert Counter(e.actor for e in events)[ActorKind.WORKLOAD] == 2
    assert {e.code for e in events} == {101, 200, 201, 403, 409, None}
    assert sum(e.username == "" for e in events) == 16
    assert all(e.generated == datetime(2026, 3, 4, 9, 37, 25, tzinfo=UTC) for e in events)


def test_the_captured_rows_are_the_platforms() -> None:
    path = shared_data("alerts/kubernetes-auditor/sample-log-query-result.json")
    events = [read(row) for row in json.loads(path.read_bytes())["body"]["value"]]
    assert [(e.username, e.actor, e.code, e.reason) for e in events] == [
        ("aksService", ActorKind.PLATFORM, 409, "AlreadyExists")
    ] * 4
    assert {e.pod for e in events} == {"kube-apiserver-fd55d867-jnrbg"}


# --- what is missing, odd or hostile -----------------------------------------------------------------


def test_an_event_that_says_next_to_nothing_is_still_one() -> None:
    event = read({"log_s": '{"verb":"get"}', "TimeGenerated": GENERATED})
    assert event.time == event.generated
    assert (event.username, event.stage, event.audit_id, event.uri) == ("", "", "", "")
    assert (event.source_ips, event.group_count, event.code, event.decision) == ((), 0, None, "")
    assert event.actor is ActorKind.PERSON


@pytest.mark.parametrize(
    ("changes", "second"),
    [
        ({}, 1),
        ({"requestReceivedTimestamp": None}, 2),
        ({"requestReceivedTimestamp": "x", "stageTimestamp": 7}, 3),
        ({"requestReceivedTimestamp": "", "stageTimestamp": "", "timestamp": ""}, 4),
        ({"requestReceivedTimestamp": "", "stageTimestamp": "", "timestamp": "", "metadata": []}, 25),
    ],
)
def test_the_time_is_the_best_that_the_event_knows(changes: dict[str, object], second: int) -> None:
    times = {
        "requestReceivedTimestamp": "2026-03-04T09:37:01.123456Z",
        "stageTimestamp": "2026-03-04T09:37:02.000000001Z",
        "timestamp": "2026-03-04T09:37:03Z",
        "metadata": {"creationTimestamp": "2026-03-04T09:37:04Z"},
    }
    assert read(a_row(an_event(**times | changes))).time.second == second


def test_without_time_generated_the_events_own_time_counts() -> None:
    row = a_row(an_event())
    del row["TimeGenerated"]
    assert read(row).generated == read(row).time


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "not an audit event"),
        ({"TimeGenerated": GENERATED, "Level": "Info"}, "not an audit event"),
        ({"log_s": "{}", "TimeGenerated": GENERATED}, "not an audit event"),
        ({"log_s": "I0304 09:37:25 not json", "TimeGenerated": GENERATED}, "not JSON"),
        ({"log_s": "\n", "TimeGenerated": GENERATED}, "not JSON"),
        ({"log_s": '{"verb":NaN}', "TimeGenerated": GENERATED}, "not JSON"),
        ({"log_s": "\ud800", "TimeGenerated": GENERATED}, "not JSON"),
        ({"log_s": '{"a":' * 2000 + "1" + "}" * 2000, "TimeGenerated": GENERATED}, "not JSON"),
        ({"log_s": '{"kind":"Event","verb":"crea', "TimeGenerated": GENERATED}, "cut"),
        ({"log_s": '{"kind":"Event","verb":"create","requestOb'}, "cut"),
        ({"log_s": "{" * 5000, "TimeGenerated": GENERATED}, "cut"),
        ({"AuditId": "", "User": '{"usern', "TimeGenerated": GENERATED}, "cut"),
        ({"log_s": '[{"verb":"get"}]', "TimeGenerated": GENERATED}, "not a JSON object"),
        ({"log_s": 7, "TimeGenerated": GENERATED}, "not a JSON object"),
        ({"log_s": ["x"], "TimeGenerated": GENERATED}, "not a JSON object"),
        ({"log_s": '{"verb":"get"}'}, "no time"),
        ({"log_s": '{"verb":"get"}', "TimeGenerated": "0000-00-00"}, "no time"),
        ({"Verb": "get", "TimeGenerated": 5}, "no time"),
    ],
)
def test_what_is_no_event_says_why(row: dict[str, Any], reason: str) -> None:
    assert unreadable(row) == reason


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        (200, 200),
        ("409", 409),
        (409.0, 409),
        (0, None),
        (True, None),
        ("no", None),
        (10**400, None),
        (99.5, None),
    ],
)
def test_a_code_is_an_http_status_or_nothing(sent: object, read_as: int | None) -> None:
    assert read(a_typed_row(ResponseStatus={"code": sent})).code == read_as


def test_fields_of_wrong_types_are_empty() -> None:
    event = read(
        a_row(
            an_event(
                user="root",
                impersonatedUser=["x"],
                sourceIPs="1.2.3.4",
                objectRef=[1],
                responseStatus="409",
                annotations={"authorization.k8s.io/decision": "maybe"},
                auditID=7,
            )
        )
    )
    assert (event.username, event.impersonated, event.source_ips, event.resource) == ("", "", (), "")
    assert (event.code, event.decision, event.audit_id) == (None, "", "")
    assert read(a_row(an_event(user={"username": 1, "groups": 5}))).group_count == 0


def test_absurd_lengths_are_cut_but_not_in_raw() -> None:
    event = read(a_row(an_event(userAgent="a" * 100_000, sourceIPs=["1" * 500] * 500)))
    assert (len(event.user_agent), len(event.source_ips), len(event.source_ips[0])) == (4096, 20, 64)
    assert len(event.raw["userAgent"]) == 100_000


# --- who ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "kind"),
    [
        ("aksService", ActorKind.PLATFORM),
        ("hcpService", ActorKind.PLATFORM),
        ("system:apiserver", ActorKind.PLATFORM),
        ("system:node:aks-nodepool1-12345678-vmss000000", ActorKind.PLATFORM),
        ("system:kube-scheduler", ActorKind.PLATFORM),
        ("system:serviceaccount:kube-system:coredns", ActorKind.PLATFORM),
        ("system:serviceaccount:gatekeeper-system:gatekeeper-admin", ActorKind.PLATFORM),
        ("system:serviceaccount:payments:deployer", ActorKind.WORKLOAD),
        ("system:serviceaccount:kube-system-2:coredns", ActorKind.WORKLOAD),
        ("system:serviceaccount:", ActorKind.WORKLOAD),
        ("alice@contoso.com", ActorKind.PERSON),
        ("d2d2d2d2-0000-4000-8000-000000000001", ActorKind.PERSON),
        ("masterclient", ActorKind.PERSON),
        ("system:anonymous", ActorKind.PERSON),
        ("system:admin", ActorKind.PERSON),
        ("AKSSERVICE", ActorKind.PERSON),
        ("aksService ", ActorKind.PERSON),
        ("system:nodes", ActorKind.PERSON),
        ("", ActorKind.PERSON),
    ],
)
def test_who_is_behind_a_user_name(username: str, kind: ActorKind) -> None:
    assert classify(username) is kind


@pytest.mark.parametrize(
    ("username", "impersonated", "kind"),
    [
        ("aksService", "alice@contoso.com", ActorKind.PERSON),
        ("alice@contoso.com", "aksService", ActorKind.PERSON),
        ("alice@contoso.com", "system:serviceaccount:payments:deployer", ActorKind.PERSON),
        ("system:serviceaccount:payments:proxy", "alice@contoso.com", ActorKind.PERSON),
        ("aksService", "system:serviceaccount:payments:deployer", ActorKind.WORKLOAD),
        ("aksService", "system:kube-scheduler", ActorKind.PLATFORM),
    ],
)
def test_nobody_hides_behind_impersonation(username: str, impersonated: str, kind: ActorKind) -> None:
    assert classify(username, impersonated) is kind
    event = read(a_row(an_event(user={"username": username}, impersonatedUser={"username": impersonated})))
    assert (event.actor, event.impersonated) == (kind, impersonated)


# --- anything at all ---------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("2026-03-04T09:37:25Z"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)
NESTED = JSON | st.dictionaries(
    st.sampled_from(["username", "groups", "code", "reason", "name", "authorization.k8s.io/decision"]), JSON
)
FIELDS = [*sorted(an_event()), "impersonatedUser", "timestamp", "metadata", "requestObject"]
COLUMNS = [*sorted(a_typed_row()), "RequestObject", "ResponseObject", "ResourceId", "pod_s"]


@given(st.dictionaries(st.sampled_from(FIELDS), NESTED))
def test_anything_in_any_field_of_log_s_never_raises(changes: dict[str, Any]) -> None:
    event = {**an_event(), **changes}
    assert isinstance(parse_event(a_row(event)), AuditEvent | Unreadable)
    assert isinstance(parse_event(a_row(0, log_s=event)), AuditEvent | Unreadable)


@given(st.dictionaries(st.sampled_from([*COLUMNS, "log_s"]), NESTED))
def test_anything_in_any_column_never_raises(changes: dict[str, Any]) -> None:
    assert isinstance(parse_event({**a_typed_row(), **changes}), AuditEvent | Unreadable)


@given(st.dictionaries(st.text(), JSON) | st.fixed_dictionaries({"log_s": st.text()}))
def test_any_row_never_raises(row: dict[str, Any]) -> None:
    assert isinstance(parse_event(row), AuditEvent | Unreadable)
