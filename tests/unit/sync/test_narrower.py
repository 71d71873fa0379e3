"""Record sets that are proposed instead of a long run are parts of what was asked for."""

from __future__ import annotations

import pytest

from tests.unit.sync.mirrors import KINDS, truth

SHARP = "hmi.sharp_720s"
ASKED = [
    *(
        pytest.param(kind, marks=[] if kind in ("hmi.M_45s", "test.nopk") else pytest.mark.long)
        for kind in KINDS
    ),
    "hmi.sharp_720s[377]",
    "hmi.sharp_720s[377,378]",
    "hmi.sharp_720s[][2010.05.01_TAI/400d]",
    "hmi.M_45s[2010.05.01_TAI/1h]",
    "hmi.M_45s[2010.05.01_TAI/2d]",
    "hmi.M_45s[][1]",
]


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_proposed_can_be_synced_and_is_less_than_what_was_asked_for(asked, copy_of) -> None:
    name = asked.partition("[")[0]
    copy = copy_of(name)
    (ahead,) = copy.outlook(asked)
    whole = set(truth(copy.jsoc, asked, ["*recnum*"])["*recnum*"])
    for proposed in ahead.narrower:
        assert copy.sync(proposed).outcome == "done"
        copy.assert_same(proposed)
        assert set(truth(copy.jsoc, proposed, ["*recnum*"])["*recnum*"]) < whole


@pytest.mark.parametrize("name", KINDS)
def test_something_is_proposed_for_every_whole_series_that_prime_keys_divide(name, copy_of) -> None:
    copy = copy_of(name)
    (ahead,) = copy.outlook(name)
    assert bool(ahead.narrower) == bool(copy.jsoc.series(name).definition.primekeys)


def test_days_are_proposed_within_what_was_asked_for(copy_of) -> None:
    (ahead,) = copy_of(SHARP).outlook("hmi.sharp_720s[377]")
    assert len(ahead.narrower) == 2
    assert all(text.startswith("hmi.sharp_720s[377][") for text in ahead.narrower)


def test_nothing_is_proposed_where_an_hour_was_asked_for(copy_of) -> None:
    (ahead,) = copy_of("hmi.M_45s").outlook("hmi.M_45s[2010.05.01_TAI/1h][1]")
    assert ahead.narrower == ()
