"""Times in a query, taken out and put back: so that one asked of another window need not be read and translated anew."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

#: As the bot writes every time of its own: audit.kql_text.datetime_literal.
_WRITTEN: Final = re.compile(r"(?<=datetime\()\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z(?=\))")
#: Such a time, of a year in which nothing is logged.
_STANDS: Final = "9898-09-08T07:06:05."
_MOST: Final = 999_999


def taken_out(kql: str) -> tuple[str, Mapping[str, str]]:
    """Return the query with other times in it, and which of its own each of them stands for.

    Equal times stay equal. The query itself comes back where that would be no help: no time is in it, or a `range`,
    whose bounds must be known.
    """
    if "range" in kql or _STANDS in kql:
        return kql, {}
    times = dict.fromkeys(_WRITTEN.findall(kql))
    if not times or len(times) > _MOST:
        return kql, {}
    stands = {time: f"{_STANDS}{n:06}Z" for n, time in enumerate(times)}
    return _WRITTEN.sub(lambda found: stands[found[0]], kql), {new: old for old, new in stands.items()}


def put_back(sql: str, times: Mapping[str, str]) -> str | None:
    """Return the SQL with the query's own times; None where one of them is not there as it was written."""
    for stands, time in times.items():
        if stands not in sql:
            return None
        sql = sql.replace(stands, time)
    return None if times and _STANDS in sql else sql
