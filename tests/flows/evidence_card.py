"""The numbers that stand on a card, read as a person reads them, and compared with the reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from audit.alert import Alert, resource_name
from audit.event import ActorKind
from audit.evidence import Arriving, Evidence
from audit.incident import Incident
from cards.incident import incident_card
from tests.cards.checks import lines
from tests.flows.evidence_model import Case, Reference

#: What a number on the card is called by; a number that is not there is 0, where zeros are left out.
_NUMBERS = {
    "shown": r"\bshown ([0-9,]+)",
    "folded": r"\bfolded ([0-9,]+)",
    "left out": r"\bleft out ([0-9,]+)",
    "unreadable": r"\bunreadable ([0-9,]+)",
    "cut": r"\bcut ([0-9,]+)",
}
_RETURNED = re.compile(r"\bworkspace returned (at least )?([0-9,]+).*\bshown ")
_EVENTS = re.compile(r"\(([0-9,]+) events?, each counted once\)")
_BY = re.compile(r"([0-9,]+) by people, ([0-9,]+) by workloads, ([0-9,]+) by the platform")
_LATE = re.compile(r"Late: ([0-9,]+) rows? reached the workspace after the alert was raised")


def wrong_numbers(
    case: Case, alert: Alert, evidence: Evidence, wanted: Reference, *, partial: frozenset[str]
) -> Iterator[str]:
    """Name every number of the card that is not the reference's."""
    said = lines(incident_card(_incident(case), alert, evidence, zone=ZoneInfo("UTC")))
    head = next((text for text in said if _RETURNED.search(text)), "")
    if not head:
        yield f"card: no line says what the workspace returned; missing {evidence.missing}"
        return
    yield from _unlike(
        "card: alert counted", _found(r"Alert counted ([0-9,]+)", head), int(alert.counted or 0)
    )
    returned = _RETURNED.search(head)
    assert returned
    yield from _unlike("card: returned", _number(returned[2]), wanted.rows)
    yield from _unlike("card: at least", bool(returned[1]), bool(partial))
    events = _EVENTS.search(head)
    yield from _unlike("card: events", _number(events[1]) if events else wanted.rows, wanted.events)
    numbers = {name: _found(pattern, head) for name, pattern in _NUMBERS.items()}
    yield from _unlike("card: unreadable", numbers["unreadable"], wanted.unreadable)
    yield from _unlike("card: cut", numbers["cut"], wanted.cut)
    if not partial:
        placed = numbers["shown"] + numbers["folded"] + numbers["left out"]
        yield from _unlike("card: shown, folded and left out", placed, wanted.events)
    text = "\n".join(said)
    by = _BY.search(text)
    found = tuple(map(_number, by.groups())) if by else ()
    yield from _unlike("card: by whom", found, tuple(wanted.by_kind.get(kind, 0) for kind in ActorKind))
    late = _LATE.search(text)
    yield from _unlike("card: late", _number(late[1]) if late else 0, wanted.late)
    arriving = "still arriving" if evidence.arriving is Arriving.STILL else "settled"
    yield from _unlike(f"card: {arriving}", arriving in text, True)
    yield from _unlike("card: partial", "incomplete (partial)" in text, bool(partial))


def _unlike(name: str, is_: object, ought: object) -> Iterator[str]:
    if is_ != ought:
        yield f"{name}: {is_}, must be {ought}"


def _found(pattern: str, line: str) -> int:
    found = re.search(pattern, line)
    return _number(found[1]) if found else 0


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _incident(case: Case) -> Incident:
    subject = case.target or case.clusters[0]
    return Incident(
        number=12,
        key="00112233445566778899aabbccddeeff",
        rule="AKS-CoreDNS-Changed",
        severity="Sev3",
        subject_id=subject,
        subject_name=resource_name(subject),
        opened_at=case.fired,
    )
