"""20,000 hostile texts in every place of our queries, read by Microsoft's own parser: how many change a query."""

from __future__ import annotations

import asyncio
from collections import Counter

from audit.kql import InvalidTerm
from bench.result import Result
from tests.audit.hostile_terms import FIELDS, PLAIN, hostile_terms
from tests.audit.kusto_parser import KustoParser, kusto_parser

TERMS = 20_000
#: So many of them are not only split into tokens but judged as well, which takes far longer.
_JUDGED = 50


async def measure(scale: float) -> Result:
    """Compare the tokens of each query with those of the same query about a plain word."""
    return await asyncio.to_thread(_measure, max(1, round(TERMS * scale)))


def _measure(count: int) -> Result:
    changed: Counter[str] = Counter()
    read = refused = 0
    with kusto_parser() as parser:
        for place, build in FIELDS.items():
            expected = parser.lex(build(PLAIN))
            for n, term in enumerate(hostile_terms(count)):
                try:
                    kql = build(term)
                except InvalidTerm:
                    refused += 1
                    continue
                read += 1
                changed[place] += parser.lex(kql) != expected
                if n % max(1, count // _JUDGED) == 0 and place != "a literal":
                    changed[place] += bool(_errors(parser, kql))
    bad = changed.total()
    return Result(
        row="hostile",
        figure=f"{bad} of {read:,} queries changed",
        bar="0",
        held=bad == 0,
        notes=(
            f"{count:,} texts in {len(FIELDS)} places; refused before a query was made: {refused:,}",
            *(f"{place}: {number}" for place, number in changed.items() if number),
        ),
    )


def _errors(parser: KustoParser, kql: str) -> tuple[str, ...]:
    return parser.judge(kql).errors
