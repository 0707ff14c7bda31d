"""Group commit on the store: many changes in one transaction, and none of them held up by another's fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy.exc import DataError, IntegrityError

from bot.errors import Unavailable

Item = TypeVar("Item")
Done = TypeVar("Done")


async def all_or_each(
    write: Callable[[Sequence[Item]], Awaitable[Sequence[Done]]], group: Sequence[Item]
) -> Sequence[Done | Exception]:
    """Commit the group; return each one's result, or what it raised.

    Where it fails as one, each is tried alone, unless the database as a whole is at fault.
    """
    try:
        return await write(group)
    except Exception as failure:  # noqa: BLE001 - whoever waits gets it
        if len(group) == 1 or not _is_about_a_row(failure):
            return [failure] * len(group)
    outcomes: list[Done | Exception] = []
    for item in group:
        outcomes += await all_or_each(write, [item])
    return outcomes


def _is_about_a_row(failure: Exception) -> bool:
    return not isinstance(failure, Unavailable) or isinstance(failure.__cause__, (DataError, IntegrityError))
