from __future__ import annotations

import pytest

from audit.kql_guard import RefusedQuery, guard
from audit.kql_pipeline import Pipeline, Source


def source_of(query: str) -> Source:
    return Pipeline(guard(query)).source


def doubling(length: int, leg: str = "{0},{0}") -> str:
    """Return a query about as long as that, in which each definition is a union of the one before, twice."""
    lets, at = ["let t0 = AKSAudit;"], 0
    while sum(map(len, lets)) < length - 40:
        lets.append(f"let t{at + 1} = union {leg.format(f't{at}')};")
        at += 1
    return f"{''.join(lets)}t{at}"


@pytest.mark.parametrize("leg", ["{0},{0}", "({0}|where 1==1),(({0}))", "{0},{0},{0},AKSAudit"])
def test_each_definition_is_followed_once_however_often_it_is_used(leg: str) -> None:
    query = doubling(2_000, leg)
    assert 1_900 < len(query) < 2_100
    found = source_of(query)
    assert found.tables == {"AKSAudit"}
    assert found.places


def test_definitions_are_followed_through_a_long_chain() -> None:
    chain = "".join(f"let t{n + 1} = t{n};" for n in range(200))
    found = source_of(f"let t0 = AKSAudit;{chain}t200")
    assert found.tables == {"AKSAudit"}
    assert found.places == (len("let t0 = AKSAudit"),)


@pytest.mark.parametrize(
    "query",
    [
        "union " + ",".join(["AKSAudit"] * 1_000),
        "union " + ",".join(["(AKSAudit)"] * 1_000),
        doubling(19_900),
    ],
)
def test_a_query_of_more_parts_than_anyone_writes_is_refused(query: str) -> None:
    with pytest.raises(RefusedQuery, match="more than"):
        Pipeline(guard(query))


@pytest.mark.parametrize(
    "query",
    [
        "let a = a; a",
        "let a = b; let b = a; b",
        "let AKSAudit = AKSAudit | extend User = 'x'; AKSAudit",
        "let a = union a, AKSAudit; a",
    ],
)
def test_a_name_that_is_defined_only_later_is_nobodys_table(query: str) -> None:
    assert source_of(query) == Source()


@pytest.mark.parametrize(
    ("query", "is_at_tables"),
    [
        ("AKSAudit | extend User = 1", True),
        ("let T = AKSAudit | extend User = 1; T", True),
        ("union (AKSAudit | extend User = 1), AKSAuditAdmin", True),
        ("let T = AKSAudit | extend User = 1; T | where toscalar(T | count) > 0", False),
        ("union withsource=S (AKSAudit | extend User = 1), AKSAuditAdmin", False),
        ("union withsource=User AKSAudit, AKSAuditAdmin", False),
    ],
)
def test_what_stands_right_behind_a_tables_name_is_told_from_what_stands_behind_more(
    query: str, is_at_tables: bool
) -> None:
    found = source_of(query)
    assert "User" in found.assigned
    assert found.is_at_tables is is_at_tables


def test_the_window_of_a_definition_that_reshapes_stands_in_it_however_often_it_is_used() -> None:
    definition = "let T = AKSAudit | summarize n = count() by Verb"
    found = source_of(f"{definition}; T | where n > toscalar(T | summarize avg(n))")
    assert found.reshaped_by == "summarize"
    assert found.places == (len("let T = AKSAudit"),)
