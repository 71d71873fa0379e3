"""Arguments that were meant for ``drms.Client``."""

from __future__ import annotations

import os
from pathlib import Path

from drmsmirror.errors import QueryError
from drmsmirror.settings import Settings

__all__ = ["refuse_server"]

#: The servers that the stock client knows by name.
_SERVERS = frozenset({"jsoc", "kis"})


def refuse_server(mirror: object) -> None:
    """Refuse a server where a mirror is named: the first argument of ``drms.Client`` is a server.

    A folder of that name that is there is taken for what it is.

    Raises
    ------
    QueryError
        It is a server that the stock client knows, or nothing that could be a directory.
    """
    if mirror is None or isinstance(mirror, Settings):
        return
    if not isinstance(mirror, str | os.PathLike):
        what = f"a {type(mirror).__name__}"
    elif str(mirror).lower() in _SERVERS and not Path(mirror).exists():
        what = f"{str(mirror)!r}, a server"
    else:
        return
    raise QueryError(
        f"The mirror is {what}, as drms.Client takes it; here the first argument is the directory "
        f"of the mirror, or nothing for the one in the settings. The server behind it is "
        f"[upstream] url there"
    )
