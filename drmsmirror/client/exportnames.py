"""Names that the stock client gives to files: made of the record that JSOC says they are of.

Source: client-side behaviour of drms 0.9.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from drmsmirror.errors import UnknownSeriesError, UpstreamError
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.types import KeywordType

__all__ = ["name_from_record"]

_RECORD = re.compile(r"\s*([\w.]+)\s*(\[.*\])?\s*(?:\{([\w\s.,]*)\})?\s*")
_KEY = re.compile(r"\[([^\[^\]]*)\]")
_NOT_IN_TIMES = re.compile(r"[.:-]")
_BETWEEN = re.compile(r"[\s,]+")
#: Endings that such a name keeps.
_ENDINGS = (".fits", ".txt", ".jpg", ".mpg", ".mp4", ".tar")


def name_from_record(
    definition_of: Callable[[str], SeriesDefinition], record: str, file_name: str
) -> str:
    """The name of a file after its record.

    Parameters
    ----------
    definition_of : callable
        Gives the definition of a series.
    record : str
        ``hmi.M_45s[2014.07.05_00:00:00_TAI][2]{magnetogram}``.
    file_name : str
        Whose ending it gets, where that is one of those known.

    Returns
    -------
    str
        Empty where that is no record, or nobody knows its series.
    """
    found = _RECORD.fullmatch(record)
    if found is None:
        return ""
    try:
        definition = definition_of(found[1])
    except (UnknownSeriesError, UpstreamError):
        return ""
    values = _KEY.findall(found[2] or "")
    if found[2] is not None and len(values) != len(definition.prime_keys):
        return ""
    parts = [definition.name.lower()]
    for value, key in zip(values, definition.prime_keys, strict=False):
        is_time = definition.keyword(key).type is KeywordType.TIME
        parts.append(_NOT_IN_TIMES.sub("", value) if is_time else value)
    parts += _BETWEEN.split(found[3] or "")
    name = ".".join(part for part in parts if part.strip())
    return name + next((one for one in _ENDINGS if file_name.endswith(one)), "")
