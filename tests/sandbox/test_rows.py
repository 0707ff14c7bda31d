from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.rows import NotAuditData, UnreadableFile, read_events, rows_of
from sandbox.tables import (
    AKS_AUDIT,
    AKS_AUDIT_ADMIN,
    AKS_CONTROL_PLANE,
    ARRIVES,
    AZURE_DIAGNOSTICS,
    KUBE_EVENTS,
    TABLES,
    Row,
    Rows,
)
from tests.samples import sample
from tests.shared_data import shared_data

CLUSTER = "/subscriptions/AAAA-bbbb/resourceGroups/Shop-RG/providers/Microsoft.ContainerService/managedClusters/Prod"
DEFAULT = datetime(2026, 3, 4, 9, 38, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "auditID": "a-1",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/kube-system/configmaps/coredns-custom",
    "verb": "patch",
    "user": {"username": "alice@contoso.com"},
    "requestReceivedTimestamp": "2026-03-04T09:35:00.100000Z",
    "stageTimestamp": "2026-03-04T09:35:00.250000Z",
}
AUDIT_ROW: dict[str, Any] = {
    "TimeGenerated": "2026-03-04T09:35:00.5776558Z",
    "AuditId": "a-2",
    "RequestUri": "/api/v1/pods",
    "Verb": "delete",
    "Stage": "ResponseComplete",
    "User": {"username": "bob"},
    "Type": "AKSAudit",
}


def read(tmp_path: Path, text: str | bytes) -> Rows:
    path = tmp_path / "events.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_events(path, cluster_id=CLUSTER, default_time=DEFAULT)


def only(rows: Rows, table: str = AZURE_DIAGNOSTICS) -> Row:
    assert len(rows) == 1
    return rows.tables[table][0]


def refused(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(UnreadableFile) as error:
        read(tmp_path, text)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_raw_event_becomes_the_row_that_aks_writes(tmp_path: Path) -> None:
    row = only(read(tmp_path, json.dumps(EVENT)))

    assert row["log_s"] == json.dumps(EVENT, separators=(",", ":")) + "\n"
    assert row["Category"] == "kube-audit-admin"
    assert row["TimeGenerated"] == datetime(2026, 3, 4, 9, 35, 0, 250_000, tzinfo=UTC)
    assert row["ResourceId"] == CLUSTER.upper()
    assert row["_ResourceId"] == CLUSTER.lower()
    assert row["Resource"] == "PROD"
    assert row["ResourceGroup"] == "SHOP-RG"
    assert row["SubscriptionId"] == "aaaa-bbbb"
    assert row["ResourceProvider"] == "MICROSOFT.CONTAINERSERVICE"
    assert row["ResourceType"] == "MANAGEDCLUSTERS"
    assert row["OperationName"] == "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read"
    assert row["Type"] == "AzureDiagnostics"
    assert row.keys() <= TABLES[AZURE_DIAGNOSTICS].keys()


@pytest.mark.parametrize(
    ("verb", "category"),
    [
        ("get", "kube-audit"),
        ("list", "kube-audit"),
        ("watch", "kube-audit-admin"),
        ("create", "kube-audit-admin"),
    ],
)
def test_reads_are_only_in_the_full_audit_log(tmp_path: Path, verb: str, category: str) -> None:
    assert only(read(tmp_path, json.dumps(EVENT | {"verb": verb})))["Category"] == category


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"requestReceivedTimestamp": "2026-03-04T01:00:00Z"}, datetime(2026, 3, 4, 1, tzinfo=UTC)),
        ({"timestamp": "2026-03-04T02:00:00+01:00"}, datetime(2026, 3, 4, 1, tzinfo=UTC)),
        ({"metadata": {"creationTimestamp": "2026-03-04T01:00:00"}}, datetime(2026, 3, 4, 1, tzinfo=UTC)),
        (
            {"stageTimestamp": "yesterday", "timestamp": "2026-03-04T01:00:00Z"},
            datetime(2026, 3, 4, 1, tzinfo=UTC),
        ),
        ({"stageTimestamp": 12, "metadata": "none"}, DEFAULT),
        ({"stageTimestamp": "0001-01-01T00:00:00+14:00"}, DEFAULT),
        ({}, DEFAULT),
    ],
)
def test_an_event_is_of_the_first_time_that_it_states(
    tmp_path: Path, times: dict[str, Any], expected: datetime
) -> None:
    event = {key: value for key, value in EVENT.items() if not key.endswith("Timestamp")} | times
    assert only(read(tmp_path, json.dumps(event)))["TimeGenerated"] == expected


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(EVENT) + "\n" + json.dumps(EVENT),
        json.dumps(EVENT) + "\r\n\r\n" + json.dumps(EVENT) + "\r\n",
        "\ufeff" + json.dumps(EVENT) + "\n" + json.dumps(EVENT) + "\n",
        (json.dumps(EVENT) + "\n" + json.dumps(EVENT)).encode("utf-16"),
        json.dumps([EVENT, EVENT]),
        json.dumps([EVENT, EVENT], indent=2),
        json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [EVENT, EVENT]}),
        json.dumps({"kind": "EventList", "items": [EVENT, EVENT]}, indent=4),
        json.dumps([EVENT]) + "\n" + json.dumps(EVENT),
    ],
    ids=["lines", "crlf", "bom", "utf-16", "array", "pretty array", "list", "pretty list", "arrays as lines"],
)
def test_events_are_read_however_they_are_packed(tmp_path: Path, text: str | bytes) -> None:
    assert len(read(tmp_path, text).tables[AZURE_DIAGNOSTICS]) == 2


