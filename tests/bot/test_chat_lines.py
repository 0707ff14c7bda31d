from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from audit.filter import Wanted, Window
from bot.asked import AskEvents, AskWho, ShowClusters
from bot.chat_lines import AboutEvents, Timed, about, by_user, narrower, on, reachable, reads_more, wider
from bot.grammar import from_text
from bot.when import LONGEST_SPAN
from tests.fakes import NOW

BERLIN = ZoneInfo("Europe/Berlin")


def timed(line: str) -> Timed:
    command = from_text(line)
    assert isinstance(command, Timed), command
    return command


def window_of(command: Timed) -> Window:
    return command.when.window(NOW, BERLIN)


def wider_than(line: str, longest: timedelta = LONGEST_SPAN) -> str:
    command = timed(line)
    return wider(command, window_of(command), NOW, longest)


def narrower_than(line: str) -> str:
    command = timed(line)
    return narrower(command, window_of(command), NOW, BERLIN)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("audits coredns last 1h", "audits coredns last 24h"),
        ("audits coredns last 90m", "audits coredns last 24h"),
        ("who deleted deploy/frontend last 6h", "who deleted deployments/frontend last 24h"),
        ("exec yesterday", "exec last 7d"),
        ("activity last 24h", "activity last 7d"),
        ("cost last 7d", ""),
    ],
)
def test_a_wider_question_has_the_window_in_it(line: str, wanted: str) -> None:
    command = from_text(line)
    if not isinstance(command, Timed):
        pytest.skip("the grammar does not take this line")
    assert wider_than(line) == wanted


def test_nothing_is_offered_that_may_not_be_asked() -> None:
    assert wider_than("audits coredns last 6h", timedelta(hours=12)) == "audits coredns last 12h"
    assert wider_than("audits coredns last 1h", timedelta(hours=6)) == "audits coredns last 6h"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("audits coredns last 7d", "audits coredns last 3d"),
        ("audits coredns last 1h", "audits coredns last 30m"),
        ("audits coredns last 10m", "audits coredns last 5m"),
        ("audits coredns last 5m", ""),
    ],
)
def test_a_narrower_question_asks_for_half_the_time_at_most(line: str, wanted: str) -> None:
    assert narrower_than(line) == wanted


def test_of_a_time_that_is_over_its_later_half_is_asked_for() -> None:
    command = timed("audits coredns yesterday")
    line = narrower_than("audits coredns yesterday")
    half = timed(line)
    assert isinstance(half, AskEvents)
    assert half.what == Wanted(term="coredns")
    whole = window_of(command)
    assert window_of(half) == Window(start=whole.end - whole.length / 2, end=whole.end)


def test_a_time_of_a_few_minutes_that_is_over_is_not_halved() -> None:
    command = timed("audits coredns last 1h")
    short = Window(start=NOW - timedelta(days=1, minutes=6), end=NOW - timedelta(days=1))
    assert narrower(command, short, NOW, BERLIN) == ""


def test_what_reaches_too_far_is_asked_of_the_longest_time() -> None:
    assert reachable(timed("audits coredns last 30d"), timedelta(days=7)) == "audits coredns last 7d"
    assert reachable(timed("audits coredns last 30d"), timedelta(hours=12)) == "audits coredns last 12h"


def test_a_cluster_is_named_in_full() -> None:
    command = from_text("audits coredns on weu last 1h")
    assert isinstance(command, AboutEvents)
    line = on(command, "rg-one/aks-weu")
    assert about(from_text(line)) == Wanted(term="coredns", cluster="rg-one/aks-weu")


def test_a_users_own_line_is_offered_only_where_it_says_so_exactly() -> None:
    command = from_text("who deleted deploy/frontend on weu last 6h")
    assert isinstance(command, AskWho)
    for user in ("alice@contoso.com", 'odd " user', "system:serviceaccount:kube-system:x", "a b"):
        line = by_user(command, user)
        if line:
            assert about(from_text(line)) == Wanted(user=user, cluster="weu")
    assert by_user(command, "alice@contoso.com").startswith("what did alice@contoso.com do")
    assert by_user(command, "") == ""
    assert by_user(command, "x\x00y") == ""


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("raw 4d2f2b9e-7a5e-4b0e-9d0a-3d1f6a1c2b11", True),
        ("secrets last 1h", True),
        ("who touched secrets today", True),
        ("audits coredns", False),
        ("exec last 24h", False),
        ("clusters", False),
        ("nonsense of a line", False),
    ],
)
def test_what_says_more_than_a_card_is_told(line: str, more: bool) -> None:
    assert reads_more(from_text(line)) is more


def test_what_does_not_say_which_events_means_all() -> None:
    assert about(ShowClusters()) == Wanted()
