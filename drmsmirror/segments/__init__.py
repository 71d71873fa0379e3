"""Segments: the files that belong to records.

==============  =============================================================
`files`         files that are there, and those that have to be fetched
`outcome`       what came of one
`places`        where files are at the upstream
`arrivals`      one file comes into the store, and goes on where it broke off
`intake`        a file on its way into the store, and what is no file
`room`          room for files, and which go for others
`clearing`      room is made, and what killed processes left goes
`verifying`     what is there is read, and damage found
`trouble`       what can be wrong with an object
`repairing`     what is damaged is fetched anew
`dropping`      files of dropped records go with them
`pinning`       what was pinned may go again
`recognising`   what a file that somebody has says of itself
`adopting`      such files become files of the mirror
`ordering`      files that are on tape, or to be processed, are ordered
`processing`    files that the upstream processed are kept
`tree`          files at paths of a user's own
`headers`       the cards that a record's keywords make in a segment's header
`structure`     the parts of a FITS file, and whether they add up
`checksums`     sums of FITS data, as ``DATASUM`` and ``CHECKSUM`` hold them
`fits`          a file as it is stored becomes one with the record's header
`headed`        such files are made once, and kept
==============  =============================================================
"""

from drmsmirror.segments.files import Files
from drmsmirror.segments.headed import HeadedFiles
from drmsmirror.segments.ordering import Orderer
from drmsmirror.segments.outcome import FileState, Form, Outcome
from drmsmirror.segments.processing import Processed, Processing, ResultFile
from drmsmirror.segments.room import Freed, Room
from drmsmirror.segments.tree import Names, lay_tree

__all__ = [
    "FileState",
    "Files",
    "Form",
    "Freed",
    "HeadedFiles",
    "Names",
    "Orderer",
    "Outcome",
    "Processed",
    "Processing",
    "ResultFile",
    "Room",
    "lay_tree",
]
