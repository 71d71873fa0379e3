"""Names of objects and of parts; nothing else is ever made a path of."""

from __future__ import annotations

import re

from drmsmirror.errors import StoreError

__all__ = [
    "INCOMING",
    "NOTE",
    "PART",
    "QUARANTINE",
    "checked_part",
    "checked_sha256",
    "is_object",
    "is_shard",
    "key_of",
    "name_of_part",
]

#: Where bytes are that are no object yet, and those that are none any more.
INCOMING = "incoming"
QUARANTINE = "quarantine"

_SHARD = re.compile(r"[0-9a-f]{2}")
_OBJECT = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"[0-9a-f]{8,128}")

#: How the file of a part ends, and how the note on it does.
PART = ".part"
NOTE = ".note"


def checked_sha256(sha256: str) -> str:
    """Give a name that is one of an object.

    Raises
    ------
    StoreError
        It is not.
    """
    if not _OBJECT.fullmatch(sha256):
        raise StoreError(
            f"{sha256[:80]!r} names no object; a SHA-256 is 64 hexadecimal digits in lower case"
        )
    return sha256


def key_of(sha256: str) -> str:
    """Place of an object below the root of its store."""
    return f"{checked_sha256(sha256)[:2]}/{sha256}"


def checked_part(name: str) -> str:
    """Give the name of the file of a part.

    Raises
    ------
    StoreError
        Nothing can be called so.
    """
    if not _PART.fullmatch(name):
        raise StoreError(
            f"{name[:140]!r} names no part; it is 8 to 128 hexadecimal digits in lower case"
        )
    return name + PART


def name_of_part(file_name: str) -> str | None:
    """Name of the part that a file is; None where it is none."""
    name = file_name.removesuffix(PART)
    return name if name != file_name and _PART.fullmatch(name) else None


def is_object(name: str) -> bool:
    """Whether a file is called as objects are."""
    return _OBJECT.fullmatch(name) is not None


def is_shard(name: str) -> bool:
    """Whether a directory is called as those of objects are."""
    return _SHARD.fullmatch(name) is not None
