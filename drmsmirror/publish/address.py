"""Where a series is published: a database, or a directory of Parquet files."""

from __future__ import annotations

from pathlib import Path

from drmsmirror.catalogue.place import Place, Role, place_of
from drmsmirror.errors import SettingsError

__all__ = ["Address", "read_address", "refuse_inside"]

#: A database, or the directory of a Parquet data set.
Address = Place | Path

_PARQUET = "parquet:"


def read_address(text: str) -> Address:
    """Read ``sqlite:///file.db``, ``postgresql://user@host/database`` or ``parquet:DIR``.

    Raises
    ------
    SettingsError
        It is none of these. The message does not repeat it: it may contain a password.
    """
    if text.startswith(_PARQUET):
        directory = text.removeprefix(_PARQUET)
        if not directory:
            raise SettingsError(
                "parquet: has to name a directory: write parquet:/path/to/directory"
            )
        return Path(directory).expanduser().absolute()
    if ":" not in text:
        raise SettingsError(
            "The target has to say what it is: write sqlite:///file.db, "
            "postgresql://user@host/database or parquet:DIR"
        )
    return place_of(text, Role.TARGET)


def refuse_inside(address: Address, mirror: Path) -> None:
    """Refuse a place inside a mirror, where only the mirror itself writes.

    Raises
    ------
    SettingsError
        It is one.
    """
    path = address if isinstance(address, Path) else address.path
    if path is not None and path.resolve().is_relative_to(mirror.resolve()):
        raise SettingsError(
            f"{path} is inside the mirror {mirror}, where nothing else may be written; name a "
            f"place outside it"
        )
