"""Pins: the files of a record set never go for others, whether they are there yet or not."""

from __future__ import annotations

from dataclasses import dataclass

from drmsmirror.client.client import Client
from drmsmirror.errors import NotFoundError
from drmsmirror.segments.adopting import Exports

__all__ = ["Pinned", "pin"]


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a pin pins.

    Parameters
    ----------
    record_set : str
    files : int
        Files of the record set.
    added : int
        Those of them that it did not pin before.
    held : int
        Those of them that are there.
    """

    record_set: str
    files: int
    added: int
    held: int


def pin(client: Client, record_set: str) -> Pinned:
    """Pin the files of a record set as it is now; what it pinned before stays pinned.

    Of a large set they are pinned some ten thousand at a time; whoever is stopped goes on by doing
    the same again.

    Parameters
    ----------
    client : Client
        Finds the records.
    record_set : str
        Of one series, with the segments in braces, or all segments.

    Raises
    ------
    QueryError
        The record set is wrong, names several series, or a segment that the series has not.
    NotFoundError
        It has no files.
    """
    wanted = client.wanted_files(record_set)
    catalogue, exports = client.mirror.catalogue, Exports(client.mirror)
    files = added = held = 0
    for some in wanted.slices():
        files += len(some.names)
        added += catalogue.pins.add(record_set, some.names)
        held += len({*catalogue.segments.locate(some.names), *exports.held(some.names)})
    if not files:
        raise NotFoundError(f"{record_set} has no files to pin")
    return Pinned(record_set, files, added, held)
