from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from audit.event import AuditEvent, TableShape
from tests.audit.test_event import CLUSTER, GENERATED, a_row, a_typed_row, an_event, read
from tests.shared_data import shared_data

# --- what Azure cut ----------------------------------------------------------------------------------


def test_a_cut_row_is_read_up_to_the_cut() -> None:
    whole = json.dumps(an_event())
    event = read(a_row(0, log_s=whole[: whole.index('"reason"')]))
    assert event.is_cut
    assert (event.verb, event.name, event.code, event.reason) == ("create", "coredns-custom", None, "")
    assert event.time == event.generated
    assert {"responseStatus", "requestReceivedTimestamp", "annotations", "requestObject"} <= event.lost
    assert event.lost.isdisjoint(event.raw.keys() - {"responseStatus"})
    assert "impersonatedUser" not in event.lost


def test_where_the_fields_stand_in_another_order_any_that_is_absent_may_be_lost() -> None:
    text = json.dumps(an_event(), sort_keys=True)
    event = read(a_row(0, log_s=text[: text.index('"requestURI"')]))
    assert {"impersonatedUser", "user", "requestURI", "verb"} <= event.lost


@pytest.mark.parametrize(
    ("column", "sent", "key", "kept", "lost"),
    [
        ("User", '{"username":"alice@contoso.com","groups":["a","b', "user", None, {"user", "user.groups"}),
        ("RequestObject", '[{"op":"add"},{"op":"re', "requestObject", [{"op": "add"}, {}], None),
        ("ResponseObject", '"half a str', "responseObject", None, {"responseObject"}),
        ("ObjectRef", '{"resource":"pods"', "objectRef", {"resource": "pods"}, {"objectRef"}),
        ("RequestObject", "{odd", "requestObject", {}, {"requestObject"}),
    ],
)
def test_a_typed_column_that_was_cut_is_read_up_to_the_cut(
    column: str, sent: str, key: str, kept: object, lost: set[str] | None
) -> None:
    event = read(a_typed_row(**{column: sent}))
    assert event.is_cut
    assert lost is None or event.lost == lost
    assert kept is None or event.raw[key] == kept
    if column == "User":
        assert (event.username, event.groups) == ("alice@contoso.com", ("a",))


def test_words_in_a_dynamic_column_are_no_cut() -> None:
    assert not read(a_typed_row(RequestObject="skipped-too-big-size-object")).is_cut


def test_what_else_a_row_tells() -> None:
    event = read(a_row(an_event(), Category="kube-audit", Ingested="2026-03-04T09:41:00Z"))
    assert (event.category, event.shape, event.is_cut) == ("kube-audit", TableShape.LOG, False)
    assert event.ingested == datetime(2026, 3, 4, 9, 41, tzinfo=UTC)
    typed = read(a_typed_row(Type="AKSAudit", ingestion_time="2026-03-04T09:41:00Z"))
    assert (typed.category, typed.shape) == ("kube-audit", TableShape.TYPED)
    assert typed.ingested == event.ingested
    assert read(a_typed_row(Type="AKSAuditAdmin")).category == "kube-audit-admin"
    assert (read(a_typed_row()).category, read(a_typed_row()).ingested) == ("", None)
    assert event.groups == ("system:masters", "system:authenticated")


def test_of_very_many_groups_the_clusters_own_are_kept() -> None:
    groups = ["g" * 500, *map(str, range(300)), "system:masters"]
    event = read(a_row(an_event(user={"username": "x", "groups": groups})))
    assert (event.group_count, len(event.groups), event.groups[0]) == (302, 50, "system:masters")
    assert len(event.groups[1]) == 256


# --- the same from both shapes ---------------------------------------------------------------------

#: What a typed row cannot say, or says of itself.
ONE_SIDED = {"shape", "category", "impersonated", "actor", "raw"}


def as_typed(event: dict[str, Any]) -> dict[str, Any]:
    """Map an event as the service does; `log_s` has every field, the columns have these."""
    columns = {
        "Level": "level",
        "AuditId": "auditID",
        "Stage": "stage",
        "RequestUri": "requestURI",
        "Verb": "verb",
        "UserAgent": "userAgent",
        "RequestReceivedTime": "requestReceivedTimestamp",
        "StageReceivedTime": "stageTimestamp",
    }
    dynamic = {
        "User": "user",
        "SourceIps": "sourceIPs",
        "ObjectRef": "objectRef",
        "ResponseStatus": "responseStatus",
        "RequestObject": "requestObject",
        "ResponseObject": "responseObject",
        "Annotations": "annotations",
    }
    row = {column: event.get(key, "") for column, key in columns.items()}
    row |= {column: json.dumps(event[key]) for column, key in dynamic.items() if key in event}
    return row | {
        "TimeGenerated": GENERATED,
        "PodName": "api-1",
        "_ResourceId": CLUSTER,
        "Type": "AKSAuditAdmin",
    }


def test_real_events_are_the_same_from_both_shapes() -> None:
    lines = shared_data("audit/events.jsonl").read_text().splitlines()
    lines += shared_data("audit/audit2rbac-demo.log").read_text().splitlines()
    compared = 0
    for line in lines:
        found = json.loads(line)
        event = found.get("event", found)
        if not event.get("requestReceivedTimestamp"):
            # Older captures say when it was in fields that no column holds.
            event = event | {"requestReceivedTimestamp": "2026-03-04T09:37:20.5Z"}
        log, typed = read(a_row(event)), read(as_typed(event))
        for field in fields(AuditEvent):
            if field.name not in ONE_SIDED:
                assert getattr(log, field.name) == getattr(typed, field.name), field.name
        assert log.actor is typed.actor or log.impersonated
        compared += 1
    assert compared > 157