def test_one_pretty_printed_event_is_one_event(tmp_path: Path) -> None:
    assert len(read(tmp_path, json.dumps(EVENT, indent=2))) == 1


def test_an_event_without_api_version_is_still_an_audit_event(tmp_path: Path) -> None:
    assert len(read(tmp_path, json.dumps({"kind": "Event", "verb": "create", "user": {}}))) == 1


def test_a_line_separator_within_a_string_does_not_end_the_line(tmp_path: Path) -> None:
    event = EVENT | {"userAgent": "a\u2028b\u0085c\x0bd"}
    row = only(read(tmp_path, json.dumps(event, ensure_ascii=False)))
    assert json.loads(row["log_s"])["userAgent"] == "a\u2028b\u0085c\x0bd"


def test_a_row_of_azure_diagnostics_stays_as_it_is(tmp_path: Path) -> None:
    given = {
        "TimeGenerated": "2026-03-04T09:00:00Z",
        "log_s": '{"cut',
        "Category": "kube-audit",
        "pod_s": "p",
    }
    row = only(read(tmp_path, json.dumps(given | {"_ResourceId": "/subscriptions/other"})))

    assert row["log_s"] == '{"cut'
    assert (row["Category"], row["pod_s"], row["_ResourceId"]) == ("kube-audit", "p", "/subscriptions/other")
    assert "ResourceId" not in row


def test_what_has_no_column_goes_where_the_service_puts_it(tmp_path: Path) -> None:
    given = {"log_s": "", "httpStatus_d": None, "host_s": "", "requestUri_s": "/x", "ResultType": None}
    row = only(read(tmp_path, json.dumps(given | {"AdditionalFields": '{"a":1}'})))

    assert row["AdditionalFields"] == {"a": 1, "requestUri_s": "/x"}
    assert row["ResultType"] == ""


@pytest.mark.parametrize("fields", ["free text", "[1]", "", None])
def test_additional_fields_of_any_kind_do_not_spoil_a_row(tmp_path: Path, fields: str | None) -> None:
    row = only(read(tmp_path, json.dumps({"log_s": "x", "AdditionalFields": fields, "more_s": "y"})))
    assert "y" in json.dumps(row["AdditionalFields"])


def test_a_row_that_names_no_cluster_is_of_the_given_one(tmp_path: Path) -> None:
    row = only(read(tmp_path, json.dumps({"log_s": json.dumps(EVENT)})))
    assert row["_ResourceId"] == CLUSTER.lower()
    assert row["TimeGenerated"] == datetime(2026, 3, 4, 9, 35, 0, 250_000, tzinfo=UTC)


def test_a_log_that_is_an_object_becomes_text(tmp_path: Path) -> None:
    row = only(read(tmp_path, json.dumps({"log_s": EVENT})))
    assert row["log_s"] == json.dumps(EVENT, separators=(",", ":")) + "\n"
    assert row["TimeGenerated"] == datetime(2026, 3, 4, 9, 35, 0, 250_000, tzinfo=UTC)


