"""Incidents, alerts and evidence to make cards of: fixed, and in the shapes that really occur."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from audit.alert import Alert, AlertKind, Condition, Criterion, ResultTable
from audit.event import ActorKind
from audit.evidence import (
    Action,
    Arriving,
    Change,
    ChangeKind,
    Earlier,
    EventLine,
    Evidence,
    Finding,
    Group,
    Missing,
    Severity,
    Since,
    SmallTable,
)
from audit.filter import EventFilter, Wanted, Window
from audit.incident import Acknowledgement, Incident, Person, State

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
KEY = "00112233445566778899aabbccddeeff"
FIRED = datetime(2022, 5, 19, 9, 38, 24, tzinfo=UTC)
WINDOW = Window(
    start=datetime(2022, 5, 19, 9, 32, 52, tzinfo=UTC), end=datetime(2022, 5, 19, 9, 37, 52, tzinfo=UTC)
)
CLUSTER = "/subscriptions/s/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/prod-weu"
URI = "/api/v1/namespaces/kube-system/configmaps/coredns-custom"
KQL = 'AzureDiagnostics\n| where Category == "kube-audit-admin"\n| where log_s has "coredns"\n| take 200'
OTHER_KQL = 'externaldata(url: string) ["https://elsewhere.example/list"]\n| join kind=inner AKSAudit on url\n| take 10'
LOGS_URL = "https://portal.azure.com/#@tenant/blade/Microsoft_Azure_Monitoring_Logs/LogsBlade/resourceId/x"
BOB = Acknowledgement(by=Person(id="b0b", name="Bob Lee"), at=FIRED + timedelta(seconds=163))


def at(clock: str) -> datetime:
    """Return the time of the material's day."""
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return datetime(2022, 5, 19, hours, minutes, seconds, tzinfo=UTC)


def an_incident(**changes: object) -> Incident:
    fields: dict[str, object] = {
        "number": 12,
        "key": KEY,
        "rule": "CoreDNS-Create",
        "severity": "Sev3",
        "subject_id": CLUSTER,
        "subject_name": "prod-weu",
        "opened_at": FIRED,
    }
    return Incident(**(fields | changes))  # type: ignore[arg-type]  # a table of fields for brevity


def an_alert(**changes: object) -> Alert:
    fields: dict[str, object] = {
        "key": "k",
        "alert_id": "/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/1",
        "rule": "CoreDNS-Create",
        "condition": Condition.FIRED,
        "kind": AlertKind.LOG_V2,
        "service": "Log Alerts V2",
        "severity": "Sev3",
        "fired_at": FIRED,
        "targets": (CLUSTER,),
        "window": WINDOW,
        "criteria": (Criterion(query="AzureDiagnostics"),),
        "counted": 2.0,
        "custom_properties": {},
    }
    return Alert(**(fields | changes))  # type: ignore[arg-type]  # a table of fields for brevity


def a_group(*moments: datetime, **changes: object) -> Group:
    """Return a group with one event at each moment."""
    fields: dict[str, object] = {
        "user": "aksService",
        "impersonated": "",
        "actor": ActorKind.PLATFORM,
        "verb": "create",
        "resource": "configmaps",
        "namespace": "kube-system",
        "name": "coredns-custom",
        "uri": "",
        "code": 409,
        "reason": "AlreadyExists",
        "decision": "allow",
        "source_ips": ("172.31.7.10",),
        "user_agent": "adapter/v0.0.0 (linux/amd64) kubernetes/$Format",
        "count": len(moments),
        "first": moments[0],
        "last": moments[-1],
    } | changes
    line = EventLine(
        audit_id="",
        time=moments[0],
        user=str(fields["user"]),
        verb=str(fields["verb"]),
        uri=str(fields["uri"]) or URI,
        code=fields["code"],  # type: ignore[arg-type]  # a table of fields for brevity
        reason=str(fields["reason"]),
    )
    events = tuple(replace(line, time=m, audit_id=f"id-{n}") for n, m in enumerate(moments))
    return Group(**({"events": events} | fields))  # type: ignore[arg-type]  # a table of fields for brevity


