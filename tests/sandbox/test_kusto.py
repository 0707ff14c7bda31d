"""Functions that the stand-in adds to its translator, with what Kusto's documents say of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.engine import Engine
from tests.fakes import FakeClock
from tests.sandbox.engine_stage import event, rows, values


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(FakeClock())
    made.ingest(rows(event("a", verb="get"), event("b", verb="list"), event("c", verb="get")))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('strcmp("a", "b")', -1),
        ('strcmp("b", "a")', 1),
        ('strcmp("a", "a")', 0),
        ('string_size("häß")', 5),
        ('strlen("häß")', 3),
        ('ipv4_is_private("10.1.2.3")', True),
        ('ipv4_is_private("172.31.0.1")', True),
        ('ipv4_is_private("172.32.0.1")', False),
        ('ipv4_is_private("192.168.1.1/24")', True),
        ('ipv4_is_private("8.8.8.8")', False),
        ('ipv4_is_private("::1")', None),
        ('tostring(bag_keys(dynamic({"a": 1, "b": 2})))', '["a","b"]'),
        ('bag_has_key(dynamic({"a": 1}), "a")', True),
        ('bag_has_key(dynamic({"a": 1}), "b")', False),
        ('bag_has_key(dynamic([1]), "a")', False),
        ('url_decode("a%2Fb")', "a/b"),
    ],
)
async def test_a_scalar_function_is_as_kusto_has_it(engine: Engine, expression: str, value: object) -> None:
    assert await values(engine, f"print x = {expression}") == [value]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("count_distinct(Verb)", 2),
        ('count_distinctif(Verb, Verb == "get")', 1),
        ("array_length(make_set(Verb))", 2),
        ("array_length(make_set(Verb, 1))", 1),
        ("array_length(make_list(Verb, 2))", 2),
        ("array_length(make_list(Verb, 200))", 3),
        ('array_length(make_list_if(Verb, Verb == "get"))', 2),
        ('array_length(make_list_if(Verb, Verb == "get", 1))', 1),
        ('array_length(make_set_if(Verb, Verb == "get"))', 1),
        ('take_anyif(Verb, Verb == "list")', "list"),
        ('minif(Verb, Verb != "get")', "list"),
        ('maxif(Verb, Verb == "nothing")', None),
    ],
)
async def test_an_aggregate_is_as_kusto_has_it(engine: Engine, expression: str, value: object) -> None:
    function, _, _ = expression.rpartition(")")
    aggregate = function.removeprefix("array_length(") if "array_length" in function else expression
    outer = "array_length(x)" if "array_length" in function else "x"
    query = f"AzureDiagnostics | extend Verb = tostring(parse_json(log_s).verb) | summarize x = {aggregate}"
    assert await values(engine, f"{query} | project {outer}") == [value]
