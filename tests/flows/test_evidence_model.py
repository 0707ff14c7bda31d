"""The numbers of a card are those of a count by hand, whatever lies in the workspace and whenever it comes there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from audit.event import ActorKind
from tests.flows.evidence_asking import check, differences, looks
from tests.flows.evidence_drawing import ACTORS, CLUSTERS, DEEDS, asked
from tests.flows.evidence_model import MICROSECOND, Case, Copy, Cut, Foreign, Place, Request, reference

#: Windows of a test's run, and ways of asking about them: to ask anew takes longer than to find something else.
WINDOWS, QUESTIONS = 150, (1, 2, 4, 6, 9)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_150_random_windows_are_counted_as_by_hand() -> None:
    check(WINDOWS, questions=QUESTIONS)


def a_case(*requests: Request, foreign: Sequence[Foreign] = (), query: int = 1) -> Case:
    return replace(asked(query, CLUSTERS[:1]), requests=requests, foreign=tuple(foreign))


CASE = a_case()


def a_copy(place: Place = Place.AUDIT, *, cut: Cut | None = None, after: timedelta = timedelta(0)) -> Copy:
    """Return a row at the window's start, which comes so long after the alert fired."""
    return Copy(place=place, at=CASE.window.start, arrives=CASE.fired + after, cut=cut)


def a_request(*copies: Copy, actor: int = 0, audit_id: str = "a-1", seconds: int = 0) -> Request:
    return Request(
        actor=ACTORS[actor],
        deed=DEEDS[0],
        audit_id=audit_id,
        stage="ResponseComplete",
        received=CASE.window.start + timedelta(seconds=seconds),
        cluster=CLUSTERS[0],
        copies=copies or (a_copy(),),
    )


def assert_counted(case: Case) -> None:
    """Assert that both looks at the case bring what the reference says."""
    found = asyncio.run(looks(case))
    assert [text for look in found for text in differences(look)] == []


def test_both_edges_belong_to_the_window_and_nothing_beyond_them() -> None:
    start, end = CASE.window.start, CASE.window.end
    moments = (start - MICROSECOND, start, end, end + MICROSECOND)
    case = a_case(
        *(
            replace(a_request(audit_id=f"a-{n}", seconds=n), copies=(replace(a_copy(), at=at),))
            for n, at in enumerate(moments)
        )
    )
    assert reference(case, case.looks[0]).events == 2
    assert_counted(case)


def test_an_event_in_two_categories_one_of_them_cut_is_one() -> None:
    case = a_case(a_request(a_copy(Place.AUDIT, cut=Cut.REQUEST), a_copy(Place.ADMIN)))
    wanted = reference(case, case.looks[0])
    assert (wanted.rows, wanted.events, wanted.cut) == (2, 1, 1)
    assert_counted(case)


def test_two_requests_under_one_id_that_a_client_chose_are_two() -> None:
    case = a_case(a_request(), a_request(seconds=1))
    assert reference(case, case.looks[0]).events == 2
    assert_counted(case)


def test_rows_without_an_id_are_events_of_their_own_even_cut() -> None:
    case = a_case(a_request(a_copy(), a_copy(Place.ADMIN), a_copy(cut=Cut.GROUPS), audit_id=""))
    assert reference(case, case.looks[0]).events == 3
    assert_counted(case)


def test_a_row_of_which_nothing_is_left_that_tells_an_event_is_unreadable_and_cut() -> None:
    case = a_case(a_request(a_copy(cut=Cut.URI), audit_id=""))
    wanted = reference(case, case.looks[0])
    assert (wanted.rows, wanted.events, wanted.unreadable, wanted.cut) == (1, 0, 1, 1)


def test_what_comes_after_the_alert_fired_is_late_and_what_has_not_come_is_not_there() -> None:
    afters = (timedelta(0), MICROSECOND, timedelta(minutes=5), timedelta(minutes=30))
    case = a_case(
        *(a_request(a_copy(after=after), audit_id=f"a-{n}", seconds=n) for n, after in enumerate(afters))
    )
    first, second = (reference(case, at) for at in case.looks)
    assert ((first.rows, first.late), (second.rows, second.late)) == ((2, 1), (3, 2))
    assert_counted(case)


def test_who_acts_as_a_person_is_among_people_where_any_row_tells() -> None:
    service_as_a_person = 14
    assert ACTORS[service_as_a_person].kind is ActorKind.WORKLOAD
    case = a_case(a_request(actor=service_as_a_person))
    assert reference(case, case.looks[0]).by_kind == {ActorKind.PERSON: 1}
    assert_counted(case)


def test_a_cut_copy_that_is_read_where_the_whole_one_is_not_is_counted_once() -> None:
    cut = replace(a_copy(Place.AUDIT, cut=Cut.REQUEST), at=CASE.window.end)
    case = replace(a_case(a_request(cut, a_copy(Place.ADMIN))), partial=frozenset({"rows"}))
    assert reference(case, case.looks[0]).events == 1
    assert_counted(case)


def test_an_alert_of_a_rule_of_one_cluster_is_about_that_cluster_alone() -> None:
    elsewhere = replace(a_request(audit_id="a-2", seconds=1), cluster=CLUSTERS[1])
    case = replace(a_case(a_request(), elsewhere), clusters=CLUSTERS[:2], target=CLUSTERS[0], dimension="")
    assert reference(case, case.looks[0]).rows == 1
    assert_counted(case)


def test_nothing_found_is_no_other_answer_than_events_where_another_table_alone_has_rows() -> None:
    case = a_case(a_request(a_copy(Place.TYPED)))
    assert reference(case, case.looks[0]).rows == 0
    assert_counted(case)


def test_what_comes_first_into_a_table_that_was_empty_is_seen_at_the_second_look() -> None:
    late = a_request(a_copy(after=timedelta(minutes=5)), audit_id="a-2", seconds=1)
    case = a_case(a_request(a_copy(Place.TYPED)), late)
    assert [reference(case, at).rows for at in case.looks] == [0, 1]
    assert_counted(case)


def test_the_model_can_fail() -> None:
    case = a_case(a_request())
    look = asyncio.run(looks(case))[0]
    wrong = replace(look, wanted=replace(look.wanted, events=2, by_kind={ActorKind.PERSON: 2}))
    assert {text.partition(":")[0] for text in differences(wrong)} >= {"events", "by people"}
