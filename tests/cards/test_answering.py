from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit.asked import Asked, Unanswered
from audit.evidence import SETTLED_AFTER, Missing
from audit.filter import Window
from cards import answering
from cards.actions import list_events
from cards.elements import AdaptiveCard
from cards.size import LADDER, Detail
from tests.cards import asking
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, parts, text, titles, visible


def drawn(asked: Asked, detail: Detail = LADDER[0], **buttons: Any) -> dict[str, Any]:
    """Return a card with all that stands around an answer, and nothing in its middle."""
    times = answering.times_of(asked, m.BERLIN)
    body = [
        answering.head(asked, "6 events", times, detail),
        *answering.doubts(asked, detail),
        *answering.foot(asked, times, detail),
    ]
    card = AdaptiveCard.of(body, answering.buttons(asked, **buttons)).to_dict()
    assert_good(card)
    assert_valid(card)
    return card


def kept(asked: Asked, **changes: Any) -> dict[str, Any]:
    return drawn(replace(asked, **changes))


def test_the_first_line_is_the_question_with_its_exact_window_and_cluster() -> None:
    said = lines(drawn(asking.asked()))
    assert said[0] == ("audits coredns last 1h · 10:39:24–11:39:24 (Europe/Berlin, UTC+02:00) · prod-weu")
    assert said[1] == "6 events"


@pytest.mark.parametrize(
    ("back", "length", "span"),
    [
        (timedelta(0), timedelta(hours=1), "10:39:24–11:39:24"),
        (timedelta(days=1), timedelta(hours=1), "2022-05-18 10:39:24–11:39:24"),
        (timedelta(0), timedelta(days=1), "2022-05-18 11:39:24–2022-05-19 11:39:24"),
        (timedelta(days=3), timedelta(days=2), "2022-05-14 11:39:24–2022-05-16 11:39:24"),
    ],
)
def test_a_window_of_another_day_says_which(back: timedelta, length: timedelta, span: str) -> None:
    end = asking.WINDOW.end - back
    window = Window(start=end - length, end=end)
    assert lines(drawn(asking.asked(window=window)))[0].split(" · ")[1].startswith(f"{span} (")


def test_of_many_clusters_three_are_named() -> None:
    names = tuple(f"aks-{n}" for n in range(5))
    assert "aks-0, aks-1, aks-2 and 2 more" in text(drawn(asking.asked(clusters=names)))


def test_the_summary_is_the_first_two_lines_without_markup() -> None:
    said = answering.summary(asking.asked("audits <b>"), "6 events", m.BERLIN)
    assert said.split("\n")[1] == "6 events"
    assert "<" not in said


def test_a_workspace_that_did_not_answer_is_named_beside_the_others() -> None:
    said = text(drawn(asking.SEVERAL))
    assert (
        "dev-law is not in this answer. The audit log did not answer in time. Detail: Query timed out after 30 s"
        in said
    )
    assert "Asked: prod-law, test-law, old-law, 2022-05-19 11:39:27" in said


def test_what_somebody_can_mend_is_said() -> None:
    off = (Unanswered(workspace="w", why=Missing.FORBIDDEN), Unanswered(workspace="v", why=Missing.NO_TABLE))
    said = text(kept(asking.SEVERAL, unanswered=off))
    assert "role Log Analytics Reader" in said
    assert "v is not in this answer. It has no table of audit events." in said


@pytest.mark.parametrize("why", Missing)
def test_no_reason_speaks_of_an_alert_that_is_a_questions(why: Missing) -> None:
    of_questions = {Missing.TIMED_OUT, Missing.NO_TABLE, Missing.REFUSED_QUERY, Missing.NO_WORKSPACE}
    if why in of_questions:
        assert "alert" not in answering.why_not(why)
    assert answering.why_not(why).endswith(".")


def test_where_no_workspace_answered_nothing_is_known() -> None:
    card = drawn(asking.NOBODY_ANSWERED, first=(), wider="")
    assert lines(card)[1] == "No workspace answered, so nothing is known about this window."
    assert titles(card) == []
    assert lines(card)[-1] == "Asked 2022-05-19 11:39:27"
    assert answering.summary(asking.NOBODY_ANSWERED, "6 events", m.BERLIN).endswith(answering.NO_ANSWER)
    times = answering.times_of(asking.NOBODY_ANSWERED, m.BERLIN)
    assert answering.nothing_found(asking.NOBODY_ANSWERED, times, LADDER[0], wider="x") == []


