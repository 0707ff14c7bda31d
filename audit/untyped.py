"""Reading values out of JSON that nobody vouches for: a wrong type is an absent value, nothing raises."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeGuard

import orjson

#: Longest string that is kept of a field, in characters, unless the caller says otherwise.
MAX_TEXT = 4096
#: No time is longer; what is longer is not looked at.
MAX_TIME = 64

# Log Alerts V1 sends some times as a .NET server in the United States prints them; they are UTC.
_US_TIMES = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S")


_ARRAYS = (list, tuple)


def _is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    # Asking for the abstract class costs ten times as much, and an answer has a hundred thousand of them.
    return value.__class__ is dict or isinstance(value, Mapping)


def text(value: object, limit: int = MAX_TEXT) -> str:
    """Return a string, at most `limit` characters of it; "" for what is none."""
    # Nearly every value takes the first way; an answer has a hundred thousand of them.
    if value.__class__ is str and len(value) <= limit and "\0" not in value:
        return value
    return shorten(value, limit) if isinstance(value, str) else ""


def are_plain(values: Iterable[object], limit: int = MAX_TEXT) -> bool:
    """Tell whether `text` would leave each of these as it is; False where only asking one by one can tell."""
    # One look at all together: is each a string, none too long, none with a NUL.
    try:
        joined = "".join(values)  # type: ignore[arg-type]  # whether they are strings is what is asked
    except TypeError:
        return False
    return len(joined) <= limit and "\0" not in joined


def shorten(value: str, limit: int = MAX_TEXT) -> str:
    """Return `value`, or its beginning and "…" where it is longer than `limit`."""
    # PostgreSQL keeps no NUL in text: one in an alert would make storing it fail for ever.
    value = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return value if len(value) <= limit else value[: limit - 1] + "…"


def written(value: object, limit: int = MAX_TEXT) -> str:
    """Return any JSON value as text: strings as they are, null as "", numbers plainly, the rest as JSON."""
    match value:
        case str():
            return text(value, limit)
        case None:
            return ""
        case float() if value.is_integer():
            return str(int(value))
    try:
        return shorten(orjson.dumps(value).decode(), limit)
    except TypeError:  # nested deeper than orjson writes
        return ""


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object, or an empty one."""
    return value if _is_mapping(value) else {}


def items(value: object) -> Sequence[Any]:
    """Return a JSON array, or an empty one."""
    return value if isinstance(value, _ARRAYS) else ()


def texts(value: object, limit: int = MAX_TEXT) -> tuple[str, ...]:
    """Return the strings of a JSON array that say something."""
    found = items(value)
    kept = found if are_plain(found, limit) else [text(item, limit) for item in found]
    return tuple(filter(str.strip, kept))


def at(value: object, *path: str) -> object:
    """Return what lies at the end of a path of keys; a number in the path counts an array's elements."""
    for key in path:
        if _is_mapping(value):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def number(value: object) -> float | None:
    """Return a finite number, also where it is written as text; None for what is none, such as true."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def count(value: object) -> int | None:
    """Return a whole number of things, at least 0; None for what is none, such as true, 12.5 or "12"."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def moment(value: object) -> datetime | None:
    """Return a time as aware UTC: RFC 3339 with any number of fractional digits, or as the US writes it.

    A time without a zone is UTC. Digits past the microsecond are dropped.
    """
    if not isinstance(value, str) or len(value) > MAX_TIME:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        value = value.strip()
        return _iso(value) or _us(value)
    return found if found.tzinfo is UTC else _in_utc(found)


def _iso(value: str) -> datetime | None:
    try:
        return _in_utc(datetime.fromisoformat(value))
    except ValueError:
        return None


def _in_utc(value: datetime) -> datetime | None:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:  # at the ends of the calendar
        return None


def _us(value: str) -> datetime | None:
    for form in _US_TIMES:
        try:
            return datetime.strptime(value, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
