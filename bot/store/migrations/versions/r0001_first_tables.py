"""The first tables.

A revision says what it did when it was released: it does not follow bot.store.tables, a test compares the two.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _counters()
    _incidents()
    _alerts()
    _evidence()
    _conversations()
    _subscriptions()
    _notifications()
    _looks()


def downgrade() -> None:
    for table in (
        "looks",
        "notifications",
        "subscriptions",
        "conversations",
        "evidence",
        "alerts",
        "incidents",
        "counters",
    ):
        op.drop_table(table)


def _text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null, server_default=default)


def _time(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _id(table: str) -> tuple[sa.Column[int], sa.PrimaryKeyConstraint]:
    return sa.Column("id", BIG_ID, nullable=False), sa.PrimaryKeyConstraint("id", name=f"pk_{table}")


def _refers(
    table: str, column: str, to: str, *, null: bool = False
) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    name = f"fk_{table}_{column}"
    reference = sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete="CASCADE")
    return sa.Column(column, BIG_ID, nullable=null), reference


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def _lease() -> tuple[sa.Column[Any], ...]:
    return (
        _text("owner", null=True),
        _time("lease_until", null=True),
        _count("attempt"),
        _count("claims"),
        _time("due_at", null=True),
    )


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _work_indices(table: str) -> None:
    _partial_index(f"ix_{table}_due", table, ["due_at", "id"], "due_at IS NOT NULL")
    _partial_index(f"ix_{table}_held", table, ["lease_until"], "owner IS NOT NULL")


def _counters() -> None:
    counters = op.create_table(
        "counters",
        _text("name"),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.bulk_insert(counters, [{"name": "incidents", "value": 0}, {"name": "pings", "value": 0}])


def _incidents() -> None:
    op.create_table(
        "incidents",
        *_id("incidents"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        _text("key"),
        _text("identity"),
        _text("rule"),
        _text("severity"),
        _text("subject_id"),
        _text("subject_name"),
        _time("opened_at"),
        _text("state"),
        _number("version"),
        _number("alert_count"),
        _text("acknowledged_by", null=True),
        _text("acknowledged_name", null=True),
        _time("acknowledged_at", null=True),
        _time("resolved_at", null=True),
        _unique("incidents", "number"),
        _unique("incidents", "key"),
    )
    _partial_index("ix_incidents_open", "incidents", ["identity"], "state != 'resolved'")


def _alerts() -> None:
    op.create_table(
        "alerts",
        *_id("alerts"),
        _text("key"),
        _text("identity"),
        _text("condition"),
        *_refers("alerts", "incident_id", "incidents", null=True),
        _text("why", null=True),
        _time("fired_at", null=True),
        _time("resolved_at", null=True),
        _time("happened_at"),
        _time("received_at"),
        sa.Column("over", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _unique("alerts", "key"),
    )
    op.create_index("ix_alerts_identity", "alerts", ["identity", "condition"])
    op.create_index("ix_alerts_incident", "alerts", ["incident_id", "condition", "happened_at"])


def _evidence() -> None:
    op.create_table(
        "evidence",
        *_refers("evidence", "incident_id", "incidents"),
        _time("asked_at"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name="pk_evidence"),
    )


def _conversations() -> None:
    op.create_table(
        "conversations",
        *_id("conversations"),
        _text("teams_id"),
        _text("kind"),
        _text("service_url"),
        _text("tenant_id"),
        _text("bot_id"),
        _text("team_id"),
        _text("user_object_id"),
        _text("name"),
        _time("seen_at"),
        _time("ended_at", null=True),
        _unique("conversations", "teams_id"),
    )
    op.create_index("ix_conversations_team_id", "conversations", ["team_id"])


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        *_id("subscriptions"),
        *_refers("subscriptions", "conversation_id", "conversations"),
        _time("since"),
        _unique("subscriptions", "conversation_id"),
    )


def _notifications() -> None:
    op.create_table(
        "notifications",
        *_id("notifications"),
        *_refers("notifications", "incident_id", "incidents"),
        *_refers("notifications", "conversation_id", "conversations"),
        _text("state"),
        _text("activity_id", default=""),
        _count("shown_version"),
        _text("reason", default=""),
        _time("created_at"),
        *_lease(),
        _unique("notifications", "incident_id", "conversation_id"),
    )
    op.create_index("ix_notifications_conversation_id", "notifications", ["conversation_id"])
    _work_indices("notifications")


def _looks() -> None:
    op.create_table(
        "looks",
        *_id("looks"),
        *_refers("looks", "incident_id", "incidents"),
        _text("kind"),
        _count("wants"),
        _count("wants_seen"),
        *_lease(),
        _unique("looks", "incident_id"),
    )
    _work_indices("looks")
