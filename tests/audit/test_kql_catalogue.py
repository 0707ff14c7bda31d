from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from audit import kql
from audit.kql import TABLES
from audit.kql_catalogue import CATALOGUE, NamedQuery
from bench.queries_doc import PATH, document
from tests.audit.audit_rows import random_rows
from tests.audit.kusto_parser import KustoParser
from tests.audit.log_workspace import LogWorkspace

START = datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC)
END = datetime(2026, 3, 4, 9, 37, 52, tzinfo=UTC)
SHAPES = [TABLES[:1], TABLES[1:2], TABLES[2:], TABLES]


@pytest.fixture(scope="module")
def workspace() -> LogWorkspace:
    filled = LogWorkspace()
    for table, row in random_rows(random.Random(5), START, END, 30):
        filled.add(table, [row])
    return filled


def test_the_document_is_what_the_catalogue_makes() -> None:
    assert PATH.read_text(encoding="utf-8") == document(), "python -m bench.queries_doc"


def test_each_query_is_a_function_by_that_name() -> None:
    assert len({query.name for query in CATALOGUE}) == len(CATALOGUE)
    assert all(callable(getattr(kql, query.name)) for query in CATALOGUE)


@pytest.mark.parametrize("tables", SHAPES, ids="+".join)
@pytest.mark.parametrize("query", CATALOGUE, ids=lambda query: str(query.name))
def test_the_official_parser_accepts_each_query_and_each_runs_on_rows(
    query: NamedQuery, tables: tuple[str, ...], parser: KustoParser, workspace: LogWorkspace
) -> None:
    for kql_text in filter(None, query.build(tables).values()):
        assert parser.judge(kql_text).errors == (), kql_text
        assert isinstance(workspace.run(kql_text), list)
