from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit.earlier import LONGEST_HEADLINE, MOST_EARLIER, carried, headline
from audit.evidence import Action, Earlier, Evidence, Finding, Missing, Severity
from audit.filter import Window
from tests.contracts.test_facts import group
from tests.fakes import NOW

HIGH = Finding(rule="r", title="Shell opened in a pod", severity=Severity.HIGH)
LOW = Finding(rule="l", title="Something small", severity=Severity.LOW)
ACTION = Action(done="opened a shell in pod x", base="open a shell in pod x")


def window(n: int, minutes: int = 5) -> Window:
    end = NOW + timedelta(minutes=10 * n)
    return Window(start=end - timedelta(minutes=minutes), end=end)


def told(n: int | None, **changes: object) -> Evidence:
    known = Evidence(
        asked_at=NOW, window=None if n is None else window(n), returned=6, by_people=2, groups=(group(),)
    )
    return replace(known, **changes)  # type: ignore[arg-type]  # a table of fields for brevity


def test_what_was_known_of_an_earlier_window_is_kept() -> None:
    assert carried(told(0), told(1), 4.0) == (
        Earlier(
            window=window(0),
            counted=4.0,
            returned=6,
            by_people=2,
            headline="alice@contoso.com patch configmaps",
        ),
    )


def test_the_same_window_again_adds_nothing() -> None:
    once = carried(told(0), told(1), None)
    again = told(1, earlier=once)
    assert carried(again, told(1), 9.0) == once
    assert carried(again, told(1, window=window(1, minutes=2)), 9.0) == once


def test_a_window_that_comes_back_is_no_earlier_one() -> None:
    first = carried(told(0), told(1), None)
    assert [each.window for each in carried(told(1, earlier=first), told(0), None)] == [window(1)]


def test_what_is_missing_is_kept_with_nothing_counted() -> None:
    (each,) = carried(told(0, missing=Missing.TIMED_OUT), told(1), 4.0)
    assert (each.counted, each.returned, each.by_people, each.headline) == (4.0, 0, 0, "")


def test_evidence_without_a_window_replaces_and_is_replaced() -> None:
    assert carried(told(None), told(1), 1.0) == ()
    assert [each.window for each in carried(told(0), told(None), None)] == [window(0)]


@given(st.lists(st.integers(0, 30), max_size=40))
def test_the_newest_are_kept_each_once_and_oldest_first(ends: list[int]) -> None:
    known = told(0)
    for end in ends:
        found = told(end)
        known = replace(found, earlier=carried(known, found, None))
    shown = [each.window.end for each in known.earlier]
    assert shown == sorted(set(shown))
    assert len(shown) <= MOST_EARLIER
    assert known.window is not None
    assert known.window.end not in shown
    others = sorted({window(end).end for end in (0, *ends)} - {known.window.end})
    if len(others) <= MOST_EARLIER:
        assert shown == others


def test_the_headline_is_the_riskiest_thing() -> None:
    shell = group(user="mallory", findings=(LOW, HIGH), action=ACTION)
    assert (
        headline(told(0, groups=(group(findings=(LOW,)), shell)))
        == "Shell opened in a pod: mallory opened a shell in pod x"
    )
    assert headline(told(0, groups=(replace(shell, code=403),))).endswith(
        "mallory tried to open a shell in pod x"
    )
    assert headline(told(0, groups=(replace(shell, code=None),))).endswith(
        "mallory asked to open a shell in pod x"
    )
    sweep = Finding(rule="s", title="Secrets were read one after the other", severity=Severity.CRITICAL)
    assert headline(told(0, groups=(shell,), findings=(sweep,))) == sweep.title
    assert headline(told(0, groups=())) == ""


@given(st.text(max_size=3000))
def test_a_headline_is_short_whatever_is_in_it(hostile: str) -> None:
    one = group(user=hostile, action=Action(done=hostile, base=hostile))
    assert len(headline(told(0, groups=(one,)))) <= LONGEST_HEADLINE
