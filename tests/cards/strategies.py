"""Any alert, incident and evidence that the types allow, their text hostile and sometimes huge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from audit.alert import Alert, AlertKind, Condition, ResultTable
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
from audit.filter import Window
from audit.incident import Acknowledgement, Incident, Person, State
from audit.rules import RULES
from tests.cards.hostile import CORPUS
from tests.cards.material import KEY

TEXTS = (
    st.sampled_from(("", "alice@contoso.com", "configmaps", "pods/exec", "kube-system"))
    | st.sampled_from(CORPUS)
    | st.text(st.characters(exclude_categories=()), max_size=40)
    | st.sampled_from(("\U0001f600" * 1000, "\u202e" * 1000, "x" * 1_000_000))
)
TIMES = st.datetimes(timezones=st.just(UTC)) | st.datetimes(
    datetime(2022, 5, 19, 9),  # noqa: DTZ001  # the strategy adds the zone
    datetime(2022, 5, 19, 10),  # noqa: DTZ001  # the strategy adds the zone
    timezones=st.just(UTC),
)
CODES = st.none() | st.sampled_from((101, 200, 201, 304, 403, 409, 500, 504, 0, -1, 99999))
COUNTS = st.integers(0, 100_000)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    one, other = draw(TIMES), draw(TIMES)
    return Window(start=min(one, other), end=max(one, other))


LINES = st.builds(
    EventLine, audit_id=TEXTS, time=TIMES, user=TEXTS, verb=TEXTS, uri=TEXTS, code=CODES, reason=TEXTS
)


FINDINGS = st.builds(
    Finding,
    rule=st.sampled_from(tuple(RULES)) | TEXTS,
    title=TEXTS,
    severity=st.sampled_from(Severity),
    refused=st.booleans(),
    threat=TEXTS,
    technique=TEXTS,
)
CHANGES = st.builds(
    Change,
    kind=st.none() | st.sampled_from(ChangeKind),
    lines=st.lists(TEXTS, max_size=30).map(tuple),
    added=COUNTS,
    removed=COUNTS,
    more=COUNTS,
    why_not=TEXTS,
    compared=st.booleans(),
)
SOME_TEXTS = st.lists(TEXTS, max_size=5).map(tuple)


@st.composite
def groups(draw: st.DrawFn) -> Group:
    line = draw(LINES)
    kept, unkept = draw(st.integers(0, 30)), draw(st.integers(1, 5))
    return Group(
        user=draw(TEXTS),
        impersonated=draw(TEXTS),
        actor=draw(st.sampled_from(ActorKind)),
        verb=draw(TEXTS | st.sampled_from(("create", "list", "patch"))),
        resource=draw(TEXTS),
        namespace=draw(TEXTS),
        name=draw(TEXTS),
        uri=draw(TEXTS),
        code=draw(CODES),
        reason=draw(TEXTS),
        decision=draw(st.sampled_from(("", "allow", "forbid"))),
        source_ips=tuple(draw(st.lists(TEXTS, max_size=5))),
        user_agent=draw(TEXTS),
        count=kept + unkept,
        first=line.time,
        last=line.time,
        events=(line,) * kept,
        action=draw(st.none() | st.builds(Action, done=TEXTS, base=TEXTS)),
        identity=draw(TEXTS),
        client=draw(TEXTS),
        address=draw(TEXTS),
        findings=tuple(draw(st.lists(FINDINGS, max_size=5))),
        change=draw(st.none() | CHANGES),
        first_seen=draw(SOME_TEXTS),
        cut=draw(COUNTS),
        cluster=draw(TEXTS),
    )


SINCES = st.builds(
    lambda until, people, others, last, users: Since(
        until=until, returned=people + others, by_people=people, last=last, new_users=tuple(users)
    ),
    TIMES,
    COUNTS,
    COUNTS,
    st.none() | TIMES,
    st.lists(TEXTS, max_size=5),
)


SMALL_TABLES = st.builds(
    lambda columns, row, rows, more, because: SmallTable(
        columns=tuple(columns), rows=(tuple(row),) * rows, total=rows + more, because=because
    ),
    st.lists(TEXTS, max_size=20),
    st.lists(TEXTS, max_size=25),
    st.integers(0, 50),
    COUNTS,
    TEXTS | st.just("summarize"),
)
EARLIER = st.builds(
    Earlier,
    window=windows(),
    counted=st.none() | st.floats(allow_nan=False),
    returned=COUNTS,
    by_people=COUNTS,
    headline=TEXTS,
)


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    found = draw(st.lists(groups(), max_size=4)) * draw(st.integers(1, 10))
    by = {kind: sum(group.count for group in found if group.actor is kind) for kind in ActorKind}
    unreadable, unread, repeated = draw(st.integers(0, 3)), draw(st.integers(0, 3)), draw(st.integers(0, 3))
    read = sum(by.values()) + unreadable
    return Evidence(
        asked_at=draw(TIMES),
        window=draw(st.none() | windows()),
        missing=draw(st.none() | st.none() | st.sampled_from(Missing)),
        detail=draw(TEXTS),
        again_until=draw(st.none() | TIMES),
        workspace=draw(TEXTS),
        kql=draw(TEXTS | st.just("x\n" * 3000)),
        returned=read + unread + repeated,
        read=read,
        repeated=repeated,
        by_people=by[ActorKind.PERSON],
        by_workloads=by[ActorKind.WORKLOAD],
        by_platform=by[ActorKind.PLATFORM],
        unreadable=unreadable,
        partial=draw(st.booleans()),
        groups=tuple(found),
        since=draw(st.none() | SINCES),
        events=draw(st.none() | COUNTS),
        cut=draw(COUNTS),
        late=draw(st.none() | COUNTS),
        arriving=draw(st.none() | st.sampled_from(Arriving)),
        before=draw(st.none() | COUNTS),
        after=draw(st.none() | COUNTS),
        judged=draw(st.none() | COUNTS),
        findings=tuple(draw(st.lists(FINDINGS, max_size=5))),
        groups_left=draw(COUNTS),
        reaches_back_to=draw(st.none() | TIMES),
        table=draw(st.none() | SMALL_TABLES),
        blind_spots=draw(SOME_TEXTS),
        earlier=tuple(draw(st.lists(EARLIER, max_size=5))),
    )


TABLES = st.builds(
    lambda columns, row, rows: ResultTable(name="t", columns=tuple(columns), rows=(tuple(row),) * rows),
    st.lists(TEXTS, max_size=20),
    st.lists(TEXTS, max_size=25),
    st.integers(0, 50),
)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), max_size=30)
ALERTS = st.builds(
    Alert,
    key=st.just("k"),
    alert_id=TEXTS,
    rule=TEXTS,
    condition=st.sampled_from(Condition),
    kind=st.sampled_from(AlertKind),
    service=TEXTS,
    severity=TEXTS | st.sampled_from(("Sev0", "Sev4")),
    description=TEXTS,
    fired_at=st.none() | TIMES,
    resolved_at=st.none() | TIMES,
    targets=st.lists(TEXTS, max_size=2).map(tuple),
    window=st.none() | windows(),
    results=st.lists(TABLES, max_size=4).map(tuple),
    counted=st.none() | st.floats(allow_nan=False),
    is_test=st.booleans(),
    facts=PAIRS.map(tuple),
    custom_properties=PAIRS.map(dict),
)
PEOPLE = st.builds(Person, id=TEXTS, name=TEXTS)
INCIDENTS = st.builds(
    Incident,
    number=st.integers(1, 10**9),
    key=st.just(KEY),
    rule=TEXTS,
    severity=TEXTS | st.sampled_from(("Sev0", "Sev2")),
    subject_id=TEXTS,
    subject_name=TEXTS,
    opened_at=TIMES,
    state=st.sampled_from(State),
    alert_count=st.integers(1, 1000),
    acknowledgement=st.none() | st.builds(Acknowledgement, by=PEOPLE, at=TIMES),
    resolved_at=st.none() | TIMES,
)
SPANS = st.sampled_from((timedelta(minutes=1), timedelta(hours=1), timedelta(days=7)))
