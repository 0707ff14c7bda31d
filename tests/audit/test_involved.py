from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.evidence import Action, EventLine
from audit.involved import actors, deeds, mark, marked, object_of
from tests.contracts.test_facts import group
from tests.fakes import NOW


@pytest.mark.parametrize(
    ("changes", "thing"),
    [
        ({}, "configmaps kube-system/coredns"),
        ({"resource": "pods/exec", "namespace": "shop", "name": "web-1"}, "pods shop/web-1"),
        ({"resource": "secrets", "namespace": "shop", "name": ""}, "secrets shop"),
        ({"resource": "nodes", "namespace": "", "name": ""}, "nodes"),
        ({"resource": "", "namespace": "", "name": "", "uri": "/healthz?verbose"}, "/healthz"),
        ({"resource": "", "namespace": "", "name": "", "uri": ""}, ""),
    ],
)
def test_an_object_is_the_same_for_all_that_is_done_to_it(changes: dict[str, str], thing: str) -> None:
    assert object_of(group(**changes)) == thing


def test_both_who_asks_and_who_is_acted_as_are_actors() -> None:
    assert actors(group(impersonated="root")) == ("alice@contoso.com", "root")
    assert actors(group(impersonated="alice@contoso.com")) == ("alice@contoso.com",)
    assert actors(group(user="")) == ()


def test_deeds_come_once_in_the_order_of_the_groups_and_only_where_there_is_an_object() -> None:
    nothing = group(resource="", namespace="", name="", uri="")
    assert deeds([group(name="b"), group(name="a"), group(name="b"), nothing]) == (
        ("alice@contoso.com", "configmaps kube-system/b"),
        ("alice@contoso.com", "configmaps kube-system/a"),
    )


LINE = EventLine(audit_id="a", time=NOW, user="u", verb="patch", uri="/x", code=200, reason="")
DONE = Action(done="patched configmap kube-system/coredns", base="patch configmap kube-system/coredns")


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "mallory"},
        {"impersonated": "root"},
        {"verb": "update"},
        {"api_group": "apps"},
        {"resource": "secrets"},
        {"namespace": "shop"},
        {"name": "web"},
        {"uri": "/healthz"},
        {"code": 403},
        {"code": None},
        {"reason": "Forbidden"},
        {"decision": "forbid"},
        {"address": "192.0.2.7"},
        {"client": "kubectl 1.31"},
        {"cluster": "neu"},
        {"action": replace(DONE, done="scaled deployment shop/web to 0")},
        {"action": None},
    ],
    ids=str,
)
def test_a_mark_tells_apart_what_a_card_tells_apart(changes: dict[str, object]) -> None:
    row = group(action=DONE)
    other = replace(row, **changes)  # type: ignore[arg-type]  # a table of fields for brevity
    assert mark(other) != mark(row)
    assert marked([other, row], mark(row)) is row


def test_a_mark_stays_while_rows_arrive() -> None:
    row = group(action=DONE)
    grown = replace(row, count=9, first=NOW - timedelta(1), last=NOW + timedelta(1), events=(LINE,), cut=3)
    assert mark(grown) == mark(row)
    assert len(mark(row)) == 12


def test_fields_do_not_run_into_each_other() -> None:
    assert mark(group(user="a", impersonated="bc")) != mark(group(user="ab", impersonated="c"))
    assert mark(group(user='a","b', impersonated="")) != mark(group(user="a", impersonated="b"))


@pytest.mark.parametrize("name", ["", "\0", "\ud800", "\U0001f600" * 512, '"\\', "</at>"])
def test_any_name_has_a_mark(name: str) -> None:
    assert marked([group(), group(name=name)], mark(group(name=name))) == group(name=name)


def test_of_rows_that_say_the_same_the_one_with_events_is_meant() -> None:
    counted, read = group(count=5), group(events=(LINE,))
    assert marked([counted, read], mark(read)) is read
    assert marked([counted], mark(read)) is counted


@pytest.mark.parametrize("wanted", ["", "0" * 12, "x"])
def test_a_mark_that_no_row_has_means_none(wanted: str) -> None:
    assert marked([group()], wanted) is None
    assert marked([], wanted) is None


def test_unlike_rows_that_share_a_mark_answer_for_nobody() -> None:
    # Found by trying twenty million names.
    one, other = group(name="n1783468"), group(name="n17608761")
    assert mark(one) == mark(other)
    assert marked([one, other], mark(one)) is None
    assert marked([one], mark(one)) is one
