"""The one place that writes files under the mirror's root.

A visible name means complete and durable bytes: written to a temporary file in the same directory,
flushed to the disk, renamed, and the directory flushed. Record tables are the exception: Delta
Lake writes those, with the same guarantee of its own.

Not promised: that a file system which lies about ``fsync`` keeps anything, and that two hosts on a
network file system see a rename at the same moment.

==============  =========================================================
`whole`         files that are there completely and durably, or not at all
`growing`       files that a lock keeps others from while they are written
`links`         further names of a file, and bytes that two share
`directories`   directories, for a group or not
`removing`      files that go
`space`         whether there is room, and whether one may write
`scratch`       a file without a name, elsewhere
`basics`        what these do with the operating system
==============  =========================================================
"""

from __future__ import annotations

from drmsmirror.files.directories import (
    make_directory,
    make_shared_directory,
    remove_directory,
    remove_empty_directory,
)
from drmsmirror.files.growing import GrowingFile, LockedFile, growing_file, locked_file
from drmsmirror.files.links import clone_bytes, copy_bytes, link_file, move_file, name_again
from drmsmirror.files.removing import (
    abandoned_files,
    is_abandoned,
    remove_abandoned,
    remove_file,
    set_aside,
)
from drmsmirror.files.scratch import scratch_file
from drmsmirror.files.space import LEAST_FREE, free_bytes, refuse_full, refuse_read_only
from drmsmirror.files.whole import (
    name_durably,
    rename_durably,
    replacing,
    sync_directory,
    sync_files,
    temporary_in,
    temporary_link,
    write_bytes,
)

__all__ = [
    "LEAST_FREE",
    "GrowingFile",
    "LockedFile",
    "abandoned_files",
    "clone_bytes",
    "copy_bytes",
    "free_bytes",
    "growing_file",
    "is_abandoned",
    "link_file",
    "locked_file",
    "make_directory",
    "make_shared_directory",
    "move_file",
    "name_again",
    "name_durably",
    "refuse_full",
    "refuse_read_only",
    "remove_abandoned",
    "remove_directory",
    "remove_empty_directory",
    "remove_file",
    "rename_durably",
    "replacing",
    "scratch_file",
    "set_aside",
    "sync_directory",
    "sync_files",
    "temporary_in",
    "temporary_link",
    "write_bytes",
]
