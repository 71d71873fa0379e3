"""Publish series for other tools: as tables of a database, or as a Parquet data set."""

from __future__ import annotations

from drmsmirror.publish.address import Address, read_address
from drmsmirror.publish.report import Publication, Reporter, SilentReporter
from drmsmirror.publish.run import publish, targets_of

__all__ = [
    "Address",
    "Publication",
    "Reporter",
    "SilentReporter",
    "publish",
    "read_address",
    "targets_of",
]
