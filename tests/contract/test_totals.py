"""What all runs did together."""

from __future__ import annotations

from drmsmirror.catalogue import Catalogue, RunCounters, RunKind, RunOutcome, RunTotals
from tests.contract.conftest import Clock


def test_without_runs_there_is_nothing(catalogue: Catalogue) -> None:
    assert catalogue.run_totals() == ()


def test_runs_that_are_forgotten_still_count(catalogue: Catalogue, clock: Clock) -> None:
    for outcome in [RunOutcome.DONE, RunOutcome.STOPPED] * 4:
        run = catalogue.runs.start("hmi.M_45s", "hmi.M_45s")
        clock.move(60)
        counters = RunCounters(requests=2, bytes=2**40, records_new=3, records_removed=1)
        catalogue.runs.finish(run.id, outcome, counters=counters)
    before = catalogue.run_totals()
    for keep in (5, 3, 1):
        assert catalogue.prune(keep_runs=keep).runs > 0
        assert catalogue.run_totals() == before
    assert len(catalogue.runs.recent()) == 1


def test_runs_are_summed_up_by_series_and_outcome(catalogue: Catalogue, clock: Clock) -> None:
    for series, outcome, new in (
        ("hmi.M_45s", RunOutcome.DONE, 3),
        ("hmi.M_45s", RunOutcome.DONE, 4),
        ("hmi.M_45s", RunOutcome.FAILED, 0),
        ("aia.lev1", RunOutcome.STOPPED, 1),
    ):
        run = catalogue.runs.start(series, series)
        clock.move(60)
        counters = RunCounters(requests=2, bytes=2**40, records_new=new, records_removed=1)
        catalogue.runs.finish(run.id, outcome, counters=counters)
        last = clock.now
    catalogue.runs.start("hmi.M_45s", "hmi.M_45s")

    totals = {(one.series, one.outcome): one for one in catalogue.run_totals()}
    assert totals.keys() == {
        ("hmi.M_45s", RunOutcome.DONE),
        ("hmi.M_45s", RunOutcome.FAILED),
        ("hmi.M_45s", RunOutcome.RUNNING),
        ("aia.lev1", RunOutcome.STOPPED),
    }
    done = totals["hmi.M_45s", RunOutcome.DONE]
    assert (done.runs, done.kind) == (2, RunKind.SYNC)
    assert done.counters == RunCounters(requests=4, bytes=2**41, records_new=7, records_removed=2)
    stopped = totals["aia.lev1", RunOutcome.STOPPED]
    assert stopped == RunTotals(
        "aia.lev1", RunKind.SYNC, RunOutcome.STOPPED, 1,
        RunCounters(requests=2, bytes=2**40, records_new=1, records_removed=1), last,
    )  # fmt: skip
    assert totals["hmi.M_45s", RunOutcome.RUNNING].finished_utc is None