def test_rows_of_the_audit_tables_go_where_their_type_says(tmp_path: Path) -> None:
    untyped = {key: value for key, value in AUDIT_ROW.items() if key != "Type"}
    given = [AUDIT_ROW, AUDIT_ROW | {"Type": "AKSAuditAdmin"}, untyped, untyped | {"Verb": "get"}]
    rows = read(tmp_path, "\n".join(map(json.dumps, given)))

    assert len(rows.tables[AKS_AUDIT]) == 2
    assert len(rows.tables[AKS_AUDIT_ADMIN]) == 2
    assert rows.tables[AKS_AUDIT][0]["_ResourceId"] == CLUSTER.lower()
    assert rows.tables[AKS_AUDIT][0]["TimeGenerated"] == datetime(2026, 3, 4, 9, 35, 0, 577_655, tzinfo=UTC)


def test_dynamic_columns_are_read_out_of_their_text(tmp_path: Path) -> None:
    given = AUDIT_ROW | {
        "User": '{"username":"bob"}',
        "SourceIps": '["1.2.3.4"]',
        "RequestObject": "skipped-too-big-size-object",
        "ResponseObject": "",
        "_BilledSize": "12.5",
    }
    row = only(read(tmp_path, json.dumps(given)), AKS_AUDIT)

    assert row["User"] == {"username": "bob"}
    assert row["SourceIps"] == ["1.2.3.4"]
    assert row["RequestObject"] == "skipped-too-big-size-object"
    assert row["ResponseObject"] is None
    assert row["_BilledSize"] == 12.5


def test_the_answer_of_the_query_api_is_read(tmp_path: Path) -> None:
    columns = [{"name": name, "type": "string"} for name in ("TimeGenerated", "log_s")]
    rows = [["2026-03-04T09:00:00Z", "{}"], ["2026-03-04T09:00:01Z", "{}"]]
    answer = {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]}

    assert len(read(tmp_path, json.dumps(answer))) == 2
    assert len(read(tmp_path, json.dumps({"statusCode": 200, "headers": {}, "body": answer}))) == 2
    assert len(read(tmp_path, json.dumps({"tables": [{"columns": columns, "rows": []}]}))) == 0


def test_the_answer_of_the_connector_is_read(tmp_path: Path) -> None:
    answer = {"value": [{"log_s": "{}"}, AUDIT_ROW]}
    assert len(read(tmp_path, json.dumps(answer))) == 2
    assert len(read(tmp_path, json.dumps({"statusCode": 200, "body": answer}, indent=1))) == 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (json.dumps(EVENT) + "\n{nonsense\n", "events.json, line 2: not JSON"),
        ('{\n  "kind": \n', "events.json, line "),
        ("hello\nworld\n", "events.json, line 1: not JSON"),
        ("", "events.json: the file is empty"),
        (" \n\n", "events.json: the file is empty"),
        ("\x00\x01", "events.json, line 1: not JSON"),
        (b"\xff\xfe\x00", "events.json, line 1: not JSON"),
        (json.dumps(EVENT) + "\n7\n", "events.json, line 2: not an object"),
        (json.dumps(EVENT) + "\n\n{}\n", "events.json, line 3: neither an audit.k8s.io Event nor a row"),
        (json.dumps([EVENT, 7]), "events.json, line 1: item 2: not an object"),
        (json.dumps({"value": [{"log_s": ""}, {"a": 1}]}, indent=1), "events.json: row 2: neither"),
        (
            json.dumps({"log_s": "", "TimeGenerated": "soon"}),
            "events.json, line 1: TimeGenerated is not a time",
        ),
        (
            json.dumps({"tables": [{"columns": [{"name": "log_s"}], "rows": [[1, 2]]}]}),
            "do not fit its columns",
        ),
        (json.dumps({"tables": [{"columns": ["x"], "rows": [[1]]}]}), "row 1: neither"),
        ('{"log_s": "\\ud800"}', "events.json, line 1: not JSON"),
        ("[" * 100_000, "events.json, line 1: not JSON"),
        (
            json.dumps({"kind": "Event", "apiVersion": "v1", "involvedObject": {}, "user": "x"}),
            "neither an audit.k8s.io Event",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, text: str | bytes, place: str) -> None:
    assert place in refused(tmp_path, text)


def test_a_file_that_is_not_there_or_is_a_folder_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(UnreadableFile, match="cannot be opened"):
            read_events(path, cluster_id=CLUSTER, default_time=DEFAULT)