def test_many_workspaces_without_an_answer_are_counted() -> None:
    off = tuple(Unanswered(workspace=f"w{n}", why=Missing.THROTTLED) for n in range(6))
    said = text(kept(asking.SEVERAL, unanswered=off))
    assert "w2 is not in this answer" in said
    assert "w3" not in said
    assert "3 more workspaces did not answer." in said


def test_an_incomplete_answer_says_so_in_the_services_words() -> None:
    said = text(drawn(asking.asked(partial="limit of rows")))
    assert "The answer is incomplete. Detail: limit of rows" in said


def test_a_window_that_has_just_ended_may_not_be_whole() -> None:
    late = "the log comes minutes late, so there may be more"
    settled = asking.WINDOW.end + SETTLED_AFTER
    assert late in text(drawn(asking.asked()))
    assert late in text(drawn(asking.asked(asked_at=settled - timedelta(seconds=1))))
    assert late not in text(drawn(asking.asked(asked_at=settled)))


def test_one_workspace_has_its_link_among_the_buttons() -> None:
    card = drawn(asking.asked())
    assert titles(card) == ["KQL", "Open in Logs", "Watch this", "Raise"]
    assert card["actions"][1]["url"] == m.LOGS_URL


def test_several_workspaces_have_a_link_each_behind_one_button() -> None:
    names = ("prod-law", "<b>test</b>", "old-law", "far-law")
    of = tuple(replace(asking.OF, workspace=name) for name in names)
    card = drawn(asking.asked(of=of))
    assert titles(card) == ["KQL", "Open in Logs", "Watch this", "Raise"]
    links = [part["title"] for part in parts(card) if part["type"] == "Action.OpenUrl"]
    # A name that no workspace can have stands in no title, which a client may draw as markdown.
    assert links == ["Open in Logs: prod-law", "Open in Logs: workspace 2", "Open in Logs: old-law"]
    assert "Not linked: far-law." in text(card)


def test_long_links_leave_room_for_events() -> None:
    names = ("prod-law", "test-law", "old-law")
    of = tuple(replace(asking.OF, workspace=name, logs_url=m.LOGS_URL + "x" * 3500) for name in names)
    card = drawn(asking.asked(of=of))
    links = [part["title"] for part in parts(card) if part["type"] == "Action.OpenUrl"]
    assert links == ["Open in Logs: prod-law"]
    assert "Not linked: test-law, old-law." in text(card)


def test_of_several_workspaces_one_link_is_a_button() -> None:
    of = (asking.OF, replace(asking.OF, workspace="no-link", logs_url="https://evil.example/"))
    assert [each.get("url") for each in drawn(asking.asked(of=of))["actions"]][1] == m.LOGS_URL


def test_four_buttons_are_in_sight() -> None:
    card = drawn(asking.asked(), first=(list_events(asking.QUESTION, title="List all 9"),), wider="audits x")
    assert titles(card) == [
        "List all 9",
        "Ask the wider question",
        "KQL",
        "Open in Logs",
        "Watch this",
        "Raise",
    ]
    assert ["mode" in each for each in card["actions"]] == [False] * 4 + [True] * 2


def test_without_a_key_nothing_can_be_opened_watched_or_raised() -> None:
    assert titles(drawn(asking.asked(key=""))) == ["Open in Logs"]
    assert "Raise" not in titles(drawn(asking.asked(), can_raise=False))
    assert "Watch this" not in titles(drawn(asking.asked(), can_watch=False))


def test_a_wider_line_that_fills_the_card_is_not_offered() -> None:
    for line in ("", "  ", "x" * 5000, "\U0001f600" * 400):
        assert "Ask the wider question" not in titles(drawn(asking.asked(), wider=line))


def test_blind_spots_are_one_line_that_opens() -> None:
    spots = ("Not in this log: reads.", "", "Not in this log: bodies.")

    def shown(*some: str, is_open: bool = False) -> Mapping[str, Any]:
        body = answering.blind_spot_blocks(some, LADDER[0], is_open=is_open)
        return AdaptiveCard.of(body, []).to_dict()

    card = dict(shown(*spots))
    assert visible(card) == ["▸ Show what this log does not show (2)"]
    assert lines(card)[2:] == [spots[0], spots[2]]
    assert visible(dict(shown(*spots, is_open=True))) == [spots[0], spots[2]]
    assert visible(dict(shown(spots[0]))) == [spots[0]]
    assert answering.blind_spot_blocks((), LADDER[0]) == []
