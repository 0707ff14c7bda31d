"""Evidence: an incident for each cluster of an alert, and who did what to what in earlier incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("incidents", sa.Column("cluster", sa.Text(), nullable=False, server_default=""))
    op.add_column("alerts", sa.Column("copied", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "incident_facts",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("incident_id", BIG_ID, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident_facts"),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_incident_facts_incident_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "incident_id", "actor", "object", name="uq_incident_facts_incident_id_actor_object"
        ),
    )
    op.create_index("ix_incident_facts_seen", "incident_facts", ["actor", "object", "incident_id"])


def downgrade() -> None:
    op.drop_table("incident_facts")
    # Further clusters' incidents have no alert of their own without their copies.
    op.execute("DELETE FROM alerts WHERE copied IS true")
    op.execute(
        "DELETE FROM incidents WHERE cluster <> '' AND id NOT IN (SELECT incident_id FROM alerts WHERE incident_id IS NOT NULL)"
    )
    op.drop_column("alerts", "copied")
    op.drop_column("incidents", "cluster")
