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
from drmsmirror.records import RecordTable, knows_runs

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
            None had, or nobody knows any more which.
        """
        number = self.mirror.catalogue.moments.last_run(series, self.moment)
        if number is None:
            self._refuse_forgotten(self.mirror.catalogue.definition(series))
            raise NotHeldError(
                f"At {self.moment} the mirror held nothing of {series}: none of its runs had "
                f"ended. See them all with\n  drmsmirror runs {series}"
            )
        return number

    def run_if_any(self, definition: SeriesDefinition) -> int:
        """The same; 0 where none had.

        Raises
        ------
        NotHeldError
            Nobody knows any more which had.
        """
        self._refuse_forgotten(definition)
        return self.mirror.catalogue.moments.last_run(definition.name, self.moment) or 0

    def ended_utc(self, series: str) -> datetime:
        """When that run ended."""
        ended = self.mirror.catalogue.runs.load(self.run(series)).finished_utc
        assert ended is not None, "a run that had ended did so at some time"
        return ended

    def table(self, definition: SeriesDefinition) -> RecordTable:
        """The record table of a series with the rows that it had then.

        Raises
        ------
        NotHeldError
            It had none, or nobody knows any more which rows it had.
        """
        run = self.run(definition.name)
        self._refuse_forgotten(definition)
        return self.mirror.table(definition).as_of(run)

    def coverage(self, series: str) -> CoverageThen | None:
        """What was held completely of a series then; None where nobody noted it."""
        return self.mirror.catalogue.history.after(series, self.run(series))

    def _refuse_forgotten(self, definition: SeriesDefinition) -> None:
        """Refuse a moment of which the runs were forgotten, where rows tell that there were any."""
        catalogue, name = self.mirror.catalogue, definition.name
        unknown = catalogue.moments.unknown_runs(name, self.moment)
        if not unknown or catalogue.state(name).table_path is None:
            return
        if knows_runs(self.mirror.table(definition), unknown):
            raise NotHeldError(
                f"How {name} stood at {self.moment} cannot be told any more: runs of that time "
                f"were forgotten (upkeep.keep_runs). Name a later moment, one of those in\n"
                f"  drmsmirror runs {name}\nor a tag; what a tag names is kept"
            )
