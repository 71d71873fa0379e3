"""What processes share about the upstream: its answers, failed questions, how it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("upstream_url", sa.Text(), nullable=False),
        sa.Column("record_set", sa.Text(), nullable=False),
        sa.Column("asked_utc", _UTC, nullable=False),
        sa.Column("stored_utc", _UTC, nullable=False),
        sa.Column("used_utc", _UTC, nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("body_bytes", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("file_format", sa.Integer(), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_answers")),
    )
    op.create_table(
        "failed_questions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("upstream_url", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("retry_after", sa.Double()),
        sa.Column("failed_utc", _UTC, nullable=False),
        sa.Column("until_utc", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_failed_questions")),
    )
    op.create_table(
        "upstreams",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("pauses", sa.Integer(), nullable=False),
        sa.Column("paused_utc", _UTC),
        sa.Column("until_utc", _UTC),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seconds_per_request", sa.Double()),
        sa.Column("seconds_per_record", sa.Double()),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_upstreams")),
    )


def downgrade() -> None:
    op.drop_table("upstreams")
    op.drop_table("failed_questions")
    op.drop_table("answers")
