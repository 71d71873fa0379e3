"""What can be told of years of keeping current.

What runs did together that are forgotten, how deeply what is held was compared with the upstream,
which files were read whole, and whether a series is read with all digits.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COUNTERS = (
    "runs",
    "requests",
    "bytes",
    "records_new",
    "records_revised",
    "records_unchanged",
    "records_removed",
)


def upgrade() -> None:
    op.create_table(
        "forgotten_runs",
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("finished_utc", sa.DateTime(timezone=True)),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTERS),
        sa.PrimaryKeyConstraint("series_key", "kind", "outcome", name=op.f("pk_forgotten_runs")),
    )
    op.add_column(
        "series_state",
        sa.Column("all_digits", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("series_state", sa.Column("filled_run", sa.BigInteger()))
    for name in ("pass_depth", "checked_depth"):
        op.add_column(
            "reconciliations",
            sa.Column(name, sa.Text(), nullable=False, server_default="telling"),
        )
    op.create_table(
        "checked_files",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("checked_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_checked_files")),
    )
    op.create_index(op.f("ix_checked_files_series_key"), "checked_files", ["series_key"])


def downgrade() -> None:
    op.drop_table("checked_files")
    op.drop_column("reconciliations", "checked_depth")
    op.drop_column("reconciliations", "pass_depth")
    op.drop_column("series_state", "filled_run")
    op.drop_column("series_state", "all_digits")
    op.drop_table("forgotten_runs")
