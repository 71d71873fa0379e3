"""What was got for the sets of a question besides what is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from drmsmirror.client.planner import SetPlan
from drmsmirror.mirror import Mirror
from drmsmirror.records import RECORD_NUMBERS, Supplement, identity_keys, type_records

__all__ = ["Supplied", "needed_keys", "nothing"]


@dataclass(frozen=True, slots=True)
class Supplied:
    """What was got for one set.

    Parameters
    ----------
    supplement : Supplement or None
        None where nothing was lacking.
    formats : dict of str to str
        Codec formats, those learnt from it too, by keyword.
    asked_utc : tuple of datetime
        When the upstream was asked, answer by answer.
    """

    supplement: Supplement | None
    formats: dict[str, str]
    asked_utc: tuple[datetime, ...] = ()


def nothing(mirror: Mirror, plan: SetPlan) -> Supplied:
    """What is missing of a set counts as having no records."""
    formats = mirror.catalogue.codecs(plan.wanted.series.name)
    if not plan.missing:
        return Supplied(None, formats)
    keys = needed_keys(plan)
    types = [pa.int64() if key.startswith("*") else pa.string() for key in keys]
    empty = pa.table([pa.array([], type_) for type_ in types], names=list(keys))
    rows = type_records(plan.wanted.series, empty, formats).rows
    return Supplied(Supplement(plan.missing, rows), formats)


def needed_keys(plan: SetPlan, numbers: Sequence[str] = RECORD_NUMBERS) -> tuple[str, ...]:
    """Keys that the answer needs, and those by which its records are known and ordered.

    Parameters
    ----------
    plan : SetPlan
    numbers : sequence of str
        The record's own numbers that the upstream is asked for.
    """
    return identity_keys(plan.wanted.series, *plan.keys.columns, numbers=numbers)
