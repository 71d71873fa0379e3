"""A disk that is full in the middle of a sync: it is said, nothing is torn, and it goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drmsmirror.catalogue import Catalogue, RunOutcome, utc_now
from drmsmirror.files import LEAST_FREE
from drmsmirror.mirror import Mirror
from drmsmirror.model.subscription import Subscription
from tests.e2e.test_daemon import running as watched
from tests.faults.kills import what_is_there
from tests.faults.places import Places
from tests.forking import Ended
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, series, settings_for, truth

WHOLE = "hmi.M_45s"
PART = f"{WHOLE}[2010.05.01_00:50_TAI/15m]"
ROWS = 100
NO_SPACE = 8
UNWELL = 9


SMALL_WINDOWS = {"first_window": 30, "max_window": 30}


@pytest.fixture(scope="module")
def undisturbed(
    all_places: Places, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """Give what a sync leaves that nothing got in the way of."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with SampleJsoc([series(WHOLE, ROWS)]) as jsoc:
        copy = Copy(settings_for(folder / "mirror", jsoc, sync=SMALL_WINDOWS), jsoc)
        done = all_places.forks.run(("sync", WHOLE, "--yes"), copy.environment())
        assert done.returncode == 0, done.said
        yield what_is_there(copy, folder / "nothing")


@pytest.fixture
def narrow(place: Places, copy_of: Callable[..., Copy]) -> Copy:
    """Give a mirror there; commands see it at that name, the test by a copy."""
    copy = copy_of(WHOLE, rows=ROWS, sync=SMALL_WINDOWS)
    copy.settings = copy.settings.model_copy(update={"mirror": place.narrow / "mirror"})
    return copy


def seen(place: Places, copy: Copy, folder: Path) -> Copy:
    """Copy the mirror to where the test can look at it."""
    shutil.copytree(place.from_outside / "mirror", folder)
    return replace(copy, settings=copy.settings.model_copy(update={"mirror": folder}))


def assert_goes_on(copy: Copy, place: Places, folder: Path, undisturbed: dict[str, Any]) -> None:
    """The next run makes of it what an undisturbed one makes, and ends what was left open."""
    again = place.forks.run(("sync", WHOLE, "--yes"), copy.environment())
    assert again.returncode == 0, again.said
    after = seen(place, copy, folder / "after")
    after.assert_same(WHOLE)
    assert what_is_there(after, folder / "nothing") == undisturbed
    with after.open() as mirror:
        done, *others = [run.outcome for run in mirror.catalogue.runs.recent()]
    assert done is RunOutcome.DONE
    assert set(others) <= {RunOutcome.FAILED, RunOutcome.ABANDONED}


def assert_told(ended: Ended) -> str:
    """It ended for want of space, and said so in words."""
    assert ended.returncode == NO_SPACE, ended.said
    assert "Traceback" not in ended.said
    told = ended.said.splitlines()[-1]
    assert told.startswith("drmsmirror: No space left")
    return told


def answered(copy: Copy, place: Places, **variables: str) -> list[str]:
    """What a question for what was put away is answered with, and SQL; status works too."""
    environment = copy.environment(**variables)
    question = ("query", PART, "--offline", "--format", "csv", "--key", "T_REC,*recnum*")
    for command in (("sql", f"SELECT count(*) FROM {WHOLE}"), ("status",), question):
        ended = place.forks.run(command, environment)
        assert ended.returncode == 0, ended.said
    _, *rows, _ = ended.said.splitlines()
    return rows


def truly(copy: Copy) -> list[str]:
    """What the upstream has there."""
    found = truth(copy.jsoc, PART, ("T_REC", "*recnum*"))
    return [f"{time},{number}" for time, number in zip(*found.values(), strict=True)]


