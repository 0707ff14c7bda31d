from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.evidence import Group
from audit.first_seen import Seen, phrases, seen_of
from audit.grouping import group
from tests.audit.test_grouping import ALICE, PLATFORM, an_event

BEFORE = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
LOG = {"User": "", "Facet": "log", "Value": "", "First": "2026-02-02T09:30:00Z"}


def a_row(facet: str, value: str, user: str = ALICE) -> Mapping[str, Any]:
    return {"User": user, "Facet": facet, "Value": value, "First": "2026-02-20T00:00:00Z"}


USUAL = (
    a_row("namespace", "kube-system"),
    a_row("deed", "patch configmaps"),
    a_row("address", "20.1.2.3"),
    a_row("client", "kubectl/v1.31.1"),
)


def a_group(**changes: Any) -> Group:
    return group([an_event(**changes)])[0]


def seen(*rows: Mapping[str, Any]) -> Seen:
    found = seen_of([LOG, *rows], most=100, asked=[ALICE])
    assert found is not None
    return found


def test_who_does_what_they_always_do_is_not_remarked_on() -> None:
    assert phrases(a_group(), seen(*USUAL), BEFORE) == ()


def test_who_was_never_seen_is_said_to_be_new_with_how_far_the_log_reaches() -> None:
    assert phrases(a_group(), seen(), BEFORE) == ("not seen before in 30 days",)
    short = replace(seen(), reaches_back_to=BEFORE - timedelta(days=12))
    assert phrases(a_group(), short, BEFORE) == ("not seen before in 12 days",)


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        (0, "first time in 30 days: in namespace kube-system"),
        (1, "first time in 30 days: patch of configmaps"),
        (2, "first time in 30 days: from 20.1.2.3"),
        (3, "first time in 30 days: with kubectl 1.31"),
    ],
)
def test_what_is_new_of_somebody_known_is_named(left_out: int, said: str) -> None:
    rows = [row for n, row in enumerate(USUAL) if n != left_out]
    assert phrases(a_group(), seen(*rows), BEFORE) == (said,)


def test_what_another_person_did_makes_it_no_less_new() -> None:
    others = [a_row(str(row["Facet"]), str(row["Value"]), "bob@contoso.com") for row in USUAL]
    assert phrases(a_group(), seen(USUAL[0], *others), BEFORE) != ()


def test_nothing_is_said_of_the_platform_nor_by_a_log_of_a_few_hours() -> None:
    assert phrases(a_group(username=PLATFORM), seen(), BEFORE) == ()
    assert phrases(a_group(), replace(seen(), reaches_back_to=BEFORE - timedelta(hours=3)), BEFORE) == ()


@pytest.mark.parametrize(
    "rows",
    [[], [*USUAL], [LOG | {"First": None}], [LOG | {"First": 7}], [LOG, *USUAL, *USUAL]],
    ids=["empty", "without reach", "no time", "a number", "cut at the limit"],
)
def test_nothing_is_said_where_the_answer_is_not_all_there_is(rows: list[Mapping[str, Any]]) -> None:
    assert seen_of(rows, most=9, asked=[ALICE]) is None


def test_nothing_is_said_of_who_was_not_asked_about() -> None:
    assert phrases(a_group(username="bob@contoso.com"), seen(), BEFORE) == ()


def test_a_secret_in_an_unknown_user_agent_stays_behind() -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4eHh4eHh4eHgifQ.c2lnbmF0dXJlc2lnbmF0dXJl"
    said = phrases(a_group(user_agent=f"tool/{token}"), seen(*USUAL), BEFORE)
    assert said
    assert token not in said[0]
