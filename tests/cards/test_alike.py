"""Groups that differ in their object alone stand as one line, and no number of the card changes by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.evidence import Action, Change, ChangeKind, Evidence, Group
from audit.involved import mark
from cards.alike import ENOUGH, Placed, gathered
from cards.incident import incident_card
from cards.order import tally, unfolded
from tests.cards import material as m
from tests.cards.checks import assert_good, lines, parts
from tests.cards.strategies import evidences

NAMES = ("cart", "catalog", "search", "web", "worker")
IMAGE = Change(kind=ChangeKind.STRATEGIC_PATCH, lines=("~ image of web: a:1 → a:2",), compared=True)


def patched(name: str, **changes: object) -> Group:
    """Return one patch of a deployment, of its own second."""
    at = m.at("09:35:00") + timedelta(seconds=NAMES.index(name) if name in NAMES else 30)
    action = Action(done=f"patched deployment shop/{name}", base=f"patch deployment shop/{name}")
    group = m.by_alice(at, resource="deployments", namespace="shop", name=name, action=action)
    return replace(group, **changes)  # type: ignore[arg-type]  # a table of fields for brevity


def rollout(names: Sequence[str] = NAMES, **changes: object) -> list[Group]:
    return [patched(name, **changes) for name in names]


def told(*groups: Group) -> list[str]:
    """Return what each line says was done."""
    placed = [Placed(index=n, group=group) for n, group in enumerate(groups)]
    return [each.group.action.done for each in gathered(placed) if each.group.action]


def card_of(*groups: Group) -> list[str]:
    card = incident_card(m.an_incident(), m.an_alert(), m.evidence_of(*groups), zone=m.UTC_ZONE)
    assert_good(card)
    return lines(card)


def test_one_deed_on_many_objects_is_one_line_that_names_two_and_counts_the_rest() -> None:
    assert told(*rollout()) == ["patched deployments shop/cart, shop/catalog and 3 more"]
    assert told(*rollout(NAMES[:3])) == ["patched deployments shop/cart, shop/catalog and shop/search"]


def test_two_stay_two() -> None:
    assert told(*rollout(NAMES[:2])) == ["patched deployment shop/cart", "patched deployment shop/catalog"]


def test_what_lies_between_them_keeps_its_line_after_the_first() -> None:
    secret = m.by_alice(
        m.at("09:35:01"), resource="secrets", action=Action(done="read secret x/y", base="read secret x/y")
    )
    first, *others = rollout()
    assert told(first, secret, *others) == [
        "patched deployments shop/cart, shop/catalog and 3 more",
        "read secret x/y",
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"user": "bob@contoso.com"},
        {"impersonated": "root"},
        {"verb": "update"},
        {"resource": "daemonsets"},
        {"api_group": "other.example"},
        {"code": 403},
        {"reason": "Conflict"},
        {"decision": "forbid"},
        {"findings": (m.SHELL,)},
        {"address": "203.0.113.9"},
        {"source_ips": ("203.0.113.9",)},
        {"client": "curl 8.9"},
        {"first_seen": ("first time here in 30 days",)},
        {"cluster": "prod-neu"},
        {"action": Action(done="scaled deployment shop/web to 0", base="scale deployment shop/web to 0")},
        {"action": None},
    ],
    ids=lambda other: f"{next(iter(other))}-{next(iter(other.values())) is None}",
)
def test_what_differs_in_anything_else_that_the_line_shows_stands_alone(other: dict[str, object]) -> None:
    groups = [*rollout(("cart", "catalog", "search")), patched("web", **other)]
    placed = gathered(Placed(index=n, group=group) for n, group in enumerate(groups))
    assert [(each.index, each.of) for each in placed] == [(0, 3), (3, 1)]


def test_a_sentence_that_does_not_hold_its_object_once_is_left_as_it_is() -> None:
    for done in ("patched something", "patched shop/{0} and shop/{0}", "patched shop/{0}\0"):
        groups = [
            patched(name, action=Action(done=done.format(name), base=done.format(name))) for name in NAMES
        ]
        assert len(told(*groups)) == len(NAMES)


def test_what_does_not_name_the_kind_before_the_object_still_names_the_objects() -> None:
    groups = [
        patched(name, action=Action(done=f"rolled shop/{name} back", base=f"roll shop/{name} back"))
        for name in NAMES
    ]
    assert told(*groups) == ["rolled shop/cart, shop/catalog and 3 more back"]


def test_the_line_opens_into_every_objects_event_and_what_changed_in_each() -> None:
    said = card_of(*rollout(change=IMAGE))
    assert "alice@contoso.com · person · 5× · succeeded" in said
    assert "patched deployments shop/cart, shop/catalog and 3 more · 09:35:00–09:35:04" in said
    assert sum(text.startswith("09:35:0") for text in said) == len(NAMES)
    first = said.index("in shop/cart:")
    assert said[first : first + 4] == [
        "in shop/cart:",
        "~ image of web: a:1 → a:2",
        "in shop/catalog:",
        "~ image of web: a:1 → a:2",
    ]


def test_where_one_objects_change_is_not_known_that_is_said_of_it_alone() -> None:
    groups = [*rollout(NAMES[:4], change=IMAGE), patched("worker", change=Change(why_not="cut by Azure"))]
    said = card_of(*groups)
    assert said[said.index("in shop/worker:") + 1] == "  cut by Azure"


def test_different_reasons_for_an_unknown_change_are_all_said() -> None:
    groups = [
        patched(name, change=Change(why_not=why))
        for name, why in zip(NAMES, ("cut", "too big", "cut", "cut", "cut"), strict=True)
    ]
    assert "What changed is not known: cut; too big" in card_of(*groups)


def test_the_second_line_counts_objects_not_repeats() -> None:
    groups = rollout(findings=(m.DNS,))
    said = card_of(*groups)
    assert (
        said[1] == "alice@contoso.com patched deployments shop/cart, shop/catalog and 3 more; all 5 succeeded"
    )
    again = replace(groups[0], count=2)
    said = card_of(again, *groups[1:])
    assert said[1].endswith("and 3 more (6 times in all); all 6 succeeded")


def test_a_finding_on_many_objects_leads_before_the_same_risk_on_one() -> None:
    secret = replace(m.EDITED, first=m.at("09:30:00"), findings=(replace(m.DNS, title="Secret created"),))
    said = card_of(secret, *rollout(findings=(m.DNS,)))
    assert said[0].startswith("High · Cluster DNS was rewritten")
    assert said[1].endswith("; all 5 succeeded; 1 more finding")


def test_the_menu_says_that_its_answers_are_of_the_first() -> None:
    card = incident_card(m.an_incident(), m.an_alert(), m.evidence_of(*rollout()), zone=m.UTC_ZONE)
    titles = [part["title"] for part in parts(card) if part["type"] == "Action.Submit"]
    assert titles.count("Seven answers of the first") == 1
    asked = {part["data"]["g"] for part in parts(card) if "g" in part.get("data", {})}
    assert asked == {mark(rollout()[0])}


def test_left_out_counts_groups_of_the_evidence_not_lines() -> None:
    others = [replace(patched(name), user=f"{n}") for n in range(40) for name in NAMES[:1]]
    said = card_of(*others, *[replace(group, user="zed") for group in rollout()])
    left = next(text for text in said if text.startswith("Left out:"))
    shown = sum(" · person · " in text for text in said)
    assert left.startswith(f"Left out: {45 - shown} groups with {45 - shown} events")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(evidences(), st.integers(0, 8))
def test_gathering_changes_no_number(evidence: Evidence, copies: int) -> None:
    names = [f"app-{n}" for n in range(copies)]
    many = replace(evidence, groups=(*evidence.groups, *rollout(names)), missing=None)
    placed = unfolded(many)
    where = tally(many, len(placed))
    assert where.shown + where.folded == sum(group.count for group in many.groups)
    own = [each.of for each in placed if each.group.resource == "deployments"]
    assert own == ([copies] if copies >= ENOUGH else [1] * copies)
