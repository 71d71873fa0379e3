"""Who works on a series: one run, or one question for a moment."""

from __future__ import annotations

import threading

import pytest

from drmsmirror.catalogue.hold import holding_series, holding_to_merge
from drmsmirror.errors import LockedError


def test_a_run_waits_for_a_question_that_merges(copy_of) -> None:
    with copy_of("test.strfsn", rows=5).open() as mirror:
        catalogue, merging = mirror.catalogue, threading.Event()
        held: list[str] = []

        def merge() -> None:
            with holding_to_merge(catalogue, "a.series"):
                merging.set()
                waits.wait()
                held.append("question")

        waits = threading.Event()
        question = threading.Thread(target=merge)
        question.start()
        merging.wait()
        timer = threading.Timer(0.2, waits.set)
        timer.start()
        with holding_series(catalogue, "a.series"):
            held.append("run")
        question.join()
        timer.join()

    assert held == ["question", "run"]


def test_a_run_does_not_wait_for_another_nor_a_question_for_a_run(copy_of) -> None:
    with copy_of("test.strfsn", rows=5).open() as mirror:
        with holding_series(mirror.catalogue, "a.series"):
            for hold in (holding_series, holding_to_merge):
                with pytest.raises(LockedError), hold(mirror.catalogue, "A.Series"):
                    pass
        with holding_to_merge(mirror.catalogue, "a.series"):
            pass
