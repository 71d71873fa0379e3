"""Arguments as ``drms.Client`` takes them: names, numbers, and what was meant for it alone."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from drmsmirror.errors import QueryError
from drmsmirror.model.recordset import parse_recordset
from drmsmirror.settings import Settings

__all__ = ["refuse_no_keys", "refuse_server", "split_names", "whole_number", "with_segments"]

#: The servers that the stock client knows by name.
_SERVERS = frozenset({"jsoc", "kis"})

#: Largest number of records that can be asked for.
_LARGEST = 2**63 - 1


def refuse_server(mirror: object) -> None:
    """Refuse a server where a mirror is named: the first argument of ``drms.Client`` is a server.

    A folder of that name that is there is taken for what it is.

    Raises
    ------
    QueryError
        It is a server that the stock client knows, or nothing that could be a directory.
    """
    if mirror is None or isinstance(mirror, Settings):
        return
    if not isinstance(mirror, str | os.PathLike):
        what = f"a {type(mirror).__name__}"
    elif str(mirror).lower() in _SERVERS and not Path(mirror).exists():
        what = f"{str(mirror)!r}, a server"
    else:
        return
    raise QueryError(
        f"The mirror is {what}, as drms.Client takes it; here the first argument is the directory "
        f"of the mirror, or nothing for the one in the settings. The server behind it is "
        f"[upstream] url there"
    )


def split_names(names: str | Sequence[str] | None) -> list[str]:
    """A comma-separated text, or a list, as a list of names."""
    if names is None:
        return []
    if isinstance(names, str):
        return [name for name in re.split(r"[\s,]+", names) if name]
    return list(names)


def with_segments(ds: str, names: str | Sequence[str] | None) -> str:
    """A record set with these segments in place of those in its braces; without any, as it is."""
    segments = tuple(split_names(names))
    if not segments:
        return ds
    tree = parse_recordset(ds)
    return str(replace(tree, sets=tuple(replace(one, segments=segments) for one in tree.sets)))


def refuse_no_keys(keys: Sequence[str]) -> None:
    """Refuse a question that names no keyword.

    Raises
    ------
    QueryError
    """
    if not keys:
        raise QueryError("Name at least one keyword: T_REC, say, or **ALL** for all of them")


def whole_number(n: int | str | None) -> int | None:
    """How many records, as a number; it may be a text.

    Raises
    ------
    QueryError
        It is no whole number, or too large.
    """
    try:
        number = int(n) if isinstance(n, str) else None if n is None else operator.index(n)
    except (TypeError, ValueError):
        raise QueryError(f"n is {n!r}; it must be a whole number") from None
    if number is not None and abs(number) > _LARGEST:
        raise QueryError("n is too large: it must be a whole number of at most 64 bits")
    return number
