"""Files with a record's header: legal, with right sums, and the image as it was."""

from __future__ import annotations

import stat
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from drmsmirror.errors import FitsError, StoreError
from drmsmirror.model.fitscards import Card
from drmsmirror.segments.fits import write_fits
from drmsmirror.segments.structure import BLOCK
from tests.fitscards import hdus, image_hdu, read_cards, verify
from tests.unit.segments.conftest import make_file

CARDS = (
    Card("DATE-OBS", "2011-02-15T01:58:12.300", "[ISO] Observation date {DATE__OBS}"),
    Card("TELESCOP", "SDO/HMI", "Observatory"),
    Card("INSTRUME", "HMI_SIDE1", "Camera"),
    Card("WAVELNTH", 6173.0, "[Angstrom]"),
    Card("CTYPE1", "HPLN-TAN"),
    Card("CTYPE2", "HPLT-TAN"),
    Card("CUNIT1", "arcsec"),
    Card("CUNIT2", "arcsec"),
    Card("CRPIX1", 45.5),
    Card("CRPIX2", 50.5),
    Card("CRVAL1", 0.0),
    Card("CRVAL2", 0.0),
    Card("CDELT1", 0.504042029, "[arcsec/pixel]"),
    Card("CDELT2", 0.504042029, "[arcsec/pixel]"),
    Card("CROTA2", 0.0),
    Card("DSUN_OBS", 147746220503.41, "[m] Distance"),
    Card("RSUN_REF", 696000000.0, "[m]"),
    Card("CRLN_OBS", 21.725103, "[deg]"),
    Card("CRLT_OBS", -6.8279, "[deg]"),
    Card("BUNIT", "Gauss", "Physical Units {BUNIT_000}"),
    Card("R_VALUE", None, "[Maxwell] (MISSING) Unsigned Flux R"),
    Card("HISTORY", "re-computed on 2014-02-03\n" + "TOTPOT," * 20),
    Card("LONG", "it's long " * 30, "in a few pieces"),
)


def structure(path: Path) -> dict[str, object]:
    """What the image's header says of the file alone."""
    ours = {card.name for card in CARDS} | {"CHECKSUM", "DATASUM", "ZHECKSUM"}
    cards = read_cards(image_hdu(path).cards)
    return {card.name: card.value for card in cards if card.name not in ours}


def data_of(path: Path) -> list[bytes]:
    content = path.read_bytes()
    return [content[hdu.data : hdu.end] for hdu in hdus(path)]


def test_the_file_is_legal_for_two_checkers(stored: Path, tmp_path: Path) -> None:
    target = tmp_path / "made.fits"
    write_fits(stored, target, CARDS)
    verify(target)
    with fits.open(target, checksum=True) as parts:  # a wrong sum is a warning, and that an error
        parts.verify("exception")
        assert len(parts) == len(hdus(stored))


def test_data_are_carried_over_byte_by_byte(stored: Path, tmp_path: Path) -> None:
    before = stored.read_bytes()
    write_fits(stored, tmp_path / "made.fits", CARDS)
    assert data_of(tmp_path / "made.fits") == data_of(stored)
    assert stored.read_bytes() == before
    with fits.open(stored) as old, fits.open(tmp_path / "made.fits") as new:
        for one, other in zip(old, new, strict=True):
            assert one.data is None if other.data is None else np.array_equal(one.data, other.data)


def test_the_header_is_the_structure_and_the_cards(stored: Path, tmp_path: Path) -> None:
    target = tmp_path / "made.fits"
    write_fits(stored, target, CARDS)
    assert structure(target) == structure(stored)
    with fits.open(target) as parts:
        header = next(part for part in parts if part.data is not None).header
    for card in CARDS:
        assert card.name in header
        if card.name == "HISTORY":
            assert "".join(header["HISTORY"]).startswith("re-computed on 2014-02-03TOTPOT,TOTPOT")
        elif isinstance(card.value, str):
            assert header[card.name] == card.value.rstrip()
        else:
            assert header[card.name] == card.value
    assert header.comments["BUNIT"] == "Physical Units {BUNIT_000}"


