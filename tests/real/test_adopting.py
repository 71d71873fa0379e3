"""Real files that JSOC exported, before and since its headers say of which series they are."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drmsmirror.client.adopting import Adoption, adopt, files_below
from drmsmirror.errors import UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.model.series import Segment, SeriesDefinition
from drmsmirror.segments.adopting import COPIED, Exports
from tests.real.conftest import sharp_like

SHARP, SMARP = "hmi.sharp_cea_720s", "mdi.smarp_cea_96m"
#: By series: number and prime keys of the record, as JSOC prints them, and its segments.
RECORDS: dict[str, tuple[int, tuple[str, str], dict[str, str]]] = {
    SHARP: (
        3464220,
        ("377", "2011.02.15_02:00:00_TAI"),
        {"Br": "int", "magnetogram": "int", "conf_disambig": "short"},
    ),
    SMARP: (2, ("13520", "2010.07.14_12:48:00_TAI"), {"bitmap": "char", "magnetogram": "int"}),
}


class Knowing:
    """A client that knows those two records."""

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror

    def definition(self, name: str) -> SeriesDefinition:
        if name not in RECORDS:
            raise UnknownSeriesError(name)
        made = sharp_like(name, ())
        if name == SMARP:
            keywords = [replace(made.keyword("HARPNUM"), name="TARPNUM"), *made.keywords[1:]]
            made = replace(made, prime_keys=("TARPNUM", "T_REC"), keywords=tuple(keywords))
        segments = [
            Segment(segment, type_, protocol="fits", dims="VARxVAR")
            for segment, type_ in RECORDS[name][2].items()
        ]
        return replace(made, segments=tuple(segments))

    def answer(self, record_set: str, keys: tuple[str, ...], *, partial: bool) -> Any:
        assert partial
        number, values, _ = RECORDS[record_set.partition("[")[0]]
        row = dict(zip(keys, (*values, number), strict=True))
        return SimpleNamespace(texts=lambda: {key: [value] for key, value in row.items()})


@pytest.fixture
def client(mirror: Mirror) -> Any:
    return Knowing(mirror)


def test_all_are_recognised_verified_and_kept(recorded: Path, client: Any) -> None:
    paths = list(files_below([recorded / "fits"]))
    assert len(paths) == 5
    found = list(adopt(client, paths, how=COPIED))
    assert [one.adoption for one in found] == [Adoption.ADOPTED] * 5, found
    for path, one in zip(paths, found, strict=True):
        assert one.file is not None
        series, segment = path.name[: path.name.index(".", 5)], path.name.split(".")[-2]
        assert one.file == SegmentFile(series, 0, RECORDS[series][0], segment)
        held = Exports(client.mirror).held([one.file])[one.file]
        assert held.path is not None
        assert held.path.read_bytes() == path.read_bytes()
    assert {one.adoption for one in adopt(client, paths)} == {Adoption.HELD}


def test_one_that_lost_a_bit_is_damaged(recorded: Path, client: Any, tmp_path: Path) -> None:
    for path in (recorded / "fits").glob("*.fits"):
        copy = Path(shutil.copy(path, tmp_path))
        copy.chmod(0o644)
        content = bytearray(copy.read_bytes())
        content[-3000] ^= 1
        copy.write_bytes(content)
    found = list(adopt(client, list(files_below([tmp_path]))))
    damaged = [one.path.name for one in found if one.adoption is Adoption.DAMAGED]
    assert len(damaged) == len(found) == 5
