"""python -m bench.queries_doc: write docs/queries.md anew from the catalogue of queries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audit.kql import TABLES
from audit.kql_catalogue import CATALOGUE, NamedQuery

PATH = Path(__file__).parents[1] / "docs/queries.md"
_SHOWN = {"AzureDiagnostics": TABLES[:1], "AKSAudit and AKSAuditAdmin": TABLES[1:]}
_ALIKE = ("totals", "groups")
_INTRODUCTION = """\
# Queries

Made from `audit/kql_catalogue.py` by `python -m bench.queries_doc`. What the card and the chat ask a workspace, each
for both shapes of table: `AzureDiagnostics` has the event as JSON in `log_s`, the other two have columns. All can be
pasted into the portal. Names and times are examples.

Text from outside stands in string literals only, with five escapes. An alert's own query runs after
`audit/kql_guard.py` let it through; `ago()` and `now()` in it mean the end of the window, which stands right behind
the table. An event counts once, whichever tables and categories it is in: by audit id, stage, verb, URI, user and the
time of receipt. Rows that Azure cut are read up to the cut. Where totals and groups are made of other rows in the same
way as under the first heading, they are not repeated.
"""


def document() -> str:
    """Return docs/queries.md as it should be."""
    sections = (line for query in CATALOGUE for line in _section(query, is_first=query is CATALOGUE[0]))
    return "\n".join([_INTRODUCTION, *sections]).rstrip() + "\n"


def _section(query: NamedQuery, *, is_first: bool) -> Iterator[str]:
    yield f"## {query.title}\n"
    yield f"`{query.name}`. {query.answers}\n"
    yield from (f"- `{name}`: {meaning}" for name, meaning in query.parameters)
    yield ""
    seen: set[str] = set()
    for shown, tables in _SHOWN.items():
        for name, kql in query.build(tables).items():
            is_known = kql in seen or (name in _ALIKE and not is_first)
            if kql and not is_known:
                seen.add(kql)
                yield f"<details><summary>{name}, {shown}</summary>\n"
                yield f"```kusto\n{kql}\n```\n"
                yield "</details>\n"


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")
