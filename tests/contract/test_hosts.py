"""Which hosts write a catalogue that is for one of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from drmsmirror.catalogue import Catalogue, SeenHost
from drmsmirror.catalogue.processes import this_host
from drmsmirror.catalogue.tables import hosts
from tests.contract.conftest import START, Clock

DAY = timedelta(days=1)


def noted(catalogue: Catalogue) -> list[tuple[str, object]]:
    with catalogue.database.read() as connection:
        return [(row.name, row.seen_utc) for row in connection.execute(select(hosts))]


@pytest.fixture
def written_elsewhere(catalogue: Catalogue) -> Iterator[Catalogue]:
    """Have a catalogue that a process of another host wrote just now."""
    with catalogue.database.write() as connection:
        row = {"name": "elsewhere", "boot": "another", "seen_utc": catalogue.database.clock()}
        connection.execute(insert(hosts), row)
    return catalogue


def test_who_takes_a_lease_notes_his_host_once_an_hour(catalogue: Catalogue, clock: Clock) -> None:
    for minutes, noted_at in ((0, 0), (59, 0), (1, 60)):
        clock.move(60 * minutes)
        with catalogue.leases.holding("something"):
            pass
        here = (this_host().name, START + timedelta(minutes=noted_at))
        assert noted(catalogue) == ([here] if catalogue.database.is_sqlite else [])
    assert catalogue.other_hosts() == ()


def test_another_host_is_told_for_a_day(written_elsewhere: Catalogue, clock: Clock) -> None:
    seen = SeenHost("elsewhere", clock())
    expected = (seen,) if written_elsewhere.database.is_sqlite else ()
    assert written_elsewhere.other_hosts() == expected
    clock.move(DAY.total_seconds() - 1)
    assert written_elsewhere.other_hosts() == expected
    clock.move(1)
    assert written_elsewhere.other_hosts() == ()


def test_one_that_went_is_forgotten(written_elsewhere: Catalogue, clock: Clock) -> None:
    clock.move(DAY.total_seconds() + 1)
    with written_elsewhere.leases.holding("something"):
        pass
    if written_elsewhere.database.is_sqlite:
        assert [name for name, _ in noted(written_elsewhere)] == [this_host().name]


def test_a_container_of_this_host_is_no_other(written_elsewhere: Catalogue) -> None:
    with written_elsewhere.database.write() as connection:
        connection.execute(update(hosts).values(boot=this_host().boot))
    assert written_elsewhere.other_hosts() == ()
