"""The chat: questions, the ledger, watches, and incidents of one conversation alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name in ("only_for", "also_for"):
        op.add_column("incidents", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("alerts", sa.Column("ends_at", sa.DateTime(timezone=True)))
    ending = sa.text("ends_at IS NOT NULL AND over IS false")
    op.create_index("ix_alerts_ending", "alerts", ["ends_at"], sqlite_where=ending, postgresql_where=ending)
    op.execute("INSERT INTO counters (name, value) VALUES ('ledger', 0), ('watches', 0)")
    # Due since ever, as the others are.
    op.execute("INSERT INTO chores (kind, due_at) VALUES ('watch', '1970-01-01 00:00:00.000000')")
    _questions()
    _ledger()
    _watches()


def downgrade() -> None:
    for table in ("watches", "ledger", "questions"):
        op.drop_table(table)
    op.execute("DELETE FROM chores WHERE kind = 'watch'")
    op.execute("DELETE FROM counters WHERE name IN ('ledger', 'watches')")
    op.drop_index("ix_alerts_ending", table_name="alerts")
    op.drop_column("alerts", "ends_at")
    # Without the column they would be everybody's.
    op.execute("DELETE FROM incidents WHERE only_for <> ''")
    for name in ("also_for", "only_for"):
        op.drop_column("incidents", name)


def _questions() -> None:
    op.create_table(
        "questions",
        sa.Column("id", BIG_ID, nullable=False),
        *_texts("key", "line", "by_id", "by_name", "conversation_id", "activity_id", "person", "place"),
        sa.Column("delivery", sa.Text()),
        _time("asked_at", null=False),
        sa.Column("answer", sa.LargeBinary()),
        sa.Column("cursors", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_questions"),
        sa.UniqueConstraint("key", name="uq_questions_key"),
        sa.UniqueConstraint("delivery", name="uq_questions_delivery"),
    )
    op.create_index("ix_questions_person", "questions", ["person", "asked_at"])
    op.create_index("ix_questions_place", "questions", ["place", "asked_at"])
    op.create_index("ix_questions_asked_at", "questions", ["asked_at"])


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("number", sa.BigInteger(), nullable=False, autoincrement=False),
        _time("at", null=False),
        *_texts("what", "by_id", "by_name", "conversation_id", "about", "key"),
        sa.Column("rows", sa.BigInteger()),
        *_texts("outcome", "before", "hash"),
        sa.PrimaryKeyConstraint("number", name="pk_ledger"),
    )
    for name, columns in (("refused", ["by_id", "at"]), ("cut", ["number"])):
        where = sa.text(f"what = '{name}'")
        op.create_index(f"ix_ledger_{name}", "ledger", columns, sqlite_where=where, postgresql_where=where)


def _watches() -> None:
    op.create_table(
        "watches",
        sa.Column("number", sa.BigInteger(), nullable=False, autoincrement=False),
        *_texts("identity", "place", "conversation_id", "line"),
        sa.Column("clusters", sa.LargeBinary(), nullable=False),
        *_texts("by_id", "by_name", "zone"),
        _time("since", null=False),
        _time("until", null=False),
        _time("found_at"),
        sa.Column("found", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("number", name="pk_watches"),
        sa.UniqueConstraint("identity", name="uq_watches_identity"),
    )
    op.create_index("ix_watches_place", "watches", ["place"])


def _texts(*names: str) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.Text(), nullable=False) for name in names)


def _time(name: str, *, null: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)
