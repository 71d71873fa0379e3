"""Names of exported files: ``filenamefmt`` (DRMS semantics 4.4.4)."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from .printing import c_format, column_texts
from .shelf import SegmentFile
from .timeprint import print_time

__all__ = ["DEFAULT_FORMAT", "exported_name", "key_value"]

DEFAULT_FORMAT: Final = "{seriesname}.{recnum:%lld}.{segment}"
_TOKEN: Final = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")
_TIME: Final = re.compile(r"([A-Za-z]?)(-?\d+)?(?:,(.+))?")
_ERROR: Final = "ERROR"


def key_value(file: SegmentFile, name: str) -> Any:
    """Stored value of a keyword of a file's record; None when it has no such keyword."""
    found = file.series.definition.resolve(name)
    if found is None:
        return None
    keyword, column = found
    if keyword.is_constant:
        return keyword.constant_value()
    values = file.series.columns.get(column)
    return None if values is None else values[file.row]


def _time_text(value: float, layout: str, zone: str) -> str:
    match = _TIME.fullmatch(layout)
    if match is None:
        return _ERROR
    text = print_time(float(value), match[3] or zone, int(match[2] or 0))
    if match[1] == "A":
        return text.translate({ord("."): None, ord(":"): None})
    if match[1] == "D":
        date, _, clock = text.partition("_")
        return "@" + date.replace(".", "@") + "@" + clock.replace(":", "").replace(".", "@")
    return text


def _token_text(file: SegmentFile, name: str, layout: str | None, counter: int) -> str:
    if name == "#":
        return c_format(layout or "%05d") % counter
    if name == "seriesname":
        return file.series.definition.name
    if name == "recnum":
        return c_format(layout or "%lld") % file.recnum
    if name == "segment":
        return file.name
    value = key_value(file, name)
    found = file.series.definition.resolve(name)
    if value is None or found is None:
        return _ERROR
    keyword = found[0]
    if layout and keyword.type == "time":
        return _time_text(value, layout, keyword.units)
    if layout:
        return str(c_format(layout) % value)
    return column_texts(keyword, np.array([value], dtype=keyword.dtype), missing=False)[0]


def exported_name(
    file: SegmentFile, template: str = "", counter: int = 0, extension: str = ""
) -> str:
    """The name of one exported file.

    Parameters
    ----------
    file : SegmentFile
    template : str
        Empty means `DEFAULT_FORMAT`.
    counter : int
        What ``{#}`` stands for.
    extension : str
        Appended when the name does not end so.

    Returns
    -------
    str
        Without blanks; an unknown keyword is ``ERROR``.
    """
    text = _TOKEN.sub(
        lambda match: _token_text(file, match[1], match[2], counter), template or DEFAULT_FORMAT
    )
    name = re.sub(r"\s+", "", text)
    return name if name.endswith(extension) else name + extension
