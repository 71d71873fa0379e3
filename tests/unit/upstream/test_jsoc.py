"""The remote operations against the sample JSOC: good days, bad days, several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from drmsmirror.errors import (
    DrmsMirrorError,
    QueryError,
    UnknownSeriesError,
    UpstreamAnswerError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamTooLargeError,
    UpstreamUnavailableError,
)
from drmsmirror.settings import UpstreamSettings
from drmsmirror.upstream import Jsoc, PoliteSession, Traffic, Upstream
from drmsmirror.upstream.deadline import NEVER, Deadline
from drmsmirror.upstream.pace import Pace
from tests.jsoc import Fault, FaultKind, Request

from .conftest import CountedJsoc

SettingsFor = Callable[..., UpstreamSettings]
SHARP = "hmi.sharp_720s"
KEYS = ("T_REC", "HARPNUM", "USFLUX", "*recnum*")
NO_PROGRAM = Fault(FaultKind.HTTP_STATUS, status=404)


@pytest.fixture
def upstream(jsoc: CountedJsoc, settings_for: SettingsFor) -> Jsoc:
    return Jsoc(settings_for(jsoc.url))


# ---------------------------------------------------------------- good days


def test_it_is_an_upstream(upstream: Jsoc) -> None:
    seen_as: Upstream = upstream
    assert seen_as.traffic == Traffic()


@pytest.mark.parametrize("refused", [False, True], ids=["showextseries", "show_series"])
def test_series_names(upstream: Jsoc, jsoc: CountedJsoc, refused: bool) -> None:
    if refused:  # other servers than JSOC have no program of that name
        jsoc.fault(NO_PROGRAM, times=None, when="showextseries")
    m45s, sharp = upstream.series_names()
    assert (sharp.name, sharp.prime_keys) == (SHARP, ("HARPNUM", "T_REC") if refused else None)
    assert m45s.note
    assert [entry.name for entry in upstream.series_names("SHARP")] == [SHARP]
    assert [entry.name for entry in upstream.series_names("NOT sharp")] == ["hmi.M_45s"]
    assert upstream.series_names("nothing like it") == ()


def test_an_address_arrives_as_it_is(upstream: Jsoc, jsoc: CountedJsoc) -> None:
    jsoc.registered = {"a+b@example.org"}.__contains__
    assert upstream.is_registered("a+b@example.org")
    assert not upstream.is_registered("c@example.org")
    assert not upstream.is_registered("")


def test_definition(upstream: Jsoc, jsoc: CountedJsoc) -> None:
    state = upstream.definition(SHARP.upper())
    assert state.definition.name == SHARP
    assert state.definition.prime_keys == ("HARPNUM", "T_REC")
    assert state.max_recnum == int(jsoc.series(SHARP).columns["recnum"].max())
    assert state.first_record.startswith(f"{SHARP}[")


def test_records_and_their_number(upstream: Jsoc) -> None:
    ds = f"{SHARP}[377][]"
    listed = upstream.records(ds, KEYS)
    assert listed.rows == listed.table.num_rows == upstream.count(ds) > 0
    assert listed.table.column_names == list(KEYS)
    assert listed.table.schema.types == [pa.string(), pa.string(), pa.string(), pa.int64()]
    assert set(listed.table["HARPNUM"].to_pylist()) == {"377"}
    assert listed.body_bytes > 239 * len(KEYS)
    assert listed.seconds > 0


def test_no_records(upstream: Jsoc) -> None:
    listed = upstream.records(f"{SHARP}[1][]", KEYS)
    assert (listed.rows, listed.table.column_names) == (0, list(KEYS))
    assert upstream.count(f"{SHARP}[1][]") == 0


def test_the_first_and_the_last(upstream: Jsoc) -> None:
    ds = f"{SHARP}[377][]"
    times = upstream.records(ds, KEYS).table["T_REC"].to_pylist()
    assert upstream.records(ds, KEYS, n=3).table["T_REC"].to_pylist() == times[:3]
    assert upstream.records(ds, KEYS, n=-3).table["T_REC"].to_pylist() == times[-3:]


def test_values_with_all_their_digits(upstream: Jsoc) -> None:
    ds, keys = f"{SHARP}[377][]", ["*recnum*", "USFLUX"]
    printed = upstream.records(ds, keys, n=3).table.to_pylist()
    exact = upstream.records(ds, keys, n=3, all_digits=True).table.to_pylist()

    for short, long in zip(printed, exact, strict=True):
        assert short["*recnum*"] == long["*recnum*"]
        assert short["USFLUX"] != long["USFLUX"]
        assert float(short["USFLUX"]) == pytest.approx(float(long["USFLUX"]), rel=1e-5)


def test_a_keyword_that_is_not_there(upstream: Jsoc) -> None:
    listed = upstream.records(f"{SHARP}[377][]", ["T_REC", "NO_SUCH"], n=2)
    assert listed.invalid_keys == ("NO_SUCH",)


def test_a_long_record_set_is_posted(upstream: Jsoc, jsoc: CountedJsoc) -> None:
    recnums = upstream.records(f"{SHARP}[377][]", ["*recnum*"], n=2).table["*recnum*"].to_pylist()
    ds = f"{SHARP}[:#{recnums[0]}" + f",#{recnums[1]}" * 600 + "]"
    assert len(ds) > 3000
    listed = upstream.records(ds, KEYS)
    assert set(listed.table["*recnum*"].to_pylist()) == set(recnums)
    assert [request.method for request in jsoc.asked] == ["GET", "POST"]


def test_segments_and_links(upstream: Jsoc, jsoc: CountedJsoc) -> None:
    listed = upstream.records(
        f"{SHARP}[377][]",
        KEYS,
        segments=["bitmap", "magnetogram", "no_such"],
        links=["MHARP", "NO_SUCH"],
        n=2,
    )
    assert listed.table.column_names == list(KEYS)
    assert listed.segments.column_names == ["bitmap", "magnetogram", "no_such"]
    assert listed.segments["no_such"].to_pylist() == ["InvalidSegName"] * 2
    assert all(file.endswith("/bitmap.fits") for file in listed.segments["bitmap"].to_pylist())
    assert listed.links["NO_SUCH"].to_pylist() == ["Invalid_Link"] * 2
    assert all(target.endswith("]") for target in listed.links["MHARP"].to_pylist())
    assert list(jsoc.asked[0].params) == ["op", "ds", "key", "seg", "link", "n"]


def test_segments_without_keywords(upstream: Jsoc, jsoc: CountedJsoc) -> None:
    listed = upstream.records(f"{SHARP}[377][]", (), segments=["bitmap"], n=3)
    assert (listed.rows, listed.segments.num_rows, listed.table.num_columns) == (3, 3, 0)
    assert "key" not in jsoc.asked[0].params
    none = upstream.records(f"{SHARP}[1][]", (), links=["MHARP"])
    assert (none.rows, none.links.column_names) == (0, ["MHARP"])


@pytest.mark.parametrize(
    "wanted",
    [{"segments": "bitmap"}, {"segments": ["**ALL**"]}, {"links": ["MHARP,X"]}, {"links": [""]}],
)
def test_what_is_no_list_of_segments_or_links(
    upstream: Jsoc, jsoc: CountedJsoc, wanted: dict[str, list[str]]
) -> None:
    with pytest.raises(QueryError):
        upstream.records(f"{SHARP}[377][]", KEYS, **wanted)
    assert jsoc.asked == []


@pytest.mark.parametrize("keys", [[], "T_REC", ["T_REC,FLUX"], ["**ALL**"], [""], ["T_REC", " "]])
def test_what_is_no_list_of_keywords(upstream: Jsoc, jsoc: CountedJsoc, keys: list[str]) -> None:
    with pytest.raises(QueryError):
        upstream.records(f"{SHARP}[377][]", keys)
    assert jsoc.asked == []


# ---------------------------------------------------------------- refusals


def test_a_series_that_is_not_there(upstream: Jsoc, jsoc: CountedJsoc) -> None:
    with pytest.raises(UnknownSeriesError, match=r"the definition of hmi\.nothing"):
        upstream.definition("hmi.nothing")
    with pytest.raises(UnknownSeriesError):
        upstream.count("hmi.nothing[]")
    with pytest.raises(UpstreamTooLargeError, match="a series that does not exist"):
        upstream.records("hmi.nothing[]", KEYS)
    with pytest.raises(UnknownSeriesError, match="Invalid series name"):
        upstream.definition("nothing")
    assert len(jsoc.asked) == 4, "asking again would not help"


def test_more_rows_than_the_server_gives(settings_for: SettingsFor) -> None:
    with CountedJsoc([SHARP], size="small", row_cap=100) as jsoc:
        upstream = Jsoc(settings_for(jsoc.url))
        with pytest.raises(UpstreamTooLargeError, match="ask for less at a time"):
            upstream.records(f"{SHARP}[377][]", KEYS)
        assert upstream.records(f"{SHARP}[377][]", KEYS, n=99).rows == 99
        assert upstream.count(f"{SHARP}[377][]") > 100
        assert len(jsoc.asked) == 3


def test_a_server_without_these_programs(jsoc: CountedJsoc, settings_for: SettingsFor) -> None:
    upstream = Jsoc(settings_for(f"{jsoc.url}no/such/place"))
    with pytest.raises(UpstreamRefusedError, match=r"404.*\[upstream\] url"):
        upstream.count(f"{SHARP}[377][]")
    assert len(jsoc.asked) == 1


# ---------------------------------------------------------------- bad days

_PASSING = [
    Fault(FaultKind.HTML),
    Fault(FaultKind.EMPTY_BODY),
    Fault(FaultKind.GARBAGE),
    Fault(FaultKind.TRUNCATED_JSON),
    Fault(FaultKind.CLOSE_EARLY),
    Fault(FaultKind.WRONG_COUNT),
    Fault(FaultKind.WRONG_COLUMN_LENGTH),
    Fault(FaultKind.DROPPED_KEYWORD),
    Fault(FaultKind.RENAMED_KEYWORD),
    Fault(FaultKind.HTTP_STATUS, status=500),
    Fault(FaultKind.HTTP_STATUS, status=502),
    Fault(FaultKind.HTTP_STATUS, status=503),
    Fault(FaultKind.HTTP_STATUS, status=503, retry_after="0"),
    Fault(FaultKind.HTTP_STATUS, status=429, retry_after="0"),
    Fault(FaultKind.ERROR_BODY, status=4),
    Fault(FaultKind.ERROR_BODY, status=5),
    Fault(FaultKind.ERROR_BODY, status=6),
]


def _named(fault: Fault) -> str:
    after = "" if fault.retry_after is None else f"-after-{fault.retry_after}"
    numbered = fault.kind in (FaultKind.HTTP_STATUS, FaultKind.ERROR_BODY)
    return fault.kind.value + (f"-{fault.status}" if numbered else "") + after


def _error_of(fault: Fault) -> type[DrmsMirrorError]:
    if fault.retry_after is not None:
        return UpstreamOverloadedError
    if fault.kind in (FaultKind.HTTP_STATUS, FaultKind.ERROR_BODY):
        return UpstreamUnavailableError
    return UpstreamAnswerError


@pytest.mark.parametrize("fault", _PASSING, ids=_named)
def test_what_passes_is_asked_again(upstream: Jsoc, jsoc: CountedJsoc, fault: Fault) -> None:
    good = upstream.records(f"{SHARP}[377][]", KEYS).table
    jsoc.fault(fault, times=2)
    assert upstream.records(f"{SHARP}[377][]", KEYS).table.equals(good)
    assert jsoc.faults == [None, fault.kind, fault.kind, None]
    assert upstream.traffic.requests == 4


@pytest.mark.parametrize("fault", _PASSING, ids=_named)
def test_what_stays_is_raised_after_the_last_attempt(
    upstream: Jsoc, jsoc: CountedJsoc, fault: Fault
) -> None:
    jsoc.fault(fault, times=None)
    with pytest.raises(_error_of(fault)) as caught:
        upstream.records(f"{SHARP}[377][]", KEYS)
    assert type(caught.value) is _error_of(fault)
    assert len(jsoc.asked) == upstream.traffic.requests == 3


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.OVERLOAD),
        Fault(FaultKind.HTTP_STATUS, status=429),
        Fault(FaultKind.HTTP_STATUS, status=429, retry_after="600"),
        Fault(FaultKind.HTTP_STATUS, status=503, retry_after="600"),
    ],
    ids=_named,
)
def test_a_server_that_has_enough_of_us_is_left_alone(
    upstream: Jsoc, jsoc: CountedJsoc, fault: Fault
) -> None:
    jsoc.fault(fault, times=None)
    with pytest.raises(UpstreamOverloadedError) as caught:
        upstream.count(f"{SHARP}[377][]")
    assert len(jsoc.asked) == 1
    assert caught.value.retry_after == (None if fault.retry_after is None else 600.0)


@pytest.mark.parametrize(
    "fault", [Fault(FaultKind.STALL), Fault(FaultKind.SLOW, seconds=60)], ids=_named
)
def test_a_server_that_takes_too_long(
    jsoc: CountedJsoc, settings_for: SettingsFor, fault: Fault
) -> None:
    upstream = Jsoc(settings_for(jsoc.url, read_timeout=0.2, attempts=2))
    jsoc.fault(fault, times=None)
    with pytest.raises(UpstreamUnavailableError, match=r"sent nothing for 0.2 s.*read_timeout"):
        upstream.count(f"{SHARP}[377][]")
    assert upstream.traffic.requests == len(jsoc.asked) == 2
    jsoc.clear_faults()
    assert upstream.count(f"{SHARP}[377][]") > 0


def test_a_server_that_comes_back(jsoc: CountedJsoc, settings_for: SettingsFor) -> None:
    upstream = Jsoc(settings_for(jsoc.url))
    count = upstream.count(f"{SHARP}[377][]")
    jsoc.stop()
    with pytest.raises(UpstreamUnavailableError):
        upstream.count(f"{SHARP}[377][]")
    jsoc.start()
    assert upstream.count(f"{SHARP}[377][]") == count


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.EMPTY_BODY, FaultKind.TRUNCATED_JSON])
def test_every_operation_looks_at_what_it_got(
    upstream: Jsoc, jsoc: CountedJsoc, kind: FaultKind
) -> None:
    operations: list[Callable[[], object]] = [
        upstream.series_names,
        lambda: upstream.definition(SHARP),
        lambda: upstream.count(f"{SHARP}[377][]"),
    ]
    jsoc.fault(Fault(kind), times=None)
    for operation in operations:
        with pytest.raises(UpstreamAnswerError):
            operation()
    assert len(jsoc.asked) == 3 * len(operations)


# ---------------------------------------------------------------- manners


def test_threads_queue_for_one_connection(settings_for: SettingsFor) -> None:
    with CountedJsoc([SHARP], size="small", latency=0.01) as jsoc:
        upstream = Jsoc(settings_for(jsoc.url))
        with ThreadPoolExecutor(4) as pool:
            counts = list(pool.map(lambda _: upstream.count(f"{SHARP}[377][]"), range(12)))
        assert len(set(counts)) == 1
        assert jsoc.max_in_flight == 1
        assert len(jsoc.asked) == upstream.traffic.requests == 12


def test_a_turn_is_taken_when_the_request_before_is_over(settings_for: SettingsFor) -> None:
    """Else threads would take their turns at once and send their requests in one burst."""
    turns: list[int] = []
    ahead: list[int] = []

    class CountedPace(Pace):
        def wait(self, deadline: Deadline = NEVER) -> float:
            turns.append(1)
            return 0.0

    def look(asked: Request) -> bool:
        ahead.append(len(turns) - len(ahead))
        return False

    with CountedJsoc([SHARP], size="small", latency=0.02) as jsoc:
        jsoc.fault(FaultKind.HTML, when=look)
        settings = settings_for(jsoc.url)
        upstream = Jsoc(settings, PoliteSession(settings, pace=CountedPace(1.0)))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: upstream.count(f"{SHARP}[377][]"), range(8)))
    assert ahead == [1] * 8


def test_retries_keep_the_pace_too(jsoc: CountedJsoc, settings_for: SettingsFor) -> None:
    now = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    settings = settings_for(jsoc.url, requests_per_second=0.5)
    pace = Pace(settings.requests_per_second, clock=lambda: now[0], sleep=sleep)
    upstream = Jsoc(settings, PoliteSession(settings, pace=pace))
    jsoc.fault(FaultKind.HTML, times=2)
    assert upstream.count(f"{SHARP}[377][]") > 0
    assert sum(slept) == pytest.approx(4.0, abs=0.01)
    assert upstream.traffic.seconds < 2.0, "waiting for a turn is not the server's time"


def test_the_proxy_of_the_environment_is_used(
    jsoc: CountedJsoc, settings_for: SettingsFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sample serves any host, so it can stand for a proxy."""
    monkeypatch.setenv("http_proxy", jsoc.url)
    upstream = Jsoc(settings_for("http://upstream.invalid"))
    assert upstream.count(f"{SHARP}[377][]") > 0
    assert len(jsoc.asked) == 1


def test_traffic_of_one_run(upstream: Jsoc) -> None:
    upstream.definition(SHARP)
    before = upstream.traffic
    size = upstream.records(f"{SHARP}[377][]", KEYS).body_bytes
    run = upstream.traffic - before
    assert (run.requests, run.bytes) == (1, size)
    assert 0 < run.seconds < upstream.traffic.seconds
