from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit.distinct import distinct
from audit.event import AuditEvent, TableShape
from tests.audit.test_grouping import AT, an_event


def received(at: float = 0, **changes: Any) -> AuditEvent:
    """An event whose row says when the API server received the request."""
    event = an_event(at, **changes)
    return replace(event, raw={"requestReceivedTimestamp": event.time.isoformat()})


def cut(event: AuditEvent) -> AuditEvent:
    """The same event as Azure keeps it of a long row: the time of receipt stands behind the bodies."""
    return replace(event, raw={}, is_cut=True, time=event.time + timedelta(seconds=3))


def test_the_same_event_from_another_table_counts_once() -> None:
    once = received()
    again = replace(once, generated=AT + timedelta(minutes=3), pod="kube-apiserver-7", level="Request")
    assert distinct([once, again, once]) == [once]


@pytest.mark.parametrize(
    "changes",
    [
        {"time": AT + timedelta(microseconds=1)},
        {"stage": "ResponseStarted"},
        {"username": "eve@contoso.com"},
        {"verb": "delete"},
        {"uri": "/api/v1/namespaces/kube-system/secrets/other"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_audit_id_that_a_client_chose_does_not_hide_another_event(changes: dict[str, Any]) -> None:
    events = [received(audit_id="chosen"), received(audit_id="chosen", **changes)]
    assert distinct(events) == events


def test_events_without_an_id_are_all_kept() -> None:
    assert len(distinct([received(audit_id=""), received(audit_id="")])) == 2


@pytest.mark.parametrize("cut_comes_first", [True, False])
def test_of_a_cut_copy_and_a_whole_one_the_whole_one_stays(cut_comes_first: bool) -> None:
    whole = received()
    copies = [cut(whole), whole] if cut_comes_first else [whole, cut(whole)]
    assert distinct(copies) == [whole]


def test_two_cut_copies_of_an_event_are_one() -> None:
    assert len(distinct([cut(received()), cut(received())])) == 1


def test_a_cut_copy_is_never_a_third_event_beside_two_of_a_chosen_id() -> None:
    one, other = received(audit_id="chosen"), received(5, audit_id="chosen")
    assert distinct([cut(one), one, other]) == [one, other]
    assert distinct([one, other, cut(other)]) == [one, other]


def test_of_two_tables_the_one_that_knows_of_impersonation_stays_in_the_place_of_the_first() -> None:
    log = received(impersonated="")
    typed = replace(log, shape=TableShape.TYPED)
    other = received(9)
    assert distinct([typed, other, log]) == [log, other]


def test_nothing_is_nothing() -> None:
    assert distinct([]) == []
