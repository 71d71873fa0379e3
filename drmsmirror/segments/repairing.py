"""Repair of damaged objects: what they were of is fetched anew, and the bytes go out of use.

Damaged bytes are set aside, not lost. Their files are known as wanted until they have come, or the
upstream has them no longer: whoever repairs next goes on, also after a kill. What the upstream
gives is stored like every file. Whether it is the same as before is told by its digest: the
record's files are written once, so that other bytes mean that somebody changed what does not
change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from drmsmirror.errors import UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.files import Files
from drmsmirror.segments.outcome import FileState, Outcome
from drmsmirror.segments.room import Room
from drmsmirror.segments.trouble import Problem, Remedy, Trouble

__all__ = ["repair"]

#: Files of which there is no use in trying again.
_GONE = (FileState.NO_FILE, FileState.LOST)

_ADOPTED = "it was adopted; adopt it again, or it is fetched as JSOC stores it when it is wanted"


def repair(mirror: Mirror, files: Files, troubles: Sequence[Trouble]) -> Iterator[Trouble]:
    """Repair some objects, and say what came of each.

    Parameters
    ----------
    mirror : Mirror
    files : Files
        Fetches them.
    troubles : sequence of Trouble
        Objects that are missing, torn or rotten.
    """
    room = Room(mirror)
    wanted = {
        one.sha256: [] if one.is_adopted else [_now(mirror, file) for file in one.files]
        for one in troubles
    }
    for one in troubles:
        if one.problem is not Problem.MISSING:
            mirror.objects.set_aside(one.sha256)
        room.give_up(one.sha256, is_wanted=True)
    can_be_had = [file for several in wanted.values() for file in several if file is not None]
    came = {outcome.file: outcome for outcome in files.get(can_be_had, again=True)}
    for one in troubles:
        if one.is_adopted:
            yield replace(one, remedy=Remedy.LOST, message=_ADOPTED)
            continue
        outcomes = [came.get(file) if file else None for file in wanted[one.sha256]]
        gone = [
            file for file, outcome in zip(one.files, outcomes, strict=True) if _is_gone(outcome)
        ]
        mirror.catalogue.segments.give_up(gone)
        yield _repaired(one, outcomes)


def _repaired(trouble: Trouble, outcomes: Sequence[Outcome | None]) -> Trouble:
    if not outcomes:
        message = "no record needs it; what was made of others is made anew when it is wanted"
        return replace(trouble, remedy=Remedy.FORGOTTEN, message=message)
    lost = [one for one in outcomes if one is None or not one.state.is_there]
    if lost:
        first = lost[0]
        message = (
            "its record number is of an earlier generation of the series"
            if first is None
            else f"{first.state}: {first.message}"
        )
        remedy = Remedy.LOST if all(map(_is_gone, lost)) else Remedy.WANTED
        return replace(trouble, remedy=remedy, message=message)
    others = [one for one in outcomes if one is not None and one.sha256 != trouble.sha256]
    if others:
        message = f"the upstream gave other bytes, {others[0].sha256}"
        return replace(trouble, remedy=Remedy.OTHER_BYTES, message=message)
    return replace(trouble, remedy=Remedy.FETCHED)


def _is_gone(outcome: Outcome | None) -> bool:
    """Whether a file cannot come any more: the upstream has none, or its number is another's."""
    return outcome is None or outcome.state in _GONE


def _now(mirror: Mirror, file: SegmentFile) -> SegmentFile | None:
    """A file as the upstream knows it; None where its number means another record by now."""
    try:
        definition = mirror.catalogue.definition(file.series)
        generation = mirror.catalogue.state(file.series).generation
    except UnknownSeriesError:
        return file
    if generation != file.generation:
        return None
    spelled = {one.name.lower(): one.name for one in definition.segments}
    return SegmentFile(
        definition.name, generation, file.recnum, spelled.get(file.segment, file.segment)
    )
