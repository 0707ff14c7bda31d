from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.counted import NotCounted, Totals, groups_of, merged, totals_of
from audit.event import ActorKind
from audit.evidence import Action, Group
from audit.grouping import group
from tests.audit.test_grouping import ALICE, AT, an_event

NUMBERS = {
    "Rows": 9,
    "Events": 7,
    "People": 3,
    "Workloads": 1,
    "Platform": 3,
    "Unreadable": 1,
    "Cut": 2,
    "Late": 4,
    "First": "2026-03-04T09:33:00Z",
    "Last": "2026-03-04T09:36:00Z",
}


def a_row(**changes: Any) -> Mapping[str, Any]:
    """A group as the workspace counts it: the configmap that Alice patches."""
    return {
        "User": ALICE,
        "Impersonated": "",
        "Verb": "patch",
        "ApiGroup": "",
        "Resource": "configmaps",
        "Subresource": "",
        "Namespace": "kube-system",
        "Name": "coredns-custom",
        "Path": "",
        "Code": 200,
        "Reason": "",
        "Decision": "allow",
        "Count": 40,
        "First": AT.isoformat(),
        "Last": (AT + timedelta(minutes=3)).isoformat(),
        "Cut": 0,
        "Kind": 0,
        "Groups": 700,
        "Events": 5000,
    } | changes


def counted(*rows: Mapping[str, Any]) -> tuple[Group, ...]:
    return groups_of(rows)[0]


def test_totals_are_read_by_their_names() -> None:
    last = datetime(2026, 3, 4, 9, 36, tzinfo=UTC)
    assert totals_of([NUMBERS]) == Totals(
        rows=9, events=7, people=3, workloads=1, platform=3, unreadable=1, cut=2, late=4, last=last
    )


def test_no_row_is_a_workspace_without_data_and_a_null_that_late_cannot_be_told() -> None:
    assert totals_of([]) == Totals()
    assert totals_of([NUMBERS | {"Late": None}]).late is None


@pytest.mark.parametrize("value", ["7", 7.5, True, -1, None, [7]])
def test_what_is_no_count_is_not_guessed(value: object) -> None:
    with pytest.raises(NotCounted):
        totals_of([NUMBERS | {"Events": value}])
    with pytest.raises(NotCounted):
        groups_of([a_row(Count=value)])


@pytest.mark.parametrize("changes", [{"First": None}, {"Kind": 9}, {"Groups": "many"}])
def test_a_group_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotCounted):
        groups_of([a_row(**changes)])


def test_a_counted_group_says_what_was_done_by_whom_and_how_often() -> None:
    groups, in_all = groups_of([a_row(Resource="pods", Subresource="exec", Verb="get", Name="web-1", Code=0)])
    (one,) = groups
    assert in_all == 700
    assert (one.resource, one.code, one.count, one.events) == ("pods/exec", None, 40, ())
    assert (one.actor, one.identity) == (ActorKind.PERSON, "person")
    assert one.action is not None
    assert "web-1" in one.action.done
    assert [finding.rule for finding in one.findings]


def test_what_was_read_stands_in_the_workspaces_count() -> None:
    row = a_row()
    same = groups_of([row])[0][0]
    read = [replace(group([an_event(1), an_event(2)])[0], action=same.action, findings=same.findings)]
    (one,) = merged(read, counted(row))
    assert (one.count, len(one.events), one.client) == (40, 2, read[0].client)
    assert (one.first, one.last) == (AT, AT + timedelta(minutes=3))


def test_two_deeds_on_one_object_keep_what_was_read_and_the_rest_stands_apart() -> None:
    scaled = group([an_event(1)])[0]
    restarted = replace(scaled, action=None)
    groups = merged([scaled, restarted], counted(a_row()))
    assert sorted((one.count, len(one.events)) for one in groups) == [(1, 1), (1, 1), (38, 0)]


def test_what_was_read_of_nobody_counted_stays() -> None:
    read = group([an_event(1, username="bob@contoso.com")])
    groups = merged(read, counted(a_row()))
    assert {one.user: one.count for one in groups} == {ALICE: 40, "bob@contoso.com": 1}


def test_rows_that_came_between_the_questions_do_not_make_a_count_smaller() -> None:
    read = group([an_event(1), an_event(2), an_event(3)])
    assert [one.count for one in merged(read, counted(a_row(Count=2)))] == [3]


def test_a_path_is_the_same_with_its_query() -> None:
    read = group([an_event(1, resource="", namespace="", name="", verb="get", uri="/metrics?x=1")])
    row = a_row(Resource="", Namespace="", Name="", Verb="get", Path="/metrics", Count=9)
    assert sum(one.count for one in merged(read, counted(row))) == 9


def test_hostile_names_are_kept_short() -> None:
    (one,) = counted(a_row(Name="x" * 10_000, User="y" * 10_000))
    assert len(one.name) <= 512
    assert len(one.user) <= 512


def test_names_that_were_counted_together_take_in_what_was_read_of_each() -> None:
    read = group([an_event(1, name="a"), an_event(2, name="b"), an_event(3, name="b")])
    groups = merged(read, counted(a_row(Name="")))
    assert sorted((one.name, one.count) for one in groups) == [("", 37), ("a", 1), ("b", 2)]


def test_a_cut_row_belongs_to_its_whole_copy_whose_end_it_has_not() -> None:
    event = replace(an_event(1, code=None, decision=""), is_cut=True)
    assert sum(one.count for one in merged(group([event]), counted(a_row()))) == 40
    whole = an_event(1, code=403)
    assert sorted(one.count for one in merged(group([whole]), counted(a_row()))) == [1, 40]


def test_what_one_body_says_is_not_said_of_those_that_nobody_read() -> None:
    said = replace(group([an_event(1)])[0], action=Action(done="scaled x to 0", base="scale x to 0"))
    groups = merged([said], counted(a_row()))
    assert sorted((one.count, one.action == said.action) for one in groups) == [(1, True), (39, False)]
