"""The tables of the catalogue.

``drms_series``, ``drms_keyword``, ``drms_segment`` and ``drms_link`` have the columns of DRMS's own
master tables (DRMS semantics 3.1), holding what DRMS holds there as far as ``series_struct`` tells,
and null where it does not. After them come columns of our own, ``series_key`` the first of them,
which hold what ``series_struct`` said to the letter, so that a definition comes back exactly as it
was.

A series is identified by ``series_key``, its name in lower case: DRMS looks names up in any case.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    false,
    true,
)

__all__ = [
    "UtcDateTime",
    "answers",
    "checked_files",
    "coverage",
    "coverage_history",
    "downloads",
    "drms_keyword",
    "drms_link",
    "drms_segment",
    "drms_series",
    "drops",
    "duties",
    "failed_files",
    "failed_questions",
    "hosts",
    "leases",
    "metadata",
    "object_totals",
    "objects",
    "orders",
    "pinned_files",
    "pins",
    "reconciliations",
    "runs",
    "segment_files",
    "series_state",
    "subscriptions",
    "tags",
    "upstreams",
]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware and in UTC in Python, ``timestamptz`` or naive UTC text in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time; give every other in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} does not say its time zone")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the time in UTC, aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


# SQLite counts rows by itself only in a column that is spelled INTEGER
_Count = BigInteger().with_variant(Integer(), "sqlite")


def _series_key(*, primary_key: bool = False, index: bool = False) -> Column[str]:
    """Give the series that a row belongs to; the row goes when the series goes."""
    return Column(
        "series_key",
        Text,
        ForeignKey("drms_series.series_key", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        index=index,
    )


drms_series = Table(
    "drms_series",
    metadata,
    Column("seriesname", Text, nullable=False),
    Column("author", Text),
    Column("owner", Text),
    Column("unitsize", Integer),
    Column("archive", Integer),
    Column("retention", Integer),  # days, and from bit 16 up the staging retention, days
    Column("tapegroup", Integer),
    Column("primary_idx", Text, nullable=False),  # internal prime keys, separated by commas
    Column("created", Text),
    Column("description", Text, nullable=False),
    Column("dbidx", Text, nullable=False),
    Column("version", Text),
    # ours
    Column("series_key", Text, primary_key=True),
    Column("prime_keys", JSON, nullable=False),  # external names, a list
    Column("db_index", JSON, nullable=False),
    Column("attributes", JSON, nullable=False),
)

drms_keyword = Table(
    "drms_keyword",
    metadata,
    Column("seriesname", Text, nullable=False),
    Column("keywordname", Text, nullable=False),
    Column("linkname", Text),
    Column("targetkeyw", Text),
    Column("type", Text, nullable=False),
    Column("defaultval", Text, nullable=False),
    Column("format", Text),
    Column("unit", Text, nullable=False),
    Column("islink", Integer, nullable=False),
    Column("isconstant", Integer, nullable=False),  # DRMS's number of the keyword's class
    Column("persegment", Integer, nullable=False),  # DRMS's kwflags
    Column("description", Text, nullable=False),
    # ours
    _series_key(primary_key=True),
    Column("keyword_rank", Integer, primary_key=True, autoincrement=False),  # from 0
    Column("recscope", Text, nullable=False),
    Column("alias_of", Text),
    Column("codec", Text),  # how its values are written, learnt from them
)

drms_segment = Table(
    "drms_segment",
    metadata,
    Column("seriesname", Text, nullable=False),
    Column("segmentname", Text, nullable=False),
    Column("segnum", Integer, primary_key=True, autoincrement=False),
    Column("scope", Text),
    Column("type", Text, nullable=False),
    Column("naxis", Integer),
    Column("axis", Text),
    Column("unit", Text, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("islink", Integer),
    Column("linkname", Text),
    Column("targetseg", Text),
    Column("cseg_recnum", BigInteger),
    # ours
    _series_key(primary_key=True),
    Column("dims", Text, nullable=False),  # as series_struct says: 4096x4096, VARxVAR
)

drms_link = Table(
    "drms_link",
    metadata,
    Column("seriesname", Text, nullable=False),
    Column("linkname", Text, nullable=False),
    Column("target_seriesname", Text, nullable=False),
    Column("type", Text, nullable=False),  # static or dynamic
    Column("description", Text, nullable=False),
    # ours
    _series_key(primary_key=True),
    Column("link_rank", Integer, primary_key=True, autoincrement=False),  # from 0
    Column("kind", Text, nullable=False),  # as series_struct says: STATIC, DYNAMIC
)

series_state = Table(
    "series_state",
    metadata,
    _series_key(primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("table_path", Text),  # relative to the mirror
    Column("table_format", Integer),
    Column("partition_period", Text),
    Column("table_version", BigInteger),  # holds the rows that coverage speaks of
    Column("rows_held", BigInteger, nullable=False),
    Column("watermark", BigInteger),  # upstream recnum up to which every change was taken
    Column("watermark_utc", UtcDateTime),
    Column("definition_read_utc", UtcDateTime, nullable=False),
    Column("upstream_url", Text, nullable=False),
    # whether its values are read unrounded
    Column("all_digits", Boolean, nullable=False, server_default=false()),
    # the last run that gave rows columns that they lacked, in their place
    Column("filled_run", BigInteger),
)

coverage = Table(
    "coverage",
    metadata,
    Column("id", _Count, primary_key=True),
    _series_key(index=True),
    Column("low", Double),  # null: open towards minus infinity
    Column("high", Double),  # null: open towards plus infinity
    Column("restriction", Text, nullable=False),
    Column("columns", JSON, nullable=False),  # a sorted list
    Column("versions", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("as_of_recnum", BigInteger, nullable=False),
    Column("as_of_utc", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

# Runs outlive the series that they worked on, so nothing ties them to it
runs = Table(
    "runs",
    metadata,
    Column("id", _Count, primary_key=True),
    Column("series_key", Text, nullable=False, index=True),
    Column("series", Text, nullable=False),
    Column("record_set", Text, nullable=False),
    Column("started_utc", UtcDateTime, nullable=False),
    Column("finished_utc", UtcDateTime),
    Column("outcome", Text, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("records_new", BigInteger, nullable=False),
    Column("records_revised", BigInteger, nullable=False),
    Column("records_unchanged", BigInteger, nullable=False),
    Column("watermark_before", BigInteger),
    Column("watermark_after", BigInteger),
    Column("share_held", Double),  # of what was asked for, 0 to 1
    Column("error_code", Text),
    Column("error_message", Text),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("kind", Text, nullable=False, server_default="sync"),
    Column("records_removed", BigInteger, nullable=False, server_default="0"),
    Column("notices", JSON(none_as_null=True)),  # a list of texts; null: none
    sqlite_autoincrement=True,
)

# What is held completely after a run that changed it: for whoever asks as of an earlier moment
coverage_history = Table(
    "coverage_history",
    metadata,
    Column("id", _Count, primary_key=True),
    Column("series_key", Text, nullable=False, index=True),
    Column("run", BigInteger, nullable=False),
    Column("recorded_utc", UtcDateTime, nullable=False),
    Column("entries", JSON, nullable=False),
    sqlite_autoincrement=True,
)

tags = Table(
    "tags",
    metadata,
    Column("name", Text, primary_key=True),
    Column("run", BigInteger, nullable=False),  # the last one whose changes belong to the moment
    Column("moment_utc", UtcDateTime, nullable=False),
    Column("note", Text, nullable=False),
    Column("made_utc", UtcDateTime, nullable=False),
)

# What is to be kept, whether the series is known already or not
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", _Count, primary_key=True),
    Column("record_set", Text, nullable=False, unique=True),  # in canonical form
    Column("series_key", Text, nullable=False, index=True),
    Column("keys", JSON(none_as_null=True)),  # a list; null: all
    Column("segments", JSON, nullable=False),  # a list
    Column("schedule", Text),  # of cron; null: never by itself
    Column("lag_seconds", Double, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("precision", Text, nullable=False),
    Column("reconcile", Text, nullable=False),
    Column("made_utc", UtcDateTime, nullable=False),
    Column("changed_utc", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

# What has to be done at its time, and how it went the last time
duties = Table(
    "duties",
    metadata,
    Column("name", Text, primary_key=True),
    Column("due_utc", UtcDateTime, nullable=False),
    Column("begun_utc", UtcDateTime),
    Column("ended_utc", UtcDateTime),
    Column("succeeded_utc", UtcDateTime),
    Column("outcome", Text),
    Column("message", Text),
)

# How far what is held was compared with the upstream
reconciliations = Table(
    "reconciliations",
    metadata,
    _series_key(primary_key=True),
    Column("record_set", Text, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("position", Double),  # on the axis, where the rotation goes on; null: at the beginning
    Column("pass_begun_utc", UtcDateTime, nullable=False),
    Column("checked_since_utc", UtcDateTime),  # all was compared after this moment
    Column("worked_utc", UtcDateTime, nullable=False),
    Column("pass_depth", Text, nullable=False, server_default="telling"),
    Column("checked_depth", Text, nullable=False, server_default="telling"),
)

# What runs did together whose rows were removed
forgotten_runs = Table(
    "forgotten_runs",
    metadata,
    Column("series_key", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("series", Text, nullable=False),
    Column("finished_utc", UtcDateTime),
    Column("runs", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("records_new", BigInteger, nullable=False),
    Column("records_revised", BigInteger, nullable=False),
    Column("records_unchanged", BigInteger, nullable=False),
    Column("records_removed", BigInteger, nullable=False),
)

# Files that were read whole to see whether they are sound
checked_files = Table(
    "checked_files",
    metadata,
    Column("path", Text, primary_key=True),  # relative to the mirror
    Column("series_key", Text, nullable=False, index=True),
    Column("checked_utc", UtcDateTime, nullable=False),
    Column("problem", Text),  # null: none was found
)

# What nobody claims any more, and has still to be removed
drops = Table(
    "drops",
    metadata,
    Column("id", _Count, primary_key=True),
    Column("series_key", Text, nullable=False, index=True),
    Column("series", Text, nullable=False),
    Column("record_set", Text, nullable=False),
    Column("table_path", Text, nullable=False),  # relative to the mirror
    Column("extents", JSON(none_as_null=True)),  # low, high, restriction of each; null: the table
    Column("begun_utc", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

# Hosts that write a SQLite catalogue, which is for one of them
hosts = Table(
    "hosts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("boot", Text, nullable=False),  # the same for containers of one host
    Column("seen_utc", UtcDateTime, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process", Text, nullable=False),  # tells a process from a later one of the same pid
    Column("acquired_utc", UtcDateTime, nullable=False),
    Column("heartbeat_utc", UtcDateTime, nullable=False),
    Column("expires_utc", UtcDateTime, nullable=False),
)

# Answers of the upstream; each is the file of its digest under answers/
answers = Table(
    "answers",
    metadata,
    Column("digest", Text, primary_key=True),  # of the question
    Column("upstream_url", Text, nullable=False),
    Column("record_set", Text, nullable=False),
    Column("asked_utc", UtcDateTime, nullable=False),  # before the request was sent
    Column("stored_utc", UtcDateTime, nullable=False),
    Column("used_utc", UtcDateTime, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("body_bytes", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("file_format", Integer, nullable=False),
    Column("file_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),  # of the file
)

failed_questions = Table(
    "failed_questions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("upstream_url", Text, nullable=False),
    Column("error_code", Text, nullable=False),
    Column("error_message", Text, nullable=False),
    Column("retry_after", Double),  # seconds, where the upstream said so
    Column("failed_utc", UtcDateTime, nullable=False),
    Column("until_utc", UtcDateTime, nullable=False),  # until then it is not asked again
)

# How the servers are that the mirror asks
upstreams = Table(
    "upstreams",
    metadata,
    Column("url", Text, primary_key=True),
    Column("failures", Integer, nullable=False),  # in a row
    Column("pauses", Integer, nullable=False),  # in a row
    Column("paused_utc", UtcDateTime),
    Column("until_utc", UtcDateTime),
    Column("reason", Text, nullable=False),
    Column("seconds_per_request", Double),  # null: nothing learnt yet
    Column("seconds_per_record", Double),
)

# Objects that are there: each is the file of its name under objects/
objects = Table(
    "objects",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("stored_utc", UtcDateTime, nullable=False),
    Column("used_utc", UtcDateTime, nullable=False),
    Column("checked_utc", UtcDateTime),  # read whole, and found to be what its name says
    # it counts no more, and its file goes before this row does
    Column("is_leaving", Boolean, nullable=False, server_default=false()),
    # it was found to be not what its name says, and nobody is given it until it comes again
    Column("is_damaged", Boolean, nullable=False, server_default=false()),
    Index(None, "used_utc", "sha256"),  # the order in which they go
)
#: The few that go, or are damaged, are found among a million that stay and are sound.
Index(
    "ix_objects_damaged",
    objects.c.sha256,
    sqlite_where=objects.c.is_damaged.is_(true()),
    postgresql_where=objects.c.is_damaged.is_(true()),
)
Index(
    "ix_objects_leaving",
    objects.c.sha256,
    sqlite_where=objects.c.is_leaving.is_(true()),
    postgresql_where=objects.c.is_leaving.is_(true()),
)

# How many there are together, and how many went to make room: one row
object_totals = Table(
    "object_totals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("objects", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("evicted_objects", BigInteger, nullable=False, server_default="0"),
    Column("evicted_bytes", BigInteger, nullable=False, server_default="0"),
    Column("check_begun_utc", UtcDateTime),  # all are being read since; null: that came to its end
)


def _file_key() -> tuple[Column[str] | Column[int], ...]:
    """Give what a segment file is known by. The series may be one that is not synced."""
    return (
        Column("series_key", Text, primary_key=True),
        Column("generation", Integer, primary_key=True, autoincrement=False),
        Column("recnum", BigInteger, primary_key=True, autoincrement=False),
        Column("segment_key", Text, primary_key=True),  # in lower case
    )


# Which object a segment file is; two can be the same
segment_files = Table(
    "segment_files",
    metadata,
    *_file_key(),
    Column("sha256", Text, nullable=False, index=True),
    Column("file_name", Text, nullable=False),  # its last part at the upstream
    Column("fetched_utc", UtcDateTime, nullable=False),
)

# Objects that were made of others: by their own digest, here or at the upstream
made_files = Table(
    "made_files",
    metadata,
    Column("digest", Text, primary_key=True),  # of what they were made of, and how
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("files", Integer, nullable=False),  # how many were made together
    Column("record", Text, nullable=False),  # as a record set; empty where that is known
    Column("file_name", Text, nullable=False),
    Column("sha256", Text, nullable=False, index=True),
    Column("made_utc", UtcDateTime, nullable=False),
    # the one segment file that it shows in another form; null where it is of none, or of many
    Column("series_key", Text),
    Column("generation", Integer),
    Column("recnum", BigInteger),
    Column("segment_key", Text),
    Index("ix_made_files_of", "series_key", "recnum"),
)

# Segment files that could not be had, and are not asked for again for a while
failed_files = Table(
    "failed_files",
    metadata,
    *_file_key(),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("failed_utc", UtcDateTime, nullable=False),
    Column("until_utc", UtcDateTime, nullable=False),
)

# What is being downloaded, or was when a process was killed: its room is reserved
downloads = Table(
    "downloads",
    metadata,
    Column("name", Text, primary_key=True),  # of the part
    Column("bytes", BigInteger, nullable=False),  # that it will have, or has, where nobody says
    Column("validator", Text, nullable=False),  # by which the server knows this version of it
    Column("begun_utc", UtcDateTime, nullable=False),
)

# What is never evicted
pins = Table(
    "pins",
    metadata,
    Column("id", _Count, primary_key=True),
    Column("record_set", Text, nullable=False, unique=True),
    Column("made_utc", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

pinned_files = Table(
    "pinned_files",
    metadata,
    *_file_key(),
    Column("pin", BigInteger, primary_key=True, autoincrement=False),
)

# Orders of files at the upstream that have not ended, or ended lately
orders = Table(
    "orders",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("upstream_url", Text, nullable=False),
    Column("digest", Text, nullable=False, index=True),  # of what was ordered
    Column("record_set", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("ordered_utc", UtcDateTime, nullable=False),
    Column("asked_utc", UtcDateTime, nullable=False),  # when its state was asked for last
    Column("ended_utc", UtcDateTime),
)
