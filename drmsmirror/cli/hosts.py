"""What is said where several hosts use a mirror whose catalogue is for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drmsmirror.cli.common import talk

if TYPE_CHECKING:
    from drmsmirror.mirror import Mirror

__all__ = ["tell_of_file_system", "tell_of_hosts"]

_MOVE = """\
Keep the catalogue in PostgreSQL. To move it, stop what works on the mirror everywhere, and
  drmsmirror db backup FILE
Then name the database in drmsmirror.toml, catalogue_url = "postgresql://USER@HOST/DATABASE", and
  drmsmirror db restore FILE"""


def tell_of_hosts(mirror: Mirror) -> None:
    """Say that other hosts write a SQLite catalogue too, and how to move it."""
    if mirror.catalogue.database.read_only:  # who only reads harms nobody
        return
    if others := mirror.catalogue.other_hosts():
        seen = ", ".join(f"{one.name} (at {one.seen_utc:%Y-%m-%d %H:%M} UTC)" for one in others)
        talk(
            f"Another host writes this mirror too: {seen}. Its catalogue is SQLite, which is for "
            f"one host; what two write at the same time can damage it. {_MOVE}"
        )


def tell_of_file_system(mirror: Mirror) -> None:
    """Say that other hosts may reach a SQLite catalogue, unless one was seen to write it."""
    kind = mirror.catalogue.network_file_system()
    if kind is not None and not mirror.catalogue.other_hosts():
        talk(
            f"The catalogue is SQLite on a file system that other hosts may share ({kind}). Have "
            f"one host write it; for several keep it in PostgreSQL "
            f"(docs/catalogue.md, Several hosts)."
        )
