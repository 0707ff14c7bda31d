from __future__ import annotations

from typing import Any

import pytest

from cards.trail import TrailLine, took, trail_card, trail_summary
from tests.cards import around
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, parts


def drawn(trail: Any = around.TRAIL) -> dict[str, Any]:
    card = trail_card(m.an_incident(), trail, zone=m.BERLIN)
    assert_good(card)
    assert_valid(card)
    return card


def test_it_says_whose_it_is_and_how_long_the_first_card_took() -> None:
    said = lines(drawn())
    assert said[0] == "Run trail of #12 · CoreDNS-Create · prod-weu"
    assert said[1] == "10 steps · first card 34.00 s after the alert came · 2022-05-19 11:38:59 (UTC+02:00)"
    assert trail_summary(m.an_incident()) == "Run trail of #12"


def test_each_step_has_its_time_duration_attempt_and_reason() -> None:
    said = lines(drawn())
    assert "11:38:59 webhook received: Fired · committed in 12 ms · opened" in said
    assert "11:39:29 asked the workspace: alert · took 30.00 s · attempt 1 · timed out" in said
    assert "11:39:33 taken over from a worker that had stopped: General · waited 1.20 s · attempt 2" in said
    assert "11:39:33 card posted: General · took 310 ms · attempt 2 · ok" in said
    assert "11:41:07 acknowledged: Bob Lee" in said


def test_what_went_wrong_stands_out() -> None:
    bold = [p["text"] for p in parts(drawn()) if p.get("weight") == "bolder" and p["type"] == "TextRun"]
    assert [text for text in bold if text.startswith(" · ")] == [
        " · timed out",
        " · throttled",
        " · forbidden",
    ]


def test_a_trail_that_is_too_long_keeps_its_beginning_and_its_newest() -> None:
    tries = [
        around.a_step("09:40:00", "put off", f"General {n}", 0.2, attempt=n, reason="throttled")
        for n in range(190)
    ]
    said = lines(drawn([*around.TRAIL[:5], *tries, around.TRAIL[6]]))
    assert "webhook received" in said[2]
    assert "card posted" in said[-1]
    (left,) = [line for line in said if line.endswith("left out here.")]
    assert len(said) - 3 + int(left.split()[0]) == 196


def test_no_steps_are_said_to_be_none() -> None:
    assert lines(drawn([]))[1] == "No step of it was kept."


def test_an_alert_that_azure_did_not_deliver_says_so() -> None:
    said = lines(drawn([around.a_step("09:58:00", "found", "Fired", 0.01, reason="opened"), around.TRAIL[6]]))
    assert "found in Azure Monitor's own list; Azure did not deliver it: Fired" in said[2]
    assert "first card" not in said[1]


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (-1, "0 ms"),
        (0, "0 ms"),
        (0.0034, "3 ms"),
        (1.8449, "1.84 s"),
        (61, "1 min 1 s"),
        (7205, "120 min 5 s"),
    ],
)
def test_a_duration_is_read_at_once(seconds: float, written: str) -> None:
    assert took(seconds) == written


def test_a_step_that_is_not_known_stands_as_it_is() -> None:
    assert "11:40:00 jumped: far" in lines(
        drawn([TrailLine(at=m.at("09:40:00"), step="jumped", subject="far")])
    )
