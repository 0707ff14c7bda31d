"""How an event's fields are filled all at once, and that it makes no difference."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.event import AuditEvent, parse_event
from audit.untyped import at, text
from tests.audit.test_event import CLUSTER, FIELDS, NESTED, a_row, a_typed_row, an_event, read

#: The fields that are read as they stand in the event.
AS_THEY_STAND = {
    "audit_id": ("auditID",),
    "stage": ("stage",),
    "level": ("level",),
    "verb": ("verb",),
    "uri": ("requestURI",),
    "username": ("user", "username"),
    "impersonated": ("impersonatedUser", "username"),
    "user_agent": ("userAgent",),
    "name": ("objectRef", "name"),
    "reason": ("responseStatus", "reason"),
}


@given(st.dictionaries(st.sampled_from(FIELDS), NESTED))
def test_each_string_is_what_the_event_says_there(changes: dict[str, Any]) -> None:
    event = parse_event(a_row(0, log_s={**an_event(), **changes}))
    if isinstance(event, AuditEvent):
        for name, path in AS_THEY_STAND.items():
            assert getattr(event, name) == text(at(event.raw, *path)), name


def test_one_odd_string_changes_no_other() -> None:
    usual = read(a_row(an_event()))
    odd = read(a_row(an_event(userAgent="a\0b", stage=None, requestURI="u" * 4096)))
    assert (odd.user_agent, odd.stage, odd.uri) == ("a\N{REPLACEMENT CHARACTER}b", "", "u" * 4096)
    same = {f.name for f in fields(AuditEvent)} - {"user_agent", "stage", "uri", "raw"}
    assert {name: getattr(odd, name) for name in same} == {name: getattr(usual, name) for name in same}


def test_columns_that_hold_no_text_give_way_to_those_that_do() -> None:
    row = a_row(an_event(), Category=7, Type="AKSAudit", ResourceId=CLUSTER, PodName="api-2")
    event = read(row | {"_ResourceId": ["x"], "pod_s": ""})
    assert (event.category, event.cluster_id, event.pod) == ("kube-audit", CLUSTER, "api-2")


@pytest.mark.parametrize("row", [a_row(an_event()), a_typed_row()])
def test_an_event_that_was_read_is_one_that_could_have_been_made(row: dict[str, Any]) -> None:
    event = read(row)
    assert vars(event).keys() == {field.name for field in fields(AuditEvent)}
    assert replace(event) == event
    with pytest.raises(FrozenInstanceError):
        event.verb = "get"  # type: ignore[misc]  # that it cannot be is what is tested
