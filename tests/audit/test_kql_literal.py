from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from audit.kql import InvalidTerm, datetime_literal, literal
from tests.audit.hostile_terms import FIELDS, PLAIN, hostile_terms
from tests.audit.kusto_parser import KustoParser
from tests.audit.log_workspace import LogWorkspace


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("coredns", '"coredns"'),
        ('"verb":"create"', '"\\"verb\\":\\"create\\""'),
        ("a\\b", '"a\\\\b"'),
        ("a\nb\rc\td", '"a\\nb\\rc\\td"'),
        ('\\"', '"\\\\\\""'),
        ("Zoë 💥", '"Zoë 💥"'),
        ("it's", '"it\'s"'),
        ("x" * 1024, f'"{"x" * 1024}"'),
    ],
)
def test_a_term_becomes_one_literal(text: str, written: str) -> None:
    assert literal(text) == written


@pytest.mark.parametrize(
    "text",
    ["", "x" * 1025, "a\0b", "a\x1bb", "\x7f", "a\x85b", "a\u2028b", "\u2029", "\ud800", "a\udfff", "\x0b"],
)
def test_a_term_that_readers_could_disagree_on_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(InvalidTerm) as refused:
        literal(text)
    assert refused.value.reason.isprintable()


def test_a_time_is_written_in_utc_to_the_microsecond() -> None:
    berlin = timezone(timedelta(hours=1))
    assert (
        datetime_literal(datetime(2026, 3, 4, 10, 0, 0, 7, tzinfo=berlin))
        == "datetime(2026-03-04T09:00:00.000007Z)"
    )


def test_a_time_without_a_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="zone"):
        datetime_literal(datetime(2026, 3, 4))  # noqa: DTZ001


@pytest.mark.parametrize("place", FIELDS)
def test_no_hostile_term_changes_how_the_official_parser_reads_a_query(
    place: str, parser: KustoParser
) -> None:
    build = FIELDS[place]
    assert place == "a literal" or parser.judge(build(PLAIN)).errors == ()
    expected = parser.lex(build(PLAIN))
    for term in hostile_terms(500):
        assert parser.lex(build(term)) == expected, term


def test_a_hostile_term_is_found_in_the_log_by_its_own_value() -> None:
    workspace = LogWorkspace()
    for at, term in enumerate(hostile_terms(60)):
        # Case aside and by whole words is has' business; that the value arrived is ours.
        [row] = workspace.run(f"print value = {literal(term)}")
        assert row["value"] == term, at
