from __future__ import annotations

from datetime import UTC, datetime

from audit.alert import Condition, parse_alert
from bench.alerts import distinct, storm
from bench.workspace import CLUSTER

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def test_the_bodies_are_alerts_that_the_bot_reads() -> None:
    for delivery in distinct(20, now=NOW, resolved=0.5):
        alert = parse_alert(delivery.body)
        assert (alert.rule, alert.alert_id) == (delivery.rule, delivery.alert_id)
        assert alert.condition == Condition(delivery.condition)
        assert alert.cluster_id == CLUSTER


def test_distinct_ones_have_distinct_keys() -> None:
    keys = {parse_alert(delivery.body).key for delivery in distinct(300, now=NOW, resolved=0.5)}
    assert len(keys) == 300


def test_a_storm_has_its_share_of_repeats_and_at_most_its_rules() -> None:
    deliveries = storm(1000, now=NOW, rules=40, repeats=0.3)
    assert len(deliveries) == 1000
    assert len({delivery.body for delivery in deliveries}) == 700
    assert len({delivery.rule for delivery in deliveries}) <= 40


def test_the_same_seed_gives_the_same_storm() -> None:
    assert storm(100, now=NOW, seed=5) == storm(100, now=NOW, seed=5)
    assert storm(100, now=NOW, seed=5) != storm(100, now=NOW, seed=6)


def test_a_resolved_comes_before_its_fired_somewhere_in_a_storm() -> None:
    seen: dict[str, list[str]] = {}
    for delivery in storm(500, now=NOW, repeats=0.0):
        seen.setdefault(delivery.alert_id, []).append(delivery.condition)
    assert ["Resolved", "Fired"] in seen.values()
    assert ["Fired", "Resolved"] in seen.values()
