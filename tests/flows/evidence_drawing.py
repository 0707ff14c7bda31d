"""Windows and workspaces at random, with what makes counting hard in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from audit.event import ActorKind
from audit.filter import Window
from tests.flows.evidence_model import (
    LOGS,
    MICROSECOND,
    TYPED,
    Actor,
    Asked,
    Case,
    Copy,
    Cut,
    Deed,
    Foreign,
    Place,
    Request,
)

BASE = datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC)
_GROUP = "/subscriptions/a0a0a0a0-0000-4000-8000-000000000001/resourcegroups/rg-platform"
HELD = f"{_GROUP}/providers/microsoft.containerservice/managedclusters/"
CLUSTERS = tuple(HELD + name for name in ("aks-prod-weu", "aks-prod-neu", "aks-prod-weu-2"))

_PERSON, _WORKLOAD, _PLATFORM = ActorKind.PERSON, ActorKind.WORKLOAD, ActorKind.PLATFORM
_ALICE, _DEPLOYER = "alice@contoso.com", "system:serviceaccount:payments:deployer"
ACTORS = (
    Actor(user=_ALICE, kind=_PERSON),
    Actor(user="8f6f2c0e-1111-4222-8333-94ad5d3c9a10", kind=_PERSON),
    Actor(user="masterclient", kind=_PERSON),
    Actor(user="system:anonymous", kind=_PERSON),
    Actor(user="j\N{LATIN SMALL LETTER U WITH DIAERESIS}rgen@contoso.com", kind=_PERSON),
    Actor(user=_DEPLOYER, kind=_WORKLOAD),
    Actor(user="system:serviceaccount:kube-system-tools:runner", kind=_WORKLOAD),
    Actor(user="aksService", kind=_PLATFORM),
    Actor(user="hcpService", kind=_PLATFORM),
    Actor(user="system:apiserver", kind=_PLATFORM),
    Actor(user="system:node:aks-nodepool1-12345678-vmss000000", kind=_PLATFORM),
    Actor(user="system:kube-controller-manager", kind=_PLATFORM),
    Actor(user="system:serviceaccount:kube-system:coredns", kind=_PLATFORM),
    Actor(user=_ALICE, kind=_PERSON, impersonated=_DEPLOYER, kind_with_impersonated=_PERSON),
    Actor(user=_DEPLOYER, kind=_WORKLOAD, impersonated=_ALICE, kind_with_impersonated=_PERSON),
    Actor(user="aksService", kind=_PLATFORM, impersonated=_DEPLOYER, kind_with_impersonated=_WORKLOAD),
    Actor(user="aksService", kind=_PLATFORM, impersonated="bob@contoso.com", kind_with_impersonated=_PERSON),
)
_CORE = "/api/v1/namespaces/"
DEEDS = (
    Deed(
        verb="patch",
        uri=f"{_CORE}kube-system/configmaps/coredns?fieldManager=kubectl&force=true",
        resource="configmaps",
        namespace="kube-system",
        name="coredns",
    ),
    Deed(
        verb="create",
        uri=f"{_CORE}payments/pods/api-1/exec?command=sh&stdin=true",
        resource="pods",
        subresource="exec",
        namespace="payments",
        name="api-1",
        code=101,
    ),
    Deed(
        verb="delete",
        uri="/apis/apps/v1/namespaces/payments/deployments/web",
        resource="deployments",
        namespace="payments",
        name="web",
        api_group="apps",
        code=403,
        reason="Forbidden",
        decision="forbid",
    ),
    Deed(
        verb="create",
        uri=f"{_CORE}kube-system/configmaps",
        resource="configmaps",
        namespace="kube-system",
        name="coredns-custom",
        code=409,
        reason="AlreadyExists",
    ),
    Deed(verb="list", uri="/api/v1/secrets?limit=500", resource="secrets"),
    Deed(verb="get", uri="/healthz"),
)
PLACES = frozenset({*LOGS, *TYPED})
QUERIES = (
    Asked(
        kql='AzureDiagnostics\n| where Category == "kube-audit-admin"\n',
        places=frozenset({Place.ADMIN}),
    ),
    Asked(kql='AzureDiagnostics | where Category in ("kube-audit", "kube-audit-admin")', places=LOGS),
    Asked(kql="AzureDiagnostics", places=LOGS | {Place.GUARD}),
    Asked(kql="AKSAudit // all of it", places=frozenset({Place.TYPED})),
    Asked(kql="AKSAuditAdmin | where TimeGenerated > ago(30d)", places=frozenset({Place.TYPED_ADMIN})),
    Asked(kql="union AKSAudit, AKSAuditAdmin", places=TYPED),
    Asked(kql="union isfuzzy=true AzureDiagnostics, AKSAudit, AKSAuditAdmin", places=PLACES | {Place.GUARD}),
    Asked(
        kql='AzureDiagnostics\n| where Category == "kube-audit"\n| summarize Hits = count() by _ResourceId',
        places=frozenset({Place.AUDIT}),
        reshapes=True,
    ),
)
#: What a log holds beside audit events, and whether it is the beginning of something longer.
FOREIGN = (
    ("I0304 09:33:01.000001       1 controller.go:615] quota admission added evaluator", False),
    ("", False),
    ("null", False),
    ("{}", False),
    ('["kube-audit"]', False),
    ('{"level":"info","msg":"guard: token review"}', False),
    ('{"level":"info","msg":"' + "x" * 20_000, True),
)
#: Audit ids that clients sent along: they say nothing about which request it was.
CHOSEN = ("chosen-by-a-client", 'a "b" \\c & d')
WINDOWS = tuple(
    Window(start=BASE + timedelta(microseconds=offset), end=BASE + timedelta(microseconds=offset) + length)
    for offset, length in (
        (0, timedelta(minutes=5)),
        (250_001, timedelta(minutes=5)),
        (17_000_000, timedelta(0)),
        (999_999, timedelta(hours=1)),
        (500_000, timedelta(hours=24)),
    )
)
#: What an alert narrows its query to: the rule's own cluster, a dimension in some case, or nothing.
NARROWED: tuple[tuple[str, Callable[[str], str] | None], ...] = (
    ("", None),
    ("_ResourceId", str.lower),
    ("", str.lower),
    ("ResourceId", str.upper),
    ("_ResourceId", str.title),
)
AFTER_WINDOW = timedelta(seconds=32, microseconds=7)
FIRST_LOOK, SECOND_LOOK = timedelta(seconds=45), timedelta(minutes=10)
#: When a row comes, counted from when the alert fired: a row of the very moment is not late.
ARRIVALS = (
    timedelta(seconds=-5),
    timedelta(0),
    MICROSECOND,
    FIRST_LOOK,
    FIRST_LOOK + MICROSECOND,
    SECOND_LOOK,
    SECOND_LOOK + MICROSECOND,
)
#: Requests that come on top: more rows than are read, more groups than are asked for.
FLOODS = (*(0,) * 12, 317, 515)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A copy as it is drawn, before there is a window."""

    place: Place
    #: Which of the moments in and around the window.
    moment: int
    arrival: timedelta
    cut: Cut | None
    size: int


