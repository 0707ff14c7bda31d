from __future__ import annotations

import logging
import sqlite3
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from api.damage import Damage, tells_damage
from bot.errors import Reason, Unavailable
from bot.store import open_store


def chained(*errors: BaseException) -> BaseException:
    """Return the first of them, each caused by the next."""
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    return errors[0]


def of_sqlite(code: int) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("x")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "damaged"),
    [
        (of_sqlite(sqlite3.SQLITE_CORRUPT), True),
        (of_sqlite(sqlite3.SQLITE_NOTADB), True),
        (of_sqlite(sqlite3.SQLITE_CORRUPT_INDEX), True),
        (of_sqlite(sqlite3.SQLITE_FULL), False),
        (of_sqlite(sqlite3.SQLITE_BUSY), False),
        (of_sqlite(sqlite3.SQLITE_READONLY), False),
        (asyncpg.DataCorruptedError("x"), True),
        (asyncpg.IndexCorruptedError("x"), True),
        (asyncpg.DeadlockDetectedError("x"), False),
        (OSError("x"), False),
    ],
)
def test_damage_is_known_by_the_drivers_own_code(error: Exception, damaged: bool) -> None:
    wrapped = DBAPIError("SELECT 1", None, error)
    assert tells_damage(chained(Unavailable(Reason.STORE, "x"), wrapped)) == damaged
    assert tells_damage(chained(Unavailable(Reason.STORE, "x"), error)) == damaged


def test_a_chain_of_causes_that_never_ends_is_not_followed_for_ever() -> None:
    one, other = RuntimeError("1"), RuntimeError("2")
    one.__cause__, other.__cause__ = other, one
    assert not tells_damage(one)
    assert not tells_damage(None)


def test_damage_is_remembered_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    damage = Damage()
    full = Unavailable(Reason.STORE, "disk full")
    broken = chained(Unavailable(Reason.STORE, "x"), of_sqlite(sqlite3.SQLITE_CORRUPT))
    seen = []
    for failure in (full, broken, broken, full):
        damage.saw(failure)
        seen.append(damage.seen)
    assert seen == [False, True, True, True]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_what_the_store_raises_over_a_file_that_is_no_database_tells_damage(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(Unavailable) as failure:
        async with open_store(f"sqlite:///{tmp_path}/x.db"):
            pytest.fail("opened")
    assert tells_damage(failure.value)
