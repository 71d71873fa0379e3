"""Every point kills something, and the next run leaves what an undisturbed one leaves.

The visits that are tried here are few; every visit is by ``python -m tests.faults.kills``.
"""

from __future__ import annotations

import itertools
from signal import SIGINT, SIGTERM

import pytest

from drmsmirror.failpoints import POINTS
from tests.faults.kills import DEEDS, Deed, stage
from tests.faults.test_evolving import POINTS as OF_A_REBUILD
from tests.faults.test_kill import OF_A_SYNC
from tests.faults.test_objects import POINTS as OF_OBJECTS
from tests.faults.test_upkeep import OF_MAINTENANCE
from tests.forking import Forks

#: A night that compares, and a drop: those of the others take their time.
_MOST_TELLING = ("night", "drop")

TRIED = [deed for deed in DEEDS if deed.at]


@pytest.mark.parametrize(
    "deed",
    [
        pytest.param(deed, marks=[] if deed.name in _MOST_TELLING else pytest.mark.long)
        for deed in TRIED
    ],
    ids=lambda deed: deed.name,
)
def test_what_was_killed_is_made_good_by_the_next_run(deed: Deed, running: Forks) -> None:
    with stage(deed, running) as prepared:
        for at in deed.at:
            prepared.kill(at)


#: Where deeds are stopped by a signal, which ends a block with an exception.
STOPPED = {
    "night": ("catalogue.before_commit:19", "window.after_commit:2"),
    "maintain": ("records.before_commit:2", "file.after_write"),
    "drop-part": ("drop.given_up", "records.after_commit"),
    "publish-sqlite": ("publish.before_commit",),
    "restore": ("file.after_linking",),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ("night", "restore") else pytest.mark.long)
        for name in STOPPED
    ],
)
def test_what_was_stopped_says_so_and_is_made_good_by_the_next_run(
    name: str, running: Forks
) -> None:
    (deed,) = (deed for deed in DEEDS if deed.name == name)
    with stage(deed, running) as prepared:
        for at, number in zip(STOPPED[name], itertools.cycle((SIGTERM, SIGINT))):
            prepared.stop(at, number)


def test_every_point_is_one_at_which_something_is_killed() -> None:
    here = {at.partition(":")[0] for deed in DEEDS for at in deed.at}
    elsewhere = {
        at.partition(":")[0] for at in (*OF_A_SYNC, *OF_A_REBUILD, *OF_MAINTENANCE, *OF_OBJECTS)
    }
    assert here | elsewhere == set(POINTS)
