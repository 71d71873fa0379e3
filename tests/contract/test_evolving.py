"""What is held follows a changed definition in one transaction, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drmsmirror.catalogue import Catalogue, Lease
from drmsmirror.errors import LockedError
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import Interval
from drmsmirror.model.types import KeywordType
from tests.contract.conftest import START, stored_definition

NAME = "hmi.sharp_720s"
OLD, NEW = "records/hmi/sharp_720s", "records/hmi/sharp_720s~2"

ENTRY = CoverageEntry(
    Interval(0, 100), Restriction(), frozenset(["t_rec"]), Versions.LATEST, 0, 10, START
)


@pytest.fixture
def held(catalogue: Catalogue) -> Catalogue:
    """A catalogue that holds a stretch of a series, with two codecs."""
    catalogue.save_definition(stored_definition(NAME), upstream_url="http://x")
    state = replace(catalogue.state(NAME), table_path=OLD, table_version=7, rows_held=50)
    catalogue.save_state(state)
    catalogue.record_window(
        NAME,
        entries=[replace(ENTRY, columns=frozenset(["t_rec", "usflux"]))],
        table_version=7,
        rows_held=50,
        codecs={"USFLUX": "%e", "T_REC": "TAI 0"},
    )
    return catalogue


def evolve(catalogue: Catalogue, lease: Lease, path: str) -> None:
    definition = catalogue.definition(NAME)
    keywords = tuple(
        replace(one, type=KeywordType.DOUBLE) if one.name == "USFLUX" else one
        for one in definition.keywords
    )
    catalogue.evolve(
        replace(definition, keywords=keywords),
        upstream_url="",
        entries=[ENTRY],
        codecs={"USFLUX": "%.3e"},
        table_version=2,
        table_path=path,
        lease=lease,
    )


def test_definition_coverage_codecs_and_table_change_together(held: Catalogue) -> None:
    with held.leases.holding("series") as lease:
        held.note_new_table(NAME, NEW, lease)
        held.note_new_table(NAME, NEW, lease)  # an attempt that was killed
        assert [one.table_path for one in held.drops.pending(NAME)] == [NEW]
        evolve(held, lease, NEW)
    state = held.state(NAME)
    assert (state.table_path, state.table_version, state.rows_held) == (NEW, 2, 50)
    assert state.upstream_url == "http://x"
    assert held.definition(NAME).keyword("USFLUX").type is KeywordType.DOUBLE
    assert held.coverage(NAME) == (ENTRY,)
    assert held.codecs(NAME) == {"T_REC": "TAI 0", "USFLUX": "%.3e"}
    assert [(one.table_path, one.extents) for one in held.drops.pending(NAME)] == [(OLD, None)]


def test_a_drop_of_the_series_keeps_the_note_of_a_table_that_was_replaced(held: Catalogue) -> None:
    with held.leases.holding("series") as lease:
        held.note_new_table(NAME, NEW, lease)
        evolve(held, lease, NEW)
        held.drops.begin_whole(NAME, lease)
        held.drops.begin_whole(NAME, lease)
    assert sorted(one.table_path for one in held.drops.pending(NAME)) == [OLD, NEW]


def test_a_table_that_stays_is_not_given_up(held: Catalogue) -> None:
    with held.leases.holding("series") as lease:
        evolve(held, lease, OLD)
    assert held.drops.pending(NAME) == ()


def test_nothing_changes_without_the_hold(held: Catalogue) -> None:
    with held.leases.holding("series") as lease:
        pass
    with pytest.raises(LockedError):
        evolve(held, lease, NEW)
    with pytest.raises(LockedError):
        held.note_new_table(NAME, NEW, lease)
    assert held.state(NAME).table_path == OLD
    assert held.drops.pending(NAME) == ()
