from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from audit.asked import Asked, Listed
from cards.listed import listed_card, listed_summary
from tests.cards import asking
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, text, titles


def listed(page: Listed = asking.PAGE, asked: Asked | None = None) -> dict[str, Any]:
    card = listed_card(asked or asking.asked(), page, zone=m.BERLIN)
    assert_good(card)
    assert_valid(card)
    return card


def test_a_page_says_where_it_is_and_what_arrived_since() -> None:
    assert lines(listed())[:3] == [
        "audits coredns last 1h · 10:39:24–11:39:24 (Europe/Berlin, UTC+02:00) · prod-weu",
        "21–40 of 1,204 events · newest first",
        "3 arrived since, on no page; ask again to see them.",
    ]
    assert "arrived" not in text(listed(replace(asking.PAGE, arrived_since=0)))


def test_each_event_is_two_lines() -> None:
    said = lines(listed())
    assert said[3:7] == [
        "11:37:10 alice@contoso.com · succeeded",
        f"patch {m.URI}",
        "11:37:03 aksService · refused 409 AlreadyExists",
        f"create {m.URI}",
    ]
    assert len(said) == 3 + 2 * 20


@pytest.mark.parametrize(
    ("page", "is_last", "buttons"),
    [(0, False, ["Next"]), (1, False, ["Previous", "Next"]), (2, True, ["Previous"]), (0, True, [])],
)
def test_pages_are_turned_within_the_dialog(page: int, is_last: bool, buttons: list[str]) -> None:
    card = listed(replace(asking.PAGE, page=page, is_last=is_last))
    assert titles(card) == buttons
    for action in card.get("actions", ()):
        to = page + (1 if action["title"] == "Next" else -1)
        assert action["data"] == {"v": 1, "a": "list", "q": asking.QUESTION, "p": to}


def test_without_a_key_no_page_is_turned() -> None:
    assert titles(listed(asked=asking.asked(key=""))) == []


def test_what_may_be_secret_in_a_uri_stays_behind() -> None:
    event = asking.event(uri="/api/v1/namespaces/shop/pods/web-1/proxy/?token=s3cr3tvalue")
    said = text(listed(Listed(events=(event,), total=1)))
    assert "s3cr3tvalue" not in said


def test_a_page_of_one_and_of_none_say_so() -> None:
    assert lines(listed(Listed(events=(asking.event(),), total=1)))[1] == "1 of 1 event"
    assert lines(listed(Listed(total=40, page=9)))[1] == "No events on this page; 40 events in all."


def test_a_total_is_never_less_than_what_stands_on_the_page() -> None:
    assert lines(listed(replace(asking.PAGE, total=30)))[1] == "21–40 of 40 events · newest first"


def test_an_event_of_which_nothing_is_known_has_its_lines() -> None:
    bare = asking.event(username="", verb="", uri="", code=None, impersonated="root")
    assert lines(listed(Listed(events=(bare,), total=1)))[2:] == [
        "11:37:10 (no user named) acting as root · outcome not logged",
        "(no verb) (no URL)",
    ]


def test_all_events_of_a_page_stand_on_it_whatever_their_length() -> None:
    long = tuple(
        replace(each, username="\U0001f600" * 500, uri="/" + "\U0001f600" * 500) for each in asking.EVENTS
    )
    said = text(listed(replace(asking.PAGE, events=long)))
    assert said.count("…(+490)") == 20
    assert "Shown:" not in said


def test_a_page_that_is_too_long_says_how_much_of_it_stands_there() -> None:
    said = text(listed(replace(asking.PAGE, events=asking.EVENTS * 6)))
    assert "Shown: 20 of 120 of this page." in said


def test_a_workspace_that_is_not_in_the_list_is_named() -> None:
    assert "dev-law is not in this answer." in text(listed(asked=asking.SEVERAL))


def test_the_summary_is_the_first_two_lines() -> None:
    assert listed_summary(asking.asked(), asking.PAGE, zone=m.BERLIN).split("\n") == lines(listed())[:2]
