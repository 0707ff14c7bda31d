from __future__ import annotations

import time
import unicodedata
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.filter import Window
from cards.text import Times, age, counted, joined, length, line, named, number, offset, plain, times
from tests.cards.hostile import CORPUS
from tests.cards.material import BERLIN, FIRED, UTC_ZONE

ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.sampled_from(CORPUS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("coredns-custom", "coredns-custom"),
        ("a\nb\r\nc\td", "a b  c d"),
        ("\u202egnp.exe", "\\u{202e}gnp.exe"),
        ("\u2066x\u2069", "\\u{2066}x\\u{2069}"),
        ("a\u200bb", "a\\u{200b}b"),
        ("\x00\x1b\x9b", "\\u{0}\\u{1b}\\u{9b}"),
        ("\ud800", "\\u{d800}"),
        ("tag\U000e0041", "tag\\u{e0041}"),
        ("\u2028", " "),
        ("{{DATE(x)}}", "{ {DATE(x)}}"),
        ("{{{{", "{ { { {"),
        ("e\u0301", "é"),
        ("z\u0300\u0301\u0302\u0303", "z\u0300\u0301\u0302\\u{303}"),
        ("\u0338 = ", "\\u{338} = "),
        ("Ünïcödé 名前 😀 ❤️", "Ünïcödé 名前 😀 ❤️"),
        ("<b>&lt;**x**", "<b>&lt;**x**"),
        ("", ""),
    ],
)
def test_unseen_characters_become_visible_and_the_rest_stays(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_what_is_cut_says_how_much() -> None:
    assert plain("x" * 123, 100) == "x" * 100 + "…(+23)"
    assert plain("x" * 100, 100) == "x" * 100
    assert plain("x" * 1_000_000, 10) == "x" * 10 + "…(+999990)"


def test_an_escape_counts_as_long_as_it_is() -> None:
    assert plain("\u200b" * 10, 20) == "\\u{200b}\\u{200b}…(+8)"


def test_a_letter_is_never_cut_from_its_marks() -> None:
    assert plain("abx\u0302\u0303", 3) == "ab…(+3)"


def test_a_megabyte_of_marks_takes_no_time() -> None:
    began = time.perf_counter()  # the function under test has no clock to ask
    plain("\u0301\u0316" * 500_000, 120)
    assert time.perf_counter() - began < 0.5


@given(ANY_TEXT, st.integers(1, 300))
def test_any_text_is_one_line_without_anything_unseen(text: str, limit: int) -> None:
    shown = plain(text, limit)
    shown.encode()
    assert "{{" not in shown
    assert unicodedata.normalize("NFC", shown) == shown
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for char in shown)
    assert len(shown) <= 2 * limit + 14


@given(ANY_TEXT, st.integers(1, 300))
def test_making_plain_twice_changes_nothing(text: str, limit: int) -> None:
    assert plain(plain(text, limit)) == plain(text, limit)


def test_an_empty_or_blank_name_gets_our_word() -> None:
    assert named("", "(no user)", 10) == named(" \n", "(no user)", 10) == "(no user)"


def test_a_line_makes_bare_strings_harmless() -> None:
    block = line("a\u202eb", spacing="small").to_dict()
    assert block["inlines"] == [{"type": "TextRun", "text": "a\\u{202e}b"}]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2.0, "2"),
        (0, "0"),
        (1204, "1,204"),
        (2.5, "2.5"),
        (1e300, "1e+300"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (-3.0, "-3"),
    ],
)
def test_numbers_are_exact(value: float, shown: str) -> None:
    assert number(value) == shown


def test_counts_agree_with_their_noun() -> None:
    assert [counted(n, "event") for n in (0, 1, 2, 1204)] == [
        "0 events",
        "1 event",
        "2 events",
        "1,204 events",
    ]
    assert counted(2, "person", "people") == "2 people"
    assert [times(n) for n in (1, 2, 3, 1000)] == ["", "twice", "3 times", "1,000 times"]
    assert joined(("a", "", "b")) == "a · b"


def test_times_are_to_the_second_in_the_zone() -> None:
    clock = Times(zone=BERLIN, day=FIRED)
    assert clock.at(FIRED) == "11:38:24"
    assert clock.dated(FIRED) == "2022-05-19 11:38:24"
    assert clock.stated() == "UTC+02:00"
    assert clock.stated_by_name() == "Europe/Berlin, UTC+02:00"
    assert Times(zone=UTC_ZONE, day=FIRED).stated_by_name() == "UTC"


def test_another_day_and_another_offset_are_said() -> None:
    clock = Times(zone=BERLIN, day=datetime(2022, 10, 30, 0, 30, tzinfo=UTC))
    assert clock.at(datetime(2022, 10, 30, 0, 30, tzinfo=UTC)) == "02:30:00"
    assert clock.at(datetime(2022, 10, 30, 1, 30, tzinfo=UTC)) == "02:30:00 UTC+01:00"
    assert clock.at(datetime(2022, 10, 29, 1, 30, tzinfo=UTC)) == "2022-10-29 03:30:00"


@pytest.mark.parametrize("year", [1, 9999])
def test_times_at_the_edges_of_the_calendar_do_not_raise(year: int) -> None:
    edge = datetime(
        year, 1 if year == 1 else 12, 1 if year == 1 else 31, 23 if year == 9999 else 0, tzinfo=UTC
    )
    for zone in (ZoneInfo("Pacific/Auckland"), ZoneInfo("America/Los_Angeles")):
        clock = Times(zone=zone, day=edge)
        assert clock.at(edge)
        assert Times(zone=zone, day=FIRED).at(edge)
        assert clock.stated()


def test_offsets_and_spans_read_as_people_write_them() -> None:
    assert offset(FIRED.astimezone(ZoneInfo("Asia/Kolkata"))) == "UTC+05:30"
    assert offset(FIRED.astimezone(ZoneInfo("America/New_York"))) == "UTC-04:00"
    window = Window(start=FIRED - timedelta(minutes=5), end=FIRED)
    assert Times(zone=UTC_ZONE, day=FIRED).span(window) == "09:33:24–09:38:24"
    assert [length(timedelta(minutes=m)) for m in (30, 60, 90, 1440, 10080)] == [
        "30m",
        "1h",
        "90m",
        "1d",
        "7d",
    ]


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (-5, "less than a minute"),
        (0.5, "less than a minute"),
        (4, "4 min"),
        (185, "3 h 5 min"),
        (1440, "1 d"),
        (1625, "1 d 3 h"),
    ],
)
def test_an_age_is_told_in_its_two_largest_units(minutes: float, said: str) -> None:
    assert age(timedelta(minutes=minutes)) == said