def by_alice(*moments: datetime, **changes: object) -> Group:
    fields: dict[str, object] = {
        "user": "alice@contoso.com",
        "actor": ActorKind.PERSON,
        "verb": "patch",
        "code": 200,
        "reason": "",
        "source_ips": ("20.1.2.3",),
        "user_agent": "kubectl/v1.31.0 (darwin/arm64) kubernetes/9edcffc",
        "uri": "",
    }
    return a_group(*moments, **(fields | changes))


def evidence_of(*groups: Group, **changes: object) -> Evidence:
    counts = {kind: sum(g.count for g in groups if g.actor is kind) for kind in ActorKind}
    returned = sum(counts.values())
    fields: dict[str, object] = {
        "asked_at": FIRED + timedelta(seconds=35),
        "window": WINDOW,
        "workspace": "prod-law",
        "kql": KQL,
        "returned": returned,
        "read": returned,
        "by_people": counts[ActorKind.PERSON],
        "by_workloads": counts[ActorKind.WORKLOAD],
        "by_platform": counts[ActorKind.PLATFORM],
        "groups": groups,
    }
    return Evidence(**(fields | changes))  # type: ignore[arg-type]  # a table of fields for brevity


def without(missing: Missing, **changes: object) -> Evidence:
    return replace(Evidence(asked_at=FIRED, window=WINDOW, missing=missing), **changes)  # type: ignore[arg-type]  # a table of fields for brevity


#: The real sample's shape: four refusals of the platform's own reconciler.
RECONCILER = a_group(at("09:33:04"), at("09:34:31"), at("09:35:59"), at("09:37:25"))
ONLY_PLATFORM = evidence_of(RECONCILER)
ALICE_TWICE = evidence_of(by_alice(at("09:35:02"), at("09:37:10")), RECONCILER)
WANTED = EventFilter(
    what=Wanted(term="coredns"),
    window=Window(start=FIRED - timedelta(minutes=59), end=FIRED + timedelta(minutes=1)),
)
SINCE = Since(
    until=at("09:41:07"),
    returned=3,
    by_people=1,
    last=at("09:38:40"),
    new_users=("carol@contoso.com",),
)
RESOLVED = an_incident(state=State.RESOLVED, resolved_at=at("09:58:00"))
V1_ROWS = ResultTable(
    name="PrimaryResult",
    columns=(
        "TimeGenerated",
        "Computer",
        "Facility",
        "HostName",
        "SeverityLevel",
        "SyslogMessage",
        "ProcessName",
    ),
    rows=tuple(
        (f"2020-04-20T13:03:{n:02}Z", "computer", "auth", "hostname", "info", f"New session {n}.", "systemd")
        for n in range(7)
    ),
)
RAW_EVENT = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "RequestResponse",
    "auditID": "3f1c1a4e-4a7a-4a5e-9f0b-0c1f5a3a0001",
    "stage": "ResponseComplete",
    "requestURI": URI,
    "verb": "patch",
    "user": {"username": "alice@contoso.com", "groups": ["system:authenticated"]},
    "sourceIPs": ["20.1.2.3"],
    "userAgent": "kubectl/v1.31.0 (darwin/arm64) kubernetes/9edcffc",
    "objectRef": {"resource": "configmaps", "namespace": "kube-system", "name": "coredns-custom"},
    "responseStatus": {"metadata": {}, "code": 200},
    "requestObject": {"data": "[redacted: configmap data]", "metadata": {"labels": {"app": "dns"}}},
    "requestReceivedTimestamp": "2022-05-19T09:35:02.114000Z",
    "stageTimestamp": "2022-05-19T09:35:02.121000Z",
    "annotations": {"authorization.k8s.io/decision": "allow"},
}

# --- what the risk rules, the diff and the counts add ----------------------------------------------