_rows = st.builds(
    _Row,
    place=st.sampled_from(sorted(PLACES)),
    moment=st.integers(0, 8),
    arrival=st.sampled_from(ARRIVALS),
    cut=st.sampled_from((None, None, None, None, *Cut)),
    size=st.sampled_from((16_384, 32_766)),
)
_drawn = st.tuples(
    st.sampled_from(ACTORS),
    st.sampled_from(DEEDS),
    st.sampled_from(("own", "own", "own", "previous", *CHOSEN, "")),
    st.sampled_from(("ResponseComplete", "ResponseComplete", "ResponseStarted")),
    st.integers(0, len(CLUSTERS) - 1),
    st.lists(_rows, min_size=1, max_size=4),
    st.booleans(),
)
_foreign = st.tuples(_rows, st.sampled_from(FOREIGN), st.integers(0, len(CLUSTERS) - 1))


@st.composite
def cases(draw: st.DrawFn, questions: Sequence[int]) -> Case:
    """Draw one of these questions (see `asked`), and what is in the workspace around its window.

    To ask something for the first time takes the workspace long; what there is to be found takes it little.
    """
    number = draw(st.sampled_from(questions))
    clusters = CLUSTERS[: draw(st.integers(1, len(CLUSTERS)))]
    case = asked(number, clusters)
    case = replace(case, looks=draw(st.sampled_from(_looks(case.fired))), partial=draw(_PARTIAL))
    case = replace(case, requests=tuple(_requests(case, draw(st.lists(_drawn, max_size=10)))))
    case = replace(case, foreign=tuple(_strangers(case, draw(st.lists(_foreign, max_size=3)))))
    flood = draw(st.sampled_from(FLOODS))
    return replace(case, requests=(*case.requests, *_flood(case, flood, alike=draw(st.booleans()))))


_PARTIAL = st.sampled_from((*(frozenset[str](),) * 4, frozenset({"rows"}), frozenset({"groups"})))


def _looks(fired: datetime) -> tuple[tuple[datetime, ...], ...]:
    """Return either look alone, and both: that the first changes nothing is seen by a few."""
    first, second = fired + FIRST_LOOK, fired + SECOND_LOOK
    return ((first,), (second,), (first,), (second,), (first, second))


