"""Files that the upstream processed: ordered once, gone on with, and there together or not."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from drmsmirror.catalogue import MadeFile, MadeFiles
from drmsmirror.errors import UpstreamError
from drmsmirror.segments import Processed, Processing
from drmsmirror.segments.ordering import Errand
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import Jsoc, OrderStage
from tests.jsoc import Fault, FaultKind
from tests.unit.segments.world import SERIES, Cache, Holding, cache

EMAIL = "you@example.org"
READY, PENDING = OrderStage.READY, OrderStage.PENDING


@pytest.fixture
def held(tmp_path: Path, empty: Path) -> Iterator[Cache]:
    with cache(tmp_path, empty) as opened:
        opened.jsoc.exports.polls = 0
        yield opened


def a_process(held: Cache) -> Processing:
    """What a process of its own has."""
    upstream = SharedUpstream(held.mirror, Jsoc(held.settings.upstream), pause=held._pause)
    return Processing(held.mirror, upstream, held._pause)


def step(held: Cache, *, scale: float = 0.5, seconds: float = 10.0) -> Processed:
    """A process takes a step, that much later, and dies."""
    held.clock.move(seconds)
    numbers = ",".join(f"#{number}" for number in held.recnums[:3])
    wanted = Errand(
        f"{SERIES}[:{numbers}]{{magnetogram}}", ("url",), "fits", f"0|resize,scale={scale}"
    )
    return a_process(held).step(f"{scale}", wanted, EMAIL)


def files_of(done: Processed) -> list[bytes]:
    assert done.stage is READY
    return [one.path.read_bytes() for one in done.files if one.path is not None]


def test_whoever_asks_later_goes_on_with_the_order_and_has_its_files_without_asking(
    held: Cache,
) -> None:
    first = step(held)
    assert (first.stage, first.status) == (PENDING, 2)
    done = step(held)
    assert held.asked() == ["exp_request", "exp_status", "200", "200", "200"]
    again = a_process(held).held("0.5")
    assert again is not None
    assert files_of(again) == files_of(done)
    assert len(files_of(done)) == 3
    assert [one.record for one in again.files] == [one.record for one in done.files]
    assert all(one.record.startswith(f"{SERIES}_mod[") for one in done.files)
    assert held.asked() == []
    assert held.mirror.catalogue.downloads.reserved() == 0


def test_one_order_is_under_way_at_a_time(held: Cache) -> None:
    first, second = step(held), step(held, scale=0.25, seconds=0)
    assert (second.stage, second.status, second.request_id) == (PENDING, 2, "")
    assert f"{first.request_id}, which others here wait for, is under way" in second.message
    assert step(held, scale=0.25).stage is PENDING  # the first is ready, and its turn has come
    assert held.asked().count("exp_request") == 2
    assert len(files_of(step(held, scale=0.25))) == 3


def test_what_broke_off_goes_on_with_what_is_missing(held: Cache) -> None:
    step(held)
    files = count()
    held.jsoc.fault(
        Fault(FaultKind.HTTP_STATUS, status=500),
        when=lambda request: request.cgi == "file" and next(files) == 1,
    )
    with pytest.raises(UpstreamError):
        step(held)
    assert a_process(held).held("0.5") is None
    held.asked()
    assert len(files_of(step(held))) == 3
    assert held.asked() == ["exp_status", "200", "200"]


@contextmanager
def one_at_work(held: Cache, what: str) -> Iterator[list[Processed]]:
    """A process takes a step, which is held up while it asks for something; then it goes on."""
    holding = Holding(held.jsoc, when=what)
    came: list[Processed] = []
    thread = threading.Thread(target=lambda: came.append(step(held)))
    thread.start()
    try:
        assert holding.first.wait(120)
        yield came
    finally:
        holding.go_on.set()
        thread.join(120)


def test_who_comes_while_another_orders_makes_no_other(held: Cache) -> None:
    with one_at_work(held, "exp_request") as came:
        other = step(held)
        assert (other.stage, other.status, came) == (PENDING, 2, [])
    assert came[0].stage is PENDING
    assert len(files_of(step(held))) == 3
    assert held.asked().count("exp_request") == 1


def test_who_comes_while_another_downloads_leaves_it_to_that_one(held: Cache) -> None:
    step(held)
    with one_at_work(held, "file") as came:
        other = step(held)
        assert (other.stage, other.status) == (PENDING, 1)
        assert "another process downloads" in other.message
    assert len(files_of(came[0])) == 3
    assert held.asked().count("200") == 3


def test_one_of_them_that_goes_has_the_order_brought_anew(held: Cache) -> None:
    step(held)
    done = step(held)
    held.room.give_up(done.files[1].sha256)
    assert a_process(held).held("0.5") is None
    held.asked()
    assert step(held).files == done.files
    assert len(files_of(done)) == 3
    assert held.asked() == ["exp_status", "200"]


def test_bytes_that_go_while_the_same_come_are_there_in_the_end(
    held: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    step(held)
    keep, went = MadeFiles.keep, list[str]()

    def keep_late(made: MadeFiles, digest: str, files: Sequence[MadeFile]) -> None:
        if not went:
            went.append(files[0].sha256)
            held.mirror.objects.remove(files[0].sha256)
        keep(made, digest, files)

    monkeypatch.setattr(MadeFiles, "keep", keep_late)
    done = step(held)
    assert went[0] == done.files[0].sha256
    assert len(files_of(done)) == 3
