"""Amounts of bytes as people write them."""

from __future__ import annotations

import pytest

from drmsmirror.model.sizes import parse_share, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("17 B", 17),
        ("500G", 500 * 2**30),
        ("500 GiB", 500 * 2**30),
        ("1.5t", 3 * 2**39),
        ("2k", 2048),
        ("200MB", 200_000_000),
        ("1PiB", 2**50),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-5G", "5X", "5iB", "5 GBs", "five", "1e3", "5G 3M"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no size; write it like 500G"):
        parse_size(text)


def test_a_size_has_a_unit() -> None:
    with pytest.raises(ValueError, match="'10' has no unit; write it like 10G, or 10B for bytes"):
        parse_size("10")


def test_shares() -> None:
    assert [parse_share(text) for text in ("5%", "100 %", "0.1%")] == [0.05, 1.0, 0.001]


@pytest.mark.parametrize("text", ["", "5", "0%", "101%", "-5%", "0.05"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(ValueError, match="is no share; write it like 5%"):
        parse_share(text)
