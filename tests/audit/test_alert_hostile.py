"""What the sender gets wrong, by accident or on purpose."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.alert import Alert, InvalidAlert, parse_alert
from tests.audit.bodies import CLUSTER, SUBSCRIPTION, a_body, a_criterion, common, find, parse, paths, put
from tests.samples import ROOT
from tests.shared_data import shared_data


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (b"{", "not JSON"),
        (b'{"a":NaN}', "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a":1e999999}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, "not JSON"),
        (b"[" * 900 + b"]" * 900, "not an object"),
        (b"[]", "not an object"),
        (b'"alert"', "not an object"),
        (b"null", "not an object"),
        (b"{}", "schemaId"),
        (b'{"schemaId":"mine","data":{}}', "schemaId"),
        (b'{"schemaId":["azureMonitorCommonAlertSchema"]}', "schemaId"),
        (b'{"schemaId":"azureMonitorCommonAlertSchema"}', "essentials"),
        (b'{"schemaId":"azureMonitorCommonAlertSchema","data":[]}', "essentials"),
    ],
)
def test_what_is_no_alert_is_refused_in_one_sentence(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidAlert, match=reason) as refused:
        parse_alert(body)
    assert re.fullmatch(r"[^\n]{20,200}\.", refused.value.reason)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("alertId", None),
        ("alertId", ""),
        ("alertId", 7),
        ("alertRule", None),
        ("alertRule", []),
        ("firedDateTime", None),
        ("firedDateTime", "yesterday"),
        ("firedDateTime", 1772617104),
        ("firedDateTime", "9" * 5000),
    ],
)
def test_a_required_field_is_named_where_it_is_missing(field: str, value: object) -> None:
    with pytest.raises(InvalidAlert, match=f"essentials.{field} is missing"):
        parse(common(**{field: value}))


def test_hostile_words_of_the_sender_are_not_said_back() -> None:
    with pytest.raises(InvalidAlert) as refused:
        parse({"schemaId": "<script>", "data": {"essentials": {"alertId": "<script>"}}})
    assert "script" not in refused.value.reason


# --- what is tolerated -------------------------------------------------------------------------------


@pytest.mark.parametrize("junk", [None, 7, True, "text", [], [[]], {}, {"a": 1}, [None], [{"name": 1}]])
def test_a_field_of_a_wrong_type_counts_as_absent(junk: object) -> None:
    for path in list(paths(a_body())):
        body = a_body()
        if path[-1] not in {"schemaId", "data", "essentials", "alertId", "alertRule", "firedDateTime"}:
            put(body, path, junk)
            assert parse(body).rule == "AKS-CoreDNS-Changed"


def test_unknown_keys_are_tolerated_at_every_level() -> None:
    body, plain = a_body(), parse(a_body())
    for path in [p for p in paths(a_body()) if isinstance(find(body, p), dict)]:
        find(body, path)["unheard of"] = {"x": [1]}
    body["unheard of"] = 1
    assert parse(body) == plain


@pytest.mark.parametrize(
    ("sent", "read"),
    [("Sev0", "Sev0"), ("sev4", "Sev4"), (3, "Sev3"), ("Sev9", ""), (None, ""), ("Sev", ""), ("Sev٣", "")],
)
def test_severity_is_one_of_five_or_nothing(sent: object, read: str) -> None:
    assert parse(common(severity=sent)).severity == read


def test_targets_come_in_order_and_once() -> None:
    dimensions = [
        {"name": "_ResourceId", "value": CLUSTER.upper()},
        {"name": "ResourceId", "value": f"{SUBSCRIPTION}/c"},
        {"name": "Computer", "value": f"{SUBSCRIPTION}/d"},
    ]
    alert = parse(
        common(
            a_criterion(dimensions=dimensions),
            alertTargetIDs=[f"{SUBSCRIPTION}/a", CLUSTER, 7, " "],
            configurationItems=["vm-1", f"{SUBSCRIPTION}/A", f"{SUBSCRIPTION}/b"],
        )
    )
    assert alert.targets == (f"{SUBSCRIPTION}/a", CLUSTER, f"{SUBSCRIPTION}/b", f"{SUBSCRIPTION}/c")


def test_custom_properties_of_both_places_are_merged_as_text() -> None:
    body = common(a_criterion() | {"properties": {"a": 1, "b": None, "both": "context"}})
    body["data"]["customProperties"] = {"c": [1, "x"], "d": True, "both": "data", "e": 2.5}
    assert parse(body).custom_properties == {
        "a": "1",
        "b": "",
        "both": "data",
        "c": '[1,"x"]',
        "d": "true",
        "e": "2.5",
    }


def test_a_fraction_of_nine_digits_is_read() -> None:
    fired = parse(common(firedDateTime="2026-03-04T10:38:24.123456789+01:00")).fired_at
    assert fired == datetime(2026, 3, 4, 9, 38, 24, 123456, UTC)


def test_absurd_sizes_are_cut() -> None:
    context = a_criterion(
        searchQuery="q" * 64 * 1024,
        dimensions=[{"name": f"d{i}", "value": "v" * 9000} for i in range(200)],
    )
    targets = [f"{SUBSCRIPTION}/{i}" for i in range(500)]
    alert = parse(common(context, alertTargetIDs=targets, description="d" * 9000, alertRule="r" * 9000))
    assert alert.criteria[0].query == "q" * 64 * 1024
    assert len(alert.criteria[0].dimensions) == 50
    assert len(alert.targets) == 100
    assert {len(alert.description), len(alert.rule), len(alert.criteria[0].dimensions[0].value)} == {4096}
    assert alert.description.endswith("d…")


def test_embedded_results_are_cut() -> None:
    columns = [{"name": f"c{i}"} for i in range(90)]
    table = {"name": "T", "columns": columns, "rows": [["x"] * 90] * 300}
    (result,) = parse(common({"SearchQuery": "T", "SearchResults": {"tables": [table]}})).results
    assert (len(result.columns), len(result.rows), len(result.rows[0])) == (60, 100, 60)


def test_a_nul_does_not_get_as_far_as_a_database() -> None:
    assert parse(common(alertRule="a\0b")).rule == "a\N{REPLACEMENT CHARACTER}b"


# --- anything at all ---------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def read_or_refused(body: bytes) -> None:
    try:
        alert: Alert | None = parse_alert(body)
    except InvalidAlert:
        alert = None
    assert alert is None or (alert.rule and alert.alert_id and len(alert.key) == 64)


@given(st.binary())
def test_arbitrary_bytes_are_read_or_refused(body: bytes) -> None:
    read_or_refused(body)


@given(JSON)
def test_arbitrary_json_is_read_or_refused(value: object) -> None:
    read_or_refused(json.dumps(value).encode())


@given(st.dictionaries(st.sampled_from(["essentials", "alertContext", "customProperties", "context"]), JSON))
def test_arbitrary_data_of_every_schema_is_read_or_refused(data: dict[str, object]) -> None:
    for schema in (
        "azureMonitorCommonAlertSchema",
        "AzureMonitorMetricAlert",
        "Microsoft.Insights/LogAlert",
        "Microsoft.Insights/activityLogs",
    ):
        read_or_refused(json.dumps({"schemaId": schema, "data": data}).encode())


@settings(max_examples=60)
@given(st.data())
def test_our_bodies_with_junk_in_any_place_are_read_or_refused(data: st.DataObject) -> None:
    for path in sorted((ROOT / "samples/alerts").glob("*.json")):
        spoil(json.loads(path.read_bytes()), data)


@settings(max_examples=60)
@given(st.data())
def test_real_bodies_with_junk_in_any_place_are_read_or_refused(data: st.DataObject) -> None:
    for path in sorted(shared_data("alerts").rglob("*.json")):
        spoil(json.loads(path.read_bytes()), data)


def spoil(body: dict[str, Any], data: st.DataObject) -> None:
    spoilt = deepcopy(body)
    for _ in range(data.draw(st.integers(1, 3))):
        put(spoilt, data.draw(st.sampled_from(list(paths(spoilt)))), data.draw(JSON))
    read_or_refused(json.dumps(spoilt).encode())