def asked(number: int, clusters: tuple[str, ...]) -> Case:
    """Return a question: query, window and what it is narrowed to go round at different paces."""
    query = QUERIES[number % len(QUERIES)]
    window = WINDOWS[number // 2 % len(WINDOWS)]
    column, written = NARROWED[(number + number // len(QUERIES)) % len(NARROWED)]
    if column == "ResourceId" and query.places & TYPED:
        # The typed tables have no such column, so that no rule can be split by it there.
        column = "_ResourceId"
    fired = window.end + AFTER_WINDOW
    return Case(
        window=window,
        fired=fired,
        looks=_looks(fired)[-1],
        asked=query,
        clusters=clusters,
        dimension=column,
        dimension_value=written(clusters[0]) if written and column else "",
        target=written(clusters[0]) if written else "",
        requests=(),
    )


def _moments(window: Window) -> tuple[datetime, ...]:
    start, end, minute = window.start, window.end, timedelta(seconds=45)
    middle = start + (end - start) / 2
    return (
        *(middle, start, end, start + min(MICROSECOND, end - start), end - min(MICROSECOND, end - start)),
        *(start - MICROSECOND, end + MICROSECOND, start - minute, end + minute),
    )


def _requests(
    case: Case, drawn: Sequence[tuple[Actor, Deed, str, str, int, list[_Row], bool]]
) -> Iterator[Request]:
    made: list[Request] = []
    for number, (actor, deed, whose, stage, cluster, rows, is_escaped) in enumerate(drawn):
        own = f"c0ffee00-0000-4000-8000-{number:012}"
        ids = {"own": own, "previous": made[-1].audit_id if made else own}
        # Whole seconds and fractions are written differently.
        offset = timedelta(seconds=number) if number % 2 else timedelta(seconds=number, microseconds=number)
        made.append(
            Request(
                actor=actor,
                deed=deed,
                audit_id=ids.get(whose, whose),
                stage=stage,
                received=BASE + offset,
                cluster=case.clusters[cluster % len(case.clusters)],
                copies=tuple(_copy(case, row) for row in rows),
                is_escaped=is_escaped,
            )
        )
    yield from _decidable(made)


def _copy(case: Case, row: _Row) -> Copy:
    return Copy(
        place=row.place,
        at=_moments(case.window)[row.moment],
        arrives=case.fired + row.arrival,
        cut=row.cut if row.place in LOGS else None,
        size=row.size,
    )


def _decidable(made: Sequence[Request]) -> Iterator[Request]:
    """Leave out cuts that nobody could see through.

    Two like requests under one id differ in their time alone, which a cut copy need not have. A cut that takes verb and
    user away leaves nothing to tell whose copy it is.
    """
    ids = Counter(request.audit_id for request in made)
    for request in made:
        copies: Sequence[Copy] = request.copies
        if request.audit_id and ids[request.audit_id] > 1:
            copies = [replace(copy, cut=None) for copy in copies]
        if any(copy.cut is Cut.URI for copy in copies):
            copies = [replace(copy, cut=Cut.URI) for copy in copies if copy.place in LOGS]
        yield replace(request, copies=tuple(copies))


def _strangers(case: Case, drawn: Sequence[tuple[_Row, tuple[str, bool], int]]) -> Iterator[Foreign]:
    for row, (text, is_cut), cluster in drawn:
        place = Place.GUARD if row.place is Place.AUDIT else row.place
        yield Foreign(
            place=place,
            at=_moments(case.window)[row.moment],
            arrives=case.fired + row.arrival,
            cluster=case.clusters[cluster % len(case.clusters)],
            text="" if place in TYPED else text,
            is_cut=is_cut and place not in TYPED,
        )


def _flood(case: Case, count: int, *, alike: bool) -> Iterator[Request]:
    """Make many requests of all kinds of actors in the middle of the window, to one object or each to its own."""
    places = sorted(case.asked.places - {Place.GUARD})
    middle = _moments(case.window)[0]
    for number in range(count):
        deed = DEEDS[number % 3]
        name = deed.name if alike else f"{deed.name}-{number}"
        yield Request(
            actor=ACTORS[number % len(ACTORS)],
            deed=replace(deed, name=name, uri=deed.uri.replace(deed.name, name)),
            audit_id=f"f100d000-0000-4000-8000-{number:012}",
            stage="ResponseComplete",
            received=BASE + number * timedelta(milliseconds=3),
            cluster=case.clusters[0],
            copies=(Copy(place=places[number % len(places)], at=middle, arrives=case.fired),),
        )
