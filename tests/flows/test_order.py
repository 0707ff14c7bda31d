"""Deliveries, repeats, clicks, restarts and failures in any order end as the model says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.flows.order import Order, sequences
from tests.flows.order_model import Told, all_told


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_hundred_sequences_end_as_the_model_says() -> None:
    run_state_machine_as_test(Order, settings=sequences(100))


def test_a_few_sequences_end_as_the_model_says() -> None:
    run_state_machine_as_test(Order, settings=sequences(5))


@pytest.fixture
def order() -> Iterator[Order]:
    """The machine, led by hand, on a day when everything may have been said."""
    machine = Order()
    machine.begin(3)
    yield machine
    machine.close()


def say(order: Order, *told: Told) -> None:
    order.delivered([all_told().index(one) for one in told])


def test_one_resolved_ends_every_incident_that_its_alert_fires_in(order: Order) -> None:
    first, _, again, over = all_told()[:4]
    say(order, first)
    order.settled()
    order.acknowledged(0, ["29:alice"])
    order.time_passed(49 * 60)
    say(order, again)
    order.settled()
    assert [case.number for case in order.model.cases] == [1, 2]
    say(order, over)
    order.settled()
    assert all(case.resolved_at for case in order.model.cases)


def test_a_resolved_of_an_earlier_firing_ends_no_later_one(order: Order) -> None:
    _, over, again, _ = all_told()[:4]
    say(order, again, over)
    order.settled()
    assert [case.resolved_at for case in order.model.cases] == [None]


@pytest.mark.parametrize("moment", range(6))
def test_a_card_that_was_cut_off_is_adopted_by_a_click_and_the_other_one_goes(
    order: Order, moment: int
) -> None:
    say(order, all_told()[0])
    order.worked()
    order.killed(moment)
    order.settled()
    order.acknowledged(0, ["29:bob", "29:alice"])
    order.settled()
    order.acknowledged(1, ["29:alice"])
    order.settled()
