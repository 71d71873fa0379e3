"""Sums that two libraries agree on."""

from __future__ import annotations

import numpy as np
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from drmsmirror.segments.checksums import add_sums, encode_checksum, sum_of


@given(st.lists(st.binary(min_size=2880, max_size=2880), min_size=1, max_size=4))
def test_parts_sum_up_to_the_whole(blocks: list[bytes]) -> None:
    total = 0
    for block in blocks:
        total = add_sums(total, sum_of(block))
    assert total == sum_of(b"".join(blocks))


@given(st.integers(0, 2**32 - 1))
def test_a_text_makes_the_sum_minus_zero(total: int) -> None:
    text = encode_checksum(total)
    assert text.isalnum()
    assert len(text) == 16
    # it begins with the last byte of a word, after the quote in column 11
    added = sum_of(b"= '" + text.encode() + b"'")
    empty = sum_of(b"= '" + b"0" * 16 + b"'")
    assert add_sums(total, (added - empty) % (2**32 - 1)) in (0, 2**32 - 1)


def test_the_sum_of_data_is_that_of_astropy() -> None:
    values = np.random.default_rng(1).integers(-(2**31), 2**31, 7200, dtype=np.int32)
    hdu = fits.PrimaryHDU(values)
    hdu.add_datasum()
    assert str(sum_of(values.astype(">i4").tobytes())) == hdu.header["DATASUM"]
