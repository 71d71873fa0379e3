"""Segment files: which objects are there, what they are of, which may not go, what is under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def _file_key() -> list[sa.Column]:
    return [
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("recnum", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("segment_key", sa.Text(), nullable=False),
    ]


_FILE = ("series_key", "generation", "recnum", "segment_key")


def upgrade() -> None:
    op.create_table(
        "objects",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("stored_utc", _MOMENT, nullable=False),
        sa.Column("used_utc", _MOMENT, nullable=False),
        sa.Column("checked_utc", _MOMENT),
        sa.Column("is_leaving", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_objects")),
    )
    op.create_index(op.f("ix_objects_used_utc"), "objects", ["used_utc"])
    op.create_table(
        "object_totals",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_object_totals")),
    )
    op.create_table(
        "segment_files",
        *_file_key(),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("fetched_utc", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(*_FILE, name=op.f("pk_segment_files")),
    )
    op.create_index(op.f("ix_segment_files_sha256"), "segment_files", ["sha256"])
    op.create_table(
        "made_files",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("made_utc", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", "position", name=op.f("pk_made_files")),
    )
    op.create_index(op.f("ix_made_files_sha256"), "made_files", ["sha256"])
    op.create_table(
        "failed_files",
        *_file_key(),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("failed_utc", _MOMENT, nullable=False),
        sa.Column("until_utc", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(*_FILE, name=op.f("pk_failed_files")),
    )
    op.create_table(
        "downloads",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("validator", sa.Text(), nullable=False),
        sa.Column("begun_utc", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_downloads")),
    )
    op.create_table(
        "pins",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_set", sa.Text(), nullable=False),
        sa.Column("made_utc", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pins")),
        sa.UniqueConstraint("record_set", name=op.f("uq_pins_record_set")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "pinned_files",
        *_file_key(),
        sa.Column("pin", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint(*_FILE, "pin", name=op.f("pk_pinned_files")),
    )
    op.create_table(
        "orders",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("upstream_url", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("record_set", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("ordered_utc", _MOMENT, nullable=False),
        sa.Column("asked_utc", _MOMENT, nullable=False),
        sa.Column("ended_utc", _MOMENT),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_digest"), "orders", ["digest"])


def downgrade() -> None:
    for table in (
        "orders",
        "pinned_files",
        "pins",
        "downloads",
        "failed_files",
        "made_files",
        "segment_files",
        "object_totals",
        "objects",
    ):
        op.drop_table(table)
