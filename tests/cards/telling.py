"""What chat tells beside events: activity, cost, clusters, lists, help and notices, to make cards of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from audit.actor import ActorKind
from audit.asked import (
    Activity,
    Asked,
    AskedOf,
    Billed,
    Bucket,
    Clusters,
    ClusterSeen,
    Cost,
    Counted,
    Unanswered,
)
from audit.evidence import Missing
from audit.filter import Window
from audit.incident import State
from bot.commands import COMMANDS, FILTERS
from cards import notice
from cards.activity import activity_card
from cards.blindspots import blindspots_card
from cards.clusters import clusters_card
from cards.cost import cost_card
from cards.help import HelpLine, command_card, help_card
from cards.incident_list import incident_list_card
from cards.watches import WatchLine, watches_card
from tests.cards import material as m

NOW = m.at("13:05:00")
DAY = Window(start=NOW - timedelta(days=1), end=NOW)
WEEK = Window(start=NOW - timedelta(days=7), end=NOW)


def asked(line: str = "activity last 24h", **changes: Any) -> Asked:
    fields: dict[str, Any] = {
        "line": line,
        "window": DAY,
        "asked_at": NOW,
        "of": (AskedOf(workspace="prod-law", kql=m.KQL, logs_url=m.LOGS_URL),),
        "key": m.KEY,
    }
    return Asked(**(fields | changes))


def activity(
    counts: list[tuple[int, int, int]], *, step: timedelta, start: datetime, **more: Any
) -> Activity:
    """Return an activity of (people, workloads, platform) for each step."""
    buckets = tuple(
        Bucket(start=start + n * step, people=people, workloads=workloads, platform=platform)
        for n, (people, workloads, platform) in enumerate(counts)
    )
    return Activity(step=step, buckets=buckets, **more)


ACTORS = (
    Counted(what="alice@contoso.com", kind=ActorKind.PERSON, count=41),
    Counted(what="system:serviceaccount:payments:deployer", kind=ActorKind.WORKLOAD, count=18),
    Counted(what="aksService", kind=ActorKind.PLATFORM, count=1204),
)
OBJECTS = (
    Counted(what="configmaps kube-system/coredns", kind=None, count=312),
    Counted(what="leases kube-system/kube-scheduler", kind=None, count=204),
)
#: A day by the hour, with a busy afternoon: 25 steps, which are one too many for a line each.
BUSY = activity(
    [((n * 7) % 5 if 12 <= n <= 20 else 0, n % 3, 40 + (n * 13) % 29) for n in range(25)],
    step=timedelta(hours=1),
    start=datetime(2022, 5, 18, 13, tzinfo=UTC),
    actors=ACTORS,
    objects=OBJECTS,
)
QUIET = activity([(0, 0, 0)] * 12, step=timedelta(minutes=5), start=m.at("12:05:00"))
COST = Cost(
    tables=(Billed(what="AzureDiagnostics", gigabytes=31.42), Billed(what="AKSAuditAdmin", gigabytes=0.004)),
    categories=(
        Billed(what="AzureDiagnostics kube-audit", gigabytes=24.2, rows=18_204_332),
        Billed(what="AzureDiagnostics kube-audit-admin", gigabytes=1.93, rows=904_332),
        Billed(what="AKSAuditAdmin", gigabytes=0.0041, rows=1200),
    ),
    actors=(
        Billed(what="system:node:aks-nodepool1-000000", gigabytes=9.81, rows=8_000_000),
        Billed(what="alice@contoso.com", gigabytes=0.00041, rows=120),
    ),
)


def a_cluster(name: str, **changes: Any) -> ClusterSeen:
    fields: dict[str, Any] = {
        "id": m.CLUSTER.replace("prod-weu", name),
        "name": name,
        "workspace": "prod-law",
        "rows": 12_345,
        "first": DAY.start + timedelta(seconds=9),
        "last": NOW - timedelta(minutes=4),
        "logged": ("AzureDiagnostics kube-audit-admin", "AzureDiagnostics guard"),
    }
    return ClusterSeen(**(fields | changes))


CLUSTERS = Clusters(
    rows=(
        a_cluster("prod-neu", last=NOW - timedelta(hours=3, minutes=5)),
        a_cluster("prod-weu"),
        a_cluster("staging-weu", rows=0, first=None, last=None, logged=()),
    ),
    window=DAY,
)
NO_READS = "Not in this log: reads and lists, which the category kube-audit-admin leaves out."
BLIND = (
    ("prod-weu", (NO_READS, "Not asked: AKSAudit, on a Basic plan.")),
    ("prod-neu", ()),
    ("staging-weu", (NO_READS, "Not asked: AKSAudit, on a Basic plan.")),
)
INCIDENTS = (
    m.an_incident(number=14, severity="Sev1", rule="AKS-Shell-Alert", opened_at=NOW - timedelta(minutes=12)),
    m.an_incident(number=13, alert_count=4, opened_at=NOW - timedelta(hours=3, minutes=20)),
    m.an_incident(
        acknowledgement=m.BOB, state=State.ACKNOWLEDGED, severity="Sev0", opened_at=NOW - timedelta(days=2)
    ),
)
WATCHES = (
    WatchLine(
        number=3,
        line="audits kube-system/coredns verb delete",
        by="Alice Doe",
        since=NOW - timedelta(days=2),
        until=NOW - timedelta(minutes=10),
        found=2,
        found_at=NOW - timedelta(hours=5),
        clusters=("prod-weu",),
    ),
    WatchLine(number=4, line="exec", by="Bob Lee", since=NOW - timedelta(minutes=1)),
)
HELP = tuple(
    HelpLine(
        name=each.name,
        usage=each.usage,
        examples=each.examples,
        help=each.help,
        details=each.details,
        menu=each.menu,
    )
    for each in COMMANDS
)
LINE = "audits kube-system/coredns verb delete last 24h"
NOTICES = {
    "not-understood": notice.not_understood(
        "audit coredns lsat 1h",
        "“lsat” is not understood; a time is written “last 1h”.",
        ("audits coredns last 1h", LINE),
    ),
    "which-cluster": notice.which_cluster(
        "prod",
        [("rg-weu/prod-weu", "audits coredns on rg-weu/prod-weu last 1h"), ("rg-neu/prod-neu", LINE)],
    ),
    "unknown-cluster": notice.unknown_cluster("prd-weu", ["prod-weu", "prod-neu"], [("prod-weu", LINE)]),
    "too-many": notice.too_many(True, timedelta(seconds=19.2), limit=5),
    "out-of-reach": notice.out_of_reach("Ask for at most 7 days at once.", "audits coredns last 7d"),
    "not-answered": notice.not_answered(
        LINE, [("prod-law", Missing.TIMED_OUT)], "audits coredns last 12h", waited=timedelta(seconds=30)
    ),
    "watching": notice.watching(LINE, number=3),
    "looking": notice.looking(LINE),
}


def cards() -> dict[str, dict[str, Any]]:
    """Return the cards that are kept, by name."""
    zone = m.BERLIN
    lists = {"zone": zone, "at": NOW}
    failed = (Unanswered(workspace="test-law", why=Missing.FORBIDDEN),)
    return {
        "activity": activity_card(asked(), BUSY, zone=zone),
        "activity-nothing": activity_card(
            asked("activity coredns last 1h", unanswered=failed), QUIET, zone=zone, wider="activity last 6h"
        ),
        "cost": cost_card(asked("cost last 7d", window=WEEK), COST, zone=zone),
        "clusters": clusters_card(asked("clusters"), CLUSTERS, zone=zone),
        "blindspots": blindspots_card(asked("blindspots"), BLIND, zone=zone),
        "open": incident_list_card(INCIDENTS, total=5, mine=False, here=True, **lists),  # type: ignore[arg-type]  # a table for brevity
        "open-none": incident_list_card((), total=0, mine=False, here=True, **lists),  # type: ignore[arg-type]  # a table for brevity
        "mine": incident_list_card(INCIDENTS[2:], total=1, mine=True, here=False, **lists),  # type: ignore[arg-type]  # a table for brevity
        "watches": watches_card(WATCHES, zone=zone),
        "help": help_card(HELP, how=FILTERS),
        "help-audits": command_card(HELP[0]),
        **{name: notice.notice_card(said) for name, said in NOTICES.items()},
    }
