"""What a question brought is merged where it says something about the present."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from drmsmirror.catalogue import AsOf, RunCounters
from drmsmirror.model.extent import extent_of
from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.records import harvest_keys
from drmsmirror.sync.keeping import keep_records
from drmsmirror.sync.target import read_target
from drmsmirror.upstream import Jsoc
from tests.unit.sync.mirrors import Copy

WHOLE = "hmi.M_45s"
DAY = f"{WHOLE}[2010.05.01_TAI/1d]"


@pytest.mark.parametrize(("earlier", "is_kept"), [(timedelta(), True), (timedelta(hours=1), False)])
def test_what_was_asked_before_the_upstream_went_back_is_not_merged_after_it(
    copy_of, earlier: timedelta, is_kept: bool
) -> None:
    """Its numbers are larger than those that have been read since, and are others' now."""
    copy: Copy = copy_of(WHOLE, rows=100)
    copy.sync(WHOLE)
    upstream = Jsoc(copy.settings.upstream)
    with copy.open() as mirror:
        target = read_target(upstream, WHOLE, mirror.catalogue.database.clock)
        then = AsOf(target.as_of.recnum + 50, target.as_of.utc - earlier)
        given = upstream.records(DAY, harvest_keys(target.definition)).table
        (wanted,) = bind(parse_recordset(DAY), lambda _: target.definition).sets
        kept = keep_records(
            mirror, replace(target, as_of=then), DAY, extent_of(wanted), given, RunCounters()
        )
    assert kept is is_kept
    assert {entry.as_of_recnum > target.as_of.recnum for entry in copy.coverage(WHOLE)} == (
        {False, True} if is_kept else {False}
    )
