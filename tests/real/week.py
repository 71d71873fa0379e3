"""The recorded week as a living upstream: what JSOC listed at each moment, served by the sample.

A region that was listed at a moment has then the records and values that it had at JSOC. What was
not recorded is made up: the record numbers, by which a change is a new record or one in place; and,
since in that week no record came late, changed or vanished, one of sixty comes at a later moment
than it did, one has another value first, and one vanishes again. Answers without records, as the
server sends them when it fails, change nothing.
"""

from __future__ import annotations

import itertools
import json
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from tests.jsoc import SampleJsoc, Series, load_definition
from tests.jsoc.replay import query_of
from tests.real.conftest import RECORDED_KEYS

__all__ = ["NAME", "WEEK", "Week", "captures", "region_of"]

NAME = "hmi.sharp_720s_nrt"
WEEK = "jsoc-recorded/timeline_2024-05-06_to_05-13.tar.zst"

_REGION = re.compile(r"hmi\.sharp_720s_nrt\[(\d+)\]\[\]")

#: Prime keys of a record, and its recorded values, as they were printed.
_Key = tuple[str, str]
_Values = tuple[str, ...]


def captures(file: Path) -> Iterator[dict[str, bytes]]:
    """The answers that were asked for at one moment, by query; moment after moment."""
    with (
        pa.input_stream(str(file), compression="zstd") as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        answers = ((member.name.split("_", 2), archive.extractfile(member)) for member in archive)
        for _, moment in itertools.groupby(answers, key=lambda answer: answer[0][1]):
            yield {
                query_of(name.removesuffix(".html")): body.read()
                for (_, _, name), body in moment
                if body is not None
            }


def region_of(query: str) -> int:
    """The number of the region that is asked for; 0 where all are."""
    found = _REGION.fullmatch(query)
    return int(found[1]) if found else 0


class Week:
    """A sample JSOC that goes through the week.

    Parameters
    ----------
    jsoc : SampleJsoc
    in_place : bool
        Whether a change of a record keeps its number.
    """

    def __init__(self, jsoc: SampleJsoc, *, in_place: bool) -> None:
        self.jsoc = jsoc
        self.changed = self.vanished = 0
        self._in_place = in_place
        self._there: dict[str, dict[_Key, _Values]] = {}
        self._numbers: dict[_Key, int] = {}
        self._seen: Counter[_Key] = Counter()
        jsoc.add(_empty())

    def advance(self, capture: dict[str, bytes]) -> None:
        """Let the upstream be as it was at a moment."""
        new: dict[_Key, _Values] = {}
        changed: dict[_Key, _Values] = {}
        gone: list[_Key] = []
        for query, body in capture.items():
            listed = self._restless(_listed(body)) if _REGION.fullmatch(query) else {}
            if not listed:
                continue
            before = self._there.get(query, {})
            new |= {key: values for key, values in listed.items() if key not in before}
            changed |= {
                key: values
                for key, values in listed.items()
                if key in before and before[key] != values
            }
            gone += [key for key in before if key not in listed]
            self._there[query] = listed
        self.changed += len(changed)
        self.vanished += len(gone)
        if gone:
            self.jsoc.remove(NAME, [self._numbers.pop(key) for key in gone])
        if changed:
            self._change(changed)
        if new:
            numbers = self.jsoc.append(NAME, _columns(list(new.items())))
            self._numbers |= dict(zip(new, numbers, strict=True))

    def _restless(self, listed: dict[_Key, _Values]) -> dict[_Key, _Values]:
        """The records of a moment, some of them not as they were."""
        self._seen.update(list(listed))
        found = {}
        for key, values in listed.items():
            times, kind = self._seen[key], zlib.crc32("".join(key).encode()) % 60
            if kind == 0 and times == 1:
                continue  # it comes late
            if kind == 1 and times == 1:
                values = (*values[:2], "1.5", *values[3:])  # it changes later
            if kind == 2 and times > 1:
                continue  # it has vanished
            found[key] = values
        return found

    def _change(self, changed: dict[_Key, _Values]) -> None:
        by_number = sorted(changed, key=lambda key: self._numbers[key])
        columns = _columns([(key, changed[key]) for key in by_number])
        numbers = [self._numbers[key] for key in by_number]
        change = self.jsoc.change_in_place if self._in_place else self.jsoc.revise
        self._numbers |= dict(zip(by_number, change(NAME, numbers, columns), strict=True))


def _listed(body: bytes) -> dict[_Key, _Values]:
    """The records of an answer; none where it has none, or is no answer."""
    columns = {}
    with suppress(ValueError):  # no JSON
        columns = {one["name"]: one["values"] for one in json.loads(body).get("keywords", [])}
    if not columns:
        return {}
    rows = zip(*(columns[key] for key in RECORDED_KEYS), strict=True)
    return {(row[1], row[0]): row for row in rows}


def _columns(records: list[tuple[_Key, _Values]]) -> dict[str, list[object]]:
    """Records as columns of values; a missing one is None."""
    found: dict[str, list[object]] = {}
    for place, key in enumerate(RECORDED_KEYS):
        texts = [None if row[place] == "MISSING" else row[place] for _, row in records]
        read = {"T_REC": str, "HARPNUM": int}.get(key, float)
        found[key] = [None if text is None else read(text) for text in texts]
    return found


def _empty() -> Series:
    """The series without records."""
    base = load_definition("hmi.sharp_720s")
    kept = [one for one in base.keywords if one.name.startswith("T_REC")]
    kept += [one for one in base.keywords if one.name in RECORDED_KEYS[1:]]
    definition = replace(base, name=NAME, keywords=tuple(kept), segments=(), links=())
    columns = {name: np.zeros(0, np.int64) for name in ("recnum", "sunum", "slotnum")}
    for keyword in kept:
        if not keyword.is_constant:
            columns[keyword.name.lower()] = np.zeros(0, keyword.dtype)
    return Series(definition, columns)
