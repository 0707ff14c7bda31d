from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.asked import Billed, Cost
from cards.cost import cost_card, cost_summary, share, size
from tests.cards import material as m
from tests.cards import telling
from tests.cards.checks import assert_good, lines, text, titles

ASKED = telling.asked("cost last 7d", window=telling.WEEK)


@pytest.mark.parametrize(
    ("gigabytes", "said"),
    [
        (0.0, "0 MB"),
        (0.004, "4 MB"),
        (0.00041, "410 kB"),
        (4.2111, "4.21 GB"),
        (31.42, "31.4 GB"),
        (1.0, "1 GB"),
        (0.9996, "1 GB"),
        (0.99949, "999 MB"),
        (100.0, "100 GB"),
        (1234.0, "1,230 GB"),
        (1e-9, "less than 1 kB"),
        (float("nan"), "(not known)"),
        (float("inf"), "(not known)"),
        (1e300, "1.00e+300 GB"),
    ],
)
def test_a_size_has_three_digits_that_mean_something(gigabytes: float, said: str) -> None:
    assert size(gigabytes) == said


@given(st.floats(1e-6, 1e14))
def test_a_size_is_never_off_by_more_than_its_third_digit(gigabytes: float) -> None:
    matched = re.fullmatch(r"([\d,.]+) (GB|MB|kB)", size(gigabytes))
    assert matched
    value = float(matched[1].replace(",", "")) / {"GB": 1, "MB": 1e3, "kB": 1e6}[matched[2]]
    assert value == pytest.approx(gigabytes, rel=0.0051)
    assert value >= 1 or matched[2] != "GB"


def test_a_share_of_nothing_is_not_told() -> None:
    assert share(1, 0) == share(float("nan"), 1) == share(1, float("inf")) == ""
    assert share(0.001, 1) == "less than 1\u00a0%"
    assert share(0, 1) == "0\u00a0%"


def test_it_says_what_is_billed_a_day_and_by_what() -> None:
    card = cost_card(ASKED, telling.COST, zone=m.BERLIN)
    assert_good(card)
    said = lines(card)
    assert said[1] == "31.4 GB billed · 4.49 GB a day · most of it AzureDiagnostics kube-audit"
    assert cost_summary(ASKED, telling.COST, zone=m.BERLIN).splitlines() == said[:2]
    assert "4 MB AKSAuditAdmin · less than 1\u00a0%" in said
    assert "24.2 GB AzureDiagnostics kube-audit · 93\u00a0% · 18,204,332 rows" in said
    assert "410 kB alice@contoso.com · less than 1\u00a0% · 120 rows" in said


def test_it_says_why_the_two_ways_of_counting_differ() -> None:
    said = text(cost_card(ASKED, telling.COST, zone=m.BERLIN))
    assert "Usage is what Azure bills. It comes hourly" in said
    assert "AzureDiagnostics may hold rows of other services too" in said
    assert "_BilledSize stands on every row" in said


def test_of_both_categories_it_tells_the_share_and_no_advice() -> None:
    said = text(cost_card(ASKED, telling.COST, zone=m.BERLIN))
    assert "kube-audit-admin is 8\u00a0% as large as kube-audit." in said
    assert "AKSAuditAdmin is" not in said
    admin_only = replace(telling.COST, categories=telling.COST.categories[1:])
    assert "as large as" not in text(cost_card(ASKED, admin_only, zone=m.BERLIN))
    for word in ("switch off", "should", "recommend"):
        assert word not in said


def test_a_window_of_less_than_a_day_has_no_daily_rate() -> None:
    asked = telling.asked("cost last 1h", window=m.WINDOW)
    assert "a day" not in lines(cost_card(asked, telling.COST, zone=m.BERLIN))[1]


def test_where_usage_says_nothing_yet_the_rows_speak() -> None:
    card = cost_card(ASKED, replace(telling.COST, tables=()), zone=m.BERLIN)
    assert lines(card)[1].startswith("26.1 GB by the rows' own size")


def test_nothing_billed_is_said_and_nothing_explained() -> None:
    card = cost_card(ASKED, Cost(), zone=m.BERLIN)
    assert_good(card)
    assert lines(card)[1] == "No audit log was billed in this window."
    assert "_BilledSize" not in text(card)


def test_what_is_left_out_is_summed_up() -> None:
    many = tuple(Billed(what=f"table {n}", gigabytes=1.0) for n in range(20))
    assert "8 GB of 8 more" in lines(cost_card(ASKED, Cost(tables=many), zone=m.BERLIN))


def test_a_cost_is_neither_watched_nor_raised() -> None:
    assert titles(cost_card(ASKED, telling.COST, zone=m.BERLIN)) == ["KQL", "Open in Logs"]
