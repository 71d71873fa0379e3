"""Files that JSOC processes first, for ``drmsmirror get --process``."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import counted, size, talk, write_json_list
from drmsmirror.cli.files import HOW_TO_OPEN
from drmsmirror.errors import DrmsMirrorError, ExportError, PartialError

if TYPE_CHECKING:
    from drmsmirror.client import Client
    from drmsmirror.client.exportrequest import ExportedFile, ExportRequest

__all__ = ["get_processed"]


def get_processed(
    client: Client,
    record_set: str,
    steps: Sequence[str],
    *,
    n: int | None,
    fits: bool,
    link_to: Path | None,
    copy_to: Path | None,
    json: bool,
) -> None:
    """Print the paths of processed files, ordering them where they are not there.

    Parameters
    ----------
    client : Client
    record_set : str
        With its segments.
    steps : sequence of str
        As they were written.
    n : int or None
    fits : bool
        Whether they have the keywords of their record in the header.
    link_to, copy_to : Path or None
        Where they are to be laid.
    json : bool
    """
    from drmsmirror.client import PartialAnswerWarning
    from drmsmirror.client.exportterms import steps_of

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PartialAnswerWarning)  # it is told below
        request = client.export(
            record_set, protocol="fits" if fits else "as-is", n=n, process=steps_of(steps)
        )
    if request.lacking:
        talk(f"These are not all of the records. {request.lacking}")
    files = _waited_for(request, client.settings.segments.order_wait)
    given = ((one, _laid(client, one, link_to, copy_to)) for one in files)
    if json:
        write_json_list(_object(one, path) for one, path in given)
    else:
        for one, path in given:
            click.echo(one.url if path is None else path)
    if (link_to or copy_to) is None and any(one.path is None for one in files):
        talk(f"They are in S3, where they have no path: {HOW_TO_OPEN}")
    talk(f"{counted(len(files), 'file')} ({size(sum(one.size_bytes for one in files))})")


def _waited_for(request: ExportRequest, seconds: float) -> tuple[ExportedFile, ...]:
    """The files of an order, once it is ready."""
    if not request.has_finished(skip_update=True):
        talk(f"Waiting for JSOC: {request.message}")
    try:
        is_ready = request.wait(timeout=seconds)
    except ExportError as error:
        if isinstance(error.__cause__, DrmsMirrorError):
            raise error.__cause__ from None
        raise
    if not is_ready:
        raise PartialError(
            f"JSOC is not done yet: {request.message}. Ask for the same later; no other is ordered"
        )
    return request.files


def _laid(
    client: Client, file: ExportedFile, link_to: Path | None, copy_to: Path | None
) -> Path | None:
    """Where a file is: in the store, or where somebody wants it."""
    from drmsmirror.model.filenames import safe_name
    from drmsmirror.objects import Laying, lay

    directory = link_to or copy_to
    if directory is None:
        return file.path
    laying = Laying.LINK if copy_to is None else Laying.COPY
    name = PurePosixPath(safe_name(file.name))
    return lay(client.mirror.objects, file.sha256, directory, name, laying).path


def _object(file: ExportedFile, path: Path | None) -> dict[str, object]:
    return {
        "record": file.record or None,
        "file_name": file.name,
        "path": None if path is None else str(path),
        "url": file.url,
        "sha256": file.sha256,
        "bytes": file.size_bytes,
    }
