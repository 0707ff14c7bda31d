from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.audit.kusto_parser import KustoParser, kusto_parser


@pytest.fixture(scope="session")
def parser() -> Iterator[KustoParser]:
    """Microsoft's own KQL parser, which takes seconds to start."""
    with kusto_parser() as running:
        yield running
