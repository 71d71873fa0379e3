"""Generated content: real names, repeatable values, the records that tests rely on."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from tests.jsoc import SampleJsoc, build_series, builtin_names, load_definition, select, wide_series
from tests.jsoc.definitions import Keyword

HERE = Path(__file__).resolve().parents[2] / "jsoc"


@pytest.mark.parametrize("name", builtin_names())
def test_definitions_are_sound(name: str) -> None:
    definition = load_definition(name.upper())
    assert definition.name == name
    assert definition.primekeys
    for key in definition.primekeys:
        assert key.lower() in definition.by_name
    for keyword in definition.keywords:
        if keyword.is_constant:
            assert keyword.constant_value() is not None
        assert isinstance(keyword, Keyword)
    known = {k.name for k in definition.keywords}
    assert set(definition.values) <= known


@pytest.mark.parametrize("name", builtin_names())
def test_content_is_repeatable_and_plausible(name: str) -> None:
    one, two = build_series(name, size="small", seed=5), build_series(name, size="small", seed=5)
    assert one.columns.keys() == two.columns.keys()
    for column in one.columns:
        assert np.array_equal(
            one.columns[column],
            two.columns[column],
            equal_nan=one.columns[column].dtype.kind == "f",
        ), column
    recnums = one.columns["recnum"]
    assert len(np.unique(recnums)) == one.rows
    assert 0 < one.rows - int(one.latest.sum()) < one.rows // 10
    if "quality" in one.columns and one.rows > 500:
        assert (one.columns["quality"] < 0).any()


def test_demo_content_of_sharps() -> None:
    series = build_series("hmi.sharp_720s")

    def count(filters: str) -> int:
        return len(select(f"hmi.sharp_720s{filters}", lambda _: series)[0].rows)

    assert 20_000 <= series.rows <= 30_000
    assert 20 <= len(np.unique(series.columns["harpnum"])) <= 40
    assert count("[4315][2014.07.05_TAI/1d]") == 120
    assert count("[4315][2014.07.03_TAI-2014.07.12_TAI]") == 9 * 120 + 1
    assert count("[377][2011.02.10_TAI-2011.02.20_TAI]") == 10 * 120 + 1
    by_time = series.columns["recnum"][np.argsort(series.columns["t_rec"], kind="stable")]
    assert (np.diff(by_time) < 0).any()


def test_sharp_has_the_real_segments_and_more_than_86_columns() -> None:
    definition = load_definition("hmi.sharp_720s")
    assert len(definition.segments) == 31
    assert len({k.name for k in definition.columns.values()}) > 86
    assert definition.internal_primekeys == ("harpnum", "t_rec_index")


def test_any_size() -> None:
    assert build_series("hmi.sharp_720s", records=50_000).rows == 50_000
    assert build_series("hmi.M_45s", records=1).rows == 1
    wide = wide_series(3_000, 40)
    assert wide.rows == 3_000
    assert len([c for c in wide.columns if c.startswith("k0")]) == 40


def test_unknown_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="small, demo"):
        SampleJsoc(["hmi.M_45s"], size="huge")


def test_the_sample_shares_no_code_with_the_package() -> None:
    for path in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not [n for n in names if n.split(".")[0] == "drmsmirror"], path.name
