"""Whether a file is a whole FITS file: what downloads go by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from astropy.io import fits

from drmsmirror.errors import FitsError, StoreError
from drmsmirror.segments.fits import check_structure
from drmsmirror.segments.structure import BLOCK, read_structure
from tests.fitscards import hdus
from tests.unit.segments.conftest import make_file


def card(text: str) -> bytes:
    return text.ljust(80).encode("ascii")


def header(*texts: str) -> bytes:
    content = b"".join(map(card, (*texts, "END")))
    return content.ljust(-(-len(content) // BLOCK) * BLOCK)


def primary(*more: str, bits: int = 8, sizes: tuple[int, ...] = ()) -> bytes:
    axes = [f"NAXIS{n + 1}  = {size:>20}" for n, size in enumerate(sizes)]
    named = [f"BITPIX  = {bits:>20}", f"NAXIS   = {len(sizes):>20}"]
    return header(f"SIMPLE  = {'T':>20}", *named, *axes, *more)


def test_whole_files_are_whole(stored: Path) -> None:
    check_structure(stored)


def test_parts_are_where_two_other_readers_find_them(stored: Path) -> None:
    units = read_structure(stored)
    assert [(unit.start, unit.data, unit.end) for unit in units] == [
        (hdu.start, hdu.data, hdu.end) for hdu in hdus(stored)
    ]
    with fits.open(stored, disable_image_compression=True) as parts:
        infos = [part.fileinfo() for part in parts]
    assert [(unit.start, unit.data, unit.end) for unit in units] == [
        (info["hdrLoc"], info["datLoc"], info["datLoc"] + info["datSpan"]) for info in infos
    ]


def test_the_image_is_found_in_each_kind_of_file(stored: Path) -> None:
    images = [unit.has_image for unit in read_structure(stored)]
    with fits.open(stored) as parts:
        assert images == [part.is_image and part.data is not None for part in parts]


def test_random_groups_have_data_in_spite_of_an_axis_of_length_0(tmp_path: Path) -> None:
    groups = (f"GROUPS  = {'T':>20}", f"PCOUNT  = {2:>20}", f"GCOUNT  = {900:>20}")
    path = tmp_path / "groups.fits"
    path.write_bytes(primary(*groups, bits=-32, sizes=(0, 4)) + bytes(8 * BLOCK))
    (unit,) = read_structure(path)
    assert unit.end - unit.data == 8 * BLOCK  # 4 bytes * 900 * (2 + 4) = 21,600


@pytest.mark.parametrize("lost", [1, 80, BLOCK, BLOCK + 1])
def test_a_file_that_is_cut_is_noticed(stored: Path, lost: int) -> None:
    content = stored.read_bytes()
    stored.write_bytes(content[:-lost])
    with pytest.raises(FitsError, match="cut"):
        check_structure(stored)


def test_a_file_that_is_cut_anywhere_is_noticed(tmp_path: Path) -> None:
    whole = make_file(tmp_path / "whole.fits", "compressed", rows=10).read_bytes()
    path = tmp_path / "cut.fits"
    ends = {0, BLOCK}  # nothing, and a first HDU that is whole by itself
    for length in set(range(0, len(whole), 97)) - ends:
        path.write_bytes(whole[:length])
        with pytest.raises(FitsError):
            check_structure(path)


def data(text: bytes) -> Callable[[bytes], bytes]:
    return lambda _: text


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (data(b""), "is empty; fetch it again"),
        (data(b"<html><body>Not found"), "is no FITS file: it begins with '<html><body>Not found'"),
        (lambda content: content + b"\n", "1 bytes follow the data of the last HDU"),
        (lambda content: content + bytes(BLOCK), "2,880 bytes follow the data of the last HDU"),
        (lambda content: content + content, "follow the data of the last HDU, beginning with 'SIM"),
        (data(primary().replace(b"END ", b"ENDE", 1)), "cut within a header"),
        (lambda content: content.replace(b"NAXIS   ", b"NAXES   ", 1), "no whole number NAXIS as"),
        (lambda content: content.replace(b"SIMPLE", b"SIMPEL", 1), "it begins with 'SIMPEL"),
        (data(primary(bits=12)), "BITPIX is 12; it must be one of 8, 16"),
        (data(primary(sizes=(-1,))), "a size in the header is negative"),
        (data(primary().replace(b"T ", b"F ", 1)), "SIMPLE is not T"),
        (data(header("SIMPLE  = T", "NAXIS   = 0", "BITPIX  = 8")), "no whole number BITPIX"),
        (data(header("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1.5")), "no whole number NAXIS"),
        (data(header("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1000")), "NAXIS is 1000"),
        (data(primary("OBJECT  = '\t'")), "characters that no FITS header may have"),
        (data(primary()[:-80] + card("MORE")), "something follows END"),
        (data(primary() + header("XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 0")), "PCOUNT"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, spoil: Callable[[bytes], bytes], message: str
) -> None:
    path = make_file(tmp_path / "file.fits", "compressed", rows=10)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(FitsError, match=message) as raised:
        check_structure(path)
    assert str(path) in str(raised.value)


def test_a_header_without_an_end_is_not_read_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "endless.fits"
    start = primary()[: 3 * 80].ljust(BLOCK)
    with path.open("wb") as file:
        file.write(start)
        file.write(b" " * BLOCK * 1100)
    with pytest.raises(FitsError, match="no END within 2,880,000 bytes"):
        check_structure(path)


def test_a_file_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"Cannot read .*absent\.fits: No such file"):
        check_structure(tmp_path / "absent.fits")
