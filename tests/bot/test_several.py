from __future__ import annotations

from dataclasses import replace

from audit.counted import groups_of, totals_of
from audit.evidence import Evidence, Source
from audit.filter import Window
from bot.asides import Asides
from bot.reading import read
from bot.several import Telling, evidence_of
from bot.sources import Known
from tests.audit.bodies import CLUSTER
from tests.bot.stage import ALICE, BOB, END, GARBAGE_ROW, PLATFORM, START, a_row
from tests.bot.workspace import Row, totals_row
from tests.fakes import NOW

OTHER = CLUSTER.rsplit("/", 1)[0] + "/other"


def elsewhere(row: Row) -> Row:
    return {**row, "_ResourceId": OTHER}


def telling(name: str, *rows: Row, counted: int | None = None, partial: str = "") -> Telling:
    """What a workspace with these rows told; `counted` more events than were read are its own count."""
    totals = totals_of([totals_row(rows)])
    if counted is not None:
        totals = replace(totals, rows=counted, events=counted, people=counted)
    return Telling(
        blank=Evidence(
            asked_at=NOW, window=Window(start=START, end=END), workspace=name, kql=f"kql of {name}"
        ),
        part=replace(read(rows, totals), partial=partial),
        known=Known(at=NOW),
        asides=Asides(),
    )


def test_of_one_workspace_its_evidence_is_all() -> None:
    evidence = evidence_of([telling("prod", a_row("a-1"), a_row("a-1"), a_row("a-2", user=BOB))])
    assert (evidence.workspace, evidence.kql) == ("prod", "kql of prod")
    assert (evidence.returned, evidence.events, evidence.repeated, evidence.by_people) == (3, 2, 1, 2)
    assert {group.cluster for group in evidence.groups} == {""}


def test_of_two_workspaces_numbers_add_up_and_each_row_says_on_which_cluster_it_was() -> None:
    evidence = evidence_of(
        [
            telling("prod", a_row("a-1"), GARBAGE_ROW),
            telling("test", elsewhere(a_row("b-1", user=BOB)), elsewhere(a_row("b-2", user=PLATFORM))),
        ]
    )
    assert evidence.workspace == "prod, test"
    assert (evidence.returned, evidence.read, evidence.events, evidence.unreadable) == (4, 4, 3, 1)
    assert (evidence.by_people, evidence.by_platform) == (2, 1)
    assert {(group.user, group.cluster) for group in evidence.groups} == {
        (ALICE, CLUSTER.rsplit("/", 1)[1]),
        (BOB, "other"),
        (PLATFORM, "other"),
    }
    assert [group.actor for group in evidence.groups] == sorted(group.actor for group in evidence.groups)


def test_what_a_workspace_counted_and_was_not_read_stays_exact_beside_another() -> None:
    counted = {
        "User": "carol@contoso.com",
        "Verb": "delete",
        "Resource": "pods",
        "Namespace": "shop",
        "Count": 41,
        "Code": 200,
        "Kind": 0,
        "Cut": 0,
        "First": START.isoformat(),
        "Last": END.isoformat(),
        "Groups": 7,
        "Events": 41,
    }
    groups, in_all = groups_of([counted])
    big = telling("prod", a_row("a-1"), counted=42)
    big = replace(big, part=replace(big.part, groups=groups, groups_in_all=in_all))
    evidence = evidence_of([big, telling("test", elsewhere(a_row("b-1")))])
    assert (evidence.events, evidence.by_people, evidence.judged) == (43, 43, 2)
    assert evidence.groups_left == 6
    assert {(g.user, g.count, g.cluster) for g in evidence.groups} == {
        (ALICE, 1, CLUSTER.rsplit("/", 1)[1]),
        (ALICE, 1, "other"),
        ("carol@contoso.com", 41, CLUSTER.rsplit("/", 1)[1]),
    }


def test_a_cluster_that_logs_into_two_workspaces_is_counted_once() -> None:
    evidence = evidence_of(
        [telling("prod", a_row("a-1"), a_row("a-2")), telling("test", a_row("a-1"), a_row("a-3"))]
    )
    assert (evidence.events, evidence.by_people, evidence.repeated) == (3, 3, 1)
    assert sum(group.count for group in evidence.groups) == 3


def test_what_is_not_all_of_one_workspace_is_not_all() -> None:
    evidence = evidence_of([telling("prod", a_row("a-1"), partial="busy"), telling("test")])
    assert (evidence.partial, evidence.detail, evidence.missing) == (True, "busy", None)


def test_of_workspaces_without_events_nothing_is_told() -> None:
    evidence = evidence_of([telling("prod"), telling("test")])
    assert (evidence.events, evidence.groups, evidence.missing, evidence.judged) == (0, (), None, None)


def test_reads_are_not_said_to_be_missing_where_the_workspace_has_them() -> None:
    told = telling("prod", {**a_row("a-1"), "Category": "kube-audit-admin"})
    both = Known(at=NOW, sources=(Source(table="AzureDiagnostics", category="kube-audit"),))
    admin = Known(at=NOW, sources=(Source(table="AzureDiagnostics", category="kube-audit-admin"),))
    missing = [
        any("reads and lists" in spot for spot in evidence_of([replace(told, known=known)]).blind_spots)
        for known in (both, admin)
    ]
    assert missing == [False, True]
