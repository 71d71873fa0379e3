"""The mirror as it stood at a moment: as the runs left it that had ended by then.

Definitions, and how values print, are those of the present.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drmsmirror.catalogue import CoverageThen, Moment
from drmsmirror.errors import NotHeldError
from drmsmirror.mirror import Mirror
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import RecordTable

__all__ = ["Past"]


@dataclass(frozen=True, slots=True)
class Past:
    """A mirror at a moment.

    Parameters
    ----------
    mirror : Mirror
    moment : Moment
    """

    mirror: Mirror
    moment: Moment

    def run(self, series: str) -> int:
        """The last run of a series that had ended then.

        Raises
        ------
        NotHeldError
            None had.
        """
        number = self.mirror.catalogue.last_run_at(series, self.moment)
        if number is None:
            raise NotHeldError(
                f"At {self.moment} the mirror held nothing of {series}: none of its runs had "
                f"ended. See them all with\n  drmsmirror runs {series}"
            )
        return number

    def ended_utc(self, series: str) -> datetime:
        """When that run ended."""
        ended = self.mirror.catalogue.run(self.run(series)).finished_utc
        assert ended is not None, "a run that had ended did so at some time"
        return ended

    def table(self, definition: SeriesDefinition) -> RecordTable:
        """The record table of a series with the rows that it had then.

        Raises
        ------
        NotHeldError
            It had none.
        """
        run = self.run(definition.name)
        return self.mirror.table(definition).as_of(run)

    def coverage(self, series: str) -> CoverageThen | None:
        """What was held completely of a series then; None where nobody noted it."""
        return self.mirror.catalogue.coverage_after(series, self.run(series))
