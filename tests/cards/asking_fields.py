"""Every field of tests.cards.asking that is not ours, with a given text in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from audit.actor import ActorKind
from audit.asked import Actors, ActorSeen, Asked, AskedOf, Listed, Unanswered
from audit.evidence import Action, Change, Evidence, Missing
from cards.asked import asked_card
from cards.listed import listed_card
from cards.timeline import timeline_card
from cards.who import who_card
from tests.cards import asking
from tests.cards import material as m

Card = dict[str, Any]
ZONE = m.UTC_ZONE


def _asked(evidence: Evidence, asked: Asked | None = None, **options: Any) -> Card:
    return asked_card(asked or asking.asked(), evidence, zone=ZONE, **options)


def _actors(seen: ActorSeen, **options: Any) -> Card:
    return who_card(asking.asked(), Actors(rows=(seen,), users=1, events=seen.count), zone=ZONE, **options)


def _listed(**changes: Any) -> Card:
    return listed_card(asking.asked(), Listed(events=(asking.event(**changes),), total=1), zone=ZONE)


def _deed(**changes: Any) -> Card:
    group = replace(m.EDITED, **changes)
    return timeline_card(asking.asked(), m.evidence_of(group, window=asking.WINDOW), zone=ZONE)


#: Makers of a card of each answer, of the question.
_ANSWERS: dict[str, Callable[[Asked], Card]] = {
    "asked": lambda asked: asked_card(asked, asking.FOUND, zone=ZONE),
    "nothing": lambda asked: asked_card(asked, asking.NOTHING, zone=ZONE),
    "who": lambda asked: who_card(asked, asking.ACTORS, zone=ZONE),
    "timeline": lambda asked: timeline_card(asked, asking.SHIFT, zone=ZONE),
    "listed": lambda asked: listed_card(asked, asking.PAGE, zone=ZONE),
}
#: Of the question itself, which every answer shows.
_QUESTION: dict[str, Callable[[str], Asked]] = {
    "line": asking.asked,
    "unanswered": lambda s: asking.asked(
        unanswered=(Unanswered(workspace=s, why=Missing.TIMED_OUT, detail=s),)
    ),
    "partial": lambda s: asking.asked(partial=s),
    "clusters": lambda s: asking.asked(clusters=(s, s)),
}
_SEEN = ("user", "impersonated", "verb", "resource", "subresource", "namespace", "name")
_EVENT = ("username", "impersonated", "verb", "uri", "reason")
_GROUP = ("user", "impersonated", "resource", "namespace", "name", "reason", "address", "cluster", "client")

FIELDS: dict[str, Callable[[str], Card]] = {
    **{
        f"{answer}.{name}": lambda s, card=card, question=question: card(question(s))  # type: ignore[misc]  # bound at once
        for answer, card in _ANSWERS.items()
        for name, question in _QUESTION.items()
    },
    **{
        f"{answer}.workspace and kql": lambda s, card=card: card(
            asking.asked(of=(AskedOf(workspace=s, kql=s),))
        )  # type: ignore[misc]  # bound at once
        for answer, card in _ANSWERS.items()
        if answer != "listed"
    },
    # Without a key: as texts grow fewer events have rows, and then there is a button of ours that lists all.
    "asked.several workspaces": lambda s: _asked(
        asking.FOUND, asking.asked(key="", of=tuple(AskedOf(workspace=s, kql=f"{s}{n}") for n in range(5)))
    ),
    "asked.wider": lambda s: _asked(asking.NOTHING, wider=s[:100]),
    "asked.blind spots": lambda s: _asked(replace(asking.FOUND, blind_spots=(s, s))),
    "asked.nothing.blind spots": lambda s: _asked(replace(asking.NOTHING, blind_spots=(s,))),
    "asked.detail": lambda s: _asked(replace(asking.FOUND, detail=s)),
    "asked.missing.detail": lambda s: _asked(m.without(Missing.TIMED_OUT, detail=s)),
    "who.lines": lambda s: _actors(asking.seen(s), lines={s: s[:100]}),
    **{
        f"who.{name}": lambda s, name=name: _actors(asking.seen(**{name: s}))  # type: ignore[misc]  # bound at once
        for name in _SEEN
    },
    "who.folded": lambda s: _actors(asking.seen(s, kind=ActorKind.PLATFORM)),
    **{
        f"timeline.{name}": lambda s, name=name: _deed(**{name: s, "code": 403})  # type: ignore[misc]  # bound at once
        for name in _GROUP
    },
    "timeline.action": lambda s: _deed(action=Action(done=s, base=s)),
    "timeline.change": lambda s: _deed(change=Change(lines=(s,), why_not=s)),
    "timeline.title": lambda s: _deed(findings=(replace(m.DNS, title=s, threat=s),)),
    "timeline.first seen": lambda s: _deed(first_seen=(s,)),
    **{
        f"listed.{name}": lambda s, name=name: _listed(**{name: s, "code": 409})  # type: ignore[misc]  # bound at once
        for name in _EVENT
    },
}
