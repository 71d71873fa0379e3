"""Files at paths of a user's own, named after their records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path, PurePosixPath

from drmsmirror.errors import NoSpaceError, QueryError, StoreError
from drmsmirror.model.filenames import (
    NamedFile,
    default_template,
    export_name,
    find_clashes,
    tree_path,
)
from drmsmirror.objects import Laid, Laying, ObjectStore, lay
from drmsmirror.segments.outcome import Outcome

__all__ = ["Names", "lay_tree", "paths_of"]


class Names(Enum):
    """How files are called."""

    TREE = "tree"  #: hmi.sharp_cea_720s/377/20110215_020000_TAI/Br.fits
    JSOC = "jsoc"  #: as JSOC's own exports


def paths_of(files: Mapping[Outcome, NamedFile], names: Names) -> dict[Outcome, PurePosixPath]:
    """Where each file goes, below the user's directory.

    Raises
    ------
    QueryError
        Two would have one name.
    """
    paths: dict[Outcome, PurePosixPath] = {}
    for number, (outcome, named) in enumerate(files.items()):
        if names is Names.TREE:
            paths[outcome] = tree_path(named)
        else:
            template = default_template(named.definition)
            paths[outcome] = PurePosixPath(export_name(named, template, number))
    if clashes := find_clashes(paths.values()):
        raise QueryError(
            f"{len(clashes[0])} files would be called {clashes[0][0]}, since they are of several "
            f"versions of a record. Ask for one of them, [:#<record number>]"
        )
    return paths


def lay_tree(
    store: ObjectStore,
    files: Mapping[Outcome, NamedFile],
    directory: Path,
    laying: Laying,
    names: Names = Names.TREE,
) -> Iterator[tuple[Outcome, Laid | StoreError]]:
    """Lay files that are there below a directory.

    Parameters
    ----------
    store : ObjectStore
    files : mapping of Outcome to NamedFile
    directory : Path
        Made where it is absent.
    laying : Laying
    names : Names

    Yields
    ------
    outcome : Outcome
    laid : Laid or StoreError
        Or why it was not laid: another file stands at its path.

    Raises
    ------
    QueryError
        Two of these would have one name; none of them was laid.
    NoSpaceError
        The disk is full.
    """
    for outcome, name in paths_of(files, names).items():
        try:
            yield outcome, lay(store, outcome.sha256, directory, name, laying)
        except NoSpaceError:
            raise
        except StoreError as error:  # it is that of one file
            yield outcome, error
