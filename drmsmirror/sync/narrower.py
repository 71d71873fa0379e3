"""Record sets that ask for less than what is wanted, to be proposed before a long run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from drmsmirror.errors import QueryError
from drmsmirror.model.codecs import MISSING_TEXT
from drmsmirror.model.extent import Extent, extent_of
from drmsmirror.model.intervals import Interval
from drmsmirror.model.positions import position_seconds
from drmsmirror.model.recordset import BoundSet, bind, parse_recordset
from drmsmirror.model.recordset.printing import replaced_text
from drmsmirror.model.times import format_time
from drmsmirror.model.types import KeywordType
from drmsmirror.upstream import RecordText

__all__ = ["narrower_sets"]

_MOST = 2
#: Lengths of time that are proposed, in seconds.
_LENGTHS = {"30d": 30 * 86400.0, "1d": 86400.0, "1h": 3600.0}


def narrower_sets(
    wanted: BoundSet, missing: Sequence[Interval], probe: RecordText | None
) -> tuple[str, ...]:
    """Two record sets, or as many as there are, that ask for a part of what is wanted.

    Parameters
    ----------
    wanted : BoundSet
    missing : sequence of Interval
        Finite parts of the axis on which records are missing, ascending.
    probe : RecordText or None
        Some of the records.
    """
    proposed = [*_newest(wanted, missing, "30d"), *_one_value(wanted, probe)]
    proposed += [*_newest(wanted, missing, "1d"), *_newest(wanted, missing, "1h")]
    return tuple(text for text in proposed if _is_narrower(text, wanted))[:_MOST]


def _newest(wanted: BoundSet, missing: Sequence[Interval], length: str) -> Iterator[str]:
    """The newest part of what is missing, where that is longer."""
    for part in missing[-1:]:
        begin = position_seconds(wanted.series, part.low)
        end = position_seconds(wanted.series, part.high)
        if begin is not None and end is not None and end - begin > _LENGTHS[length]:
            text = f"{format_time(math.floor(end) - _LENGTHS[length], 'TAI', 0)}/{length}"
            yield replaced_text(wanted, wanted.series.axis.column, text)


def _one_value(wanted: BoundSet, probe: RecordText | None) -> Iterator[str]:
    """One value of a key of which several were seen."""
    series = wanted.series
    for key, column in zip(series.prime_keys, series.internal_prime_keys, strict=True):
        values = [] if probe is None else probe.table[key].unique().to_pylist()
        if column != series.axis.column and len(values) > 1 and values[-1] != MISSING_TEXT:
            is_text = series.keyword(key).type is KeywordType.STRING
            yield replaced_text(wanted, column, _quoted(values[-1]) if is_text else values[-1])


def _quoted(value: str) -> str:
    escaped = value.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _is_narrower(text: str, wanted: BoundSet) -> bool:
    """Whether a record set is understood, and lies in another that does not lie in it."""
    try:
        (proposed,) = bind(parse_recordset(text), lambda _: wanted.series).sets
    except QueryError:
        return False
    inner, outer = extent_of(proposed), extent_of(wanted)
    return _lies_in(inner, outer) and not _lies_in(outer, inner)


def _lies_in(inner: Sequence[Extent], outer: Sequence[Extent]) -> bool:
    return all(
        any(
            around.interval.contains(piece.interval)
            and around.restriction.admits(piece.restriction)
            for around in outer
        )
        for piece in inner
    )
