"""Delivery: one turn per conversation, digests, dead letters, pacing, chores, the run trail."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("alerts", _time("recorded_at"))
    op.add_column("alerts", _time("found_at"))
    firing = sa.text("condition = 'Fired' AND over IS false")
    op.create_index(
        "ix_alerts_firing", "alerts", ["incident_id"], sqlite_where=firing, postgresql_where=firing
    )
    op.add_column("conversations", _time("busy_until"))
    op.add_column("conversations", _time("paced_until"))
    _notifications()
    _chores()
    op.create_table(
        "pace",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("fast", sa.Double(), nullable=False),
        sa.Column("slow", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name="pk_pace"),
    )
    _traces()


def downgrade() -> None:
    for table in ("traces", "pace", "chores"):
        op.drop_table(table)
    op.execute("DELETE FROM notifications WHERE incident_id IS NULL")
    for index in ("dead", "digest", "crowd", "unposted", "turn"):
        op.drop_index(f"ix_notifications_{index}", "notifications")
    with op.batch_alter_table("notifications") as batch:
        for column in ("wants_seen", "wants", "card", "detail", "failed_at"):
            batch.drop_column(column)
        batch.drop_constraint("fk_notifications_digest_id", type_="foreignkey")
        batch.drop_column("digest_id")
        batch.alter_column("incident_id", existing_type=BIG_ID, nullable=False)
    op.drop_index("ix_alerts_firing", "alerts")
    for table, column in (
        ("conversations", "paced_until"),
        ("conversations", "busy_until"),
        ("alerts", "found_at"),
        ("alerts", "recorded_at"),
    ):
        op.drop_column(table, column)


def _time(name: str, *, null: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _lease() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("owner", sa.Text()),
        _time("lease_until"),
        _count("attempt"),
        _count("claims"),
        _time("due_at"),
    )


def _partial_index(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        f"ix_notifications_{name}",
        "notifications",
        columns,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _notifications() -> None:
    # SQLite changes a column by copying the table; its partial indices are made anew, since the copy loses them.
    for name in ("held", "due"):
        op.drop_index(f"ix_notifications_{name}", "notifications")
    with op.batch_alter_table("notifications") as batch:
        batch.alter_column("incident_id", existing_type=BIG_ID, nullable=True)
        batch.add_column(sa.Column("digest_id", BIG_ID))
        batch.create_foreign_key(
            "fk_notifications_digest_id", "notifications", ["digest_id"], ["id"], ondelete="SET NULL"
        )
        for column in (
            _time("failed_at"),
            _text("detail"),
            sa.Column("card", sa.LargeBinary()),
            _count("wants"),
            _count("wants_seen"),
        ):
            batch.add_column(column)
    turn = ["conversation_id", "due_at", "id"]
    _partial_index("due", ["due_at", "id"], "due_at IS NOT NULL")
    _partial_index("held", ["lease_until"], "owner IS NOT NULL")
    _partial_index("turn", turn, "due_at IS NOT NULL")
    _partial_index("unposted", turn, "activity_id = ''")
    crowd = "activity_id = '' AND state = 'pending' AND digest_id IS NULL AND incident_id IS NOT NULL"
    _partial_index("crowd", ["conversation_id"], crowd)
    _partial_index("digest", ["digest_id"], "digest_id IS NOT NULL")
    _partial_index("dead", ["failed_at"], "failed_at IS NOT NULL")
    # What was given up before there was a list of dead letters belongs on it.
    op.execute(
        "UPDATE notifications SET failed_at = created_at"
        " WHERE state = 'failed' AND reason NOT IN ('unsubscribed', 'conversation ended')"
    )


def _chores() -> None:
    chores = op.create_table(
        "chores",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *_lease(),
        sa.PrimaryKeyConstraint("id", name="pk_chores"),
        sa.UniqueConstraint("kind", name="uq_chores_kind"),
    )
    # Due since ever: the first worker that looks takes them.
    long_ago = sa.text("'1970-01-01 00:00:00.000000'")
    for kind in ("catch up", "retention"):
        op.execute(chores.insert().values(kind=kind, due_at=long_ago))


def _traces() -> None:
    op.create_table(
        "traces",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("incident_id", BIG_ID, nullable=False),
        _time("at", null=False),
        sa.Column("step", sa.Text(), nullable=False),
        _text("subject"),
        sa.Column("seconds", sa.Double()),
        _count("attempt"),
        _text("reason"),
        sa.PrimaryKeyConstraint("id", name="pk_traces"),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_traces_incident_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_traces_incident_id", "traces", ["incident_id"])