FILLED = {
    "hardly any": lambda place: place.fill(but=LEAST_FREE // 2),
    "none": lambda place: place.fill(),
    "none for a further file": lambda place: place.fill_with_files(),
}


@pytest.mark.parametrize("filled", FILLED)
def test_records_that_find_no_space_come_when_there_is_some(
    filled: str, narrow: Copy, place: Places, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    narrow.at_window(3, lambda: FILLED[filled](place))
    told = assert_told(place.forks.run(("sync", WHOLE, "--yes"), narrow.environment()))
    assert str(place.narrow / "mirror/records/hmi/m_45s") in told
    assert answered(narrow, place) == truly(narrow)
    if filled == "hardly any":  # there was room to note it
        status = place.forks.run(("status",), narrow.environment())
        assert "No space left" in status.said
    narrow.jsoc.clear_faults()

    place.free()
    seen(place, narrow, tmp_path / "then").assert_covered(WHOLE)
    assert_goes_on(narrow, place, tmp_path, undisturbed)


def test_a_catalogue_that_finds_no_space_is_as_before_and_goes_on_when_there_is_some(
    narrow: Copy, place: Places, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    apart = {"DRMSMIRROR_CATALOGUE_URL": f"sqlite:///{place.narrow}/apart/catalogue.sqlite"}
    (place.from_outside / "apart").mkdir()
    narrow.settings = narrow.settings.model_copy(update={"mirror": tmp_path / "apart"})
    narrow.at_window(3, place.fill)
    told = assert_told(place.forks.run(("sync", WHOLE, "--yes"), narrow.environment(**apart)))
    assert f"the catalogue {place.narrow}/apart/catalogue.sqlite" in told
    assert answered(narrow, place, **apart) == truly(narrow)
    narrow.jsoc.clear_faults()

    place.free()
    again = place.forks.run(("sync", WHOLE, "--yes"), narrow.environment(**apart))
    assert again.returncode == 0, again.said
    shutil.copytree(place.from_outside / "apart", narrow.settings.mirror, dirs_exist_ok=True)
    with narrow.open() as mirror:
        mirror.publish()
    assert what_is_there(narrow, tmp_path / "nothing") == undisturbed


def test_the_daemon_lives_says_what_is_wrong_and_goes_on(
    narrow: Copy, place: Places, tmp_path: Path
) -> None:
    metrics = tmp_path / "metrics.prom"
    environment = narrow.environment(
        DRMSMIRROR_DAEMON__LOOK_EVERY="0.2",
        DRMSMIRROR_DAEMON__RETRY_AFTER="1",
        DRMSMIRROR_DAEMON__METRICS_FILE=str(metrics),
    )
    due = narrow.settings.model_copy(update={"mirror": tmp_path / "due"})
    Mirror.create(due).close()
    with Catalogue.open(
        due.mirror / "catalogue.sqlite", clock=lambda: utc_now() - timedelta(hours=1)
    ) as catalogue:
        catalogue.subscriptions.add(Subscription.of(WHOLE, schedule="0 * * * *"))
    shutil.copytree(due.mirror, place.from_outside / "mirror")
    narrow.at_window(3, lambda: place.fill(but=LEAST_FREE // 2))

    with watched(place.start(environment, "daemon", "--log", "json")) as daemon:
        failed = daemon.wait_for("duty.failed")
        assert failed["error"] == "no-space"
        unwell = place.forks.run(("health",), environment)
        assert unwell.returncode == UNWELL
        assert "is full" in unwell.said
        free = [line for line in metrics.read_text().splitlines() if "free_bytes " in line]
        assert float(free[-1].split()[1]) < LEAST_FREE
        assert answered(narrow, place) == truly(narrow)
        place.free()
        assert daemon.wait_for("sync.done")["series"] == WHOLE
        daemon.wait_for("duty.done")
        well = place.forks.run(("health",), environment)
        assert well.returncode == 0, well.said
        assert daemon.stop() == 0
    seen(place, narrow, tmp_path / "then").assert_same(WHOLE)
