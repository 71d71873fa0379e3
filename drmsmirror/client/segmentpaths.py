"""Paths of segment files as DRMS prints them, of records that the mirror holds.

Where a storage unit lies at the upstream is not known here, and changes; its number does not. So a
path begins with a partition that there is nowhere: ``/SUM0/D<sunum>/S<slot>/<file>``.

Source: DRMS semantics 3.4, 4.2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from drmsmirror.catalogue import HeldFile
from drmsmirror.client.answer import Answer
from drmsmirror.client.batches import PrintedRows
from drmsmirror.client.question import Asked
from drmsmirror.mirror import Mirror
from drmsmirror.model.filenames import usual_name
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.model.series import Segment

__all__ = ["asked_with_units", "with_paths"]

_NUMBER, _UNIT = "*recnum*", "*sunum*"
#: What DRMS prints for a record without a storage unit, and for a segment that there is not.
_NO_DIRECTORY, _NO_SEGMENT = "NoDataDirectory", "InvalidSegName"
#: The protocol whose one file has the segments of all records of a unit.
_OF_THE_UNIT = "tas"


def asked_with_units(asked: Asked) -> Asked:
    """What has to be known for the paths: the same keys, and the numbers of records and units."""
    return replace(asked, keys=tuple(dict.fromkeys((*asked.keys, _NUMBER, _UNIT))), segments=())


def with_paths(mirror: Mirror, asked: Asked, answer: Answer) -> Answer:
    """An answer to a question with segments.

    Parameters
    ----------
    mirror : Mirror
    asked : Asked
        With names of segments, none of which stands for others.
    answer : Answer
        To :func:`asked_with_units` of it.
    """
    definition = answer.definition
    texts = answer.texts()
    recnums, units = _numbers(texts[_NUMBER]), _numbers(texts[_UNIT])
    known = {one.name.lower(): one for one in definition.segments}
    generation = mirror.catalogue.state(definition.name).generation
    paths: dict[str, list[str]] = {}
    for name in asked.segments:
        segment = known.get(name.lower())
        if segment is None:
            paths[name] = [_NO_SEGMENT] * len(units)
            continue
        files = [
            SegmentFile(definition.name, generation, recnum, segment.name) for recnum in recnums
        ]
        held = mirror.catalogue.segments.locate(files)
        paths[name] = [
            _path(segment, unit, held.get(file)) for file, unit in zip(files, units, strict=True)
        ]
    extra = {_NUMBER, _UNIT}.difference(asked.keys)
    keys = tuple(key for key in answer.keys if key not in extra)
    return replace(
        answer,
        keys=keys,
        batches=iter([PrintedRows({key: texts[key] for key in keys})]),
        segments=PrintedRows(paths),
    )


def _numbers(values: Sequence[str] | Sequence[int | None]) -> list[int]:
    """Numbers of records or units; one that is not known as one that there is not."""
    return [-1 if value is None else int(value) for value in values]


def _path(segment: Segment, unit: int, held: HeldFile | None) -> str:
    if unit < 0:
        return _NO_DIRECTORY
    if segment.protocol.lower() == _OF_THE_UNIT:
        return f"/SUM0/D{unit}/{usual_name(segment)}"
    name = held.file_name if held is not None else usual_name(segment)
    return f"/SUM0/D{unit}/S00000/{name}"
