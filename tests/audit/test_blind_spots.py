from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from audit.blind_spots import BLIND_SPOTS, TOO_BIG, Facts, blind_spots
from audit.event import AuditEvent, TableShape, parse_event
from audit.evidence import Source

ADMIN = Source(table="AzureDiagnostics", category="kube-audit-admin")
ALL = Source(table="AzureDiagnostics", category="kube-audit")
GUARD = Source(table="AzureDiagnostics", category="guard")


def an_event(**changes: Any) -> AuditEvent:
    log = (
        '{"auditID":"a","stage":"ResponseComplete","level":"RequestResponse","verb":"patch",'
        '"user":{"username":"alice@contoso.com"},"objectRef":{"resource":"nodes","name":"n"},'
        '"responseStatus":{"code":200},"requestReceivedTimestamp":"2022-05-19T09:35:02Z"}'
    )
    event = parse_event({"TimeGenerated": datetime(2022, 5, 19, tzinfo=UTC).isoformat(), "log_s": log})
    assert isinstance(event, AuditEvent)
    return replace(event, **changes)


def facts(*events: AuditEvent, **changes: Any) -> Facts:
    known: dict[str, Any] = {"sources": (ALL, GUARD), "events": events or (an_event(),)}
    return Facts(**(known | changes))


def spots(of: Facts) -> set[str]:
    """Return the names of what applies."""
    found = {spot.name for spot in BLIND_SPOTS if spot.applies(of)}
    assert len(blind_spots(of)) == len(found)
    return found


#: For each blind spot: what it applies to, and what is nearly that and it does not apply to.
CASES: dict[str, tuple[list[Facts], list[Facts]]] = {
    "reads-not-logged": (
        [facts(sources=(ADMIN, GUARD)), facts(sources=(Source(table="AKSAuditAdmin"), GUARD))],
        [
            facts(sources=(ADMIN, ALL, GUARD)),
            facts(sources=(Source(table="AKSAudit"), GUARD)),
            facts(sources=()),
        ],
    ),
    "exec-not-logged": (
        [facts(sources=(ADMIN, GUARD))],
        [facts(sources=(ADMIN, Source(table="AKSAudit"), GUARD)), facts(sources=(GUARD,))],
    ),
    "reads-not-logged-everywhere": (
        [facts(sources=(ADMIN, ALL, GUARD)), facts(sources=(ADMIN, Source(table="AKSAudit"), GUARD))],
        [
            facts(sources=(ADMIN, GUARD)),
            facts(sources=(ALL, GUARD)),
            facts(sources=(ADMIN, ALL, GUARD), is_one_cluster=True),
            facts(sources=(ADMIN, ALL, GUARD), categories=frozenset({"kube-audit"})),
        ],
    ),
    "no-body": (
        [facts(an_event(level="Metadata")), facts(an_event(), an_event(level="Metadata", verb="delete"))],
        [facts(an_event(level="Metadata", verb="get")), facts(an_event(level="Request"))],
    ),
    "sessions-unseen": (
        [facts(an_event(subresource=sub, code=101)) for sub in ("exec", "attach", "portforward", "proxy")],
        [facts(an_event(subresource="exec", code=403)), facts(an_event(subresource="log"))],
    ),
    "guard-off": (
        [facts(sources=(ALL,))],
        [
            facts(),
            facts(sources=()),
            facts(sources=(ALL,), looked_for_guard=False),
            facts(an_event(username="masterclient"), sources=(ALL,)),
            facts(an_event(username="aksService"), sources=(ALL,)),
            facts(an_event(username="system:anonymous"), sources=(ALL,)),
        ],
    ),
    "basic-plan": (
        [facts(basic_tables=("AKSAudit",))],
        [facts(basic_tables=()), facts(basic_tables=("a b", "<at>x</at>", ""))],
    ),
    "too-big": (
        [facts(an_event(raw={"requestObject": TOO_BIG})), facts(an_event(raw={"responseObject": TOO_BIG}))],
        [
            facts(an_event(raw={"requestObject": {"name": TOO_BIG}})),
            facts(an_event(raw={"requestObject": 7})),
        ],
    ),
    "rows-cut": ([facts(cut=1), facts(cut=2)], [facts(cut=0)]),
    "impersonation-unseen": (
        [facts(an_event(shape=TableShape.TYPED))],
        [facts(an_event(shape=TableShape.LOG))],
    ),
}


def test_every_blind_spot_has_its_cases() -> None:
    assert [spot.name for spot in BLIND_SPOTS] == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_blind_spot_appears_where_it_applies_and_nowhere_else(name: str) -> None:
    applies, applies_not = CASES[name]
    for each in applies:
        assert name in spots(each), each
    for each in applies_not:
        assert name not in spots(each), each


def test_where_nothing_is_hidden_nothing_is_said() -> None:
    assert blind_spots(facts()) == ()
    assert blind_spots(Facts(sources=(), events=())) == ()


def test_each_sentence_is_one_line_with_its_figures() -> None:
    everything = facts(
        an_event(
            raw={"requestObject": TOO_BIG}, level="Metadata", subresource="exec", shape=TableShape.TYPED
        ),
        sources=(ADMIN,),
        cut=1204,
        basic_tables=("AKSAudit", "AKSAudit"),
    )
    said = blind_spots(everything)
    # Reads are missing everywhere, or of some clusters.
    assert len(said) == len(BLIND_SPOTS) - 1
    assert all(each.startswith("Not ") and each.endswith(".") and "\n" not in each for each in said)
    assert any("1,204 rows were cut by Azure" in each for each in said)
    assert "Not asked: AKSAudit, on a Basic plan." in said
    assert any("1 row was cut by Azure" in each for each in blind_spots(facts(cut=1)))


def test_where_everything_was_asked_for_rows_of_one_category_say_nothing_of_the_rest() -> None:
    said = blind_spots(Facts(sources=[ALL, GUARD], events=(an_event(category="kube-audit-admin"),)))
    assert said == ()


def test_what_the_alerts_own_rows_come_from_counts_whatever_the_workspace_has_besides() -> None:
    everything = [Source(table="AKSAudit"), Source(table="AKSAuditAdmin")]
    of_admin = Facts(sources=everything, events=(), categories=frozenset({"kube-audit-admin"}))
    assert any("reads and lists" in spot for spot in blind_spots(of_admin))
    of_both = Facts(sources=everything, events=(), categories=frozenset({"kube-audit-admin", "kube-audit"}))
    assert not any("reads and lists" in spot for spot in blind_spots(of_both))
