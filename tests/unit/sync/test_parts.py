"""Only what stays the same part of a series can be brought in."""

from __future__ import annotations

import pytest

from drmsmirror.errors import QueryError
from tests.unit.sync.mirrors import asked

WHOLE = "hmi.M_45s"


@pytest.mark.parametrize(
    ("filters", "named"),
    [
        ("[! QUALITY >= 0 !]", "the condition [! QUALITY >= 0 !] on superseded versions"),
        ("[? extract(epoch from now()) > 5 ?]", "on the time at which it is asked"),
        (
            "[? QUALITY IN (SELECT QUALITY FROM hmi.M_45s) ?]",
            "on other records",
        ),
        ("[$]", "a first or last value"),
        ("[][^]", "a first or last value"),
        ("[:#5-#7]", "record numbers"),
        ("[:#-#]", "record numbers"),
    ],
)
def test_what_is_no_part_is_refused_before_a_record_is_asked_for(filters, named, copy_of) -> None:
    copy = copy_of(WHOLE)
    with pytest.raises(QueryError, match="drmsmirror query") as caught:
        copy.sync(WHOLE + filters)
    assert named in str(caught.value)
    assert asked(copy.jsoc, "rs_list") == []


@pytest.mark.parametrize("filters", ["", "[#12151680-#12151700]"])
def test_what_is_a_part_is_brought_in(filters, copy_of) -> None:
    copy = copy_of(WHOLE)
    assert copy.sync(WHOLE + filters).outcome == "done"
