"""What keeps files in order is made good by the next run, wherever it is killed."""

from __future__ import annotations

import pytest

from tests.faults.filekills import DEEDS
from tests.faults.kills import Deed, every_visit, stage
from tests.forking import Forks

TRIED = [deed for deed in DEEDS if deed.at]


@pytest.mark.parametrize("deed", TRIED, ids=lambda deed: deed.name)
def test_what_was_killed_is_made_good_by_the_next_run(deed: Deed, running: Forks) -> None:
    with stage(deed, running) as prepared:
        for at in deed.at:
            prepared.kill(at)


@pytest.mark.long
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_it_is_made_good_by_the_next_run_wherever_it_is_killed(deed: Deed, running: Forks) -> None:
    with stage(deed, running) as prepared:
        for at in every_visit(prepared):
            prepared.kill(at)
