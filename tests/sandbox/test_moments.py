from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from audit.filter import Window
from sandbox.engine import Engine
from sandbox.moments import put_back, taken_out
from tests.fakes import FakeClock

NINE, TEN = "2024-05-14T09:00:00.000000Z", "2024-05-14T10:00:00.000000Z"


def naive(time: str) -> datetime:
    return datetime.fromisoformat(time).replace(tzinfo=None)


def asked(start: str, end: str) -> str:
    return f"AKSAudit | where TimeGenerated between (datetime({start}) .. datetime({end}))"


def test_one_query_of_two_windows_is_one_query() -> None:
    assert taken_out(asked(NINE, TEN))[0] == taken_out(asked(TEN, NINE))[0]


def test_times_that_are_equal_stay_equal() -> None:
    assert taken_out(asked(NINE, NINE))[0] != taken_out(asked(NINE, TEN))[0]


@pytest.mark.parametrize(
    "kql",
    [
        "AKSAudit | take 1",
        "AKSAudit | where TimeGenerated > datetime(2024-05-14)",
        f"range At from datetime({NINE}) to datetime({TEN}) step 1h",
        f"print '9898-09-08T07:06:05.000000Z', datetime({NINE})",
        "",
    ],
)
def test_what_cannot_be_taken_out_stays(kql: str) -> None:
    assert taken_out(kql) == (kql, {})


def test_what_is_put_back_is_what_was_there() -> None:
    kql = asked(NINE, TEN)
    plain, times = taken_out(kql)
    assert put_back(plain, times) == kql


def test_a_time_that_the_translator_wrote_otherwise_is_not_put_back() -> None:
    assert put_back("SELECT 1", taken_out(asked(NINE, TEN))[1]) is None


async def test_a_query_asked_again_of_another_time_is_answered_of_that_time() -> None:
    at = datetime(2024, 5, 14, 12, tzinfo=UTC)
    engine = Engine(FakeClock(at=at))
    try:
        window = Window(start=at - timedelta(days=1), end=at)
        for time in (NINE, TEN):
            kql = (
                f"print At = datetime({time}), Text = 'datetime({time})', Day = startofday(datetime({time}))"
            )
            result = await engine.ask(kql, window=window)
            assert result.rows == [(naive(time), f"datetime({time})", naive("2024-05-14T00:00:00Z"))]
    finally:
        engine.close()
