"""What is said while a series is published, and at the end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["Extent", "Publication", "Reporter", "SilentReporter"]


class Extent(StrEnum):
    """How much of a series was compared with what was published before."""

    WHOLE = "whole"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing did.

    Parameters
    ----------
    series : str
    target : str
        Where, without a password.
    name : str
        The table, or the directory, that holds the records.
    extent : Extent
        Whether all records were compared, or those that later runs touched.
    written : int
        Records written: new ones and changed ones; of Parquet all of the files written anew.
    removed : int
        Records that are no longer shown; of Parquet those of files that were removed.
    records : int
        Records that are there now.
    columns_added : tuple of str
        Columns of keywords that the series gained.
    seconds : float
    """

    series: str
    target: str
    name: str
    extent: Extent
    written: int
    removed: int
    records: int
    columns_added: tuple[str, ...]
    seconds: float


class Reporter(Protocol):
    """Whoever wants to know how far publishing has come."""

    def rows(self, series: str, done: int, total: int) -> None:
        """Hear that so many rows of a total were read."""


class SilentReporter:
    """Hears and says nothing."""

    def rows(self, series: str, done: int, total: int) -> None:
        """Let it pass."""
