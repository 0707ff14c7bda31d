"""What the builders of queries return."""

from __future__ import annotations

from dataclasses import dataclass

#: Most groups that are asked for.
MAX_GROUPS = 500
#: Most rows of an alert's own table that are asked for: what is shown, and one more.
MAX_TABLE_ROWS = 21
#: Most rows of `first_seen`. With as many rows as that nothing may be said of what is missing among them.
MAX_FACETS = 5_000
#: Most clusters that one alert may be about.
MAX_CLUSTERS = 50
#: Most objects, and most people, that are asked about at once.
MAX_OBJECTS = 50
MAX_PEOPLE = 20
#: Most users that are told of at once, and most busy users or objects.
MAX_ACTORS = 60
MAX_BUSIEST = 8
#: Most steps of time that a window is counted in.
MAX_STEPS = 1_000
#: Most rows of `clusters_seen`: clusters times tables and categories.
MAX_SEEN = 1_000
#: Most users of whom is told what their rows cost.
MAX_BILLED = 10


@dataclass(frozen=True, kw_only=True)
class AlertQueries:
    """Two queries over the same events."""

    #: The newest events first, at most as many as asked for.
    rows: str
    #: One row with the column TOTAL.
    count: str


@dataclass(frozen=True, kw_only=True)
class EventQueries:
    """Three queries over the same rows of audit events."""

    #: Columns as parse_event reads them, with bodies, `Type` and `Ingested`: riskiest first, people before others.
    rows: str
    #: One row; columns are Totals.
    totals: str
    #: At most MAX_GROUPS rows; columns are Groups.
    groups: str


@dataclass(frozen=True, kw_only=True)
class EvidenceQueries:
    """What to ask for one criterion of an alert. A query that does not apply is "".

    At least one of `is_events` and `table` is there. `table` is there where the query reshapes what it reads or reads
    something else than audit events; `is_events` where audit events can be had of the query or of its beginning.
    """

    #: Whether `rows`, `totals` and `groups` (as in EventQueries) are there.
    is_events: bool
    rows: str = ""
    totals: str = ""
    groups: str = ""
    #: The alert's whole query in the window, at most MAX_TABLE_ROWS rows of it.
    table: str = ""
    #: How many rows `table` has without that bound: one row with the column TOTAL.
    table_total: str = ""
    #: Why there is a `table`: the first reshaping operator ("summarize"), or the table or category that is read.
    because: str = ""
    #: Names of the alert's dimensions that `rows`, `totals` and `groups` could not be narrowed by: hostile text.
    #: The events are then more than those that the alert counted.
    ignored_dimensions: tuple[str, ...] = ()
    #: The window could be put into the query. Where not, only the API's timespan bounds it: send the window itself.
    is_windowed: bool = True
    #: The cluster that was asked for could be put into the query, or none was: where not, all is of every cluster.
    is_narrowed: bool = True


@dataclass(frozen=True, kw_only=True)
class ContextQueries:
    """The alert's query over the time just before and just after the window: one row with TOTAL each."""

    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class ObjectKey:
    """One Kubernetes object of one cluster."""

    #: Resource id of the cluster, in any case; "" for any cluster.
    cluster: str = ""
    #: "" for the core group.
    api_group: str = ""
    #: In plural, as in objectRef: "configmaps".
    resource: str
    #: "" for what has no namespace.
    namespace: str = ""
    name: str


@dataclass(frozen=True, kw_only=True)
class ActivityQueries:
    """Events over time and by whom, each event counted once."""

    #: Columns are Steps.
    buckets: str
    #: At most MAX_BUSIEST rows each, people and workloads before the platform, then the most events; columns are Busiest.
    actors: str
    objects: str


@dataclass(frozen=True, kw_only=True)
class BilledQueries:
    """What tables, categories and users cost in a window; columns are Billing's."""

    #: By TABLE, of all hours that begin in the window: MEGABYTES, as the workspace's own Usage has them.
    usage: str
    #: By TABLE and CATEGORY, rows of AKS alone: ROWS, and BYTES of those that are billed.
    categories: str
    #: By USER, at most MAX_BILLED rows, of the tables that hold audit events: as above. "" where there are none.
    actors: str
