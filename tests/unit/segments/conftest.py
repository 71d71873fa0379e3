"""Segment files as JSOC stores them: compressed in a table, or as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from drmsmirror.catalogue import Catalogue
from tests.unit.segments.world import Cache, assert_sound, cache

KINDS = ("compressed", "plain", "extension")


def make_file(path: Path, kind: str, rows: int = 100) -> Path:
    """A file with an image of whole numbers that are scaled, and no other keywords."""
    shape = (rows, 90)
    values = np.random.default_rng(3).normal(0, 300, shape).astype(np.int16)
    if kind == "compressed":
        compressed = fits.CompImageHDU(values, compression_type="RICE_1", tile_shape=(1, 90))
        parts = [fits.PrimaryHDU(), compressed]
    elif kind == "plain":
        parts = [fits.PrimaryHDU(values), fits.ImageHDU(np.arange(7.0), name="AXIS")]
    else:
        parts = [fits.PrimaryHDU(), fits.ImageHDU(values)]
    image = next(hdu for hdu in parts if hdu.data is not None)
    image.header["BLANK"] = -32768
    image.header["BZERO"] = 0.0
    image.header["BSCALE"] = 0.1
    fits.HDUList(parts).writeto(path, checksum=True)
    return path


@pytest.fixture(params=KINDS)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return make_file(tmp_path / "stored.fits", request.param)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty catalogue once; it is copied, since migrations take longer."""
    path = tmp_path_factory.mktemp("empty") / "catalogue.sqlite"
    Catalogue.create(path).close()
    return path


@pytest.fixture
def held(tmp_path: Path, empty: Path) -> Iterator[Cache]:
    """Have a cache in which nothing is, and which is sound in the end."""
    with cache(tmp_path, empty) as opened:
        yield opened
        assert_sound(opened.mirror, at_rest=False)
