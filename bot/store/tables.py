"""The tables, and the two column types that keep times and hostile text the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.types import TypeDecorator


class NaiveTimeError(ValueError, DontWrapMixin):
    """A time without a zone was to be stored: a mistake of ours, so it is not taken for a fault of the database."""


class UtcTime(TypeDecorator[datetime]):
    """An aware time, in UTC whichever way it comes. Raises NaiveTimeError for one without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise NaiveTimeError(f"a time without a zone cannot be stored: {value!r}")
        utc = value.astimezone(UTC)
        # SQLite keeps text; with the zone left out, times compare as they sort.
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the base class's signature
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class HostileText(TypeDecorator[str]):
    """Text that either database takes: what one of them would refuse becomes a replacement character.

    PostgreSQL has no NUL in text (https://www.postgresql.org/docs/current/datatype-character.html), and neither
    driver encodes a lone surrogate: an alert with one of these would be refused for ever, and sent again for ever.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the base class's signature
        return None if value is None else storable(value)


def storable(value: str) -> str:
    """Return the text as either database keeps it."""
    if value.isascii() and "\x00" not in value:
        # Most are; and a group of questions has hundreds.
        return value
    return value.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


#: SQLite counts up by itself only in a column of exactly this type.
BigId = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _lease() -> tuple[Column[str], Column[datetime], Column[int], Column[int], Column[datetime]]:
    """What every kind of due row has: when, held by whom until when, which try, how often claimed."""
    return (
        Column("owner", HostileText),
        Column("lease_until", UtcTime),
        Column("attempt", Integer, nullable=False, server_default=text("0")),
        Column("claims", Integer, nullable=False, server_default=text("0")),
        Column("due_at", UtcTime),
    )


def _work_indices(table: Table) -> None:
    """Index what the worker asks for all the time: due rows, oldest first, and rows that are held."""
    due = table.c.due_at.is_not(None)
    held = table.c.owner.is_not(None)
    Index(f"ix_{table.name}_due", table.c.due_at, table.c.id, sqlite_where=due, postgresql_where=due)
    Index(f"ix_{table.name}_held", table.c.lease_until, sqlite_where=held, postgresql_where=held)


#: Named counters: "incidents" gives the number that people say, without gaps.
counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),
    Column("key", HostileText, nullable=False, unique=True),
    #: Hash over rule and subject, which may be longer than an index takes.
    Column("identity", Text, nullable=False),
    Column("rule", HostileText, nullable=False),
    Column("severity", HostileText, nullable=False),
    Column("subject_id", HostileText, nullable=False),
    Column("subject_name", HostileText, nullable=False),
    #: Resource id (lower case) that its evidence is narrowed to; "" for all that its alert is about. See bot.store.splitting.
    Column("cluster", HostileText, nullable=False, server_default=""),
    #: Id of the conversation that alone has it; "" for all that are subscribed.
    Column("only_for", HostileText, nullable=False, server_default=""),
    #: Id of a conversation that has it besides those; "" for none.
    Column("also_for", HostileText, nullable=False, server_default=""),
    Column("opened_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("alert_count", Integer, nullable=False),
    Column("acknowledged_by", HostileText),
    Column("acknowledged_name", HostileText),
    Column("acknowledged_at", UtcTime),
    Column("resolved_at", UtcTime),
)
_OPEN = incidents.c.state != "resolved"
# Not unique: an incident whose acknowledgement is too old to speak for a new alert stays open beside the new one.
Index("ix_incidents_open", incidents.c.identity, sqlite_where=_OPEN, postgresql_where=_OPEN)

alerts = Table(
    "alerts",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("key", HostileText, nullable=False, unique=True),
    #: Hash over what Fired and Resolved of one alert have in common.
    Column("identity", Text, nullable=False),
    Column("condition", Text, nullable=False),
    #: NULL: a Resolved that nobody waited for; it still tells a late Fired that it is over.
    Column("incident_id", BigId, ForeignKey("incidents.id", ondelete="CASCADE")),
    #: What became of it when it was recorded.
    Column("why", Text),
    Column("fired_at", UtcTime),
    Column("resolved_at", UtcTime),
    #: The payload's time, or when it was received where there is none: what "newest" goes by.
    Column("happened_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    #: When its transaction was about to be committed: the webhook's own share of the way to the card.
    Column("recorded_at", UtcTime),
    #: Set where Azure did not deliver it and we found it in its list.
    Column("found_at", UtcTime),
    #: Of a Fired: its Resolved is known.
    Column("over", Boolean, nullable=False, server_default=false()),
    #: Delivered once, for several clusters: this is what another than the first has of it.
    Column("copied", Boolean, nullable=False, server_default=false()),
    #: Of an alert of our own: when it is over if nothing more comes. See bot.store.endings.
    Column("ends_at", UtcTime),
    Column("body", LargeBinary, nullable=False),
)
Index("ix_alerts_identity", alerts.c.identity, alerts.c.condition)
Index("ix_alerts_incident", alerts.c.incident_id, alerts.c.condition, alerts.c.happened_at)
_FIRING = (alerts.c.condition == "Fired") & alerts.c.over.is_(false())
_ENDING = alerts.c.ends_at.is_not(None) & alerts.c.over.is_(false())
Index("ix_alerts_ending", alerts.c.ends_at, sqlite_where=_ENDING, postgresql_where=_ENDING)
Index("ix_alerts_firing", alerts.c.incident_id, sqlite_where=_FIRING, postgresql_where=_FIRING)

#: No row: the workspace has not been asked yet.
evidence = Table(
    "evidence",
    metadata,
    Column("incident_id", BigId, ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True),
    Column("asked_at", UtcTime, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

#: Who did something to what, by their hashes: what "seen before" is looked up by.
incident_facts = Table(
    "incident_facts",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("incident_id", BigId, ForeignKey("incidents.id", ondelete="CASCADE"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("object", Text, nullable=False),
    UniqueConstraint("incident_id", "actor", "object"),
)
Index("ix_incident_facts_seen", incident_facts.c.actor, incident_facts.c.object, incident_facts.c.incident_id)

conversations = Table(
    "conversations",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("teams_id", HostileText, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("service_url", HostileText, nullable=False),
    Column("tenant_id", HostileText, nullable=False),
    Column("bot_id", HostileText, nullable=False),
    Column("team_id", HostileText, nullable=False, index=True),
    Column("user_object_id", HostileText, nullable=False),
    Column("name", HostileText, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    #: By the database's clock: until then one notification is being said there, so that all come in order.
    Column("busy_until", UtcTime),
    #: By the Clock port: nothing is said there before that; Teams asked for it, or its limits do.
    Column("paced_until", UtcTime),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", BigId, primary_key=True),
    Column(
        "conversation_id",
        BigId,
        ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    Column("since", UtcTime, nullable=False),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", BigId, primary_key=True),
    #: NULL: a digest, which stands for the notifications that name it in digest_id.
    Column("incident_id", BigId, ForeignKey("incidents.id", ondelete="CASCADE")),
    Column(
        "conversation_id",
        BigId,
        ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("digest_id", BigId, ForeignKey("notifications.id", ondelete="SET NULL")),
    Column("state", Text, nullable=False),
    Column("activity_id", HostileText, nullable=False, server_default=""),
    #: Version of the incident that stands in the conversation; 0 before the first post.
    Column("shown_version", Integer, nullable=False, server_default=text("0")),
    #: Why it was put off or given up last.
    Column("reason", HostileText, nullable=False, server_default=""),
    #: Set for a dead letter, with the other side's words and, where it was about the card, the card.
    Column("failed_at", UtcTime),
    Column("detail", HostileText, nullable=False, server_default=""),
    Column("card", LargeBinary),
    Column("created_at", UtcTime, nullable=False),
    #: Of a digest: how often one of its incidents changed, and how often by the last claim.
    Column("wants", Integer, nullable=False, server_default=text("0")),
    Column("wants_seen", Integer, nullable=False, server_default=text("0")),
    *_lease(),
    UniqueConstraint("incident_id", "conversation_id"),
)
_work_indices(notifications)
_DUE = notifications.c.due_at.is_not(None)
_UNPOSTED = notifications.c.activity_id == ""
_IN_DIGEST = notifications.c.digest_id.is_not(None)
_FAILED = notifications.c.failed_at.is_not(None)
#: What a claim asks for in every conversation: what is due first, and what is due first of what nobody has seen.
Index(
    "ix_notifications_turn",
    notifications.c.conversation_id,
    notifications.c.due_at,
    notifications.c.id,
    sqlite_where=_DUE,
    postgresql_where=_DUE,
)
Index(
    "ix_notifications_unposted",
    notifications.c.conversation_id,
    notifications.c.due_at,
    notifications.c.id,
    sqlite_where=_UNPOSTED,
    postgresql_where=_UNPOSTED,
)
_CROWD = (
    _UNPOSTED
    & (notifications.c.state == "pending")
    & notifications.c.digest_id.is_(None)
    & notifications.c.incident_id.is_not(None)
)
Index("ix_notifications_crowd", notifications.c.conversation_id, sqlite_where=_CROWD, postgresql_where=_CROWD)
Index(
    "ix_notifications_digest",
    notifications.c.digest_id,
    sqlite_where=_IN_DIGEST,
    postgresql_where=_IN_DIGEST,
)
Index("ix_notifications_dead", notifications.c.failed_at, sqlite_where=_FAILED, postgresql_where=_FAILED)

looks = Table(
    "looks",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("incident_id", BigId, ForeignKey("incidents.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    #: How often a look was wanted, and how often by the last claim: more now means that one came in between.
    Column("wants", Integer, nullable=False, server_default=text("0")),
    Column("wants_seen", Integer, nullable=False, server_default=text("0")),
    *_lease(),
)
_work_indices(looks)

chores = Table(
    "chores",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("kind", Text, nullable=False, unique=True),
    *_lease(),
)

#: The state of bot.pacing's buckets, in seconds since the epoch: when each would be full again.
pace = Table(
    "pace",
    metadata,
    Column("scope", HostileText, primary_key=True),
    Column("fast", Double, nullable=False),
    Column("slow", Double, nullable=False),
)

#: The run trail; what a webhook did is told by `alerts`.
traces = Table(
    "traces",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("incident_id", BigId, ForeignKey("incidents.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("step", Text, nullable=False),
    Column("subject", HostileText, nullable=False, server_default=""),
    Column("seconds", Double),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("reason", HostileText, nullable=False, server_default=""),
)
