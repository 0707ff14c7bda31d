from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.alert import parse_alert
from audit.inside import without_row_secrets
from tests.samples import ROOT

PASSWORD = "hunter2-in-the-clear"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl"
LOG = json.dumps(
    {
        "auditID": "a-1",
        "verb": "patch",
        "requestURI": f"/api/v1/namespaces/shop/secrets/db?token={TOKEN}",
        "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db"},
        "requestObject": {"kind": "Secret", "data": {"password": PASSWORD}},
    }
)
ROW = [
    "2026-03-04T09:33:00Z",
    LOG,
    f"/api/v1/nodes?token={TOKEN}",
    json.dumps({"data": {"p": PASSWORD}}),
    7,
    None,
]
COLUMNS = ["TimeGenerated", "log_s", "RequestUri", "RequestObject", "n", "nothing"]


def results(*rows: Any) -> dict[str, Any]:
    columns = [{"name": name, "type": "string"} for name in COLUMNS]
    return {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": list(rows)}]}


def shapes(found: Any) -> list[dict[str, Any]]:
    """A V1 alert as the common schema has it, and as the two kinds before that had it."""
    essentials = {
        "alertId": "/alerts/1",
        "alertRule": "r",
        "monitoringService": "Log Analytics",
        "firedDateTime": "2026-03-04T09:38:24Z",
    }
    common = {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": essentials, "alertContext": {"SearchResults": found, "SearchQuery": "x"}},
    }
    old = {"AlertRuleName": "r", "SubscriptionId": "s", "SearchResult": found}
    return [common, old, {"schemaId": "Microsoft.Insights/LogAlert", "data": old}]


@pytest.mark.parametrize("shape", range(3))
def test_what_is_secret_in_a_row_is_gone_and_what_identifies_it_stays(shape: int) -> None:
    body = json.dumps(shapes(results(ROW, ROW))[shape]).encode()
    clean = without_row_secrets(body)
    for secret in (PASSWORD, TOKEN):
        assert secret in body.decode()
        assert secret not in clean.decode()
    alert = parse_alert(clean)
    assert alert.key == parse_alert(body).key
    (table,) = alert.results
    assert table.columns == tuple(COLUMNS)
    row = dict(zip(table.columns, table.rows[1], strict=True))
    assert '"auditID"' in row["log_s"]
    assert '"name":"db"' in row["log_s"].replace(" ", "")
    assert (row["TimeGenerated"], row["n"]) == (ROW[0], "7")
    assert without_row_secrets(clean) == clean


def test_a_body_without_secrets_in_rows_stays_as_it_came() -> None:
    for name in ("log-v1-with-results.json", "coredns-changed.json"):
        body = (ROOT / "samples" / "alerts" / name).read_bytes()
        assert without_row_secrets(body) == body


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["tables", "rows", "columns", "name", "Tables", "x"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(json_values, st.integers(0, 2))
def test_no_rows_raise(found: Any, shape: int) -> None:
    without_row_secrets(json.dumps(shapes(found)[shape]).encode())
    without_row_secrets(json.dumps(found).encode())


@given(st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    without_row_secrets(body)
