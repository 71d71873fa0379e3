"""Digests of content, in bounded memory."""

from __future__ import annotations

import hashlib
from io import BufferedReader

from drmsmirror.errors import DamageError, NoObjectError, WrongContentError

__all__ = ["absent", "refuse_damaged", "refuse_other", "sha256_of"]


def sha256_of(file: BufferedReader) -> str:
    """SHA-256 of what a file has from its position on."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def absent(sha256: str, place: str) -> NoObjectError:
    """An object that is not there."""
    return NoObjectError(f"There is no object {sha256} in {place}; fetch it again")


def refuse_other(found_sha256: str, expected_sha256: str | None, what: str) -> None:
    """Refuse content that has another digest than was expected.

    Raises
    ------
    WrongContentError
    """
    if expected_sha256 is not None and found_sha256 != expected_sha256:
        raise WrongContentError(
            f"{what} has the SHA-256 {found_sha256}, not {expected_sha256} as expected; nothing "
            f"was stored. Fetch it again"
        )


def refuse_damaged(sha256: str, found_sha256: str) -> None:
    """Refuse an object whose bytes are not those that its name says.

    Raises
    ------
    DamageError
    """
    if found_sha256 != sha256:
        raise DamageError(
            f"Object {sha256} is damaged: its bytes have the SHA-256 {found_sha256}; fetch it again"
        )
