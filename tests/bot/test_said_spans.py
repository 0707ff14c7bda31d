from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.said_spans import read_span
from tests.bot.grammar.asked import zoned


@pytest.mark.parametrize(
    ("said", "text"),
    [
        *dict.fromkeys(
            ["last 60m", "last 1h", "1 hour", "an hour", "last hour", "past hour", "1h"], "last 1h"
        ).items(),
        *dict.fromkeys(
            ["last an hour", "the last hour", "for the last hour", "since 1 hour ago"], "last 1h"
        ).items(),
        *dict.fromkeys(["90 minutes", "1h30m", "1h 30m", "1 hour 30 min", "last 90mins"], "last 90m").items(),
        *dict.fromkeys(["2d", "last 2 days", "past 48h", "since 2 days", "since 2d ago"], "last 2d").items(),
        *dict.fromkeys(["1d", "a day", "last day", "24 hrs"], "last 24h").items(),
        *dict.fromkeys(["1w", "past week", "last 1 week", "last 7 days"], "last 7d").items(),
        ("half an hour", "last 30m"),
        ("last week", "last week"),
        ("this week", "this week"),
        ("since last week", "since last week"),
        ("yesterday", "yesterday"),
        ("last night", "yesterday night"),
        ("during yesterday afternoon", "yesterday afternoon"),
        ("yesterday in the morning", "yesterday morning"),
        ("this morning", "this morning"),
        ("today morning", "this morning"),
        *dict.fromkeys(["monday", "on monday", "last monday", "on mon"], "monday").items(),
        *dict.fromkeys(
            ["since monday", "since mon", "from monday", "from monday to now"], "since monday"
        ).items(),
        ("since this morning", "since this morning"),
        ("since noon", "since 12:00"),
        ("since 9am", "since 09:00"),
        ("since 12am", "since 00:00"),
        ("since 9 pm", "since 21:00"),
        ("since monday 9am", "since monday 09:00"),
        ("since 2026-03-04t09:00:00z", "since 2026-03-04 09:00 utc"),
        *dict.fromkeys(
            ["between 9 and 10:30", "from 9 to 10:30", "09:00-10:30"], "between 09:00 and 10:30"
        ).items(),
        *dict.fromkeys(
            [
                "between 9 and 10 yesterday",
                "yesterday from 9 to 10",
                "yesterday 9am-10am",
                "yesterday 9am to 10am",
            ],
            "between 09:00 and 10:00 yesterday",
        ).items(),
        ("from 2 to 3pm", "between 14:00 and 15:00"),
        ("from 11 to 1pm", "between 11:00 and 13:00"),
        ("from monday to wednesday", "between monday and wednesday"),
        ("between monday 9am and tuesday 10am", "between monday 09:00 and tuesday 10:00"),
        *dict.fromkeys(
            ["around 14:05", "at 14:05", "14:05", "about 2:05pm", "near 14:05"], "around 14:05"
        ).items(),
        *dict.fromkeys(
            ["at 14:05 yesterday", "yesterday at 14:05", "yesterday 2:05 pm"], "around 14:05 yesterday"
        ).items(),
        ("around 14:05:30 on monday", "around 14:05:30 monday"),
        ("2026-03-04t09:00z", "around 09:00 2026-03-04 utc"),
        ("2026-03-04t09:00:00.123", "around 09:00 2026-03-04"),
        *dict.fromkeys(["march 4", "4 march", "on mar 4th", "4th march"], "march 4").items(),
        *dict.fromkeys(["march 4 2026", "4 march 2026", "2026-03-04", "on 2026-03-04"], "2026-03-04").items(),
        ("today utc", "today utc"),
        ("last 2h utc", "last 2h"),
    ],
)
def test_a_time_is_read_however_it_is_said(said: str, text: str) -> None:
    words = said.split()
    read = read_span(words)
    assert read is not None
    assert (read[0].text, read[1]) == (text, len(words))
    assert read_span(text.split()) == (read[0], len(text.split()))


@pytest.mark.parametrize(
    "said",
    [
        *(
            "last supper",
            "march of progress",
            "on 3",
            "since forever",
            "since 9",
            "may",
            "sun",
            "12",
            "a",
            "m",
            "h",
        ),
        *(
            "now and then",
            "mon-agent-2",
            "prod-neu",
            "coredns",
            "last",
            "since",
            "between",
            "from",
            "around",
            "the",
        ),
        *(
            "last 0h",
            "0m",
            "last 30s",
            "last 1.5h",
            "last -1h",
            "last month",
            "in 2h",
            "2 days ago",
            "tomorrow",
        ),
        *(
            "between 9",
            "between 9 and",
            "between 9 and 9",
            "between 9 and yesterday",
            "from yesterday to 10:00",
        ),
        *(
            "25:00",
            "at 24:00",
            "12:60",
            "13pm",
            "0am",
            "at 9",
            "february 30",
            "2026-02-30",
            "2026-3-4",
            "3/4",
            "1999-01-01",
        ),
        *("last \u0661h", "1h1x", "last 1234567h", "2026-03-04t09:00+01:00", "half", "one", "utc", ""),
    ],
)
def test_what_is_no_time_is_not_taken_for_one(said: str) -> None:
    read = read_span(said.split())
    assert read is None or read[1] < len(said.split())


@settings(max_examples=500, deadline=None)
@given(zoned)
def test_what_a_time_writes_is_read_as_the_same_time(text: str) -> None:
    read = read_span(text.split())
    assert read is not None
    span, after = read
    assert after == len(text.split())
    assert read_span(span.text.split()) == (span, len(span.text.split()))


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "last",
                "past",
                "since",
                "from",
                "between",
                "and",
                "to",
                "on",
                "at",
                "the",
                "1h",
                "9",
                "9am",
                "monday",
                "march",
                "4",
                "now",
                "utc",
            ]
        )
    )
)
def test_any_words_are_read_or_left(words: list[str]) -> None:
    for at in range(len(words) + 1):
        read = read_span(words, at)
        assert read is None or at < read[1] <= len(words)
