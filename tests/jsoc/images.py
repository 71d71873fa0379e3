"""Bytes of segment files: small images, each its own, the same in every process.

The images are small whatever ``dims`` says of a segment with fixed axes; those of variable axes
have the size that ``rs_list`` prints. All images of one kind and size compress to the same number
of bytes, because they are the rows of one picture in different orders: so the size of a file is
known before it is made, and two files are told apart by their bytes only.
"""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["TEXT_SIZE", "Shape", "image_file", "image_size", "seed_of", "text_file"]

Shape = tuple[int, int]
"""Columns and rows, as FITS counts axes."""

TEXT_SIZE: Final = 40 * 31
"""Bytes of every file of `text_file`."""

_TYPES: Final[dict[str, Any]] = {
    "char": np.int8,
    "short": np.int16,
    "int": np.int32,
    "longlong": np.int32,
    "float": np.float32,
    "double": np.float64,
}
_BLANK: Final = {"short": -(2**15), "int": -(2**31), "longlong": -(2**31)}


def seed_of(identity: str) -> int:
    """A number that depends on a text only."""
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big")


@lru_cache(maxsize=256)
def _picture(type_: str, shape: Shape) -> NDArray[Any]:
    """A bright spot and a dark one, with noise: no two rows are alike."""
    columns, rows = shape
    rng = np.random.default_rng(seed_of(f"{type_} {shape}"))
    y, x = np.mgrid[0:rows, 0:columns]
    spots = sum(
        sign * np.exp(-(((x - cx * columns) ** 2 + (y - rows / 2) ** 2) / (0.02 * columns * rows)))
        for sign, cx in ((1.0, 0.35), (-1.0, 0.65))
    )
    values = 1000.0 * spots + rng.normal(0.0, 40.0, (rows, columns))
    if type_ == "char":
        values = (np.abs(values) / 30.0).clip(0, 100)
    elif type_ in _BLANK:
        values = 10.0 * values
    picture: NDArray[Any] = values.astype(_TYPES[type_])
    return picture


def _hdu(type_: str, data: NDArray[Any]) -> Any:
    """The image as DRMS keeps it: integers Rice-compressed by rows, other numbers plain."""
    from astropy.io import fits

    if type_ in ("float", "double"):
        return fits.ImageHDU(data)
    if type_ == "char":  # FITS bytes have no sign
        data = (data.astype(np.int16) + 128).astype(np.uint8)
    hdu = fits.CompImageHDU(data, compression_type="RICE_1", tile_shape=(1, data.shape[1]))
    scale, zero = (1, -128) if type_ == "char" else (0.1, 0.0)
    hdu.header["BZERO"], hdu.header["BSCALE"] = zero, scale
    if type_ in _BLANK:
        hdu.header["BLANK"] = _BLANK[type_]
    return hdu


@lru_cache(maxsize=2048)
def image_file(identity: str, type_: str, shape: Shape) -> bytes:
    """A FITS file with one image.

    Parameters
    ----------
    identity : str
        What the file is about: another text gives another image.
    type_ : str
        DRMS type of the segment.
    shape : tuple of int
        Columns and rows.

    Returns
    -------
    bytes
    """
    from astropy.io import fits

    order = np.random.default_rng(seed_of(identity)).permutation(shape[1])
    data = _picture(type_, shape)[order]
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), _hdu(type_, data)]).writeto(out)
    return out.getvalue()


@lru_cache(maxsize=256)
def image_size(type_: str, shape: Shape) -> int:
    """Bytes of every file of `image_file` of a type and shape."""
    return len(image_file("", type_, shape))


def text_file(identity: str) -> bytes:
    """A table in plain text, as segments without a format have; always of `TEXT_SIZE` bytes."""
    rng = np.random.default_rng(seed_of(identity))
    rows = [f"{i:4d} {rng.normal():12.6f} {rng.random():12.6e}\n" for i in range(1, 41)]
    return "".join(rows).encode("ascii")
