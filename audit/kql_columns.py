"""The columns of the answers to our queries: one name for those who ask and for those who read."""

from __future__ import annotations

from enum import StrEnum

#: The column of a `count` query's only row.
TOTAL = "Total"
#: The column of `events_listed` that names an event: 64 lower-case hexadecimal digits.
DIGEST = "Digest"
#: The column of `reach`: the earliest TimeGenerated, null where there is no row.
REACH = "First"
#: The column of `billed` that is in megabytes (10^6 bytes), and the one that is in bytes.
MEGABYTES = "Megabytes"
BYTES = "Bytes"


class Totals(StrEnum):
    """Columns of the one row of `EvidenceQueries.totals`. All are integers but FIRST and LAST."""

    #: Rows in the window, repeats and what is no audit event among them.
    ROWS = "Rows"
    #: Audit events, each counted once over tables and categories. PEOPLE + WORKLOADS + PLATFORM.
    EVENTS = "Events"
    PEOPLE = "People"
    WORKLOADS = "Workloads"
    PLATFORM = "Platform"
    #: Rows that are no audit event at all.
    UNREADABLE = "Unreadable"
    #: Rows that Azure cut (of those that can be read, and of those that cannot).
    CUT = "Cut"
    #: Rows that reached the workspace after `late_after`; null where that cannot be told.
    LATE = "Late"
    #: When the first and the last of the events were received; null where there are none.
    FIRST = "First"
    LAST = "Last"


class Groups(StrEnum):
    """Columns of `EvidenceQueries.groups`, at most MAX_GROUPS rows, those to be seen first in front."""

    USER = "User"
    IMPERSONATED = "Impersonated"
    VERB = "Verb"
    API_GROUP = "ApiGroup"
    RESOURCE = "Resource"
    SUBRESOURCE = "Subresource"
    NAMESPACE = "Namespace"
    #: Where the name matters, for people and what is risky, or there is only one; else "" for NAMES of them.
    NAME = "Name"
    NAMES = "Names"
    #: The path of a request that names no object, without its query; else "".
    PATH = "Path"
    #: HTTP status; 0 where the event has none.
    CODE = "Code"
    REASON = "Reason"
    #: "allow", "forbid" or "".
    DECISION = "Decision"
    #: Events, each counted once.
    COUNT = "Count"
    FIRST = "First"
    LAST = "Last"
    #: Events of these of which only a row is there that Azure cut.
    CUT = "Cut"
    #: audit.actor.ActorKind as a number.
    KIND = "Kind"
    #: The same in every row: how many groups there are in all, and how many events in them.
    GROUPS = "Groups"
    EVENTS = "Events"


class Sources(StrEnum):
    """Columns of `sources`, a row for each table and category that has rows in the window."""

    TABLE = "Table"
    #: "" of tables that have none.
    CATEGORY = "Category"
    ROWS = "Rows"
    FIRST = "First"
    LAST = "Last"


class Clusters(StrEnum):
    """Columns of `clusters`, a row for each cluster."""

    #: Resource id, lower case.
    CLUSTER = "Cluster"
    ROWS = "Rows"


class FirstSeen(StrEnum):
    """Columns of `first_seen`; what is no row of it was not seen before, if there are fewer than MAX_FACETS rows."""

    #: "" in the row of the facet LOG.
    USER = "User"
    #: One of Facet.
    FACET = "Facet"
    VALUE = "Value"
    #: The earliest time by TimeGenerated.
    FIRST = "First"


class Facet(StrEnum):
    """What a person may do for the first time; how VALUE is written."""

    #: The namespace.
    NAMESPACE = "namespace"
    #: "patch configmaps", "create pods/exec": verb, space, resource with its subresource.
    DEED = "deed"
    #: The last of the source addresses.
    ADDRESS = "address"
    #: The user agent up to its first space: "kubectl/v1.31.4".
    CLIENT = "client"
    #: No person's: FIRST is how far back the log reaches within what was asked; VALUE is "".
    LOG = "log"


class ActorsSeen(StrEnum):
    """Columns of `actors_asked`, a row for each user and whom they acted as."""

    USER = "User"
    IMPERSONATED = "Impersonated"
    #: audit.actor.ActorKind as a number.
    KIND = "Kind"
    #: Events, each counted once, and those of them that were refused or failed.
    COUNT = "Count"
    FAILED = "Failed"
    FIRST = "First"
    LAST = "Last"
    #: Different objects.
    OBJECTS = "Objects"
    #: When the last of those that neither failed nor were refused was; null where there is none.
    DONE = "Done"
    #: Of that one; of the last at all where there is none.
    VERB = "Verb"
    RESOURCE = "Resource"
    SUBRESOURCE = "Subresource"
    NAMESPACE = "Namespace"
    NAME = "Name"
    #: The same in every row: how many such rows there are in all, and how many events in them.
    USERS = "Users"
    EVENTS = "Events"


class Steps(StrEnum):
    """Columns of `ActivityQueries.buckets`, a row for each step and kind of actor that has events."""

    #: When the step begins.
    START = "Start"
    #: audit.actor.ActorKind as a number.
    KIND = "Kind"
    COUNT = "Count"


class Busiest(StrEnum):
    """Columns of `ActivityQueries.actors` (USER) and `.objects` (RESOURCE, NAMESPACE, NAME)."""

    USER = "User"
    RESOURCE = "Resource"
    NAMESPACE = "Namespace"
    NAME = "Name"
    #: audit.actor.ActorKind as a number; of an object the first of those who did something to it.
    KIND = "Kind"
    COUNT = "Count"


class ClustersSeen(StrEnum):
    """Columns of `clusters_seen`, a row for each cluster, table and category."""

    #: Resource id, lower case.
    CLUSTER = "Cluster"
    TABLE = "Table"
    #: "" of tables that have none.
    CATEGORY = "Category"
    ROWS = "Rows"
    FIRST = "First"
    LAST = "Last"


class Billing(StrEnum):
    """Columns of `BilledQueries` beside MEGABYTES and BYTES."""

    TABLE = "Table"
    CATEGORY = "Category"
    USER = "User"
    ROWS = "Rows"
