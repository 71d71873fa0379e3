"""The first catalogue: series, their state and coverage, runs, leases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite counts rows by itself only in a column that is spelled INTEGER
_COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UTC = sa.DateTime(timezone=True)


def _of_series(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["series_key"],
        ["drms_series.series_key"],
        name=op.f(f"fk_{table}_series_key_drms_series"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    op.create_table(
        "drms_series",
        sa.Column("seriesname", sa.Text(), nullable=False),
        sa.Column("author", sa.Text()),
        sa.Column("owner", sa.Text()),
        sa.Column("unitsize", sa.Integer()),
        sa.Column("archive", sa.Integer()),
        sa.Column("retention", sa.Integer()),
        sa.Column("tapegroup", sa.Integer()),
        sa.Column("primary_idx", sa.Text(), nullable=False),
        sa.Column("created", sa.Text()),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("dbidx", sa.Text(), nullable=False),
        sa.Column("version", sa.Text()),
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("prime_keys", sa.JSON(), nullable=False),
        sa.Column("db_index", sa.JSON(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("series_key", name=op.f("pk_drms_series")),
    )
    op.create_table(
        "drms_keyword",
        sa.Column("seriesname", sa.Text(), nullable=False),
        sa.Column("keywordname", sa.Text(), nullable=False),
        sa.Column("linkname", sa.Text()),
        sa.Column("targetkeyw", sa.Text()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("defaultval", sa.Text(), nullable=False),
        sa.Column("format", sa.Text()),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("islink", sa.Integer(), nullable=False),
        sa.Column("isconstant", sa.Integer(), nullable=False),
        sa.Column("persegment", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("keyword_rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recscope", sa.Text(), nullable=False),
        sa.Column("alias_of", sa.Text()),
        sa.Column("codec", sa.Text()),
        sa.PrimaryKeyConstraint("series_key", "keyword_rank", name=op.f("pk_drms_keyword")),
        _of_series("drms_keyword"),
    )
    op.create_table(
        "drms_segment",
        sa.Column("seriesname", sa.Text(), nullable=False),
        sa.Column("segmentname", sa.Text(), nullable=False),
        sa.Column("segnum", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scope", sa.Text()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("naxis", sa.Integer()),
        sa.Column("axis", sa.Text()),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("islink", sa.Integer()),
        sa.Column("linkname", sa.Text()),
        sa.Column("targetseg", sa.Text()),
        sa.Column("cseg_recnum", sa.BigInteger()),
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("dims", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("segnum", "series_key", name=op.f("pk_drms_segment")),
        _of_series("drms_segment"),
    )
    op.create_table(
        "drms_link",
        sa.Column("seriesname", sa.Text(), nullable=False),
        sa.Column("linkname", sa.Text(), nullable=False),
        sa.Column("target_seriesname", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("link_rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("series_key", "link_rank", name=op.f("pk_drms_link")),
        _of_series("drms_link"),
    )
    op.create_table(
        "series_state",
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("table_path", sa.Text()),
        sa.Column("table_format", sa.Integer()),
        sa.Column("partition_period", sa.Text()),
        sa.Column("table_version", sa.BigInteger()),
        sa.Column("rows_held", sa.BigInteger(), nullable=False),
        sa.Column("watermark", sa.BigInteger()),
        sa.Column("watermark_utc", _UTC),
        sa.Column("definition_read_utc", _UTC, nullable=False),
        sa.Column("upstream_url", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("series_key", name=op.f("pk_series_state")),
        _of_series("series_state"),
    )
    op.create_table(
        "coverage",
        sa.Column("id", _COUNT, nullable=False),
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("low", sa.Double()),
        sa.Column("high", sa.Double()),
        sa.Column("restriction", sa.Text(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("as_of_recnum", sa.BigInteger(), nullable=False),
        sa.Column("as_of_utc", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage")),
        _of_series("coverage"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_coverage_series_key"), "coverage", ["series_key"])
    op.create_table(
        "runs",
        sa.Column("id", _COUNT, nullable=False),
        sa.Column("series_key", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("record_set", sa.Text(), nullable=False),
        sa.Column("started_utc", _UTC, nullable=False),
        sa.Column("finished_utc", _UTC),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("records_new", sa.BigInteger(), nullable=False),
        sa.Column("records_revised", sa.BigInteger(), nullable=False),
        sa.Column("records_unchanged", sa.BigInteger(), nullable=False),
        sa.Column("watermark_before", sa.BigInteger()),
        sa.Column("watermark_after", sa.BigInteger()),
        sa.Column("share_held", sa.Double()),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_message", sa.Text()),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_runs_series_key"), "runs", ["series_key"])
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("acquired_utc", _UTC, nullable=False),
        sa.Column("heartbeat_utc", _UTC, nullable=False),
        sa.Column("expires_utc", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )


def downgrade() -> None:
    op.drop_table("leases")
    op.drop_index(op.f("ix_runs_series_key"), table_name="runs")
    op.drop_table("runs")
    op.drop_index(op.f("ix_coverage_series_key"), table_name="coverage")
    op.drop_table("coverage")
    op.drop_table("series_state")
    op.drop_table("drms_link")
    op.drop_table("drms_segment")
    op.drop_table("drms_keyword")
    op.drop_table("drms_series")
