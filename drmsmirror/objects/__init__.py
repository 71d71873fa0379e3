"""Objects: the bytes of segment files, each under the name that its SHA-256 gives it.

A name that is visible means complete, verified and durable bytes, which never change. What an
object is of, who may go and how much there may be is known elsewhere.
"""

from __future__ import annotations

from pathlib import Path

from drmsmirror.objects.laying import Laid, Laying, lay
from drmsmirror.objects.local import LocalObjects
from drmsmirror.objects.protocol import (
    ADOPT,
    Condition,
    Finding,
    Leftover,
    ObjectStore,
    Part,
    Stored,
    Way,
)
from drmsmirror.objects.remote import RemoteObjects, connect

__all__ = [
    "ADOPT",
    "Condition",
    "Finding",
    "Laid",
    "Laying",
    "Leftover",
    "LocalObjects",
    "ObjectStore",
    "Part",
    "RemoteObjects",
    "Stored",
    "Way",
    "connect",
    "lay",
    "open_store",
]


def open_store(address: str, directory: Path) -> ObjectStore:
    """Open the store of a mirror.

    Parameters
    ----------
    address : str
        ``s3://<bucket>/<prefix>``; empty for one in ``directory``.
    directory : Path
        Where objects are, or what is on its way to S3.
    """
    return RemoteObjects(address, directory, connect()) if address else LocalObjects(directory)