DNS = Finding(
    rule="dns-config-changed",
    title="Cluster DNS was rewritten",
    severity=Severity.HIGH,
    threat="MS-TA9035",
    technique="T1557",
)
SHELL = Finding(
    rule="shell-in-pod",
    title="Shell opened in a pod",
    severity=Severity.HIGH,
    threat="MS-TA9006",
    technique="T1609",
)
ADMIN = Finding(
    rule="cluster-admin-bound",
    title="cluster-admin was bound",
    severity=Severity.CRITICAL,
    threat="MS-TA9019",
    technique="T1098.006",
)
ROUTINE = Finding(rule=DNS.rule, title=DNS.title, severity=Severity.ROUTINE, refused=True)
BURST = Finding(
    rule="secret-burst",
    title="Many secrets were read in a short time",
    severity=Severity.CRITICAL,
    threat="MS-TA9025",
    technique="T1552.007",
)
COREFILE = Change(
    kind=ChangeKind.MERGE_PATCH,
    lines=(
        "+ rewrite name regex (.*)\\.shop\\.svc shop.evil.example",
        "+ forward . 203.0.113.7",
        "- forward . /etc/resolv.conf",
    ),
    added=2,
    removed=1,
    compared=True,
)
EDITED = by_alice(
    at("09:35:02"),
    at("09:37:10"),
    action=Action(
        done="edited the DNS configuration kube-system/coredns-custom",
        base="edit the DNS configuration kube-system/coredns-custom",
    ),
    identity="person",
    client="kubectl 1.31",
    address="20.1.2.3",
    source_ips=("10.0.0.1", "20.1.2.3"),
    findings=(DNS,),
    change=COREFILE,
    first_seen=("first time in kube-system in 30 days",),
)
A_SHELL = by_alice(
    at("09:36:40"),
    user="masterclient",
    identity="local admin",
    verb="get",
    resource="pods/exec",
    namespace="shop",
    name="web-1",
    code=101,
    action=Action(done="opened a shell in pod shop/web-1", base="open a shell in pod shop/web-1"),
    client="kubectl 1.35",
    address="203.0.113.9",
    findings=(SHELL,),
)
REFUSED_SHELL = replace(
    A_SHELL,
    user="bob@contoso.com",
    identity="person",
    code=403,
    reason="Forbidden",
    decision="forbid",
    findings=(replace(SHELL, refused=True, severity=Severity.MEDIUM),),
)
BINDING = by_alice(
    at("09:34:11"),
    user="system:serviceaccount:payments:deployer",
    actor=ActorKind.WORKLOAD,
    identity="service account",
    verb="create",
    resource="clusterrolebindings",
    namespace="",
    name="ci-admin",
    code=201,
    action=Action(done="bound cluster-admin to ci/runner", base="bind cluster-admin to ci/runner"),
    findings=(ADMIN, replace(SHELL, rule="x", title="Another finding", severity=Severity.LOW)),
    change=Change(why_not="AKS logs this kind at level Metadata, without the object"),
    client="Terraform",
    address="20.1.2.9",
)
KNOWN_RECONCILER = replace(RECONCILER, identity="platform", findings=(ROUTINE,))
REWRITTEN = evidence_of(
    EDITED,
    KNOWN_RECONCILER,
    events=6,
    judged=6,
    arriving=Arriving.SETTLED,
    blind_spots=(
        "Not in this log: reads and lists, which the category kube-audit-admin leaves out.",
        "Not in this log: kubectl exec of clients since 1.30, for it is a get, which kube-audit-admin leaves out.",
    ),
    reaches_back_to=FIRED - timedelta(days=30),
)
COUNTS = SmallTable(
    columns=("user_s", "namespace_s", "count_"),
    rows=(("alice@contoso.com", "kube-system", "41"), ("bob@contoso.com", "shop", "7")),
    total=2,
    because="summarize",
)
EARLIER = (
    Earlier(
        window=Window(start=WINDOW.start - timedelta(minutes=10), end=WINDOW.end - timedelta(minutes=10)),
        counted=1.0,
        returned=6,
        by_people=1,
        headline="Shell opened in a pod",
    ),
    Earlier(
        window=Window(start=WINDOW.start - timedelta(minutes=5), end=WINDOW.end - timedelta(minutes=5)),
        counted=None,
        returned=4,
        by_people=0,
    ),
)
