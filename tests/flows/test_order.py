"""Deliveries, repeats, clicks, restarts and failures in any order end as the model says."""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.flows.order import Order, sequences


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_hundred_sequences_end_as_the_model_says() -> None:
    run_state_machine_as_test(Order, settings=sequences(100))


def test_a_few_sequences_end_as_the_model_says() -> None:
    run_state_machine_as_test(Order, settings=sequences(5))
