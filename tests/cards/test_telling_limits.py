"""Whatever comes in, what chat tells beside events is valid, at most 20 KB and at most twelve levels deep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.actor import ActorKind
from audit.asked import (
    Activity,
    Asked,
    AskedOf,
    Billed,
    Clusters,
    ClusterSeen,
    Cost,
    Counted,
    Unanswered,
)
from audit.evidence import Missing
from audit.filter import Window
from audit.incident import Incident
from cards import notice
from cards.activity import activity_card, activity_summary
from cards.blindspots import blindspots_card, blindspots_summary
from cards.clusters import clusters_card, clusters_summary
from cards.cost import cost_card, cost_summary
from cards.help import HelpLine, command_card, help_card
from cards.incident_list import incident_list_card, incident_list_summary
from cards.watches import WatchLine, watches_card, watches_summary
from tests.cards import material as m
from tests.cards import telling
from tests.cards.checks import assert_good
from tests.cards.strategies import COUNTS, INCIDENTS, SOME_TEXTS, TEXTS, TIMES, windows
from tests.cards.test_chart import activities

SOME = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
ZONES = st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland")).map(ZoneInfo)
URLS = st.sampled_from(("", m.LOGS_URL, m.LOGS_URL + "x" * 2300, "https://evil.example/", "javascript:x"))
WORKSPACES = st.builds(AskedOf, workspace=TEXTS, kql=TEXTS | st.just("x\n" * 3000), logs_url=URLS)
SILENT = st.builds(Unanswered, workspace=TEXTS, why=st.sampled_from(Missing), detail=TEXTS)
ASKED = st.builds(
    Asked,
    line=TEXTS,
    window=windows(),
    asked_at=TIMES,
    of=st.lists(WORKSPACES, max_size=4).map(tuple),
    unanswered=st.lists(SILENT, max_size=4).map(tuple),
    partial=TEXTS,
    clusters=SOME_TEXTS,
    key=st.sampled_from(("", m.KEY)),
)
COUNTED = st.lists(
    st.builds(Counted, what=TEXTS, kind=st.none() | st.sampled_from(ActorKind), count=COUNTS), max_size=20
).map(tuple)
BILLED = st.lists(
    st.builds(Billed, what=TEXTS, gigabytes=st.floats(), rows=st.none() | COUNTS), max_size=20
).map(tuple)
CLUSTERS = st.lists(
    st.builds(
        ClusterSeen,
        id=TEXTS,
        name=TEXTS | st.sampled_from(("prod-weu", "prod-neu")),
        workspace=TEXTS,
        rows=COUNTS,
        first=st.none() | TIMES,
        last=st.none() | TIMES,
        logged=SOME_TEXTS,
    ),
    max_size=30,
).map(tuple)


@SOME
@given(ASKED, activities(), COUNTED, COUNTED, TEXTS, ZONES)
def test_any_activity_makes_a_good_card(
    asked: Asked,
    found: Activity,
    actors: tuple[Counted, ...],
    objects: tuple[Counted, ...],
    wider: str,
    zone: ZoneInfo,
) -> None:
    found = replace(found, actors=actors, objects=objects)
    assert_good(activity_card(asked, found, zone=zone, wider=wider))
    assert len(activity_summary(asked, found, zone=zone)) < 2500


@SOME
@given(ASKED, BILLED, BILLED, BILLED, ZONES)
def test_any_cost_makes_a_good_card(
    asked: Asked,
    tables: tuple[Billed, ...],
    categories: tuple[Billed, ...],
    actors: tuple[Billed, ...],
    zone: ZoneInfo,
) -> None:
    cost = Cost(tables=tables, categories=categories, actors=actors)
    assert_good(cost_card(asked, cost, zone=zone))
    assert len(cost_summary(asked, cost, zone=zone)) < 2500


@SOME
@given(ASKED, CLUSTERS, windows(), ZONES)
def test_any_clusters_make_a_good_card(
    asked: Asked, rows: tuple[ClusterSeen, ...], window: Window, zone: ZoneInfo
) -> None:
    clusters = Clusters(rows=rows, window=window)
    assert_good(clusters_card(asked, clusters, zone=zone))
    assert len(clusters_summary(asked, clusters, zone=zone)) < 2500


@SOME
@given(ASKED, st.lists(st.tuples(TEXTS, SOME_TEXTS), max_size=30), ZONES)
def test_any_blind_spots_make_a_good_card(
    asked: Asked, by_cluster: Sequence[tuple[str, Sequence[str]]], zone: ZoneInfo
) -> None:
    assert_good(blindspots_card(asked, by_cluster, zone=zone))
    assert len(blindspots_summary(asked, by_cluster, zone=zone)) < 2500


@SOME
@given(st.lists(INCIDENTS, max_size=30), COUNTS, st.booleans(), st.booleans(), TIMES, ZONES)
def test_any_list_of_incidents_makes_a_good_card(
    found: list[Incident], total: int, mine: bool, here: bool, at: datetime, zone: ZoneInfo
) -> None:
    assert_good(incident_list_card(found, total=total, mine=mine, at=at, zone=zone, here=here))
    assert len(incident_list_summary(found, total=total, mine=mine, here=here)) < 2500


WATCHES = st.builds(
    WatchLine,
    number=st.integers(1, 10**9),
    line=TEXTS,
    by=TEXTS,
    since=TIMES,
    until=st.none() | TIMES,
    found=COUNTS,
    found_at=st.none() | TIMES,
    clusters=SOME_TEXTS,
)


@SOME
@given(st.lists(WATCHES, max_size=40), ZONES)
def test_any_watches_make_a_good_card(watches: list[WatchLine], zone: ZoneInfo) -> None:
    assert_good(watches_card(watches, zone=zone))
    assert len(watches_summary(watches)) < 2500


LINES = st.lists(TEXTS, max_size=12)
SPANS = st.timedeltas(timedelta(days=-1), timedelta(days=400))


@SOME
@given(TEXTS, TEXTS, LINES, SPANS, st.integers(-1, 10**9))
def test_any_notice_about_a_question_makes_a_good_card(
    text: str, line: str, several: list[str], span: timedelta, number: int
) -> None:
    pairs = [(each, line) for each in several]
    silent = [(each, Missing.TIMED_OUT) for each in several]
    for said in (
        notice.not_understood(text, line, several),
        notice.looking(text),
        notice.which_cluster(text, pairs),
        notice.unknown_cluster(text, several, pairs),
        notice.too_many(True, span, limit=number, span=span),
        notice.out_of_reach(text, line),
        notice.not_answered(text, silent, line, waited=span),
        notice.watching(text, number=number),
        notice.raised(number),
    ):
        assert_good(notice.notice_card(said))


#: The most that the last step of the ladder may be asked to hold.
WORST = "\U0001f600" * 1_000_000


@pytest.mark.parametrize("text", [WORST, "\u202e" * 1_000_000, '"' * 1_000_000])
def test_a_megabyte_in_every_field_stays_small(text: str) -> None:
    asked = telling.asked(
        text,
        of=(AskedOf(workspace=text, kql=text + "\n" * 999, logs_url=m.LOGS_URL + "x" * 2300),) * 9,
        unanswered=(Unanswered(workspace=text, why=Missing.FORBIDDEN, detail=text),) * 9,
        partial=text,
        clusters=(text,) * 9,
    )
    rows = (Counted(what=text, kind=ActorKind.WORKLOAD, count=10**15),) * 50
    busy = telling.activity(
        [(10**9, 10**9, 10**15)] * 48, step=timedelta(minutes=30), start=m.FIRED, actors=rows, objects=rows
    )
    assert_good(activity_card(asked, busy, zone=m.BERLIN, wider=text))
    billed = (Billed(what=text, gigabytes=1e12, rows=10**15),) * 50
    assert_good(cost_card(asked, Cost(tables=billed, categories=billed, actors=billed), zone=m.BERLIN))
    cluster = telling.a_cluster(text, workspace=text, logged=(text,) * 50)
    silent = replace(cluster, rows=0)
    for found in ((cluster,) * 50, (silent,) * 50):
        assert_good(clusters_card(asked, replace(telling.CLUSTERS, rows=found), zone=m.BERLIN))
    different = [(text, tuple(f"{n} {text}" for n in range(20 + n))) for n in range(20)]
    assert_good(blindspots_card(asked, different, zone=m.BERLIN))
    taken = replace(m.BOB, by=replace(m.BOB.by, name=text))
    incident = m.an_incident(rule=text, severity=text, subject_name=text, acknowledgement=taken)
    assert_good(
        incident_list_card([incident] * 99, total=99, mine=True, at=m.FIRED, zone=m.BERLIN, here=False)
    )
    watch = replace(telling.WATCHES[0], line=text, by=text, clusters=(text,) * 50)
    assert_good(watches_card([watch] * 99, zone=m.BERLIN))


def test_a_table_of_commands_twice_as_long_still_makes_a_good_help() -> None:
    more = [replace(each, name=f"{each.name}{n}") for n in range(2) for each in telling.HELP]
    assert_good(help_card(more))
    long = HelpLine(
        name="x", usage="x" * 200, examples=("x" * 100,) * 6, help="x" * 128, details=("x" * 400,) * 6
    )
    assert_good(command_card(long))
