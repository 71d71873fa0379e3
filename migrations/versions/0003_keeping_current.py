"""Keeping current: subscriptions, what is due, reconciliation, tags, coverage as it was, drops."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UTC = sa.DateTime(timezone=True)
_COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", _COUNT, nullable=False),
        sa.Column("record_set", sa.Text(), nullable=False),
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("keys", sa.JSON()),
        sa.Column("segments", sa.JSON(), nullable=False),
        sa.Column("schedule", sa.Text()),
        sa.Column("lag_seconds", sa.Double(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("precision", sa.Text(), nullable=False),
        sa.Column("reconcile", sa.Text(), nullable=False),
        sa.Column("made_utc", _UTC, nullable=False),
        sa.Column("changed_utc", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("record_set", name=op.f("uq_subscriptions_record_set")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_subscriptions_series_key"), "subscriptions", ["series_key"])
    op.create_table(
        "duties",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_utc", _UTC, nullable=False),
        sa.Column("begun_utc", _UTC),
        sa.Column("ended_utc", _UTC),
        sa.Column("succeeded_utc", _UTC),
        sa.Column("outcome", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_duties")),
    )
    op.create_table(
        "reconciliations",
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("record_set", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("position", sa.Double()),
        sa.Column("pass_begun_utc", _UTC, nullable=False),
        sa.Column("checked_since_utc", _UTC),
        sa.Column("worked_utc", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("series_key", "record_set", name=op.f("pk_reconciliations")),
        sa.ForeignKeyConstraint(
            ["series_key"],
            ["drms_series.series_key"],
            name=op.f("fk_reconciliations_series_key_drms_series"),
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "tags",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("moment_utc", _UTC, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_utc", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tags")),
    )
    op.create_table(
        "coverage_history",
        sa.Column("id", _COUNT, nullable=False),
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("recorded_utc", _UTC, nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_history")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_coverage_history_series_key"), "coverage_history", ["series_key"])
    op.create_table(
        "drops",
        sa.Column("id", _COUNT, nullable=False),
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("record_set", sa.Text(), nullable=False),
        sa.Column("table_path", sa.Text(), nullable=False),
        sa.Column("extents", sa.JSON()),
        sa.Column("begun_utc", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drops")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_drops_series_key"), "drops", ["series_key"])
    op.add_column("runs", sa.Column("kind", sa.Text(), nullable=False, server_default="sync"))
    op.add_column(
        "runs", sa.Column("records_removed", sa.BigInteger(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    op.drop_column("runs", "records_removed")
    op.drop_column("runs", "kind")
    op.drop_table("drops")
    op.drop_table("coverage_history")
    op.drop_table("tags")
    op.drop_table("reconciliations")
    op.drop_table("duties")
    op.drop_table("subscriptions")
