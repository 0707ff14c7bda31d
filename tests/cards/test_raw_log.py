from __future__ import annotations

from typing import Any

from cards.raw_log import QUESTIONS, raw_log_card
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, text


def raw(event: dict[str, Any], **options: Any) -> dict[str, Any]:
    fixed: dict[str, Any] = {
        "page": 0,
        "pages": 1,
        "asked_by": "Bob Lee",
        "at": m.at("09:41:07"),
        "key": m.KEY,
        "redactions": 0,
    }
    card = raw_log_card(event, **(fixed | options))
    assert_good(card)
    assert_valid(card)
    return card


def test_the_header_says_which_event_who_asked_and_what_was_redacted() -> None:
    said = lines(raw(m.RAW_EVENT, page=1, pages=4, redactions=2))
    assert said[:2] == [
        "Event 2 of 4",
        "Asked for by Bob Lee 2022-05-19 09:41:07 UTC · 2 values redacted · times are UTC",
    ]
    assert "nothing redacted" in text(raw(m.RAW_EVENT))


def test_fields_stand_in_the_order_of_the_seven_questions_and_then_the_rest() -> None:
    said = lines(raw(m.RAW_EVENT))
    headings = [*(question for question, _ in QUESTIONS), "The rest"]
    assert [each for each in said if each in headings] == headings
    assert said[said.index("What happened") + 1] == 'verb: "patch"'
    assert said[said.index("On what") + 1].startswith("objectRef: {")
    assert said[said.index("The rest") + 1] == 'kind: "Event"'
    assert "[redacted: configmap data]" in text(raw(m.RAW_EVENT))


def test_every_value_of_the_event_is_there() -> None:
    said = text(raw(m.RAW_EVENT))
    for field in m.RAW_EVENT:
        assert f"{field}: " in said


def test_long_objects_are_indented_lines() -> None:
    event = {"requestObject": {"spec": {"containers": [{"name": "a" * 30, "image": "b" * 30}]}}}
    said = [each.replace("\u00a0", "_") for each in lines(raw(event))]
    start = said.index("requestObject: {")
    assert said[start : start + 9] == [
        "requestObject: {",
        '__"spec": {',
        '____"containers": [',
        "______{",
        f'________"name": "{"a" * 30}"',
        f'________"image": "{"b" * 30}"',
        "______}",
        "____]",
        "__}",
    ]


def test_an_empty_event_says_so_seven_times() -> None:
    assert text(raw({})).count("(the event does not say)") == 7


def test_what_is_cut_is_counted_to_the_line() -> None:
    said = lines(raw({"requestObject": {f"key-{n:04}": "v" * 50 for n in range(1000)}}))
    shown = sum("key-" in each for each in said)
    # Seven unanswered questions and the opening brace stand before the keys; the closing brace is the last line.
    assert (
        said[-1] == f"Shown: {shown + 8} of 1,009 lines of this event. The whole of it is in the workspace."
    )
    assert 50 < shown < 1000


def test_one_long_value_says_how_long_it_is() -> None:
    assert "…(+" in text(raw({"requestURI": "/" + "x" * 5000}))


def test_pages_are_turned_by_exactly_what_the_bot_reads() -> None:
    def data(page: int) -> dict[str, Any]:
        return {"v": 1, "a": "raw", "k": m.KEY, "p": page}

    assert raw(m.RAW_EVENT, page=1, pages=3)["actions"] == [
        {"type": "Action.Submit", "title": "Previous", "data": data(0)},
        {"type": "Action.Submit", "title": "Next", "data": data(2)},
    ]
    assert [each["title"] for each in raw(m.RAW_EVENT, pages=3)["actions"]] == ["Next"]
    assert [each["title"] for each in raw(m.RAW_EVENT, page=2, pages=3)["actions"]] == ["Previous"]
    assert "actions" not in raw(m.RAW_EVENT)


def test_without_a_key_there_are_no_buttons() -> None:
    assert "actions" not in raw(m.RAW_EVENT, page=1, pages=3, key="")