def test_other_parts_are_not_touched(tmp_path: Path) -> None:
    stored = make_file(tmp_path / "stored.fits", "plain")
    write_fits(stored, tmp_path / "made.fits", CARDS)
    old, new = stored.read_bytes(), (tmp_path / "made.fits").read_bytes()
    assert new[hdus(tmp_path / "made.fits")[1].start :] == old[hdus(stored)[1].start :]


def test_what_the_file_said_of_the_record_gives_way(stored: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.fits", tmp_path / "second.fits"
    old = (
        Card("HEADSUM", "abc"),
        Card("ZHECKSUM", "abc"),
        Card("WAVELNTH", 1),
        Card("OTHER", "x" * 100),
        Card("COMMENT", "-"),
    )
    write_fits(stored, first, old)
    write_fits(first, second, CARDS)
    write_fits(stored, tmp_path / "at once.fits", CARDS)
    assert second.read_bytes() == (tmp_path / "at once.fits").read_bytes()


def test_the_file_is_read_only_and_takes_the_place_of_one_before(
    stored: Path, tmp_path: Path
) -> None:
    target = tmp_path / "made.fits"
    write_fits(stored, target, ())
    write_fits(stored, target, CARDS)
    assert stat.S_IMODE(target.stat().st_mode) == 0o444
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.fits", "stored.fits"]


def test_a_file_that_is_cut_or_has_no_image_leaves_what_is_there(
    stored: Path, tmp_path: Path
) -> None:
    target = tmp_path / "made.fits"
    target.write_bytes(b"before")
    stored.write_bytes(stored.read_bytes()[:-BLOCK])
    with pytest.raises(FitsError, match="cut"):
        write_fits(stored, target, CARDS)
    fits.PrimaryHDU().writeto(stored, overwrite=True)
    with pytest.raises(FitsError, match="has no image"):
        write_fits(stored, target, CARDS)
    assert target.read_bytes() == b"before"


def test_files_that_cannot_be_read_or_written_are_named(stored: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"absent\.fits"):
        write_fits(tmp_path / "absent.fits", tmp_path / "made.fits", CARDS)
    with pytest.raises(StoreError, match="nowhere"):
        write_fits(stored, tmp_path / "nowhere" / "made.fits", CARDS)


def test_neither_memory_nor_sums_mind_how_large_a_file_is(tmp_path: Path) -> None:
    rows = 2000 * BLOCK // 90  # a whole number of blocks
    path = make_file(tmp_path / "small.fits", "plain", rows=1)
    large = tmp_path / "large.fits"
    with large.open("wb") as file:
        image = fits.Header.fromstring("".join(hdus(path)[0].cards))
        image["NAXIS2"] = rows
        file.write(image.tostring().encode("ascii"))
        file.write(np.random.default_rng(5).bytes(rows * 90 * 2))
    tracemalloc.start()
    try:
        write_fits(large, tmp_path / "made.fits", CARDS)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert large.stat().st_size > 11_000_000
    assert most < 4_000_000
    with fits.open(tmp_path / "made.fits", checksum=True) as parts:
        parts.verify("exception")


def test_sunpy_makes_a_map_of_it(stored: Path, tmp_path: Path) -> None:
    maps = pytest.importorskip("sunpy.map", reason="SunPy is not installed")
    write_fits(stored, tmp_path / "made.fits", CARDS)
    made = maps.Map(tmp_path / "made.fits")
    made = made[0] if isinstance(made, list) else made
    assert made.observatory == "SDO"
    assert str(made.unit) == "G"
    assert made.date.isot == "2011-02-15T01:58:12.300"
    assert made.scale.axis1.value == pytest.approx(0.504042029)
