"""The bar that shows how a sync goes, on terminals of several widths."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drmsmirror.cli.sync import _Reporter
from drmsmirror.settings import SyncSettings
from drmsmirror.sync import Progress

Draw = Callable[[int, Progress], str]


@pytest.fixture
def draw(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Give the bar as it stands on a terminal of that many columns in the end."""

    def draw(columns: int, progress: Progress) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        with _Reporter(SyncSettings(), may_ask=False, seconds=1.0) as reporter:
            reporter._show_bar(progress)
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return draw


def progress(series: str, records: int, ahead: int) -> Progress:
    return Progress(series, "back to 2014.07.05_00:00:00_TAI", records, ahead, 72.0)


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120])
@pytest.mark.parametrize(
    ("series", "records", "ahead", "counts"),
    [
        ("hmi.sharp_720s", 901, 29_099, " 901/30,000 "),
        ("hmi.sharp_cea_720s_nrt", 12_345_678, 123_456_789, " 12,345,678/135,802,467 "),
    ],
)
def test_the_counts_are_whole_on_any_terminal(
    series: str, records: int, ahead: int, counts: str, columns: int, draw: Draw
) -> None:
    line = draw(columns, progress(series, records, ahead))

    assert counts in line
    assert len(line) <= columns


def test_the_place_is_what_is_shortened_first(draw: Draw) -> None:
    narrow, wide = (draw(columns, progress("hmi.M_45s", 901, 29_099)) for columns in (80, 120))

    assert "72/s 7 min left back to 2014.07.05_00:00:00_TAI" in wide
    assert "72/s 7 min left back to 2014" in narrow
    assert narrow.endswith("…")
