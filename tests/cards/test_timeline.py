from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from audit.evidence import Evidence, Missing
from audit.involved import mark
from cards.timeline import timeline_card, timeline_summary
from tests.cards import asking
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, text, titles, visible

SHIFT = asking.asked("what did alice do last 1h")


def timeline(evidence: Evidence = asking.SHIFT, **options: Any) -> dict[str, Any]:
    card = timeline_card(SHIFT, evidence, **({"zone": m.BERLIN} | options))
    assert_good(card)
    assert_valid(card)
    return card


def test_acts_stand_by_object_oldest_first() -> None:
    assert visible(timeline())[1:10] == [
        "alice@contoso.com: 13 events on 3 objects",
        "secrets in shop · 9 events",
        "▸ 11:34:00–11:34:08 listed 9×; all 9 succeeded",
        "configmap kube-system/coredns-custom · 3 events",
        "▸ 11:35:02, 11:37:10 edited the DNS configuration kube-system/coredns-custom 2×; both succeeded",
        "High: Cluster DNS was rewritten · MS-TA9035 · T1557",
        "▸ 11:37:40 tried to delete; refused 403 Forbidden",
        "pod shop/web-1 · 1 event",
        "▸ 11:36:40 opened a shell in pod shop/web-1; succeeded",
    ]


def test_a_deed_opens_into_where_from_what_changed_and_questions() -> None:
    card = timeline()
    hidden = [each for each in lines(card) if each not in visible(card)]
    assert "from 20.1.2.3 (claimed 10.0.0.1) · kubectl 1.31 · first time in kube-system in 30 days" in hidden
    assert "+ forward . 203.0.113.7" in hidden
    assert mark(m.EDITED) in str(card)
    assert "'a': 'seven'" in str(card)


def test_several_users_that_match_are_named_and_told_apart() -> None:
    other = replace(m.A_SHELL, user="alice.admin@contoso.com")
    said = lines(timeline(m.evidence_of(m.EDITED, other, window=asking.WINDOW)))
    assert said[1] == "alice@contoso.com, alice.admin@contoso.com: 3 events on 2 objects"
    assert any("11:36:40 alice.admin@contoso.com opened a shell" in each for each in said)


def test_the_same_object_of_another_cluster_is_another() -> None:
    far = replace(m.EDITED, cluster="prod-neu")
    said = lines(timeline(m.evidence_of(replace(m.EDITED, cluster="prod-weu"), far, window=asking.WINDOW)))
    assert "configmap kube-system/coredns-custom · on prod-neu · 2 events" in said
    assert said[1].endswith("4 events on 2 objects")


def test_where_there_is_not_room_for_all_the_riskiest_are_kept_in_their_order() -> None:
    quiet = [
        m.by_alice(m.at("09:33:00") + timedelta(seconds=n), name=f"quiet-{n}", verb="get") for n in range(60)
    ]
    card = timeline(m.evidence_of(*quiet, m.EDITED, window=asking.WINDOW))
    said = text(card)
    assert said.index("quiet-0 ") < said.index("edited the DNS configuration")
    assert "Left out: " in said
    assert titles(card)[0] == "List all 62"


def test_what_was_not_read_is_said() -> None:
    said = lines(timeline(replace(asking.SHIFT, events=1000)))
    assert said[1] == "alice@contoso.com: 1,000 events on at least 3 objects"
    assert "Left out: 987 events not read." in said


def test_more_kinds_of_request_than_there_is_room_for_are_counted() -> None:
    many = [m.by_alice(m.at("09:33:00"), verb=f"verb{n}", code=200) for n in range(60)]
    assert "more kinds of request, " in text(timeline(m.evidence_of(*many, window=asking.WINDOW)))


def test_nothing_found_is_said_as_of_any_question() -> None:
    card = timeline(asking.NOTHING, wider="what did alice do last 6h", reaches_back_to=m.FIRED)
    assert "Nothing found." in visible(card)
    assert "A wider question: what did alice do last 6h" in visible(card)
    assert titles(card) == ["Ask the wider question", "KQL", "Open in Logs", "Watch this"]


def test_no_answer_is_no_finding() -> None:
    said = text(timeline(m.without(Missing.TIMED_OUT)))
    assert "The audit log did not answer in time." in said
    assert "Nothing found" not in said


def test_the_summary_is_the_first_two_lines() -> None:
    assert timeline_summary(SHIFT, asking.SHIFT, zone=m.BERLIN).split("\n") == lines(timeline())[:2]
