"""Recorded answers, given again byte for byte."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["DATA_VARIABLE", "query_of", "recorded_bodies", "replay_key", "shared_data"]

DATA_VARIABLE: Final = "JSOC_SHARED_DATA"


def shared_data() -> Path | None:
    """Folder of recorded data: ``$JSOC_SHARED_DATA``, or ``../shared/data``.

    None when there is none; tests that need it then skip, saying so.
    """
    named = os.environ.get(DATA_VARIABLE)
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(named) if named else beside
    return folder if folder.is_dir() else None


def replay_key(op: str, ds: str) -> tuple[str, str]:
    """What a recorded answer is found by: the operation, and the query without blanks or case."""
    return op, "".join(ds.split()).lower()


def query_of(stem: str) -> str:
    """Query of a recorded file: ``hmi_x[1]`` is ``hmi.x[1][]``, ``hmi_x`` is ``hmi.x[][$]``."""
    name = stem.replace("_", ".", 1)
    return name + ("[]" if "[" in name else "[][$]")


def recorded_bodies(
    source: Path | str | Mapping[tuple[str, str], bytes],
) -> dict[tuple[str, str], bytes]:
    """Bodies by `replay_key`.

    Parameters
    ----------
    source : path or mapping
        A folder of recorded ``rs_list`` bodies, each named for its query, or bodies by (op, ds).

    Returns
    -------
    dict
    """
    if isinstance(source, Mapping):
        return {replay_key(op, ds): body for (op, ds), body in source.items()}
    files = sorted(Path(source).glob("*.html"))
    return {replay_key("rs_list", query_of(f.stem)): f.read_bytes() for f in files}
