"""Night after night: neither files nor log nor catalogue grow with the number of nights."""

from __future__ import annotations

from tests.nights import NAME, SECTIONS, nightly, problems
from tests.unit.sync.mirrors import series


def test_what_a_mirror_consists_of_does_not_grow_with_the_nights(copy_of) -> None:
    """A thousand nights are what `scripts/soak nights` makes."""
    copy = copy_of(series(NAME, 60), **SECTIONS)
    seen = list(nightly(copy, 20))

    assert [problems(now) for now in seen] == [[]] * 20
    assert seen[-1].checkpoint
    assert seen[-1].rows == 60 + 2 * 20 + 17
    assert seen[-1].log_files < max(now.log_files for now in seen)
    copy.assert_same(NAME)
