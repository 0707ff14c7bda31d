"""Every field of tests.cards.telling that is not ours, with a given text in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from audit.asked import Asked, AskedOf, Billed, ClusterSeen, Counted, Unanswered
from audit.evidence import Missing
from audit.incident import Acknowledgement, Person, State
from cards import notice
from cards.activity import activity_card
from cards.blindspots import blindspots_card
from cards.clusters import clusters_card
from cards.cost import cost_card
from cards.incident_list import incident_list_card
from cards.watches import watches_card
from tests.cards import material as m
from tests.cards import telling

Card = dict[str, Any]
ZONE = m.UTC_ZONE
#: Makers of a card of an answer, of the question.
ANSWERS: dict[str, Callable[[Asked], Card]] = {
    "activity": lambda asked: activity_card(asked, telling.BUSY, zone=ZONE),
    "cost": lambda asked: cost_card(asked, telling.COST, zone=ZONE),
    "clusters": lambda asked: clusters_card(asked, telling.CLUSTERS, zone=ZONE),
    "blindspots": lambda asked: blindspots_card(asked, telling.BLIND, zone=ZONE),
}
#: Of the question itself, which every answer shows.
QUESTION: dict[str, Callable[[str], Asked]] = {
    "line": telling.asked,
    "workspace and kql": lambda s: telling.asked(of=(AskedOf(workspace=s, kql=s, logs_url=s),)),
    "unanswered": lambda s: telling.asked(
        unanswered=(Unanswered(workspace=s, why=Missing.TIMED_OUT, detail=s),)
    ),
    "partial": lambda s: telling.asked(partial=s),
    "clusters": lambda s: telling.asked(clusters=(s, s)),
}


def _activity(**changes: Any) -> Card:
    return activity_card(telling.asked(), replace(telling.BUSY, **changes), zone=ZONE)


def _cost(**changes: Any) -> Card:
    return cost_card(telling.asked("cost"), replace(telling.COST, **changes), zone=ZONE)


def _billed(text: str) -> tuple[Billed, ...]:
    return (Billed(what=text, gigabytes=2.5, rows=3), Billed(what=text, gigabytes=0.1))


def _cluster(**changes: Any) -> Card:
    seen: ClusterSeen = replace(telling.CLUSTERS.rows[1], **changes)
    return clusters_card(telling.asked("clusters"), replace(telling.CLUSTERS, rows=(seen,)), zone=ZONE)


def _blind(*by_cluster: tuple[str, tuple[str, ...]]) -> Card:
    return blindspots_card(telling.asked("blindspots"), by_cluster, zone=ZONE)


def _open(**changes: Any) -> Card:
    incident = replace(telling.INCIDENTS[0], **changes)
    return incident_list_card([incident], total=1, mine=False, at=telling.NOW, zone=ZONE, here=True)


def _by(name: str) -> Acknowledgement:
    return Acknowledgement(by=Person(id="x", name=name), at=m.FIRED)


def _watch(**changes: Any) -> Card:
    return watches_card([replace(telling.WATCHES[0], **changes)], zone=ZONE)


def _notice(said: notice.Notice) -> Card:
    return notice.notice_card(said)


FIELDS: dict[str, Callable[[str], Card]] = {
    **{
        f"{answer}.{field}": lambda s, make=make, asked=asked: make(asked(s))  # type: ignore[misc]  # bound at once
        for answer, make in ANSWERS.items()
        for field, asked in QUESTION.items()
    },
    "activity.actors": lambda s: _activity(actors=(Counted(what=s, kind=None, count=1),)),
    "activity.objects": lambda s: _activity(objects=(Counted(what=s, kind=None, count=1),)),
    "activity.wider": lambda s: activity_card(telling.asked(), telling.QUIET, zone=ZONE, wider=s),
    "cost.tables": lambda s: _cost(tables=_billed(s)),
    "cost.categories": lambda s: _cost(categories=_billed(s)),
    "cost.actors": lambda s: _cost(actors=_billed(s)),
    **{
        f"clusters.{name}": lambda s, name=name: _cluster(**{name: s})  # type: ignore[misc]  # bound at once
        for name in ("name", "workspace")
    },
    "clusters.logged": lambda s: _cluster(logged=(s, s)),
    "blindspots.name": lambda s: _blind((s, ("x.",))),
    "blindspots.sentence": lambda s: _blind(("x", (f"a {s}",))),
    **{
        f"open.{name}": lambda s, name=name: _open(**{name: s})  # type: ignore[misc]  # bound at once
        for name in ("rule", "severity", "subject_name")
    },
    "open.acknowledgement": lambda s: _open(acknowledgement=_by(s), state=State.ACKNOWLEDGED),
    **{
        f"watches.{name}": lambda s, name=name: _watch(**{name: s})  # type: ignore[misc]  # bound at once
        for name in ("line", "by")
    },
    "watches.clusters": lambda s: _watch(clusters=(s, s)),
    "notice.hint": lambda s: _notice(notice.not_understood("x", s)),
    "notice.instead": lambda s: _notice(notice.not_understood("x", "", (s, s, s, s))),
    "notice.which": lambda s: _notice(notice.which_cluster(s, [(s, s)] * 12)),
    "notice.unknown": lambda s: _notice(notice.unknown_cluster(s, [s] * 12, [(s, s)] * 4)),
    "notice.out of reach": lambda s: _notice(notice.out_of_reach(s, s)),
    "notice.not answered": lambda s: _notice(
        notice.not_answered(s, [(s, Missing.TIMED_OUT)] * 12, s, waited=timedelta(seconds=30))
    ),
    "notice.watching": lambda s: _notice(notice.watching(s)),
    "notice.no such event": lambda s: _notice(notice.no_such_event(s, timedelta(days=7))),
    "notice.looking": lambda s: _notice(notice.looking(s)),
}
