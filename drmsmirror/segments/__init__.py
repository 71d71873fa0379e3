"""Segments: the files that belong to records.

==============  =============================================================
`headers`       the cards that a record's keywords make in a segment's header
`structure`     the parts of a FITS file, and whether they add up
`checksums`     sums of FITS data, as ``DATASUM`` and ``CHECKSUM`` hold them
`fits`          a file as it is stored becomes one with the record's header
==============  =============================================================
"""
