"""Looking after the record tables: few files in place of many, and none that nobody reads."""

from __future__ import annotations

import logging

from drmsmirror.daemon.logs import say
from drmsmirror.errors import LockedError
from drmsmirror.mirror import Mirror
from drmsmirror.records import compact
from drmsmirror.sync.hold import holding_series

__all__ = ["maintain_tables"]

_log = logging.getLogger(__name__)


def maintain_tables(mirror: Mirror) -> None:
    """Compact every record table and remove the files that it has no use for any more.

    A series that another process works on is left alone: its run does the same at its end.
    """
    for summary in mirror.catalogue.series():
        try:
            _maintain(mirror, summary.name)
        except LockedError as error:
            say(_log, "maintain.skipped", series=summary.name, reason=str(error))
    mirror.publish()


def _maintain(mirror: Mirror, series: str) -> None:
    settings = mirror.settings.records
    with holding_series(mirror.catalogue, series) as lease:
        state = mirror.catalogue.state(series)
        if state.table_path is None:
            return
        table = mirror.table_for_writing(mirror.catalogue.definition(series), 0, 0.0)
        compact(
            table,
            above_files=settings.compact_above_files,
            file_bytes=settings.target_file_mib * 2**20,
        )
        table.remove_unused_files()
        mirror.catalogue.record_window(
            series,
            entries=(),
            table_version=table.version,
            rows_held=state.rows_held,
            lease=lease,
        )