def test_one_document_may_be_read_without_a_file() -> None:
    assert len(rows_of([EVENT, AUDIT_ROW], cluster_id=CLUSTER, default_time=DEFAULT)) == 2
    with pytest.raises(NotAuditData, match="item 1: not an object"):
        rows_of([None], cluster_id=CLUSTER, default_time=DEFAULT)


def test_a_cluster_id_of_another_shape_leaves_its_parts_out() -> None:
    row = only(rows_of(EVENT, cluster_id="Prod", default_time=DEFAULT))
    assert (row["_ResourceId"], row["Resource"], row["ResourceGroup"]) == ("prod", "PROD", "")


def test_our_own_samples_are_read() -> None:
    for name in ("events/coredns-changed.jsonl", "events/table-rows.jsonl"):
        assert len(read_events(sample(name), cluster_id=CLUSTER, default_time=DEFAULT)) > 0


def test_the_real_answer_gives_its_four_rows() -> None:
    path = shared_data("alerts/kubernetes-auditor/sample-log-query-result.json")
    rows = read_events(path, cluster_id=CLUSTER, default_time=DEFAULT).tables[AZURE_DIAGNOSTICS]

    assert len(rows) == 4
    assert rows[0]["TimeGenerated"] == datetime(2022, 5, 19, 9, 37, 25, tzinfo=UTC)
    assert all("SUBID" in row["_ResourceId"] for row in rows)


def test_real_events_are_read() -> None:
    rows = read_events(shared_data("audit/audit2rbac-demo.log"), cluster_id=CLUSTER, default_time=DEFAULT)
    assert len(rows) == 37
    single = shared_data("alerts/kubernetes-auditor/sample-log_s-result.json")
    assert len(read_events(single, cluster_id=CLUSTER, default_time=DEFAULT)) == 1


def test_every_one_of_the_collected_real_events_is_read() -> None:
    lines = shared_data("audit/events.jsonl").read_text().splitlines()
    rows = rows_of([json.loads(line)["event"] for line in lines], cluster_id=CLUSTER, default_time=DEFAULT)
    assert len(rows) == 157


def test_a_row_may_arrive_late_and_be_cut() -> None:
    arrives = "2026-03-04T09:42:00Z"
    rows = rows_of(
        [EVENT | {"$arrives": arrives}, EVENT | {"$cut": 40}, AUDIT_ROW | {"$arrives": arrives}],
        cluster_id=CLUSTER,
        default_time=DEFAULT,
    )
    late, cut = rows.tables[AZURE_DIAGNOSTICS]
    assert late[ARRIVES] == rows.tables[AKS_AUDIT][0][ARRIVES] == datetime(2026, 3, 4, 9, 42, tzinfo=UTC)
    assert "$arrives" not in late["log_s"]
    assert ARRIVES not in cut
    assert cut["log_s"] == '{"kind":"Event","apiVersion":"audit.k8s.i'[:40]


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ({"$arrives": "soon"}, "arrives is not a time"),
        ({"$arrives": None}, "arrives is not a time"),
        ({"$cut": "40"}, "cut is a number of bytes"),
        ({"$cut": True}, "cut is a number of bytes"),
    ],
)
def test_a_mark_that_cannot_be_read_is_told(marks: dict[str, Any], says: str) -> None:
    with pytest.raises(NotAuditData, match=says):
        rows_of([EVENT | marks], cluster_id=CLUSTER, default_time=DEFAULT)


def test_only_a_log_can_be_cut() -> None:
    with pytest.raises(NotAuditData, match="cut is a number of bytes"):
        rows_of([AUDIT_ROW | {"$cut": 40}], cluster_id=CLUSTER, default_time=DEFAULT)


@pytest.mark.parametrize("table", [KUBE_EVENTS, AKS_CONTROL_PLANE])
def test_rows_that_alerts_read_besides_the_audit_log_are_known_by_their_type(table: str) -> None:
    row = {"Type": table, "TimeGenerated": "2026-03-04T09:35:00Z", "Message": "x", "Unknown": 1}
    (read,) = rows_of(row, cluster_id=CLUSTER, default_time=DEFAULT).tables[table]
    assert read == {
        "Type": table,
        "TimeGenerated": datetime(2026, 3, 4, 9, 35, tzinfo=UTC),
        "Message": "x",
        "_ResourceId": CLUSTER.lower(),
    }
