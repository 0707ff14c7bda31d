from __future__ import annotations

from dataclasses import replace
from typing import Any

from audit.actor import ActorKind
from audit.asked import Actors, Asked
from cards.who import who_card, who_summary
from tests.cards import asking
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, parts, text, titles, visible

WHO = asking.asked("who touched deploy/frontend last 1h")


def who(actors: Actors = asking.ACTORS, asked: Asked = WHO, **options: Any) -> dict[str, Any]:
    card = who_card(asked, actors, **({"zone": m.BERLIN} | options))
    assert_good(card)
    assert_valid(card)
    return card


def alone(**changes: Any) -> Actors:
    seen = asking.seen(**changes)
    return Actors(rows=(seen,), users=1, events=seen.count)


def test_people_come_first_with_counts_and_what_they_did_last() -> None:
    said = visible(who())
    assert said[1:8] == [
        "361 events by 3 people, 1 workload and the platform; 14 failed or refused",
        "alice@contoso.com · person · 4 events",
        "last 11:37:10: deleted deployment shop/frontend · 2 objects in all",
        "bob@contoso.com · person · 1 event · 1 failed or refused",
        "11:34:02: tried to delete deployment shop/frontend",
        "masterclient · local admin · 3 events · 1 failed or refused",
        "last 11:37:10: ran a command in pod shop/web-1",
    ]


def test_the_platform_is_folded_with_its_count_and_reason() -> None:
    card = who()
    assert "The platform · AKS's own reconciler, kubelets · 312 events · 12 failed or refused" in visible(
        card
    )
    assert "aksService" not in "\n".join(visible(card))
    assert "aksService · 12 events · all failed or refused · last 11:37:10: tried to delete" in text(card)


def test_what_somebody_did_can_be_asked_where_the_name_can_be_said() -> None:
    card = who(lines=asking.LINES)
    asked = [part["title"] for part in parts(card) if part["type"] == "Action.Submit"]
    assert asked == ["What did they do", "What did they do", "KQL"]
    assert "What did they do" not in [part.get("title") for part in parts(who())]


def test_what_worked_is_not_said_of_what_may_have_failed() -> None:
    deed = "deployment shop/frontend"
    assert f"deleted {deed}" in text(who(alone(count=2, failed=0)))
    both = text(who(alone(count=2, failed=1, done=m.at("09:33:00"), last=m.at("09:38:40"))))
    assert f"11:33:00: deleted {deed}" in both
    assert "1 failed or refused, last 11:38:40" in both
    assert f"tried to delete {deed}" in text(who(alone(count=2, failed=2)))
    # More failures than events cannot be; it is no reason to fail.
    assert f"tried to delete {deed}" in text(who(alone(count=2, failed=5)))


def test_who_acted_as_somebody_else_is_named_with_both() -> None:
    said = text(who(alone(user="aksService", impersonated="alice@contoso.com")))
    assert "aksService acting as alice@contoso.com · person · 4 events" in said


def test_a_user_without_a_name_and_a_deed_is_still_counted() -> None:
    said = visible(who(alone(user=" ", verb="", resource="", name="", namespace="", objects=0)))
    assert said[2:4] == ["(no user named) · person · 4 events", "last 11:37:10"]


def test_users_that_are_not_known_are_counted() -> None:
    said = lines(who(replace(asking.ACTORS, users=40, events=5000)))
    assert said[1] == "5,000 events by 40 users; at least 14 failed or refused"
    assert "Left out: 34 users with 4,639 events." in said


def test_no_more_users_than_were_asked_for_are_shown() -> None:
    said = text(who(top=1))
    assert "alice@contoso.com" in said
    assert "bob@contoso.com" not in said
    assert "Left out, for the top 1 were asked for: 3 users with 45 events." in said
    assert "Show 2 users" in said


def test_none_failed_is_said_only_where_all_are_known() -> None:
    assert lines(who(alone()))[1] == "4 events by 1 person; none failed"
    assert lines(who(replace(alone(), users=2, events=9)))[1] == "9 events by 2 users"


def test_nobody_says_what_was_searched_and_offers_a_wider_question() -> None:
    card = who(
        Actors(), wider="who touched deploy/frontend last 6h", blind_spots=("Not in this log: reads.",)
    )
    assert visible(card)[1:5] == [
        "Nothing found.",
        "Searched: the audit events in prod-law, 10:39:24–11:39:24.",
        "Not in this log: reads.",
        "A wider question: who touched deploy/frontend last 6h",
    ]
    assert titles(card) == ["Ask the wider question", "KQL", "Open in Logs", "Watch this"]


def test_many_users_stay_on_a_small_card() -> None:
    rows = tuple(asking.seen(f"person-{n}@contoso.com") for n in range(300))
    card = who(Actors(rows=rows, users=300, events=1200), lines={row.user: "x" for row in rows})
    assert "Left out: 2" in text(card)
    folded = tuple(replace(row, kind=ActorKind.PLATFORM) for row in rows)
    assert " more." in text(who(Actors(rows=folded, users=300, events=1200)))


def test_the_summary_is_the_first_two_lines() -> None:
    assert who_summary(WHO, asking.ACTORS, zone=m.BERLIN).split("\n") == lines(who())[:2]
