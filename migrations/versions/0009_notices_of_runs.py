"""Notices of runs: what a person should know of each, however it ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("notices", sa.JSON(none_as_null=True)))


def downgrade() -> None:
    op.drop_column("runs", "notices")
