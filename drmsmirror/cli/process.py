"""The process of one command: what it does without, so as to be short.

A library must leave these things alone, since they are those of a whole process. A command that
runs for a second has its process to itself, and would pay more for them than for its work.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from types import ModuleType

__all__ = ["OwnProcess"]


class OwnProcess:
    """A process that runs one command and ends.

    ``main`` begins it before anything heavy is imported, gives it to the commands by Click's
    context, and they settle it when they have imported what they work with. Where there is none,
    as when a test calls a command, the process is somebody else's and stays as it is.
    """

    def __init__(self) -> None:
        # NumPy's OpenBLAS starts a thread for each further core, and each of them spins for some
        # 30 ms before it sleeps; nothing here multiplies matrices
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        gc.disable()  # what is imported stays

    def settle(self) -> None:
        """Leave what was imported to the end of the process, and pandas out of it.

        The collector of garbage looks neither now nor at the end at what is here already. DuckDB
        is imported later: it complains at the end of what was not taken apart.
        """
        _leave_pandas_out()
        gc.freeze()
        gc.enable()


def _leave_pandas_out() -> None:
    """Have Arrow work as where pandas is not installed, unless pandas is there already.

    Arrow imports pandas, which takes longer than a query, when it is first given a Python value:
    it could be one of pandas. No command has such values. It looks but once; until then pandas is
    not to be found. After that pandas can be imported, and tables made for it (``to_pandas``).
    What remains for the rest of the process: Arrow does not know pandas' marks of what is missing
    (``pandas.NA``) in a list that it is given.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    absent = _NoPandas()
    sys.meta_path.insert(0, absent)
    try:
        pa.scalar(0)
    finally:
        sys.meta_path.remove(absent)


class _NoPandas:
    """A finder of modules by which there is no pandas; others are left to the finders behind it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - Python's signature
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is left out for a moment", name=fullname)
