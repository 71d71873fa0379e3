"""Errors of the client are also those that handlers written for ``drms.Client`` catch."""

from __future__ import annotations

import copy
import io
import json
import pickle
import subprocess
import sys
import traceback
import urllib.error
from collections.abc import Iterator

import drms
import pytest

from drmsmirror import errors
from drmsmirror.client import Client
from drmsmirror.client.stockerrors import iterated_as_stock, raises_as_stock
from drmsmirror.errors import (
    DrmsMirrorError,
    NotHeldError,
    QueryError,
    RecordSetError,
    SqlError,
    StoreError,
    UnknownSeriesError,
    UpstreamAnswerError,
    UpstreamRefusedError,
    UpstreamUnavailableError,
)
from tests.jsoc import Fault, FaultKind
from tests.unit.sync.mirrors import Copy
from tests.unit.upstream.scripted import serve

EVERY = [getattr(errors, name) for name in errors.__all__]


@raises_as_stock
class Failing:
    """Something that fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def method(self) -> None:
        """Fail."""
        raise self._error

    @property
    def value(self) -> None:
        """Fail too."""
        raise self._error

    @value.setter
    def value(self, new: None) -> None:
        raise self._error


def _of(error: type[DrmsMirrorError]) -> DrmsMirrorError:
    if issubclass(error, RecordSetError):
        return error("Wrong", "hmi.M_45s[", 9, "Close it")
    return error("What happened, and what to do")


def _raised(error: DrmsMirrorError) -> DrmsMirrorError:
    with pytest.raises(DrmsMirrorError) as caught:
        Failing(error).method()
    return caught.value


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__name__)
def test_each_error_stays_what_it_is(error: type[DrmsMirrorError]) -> None:
    plain, raised = _of(error), _raised(_of(error))

    assert isinstance(raised, error)
    assert str(raised) == str(plain)
    assert (raised.code, raised.exit_code, raised.retryable) == (
        plain.code, plain.exit_code, plain.retryable,
    )  # fmt: skip
    assert traceback.format_exception_only(raised) == traceback.format_exception_only(plain)


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__name__)
def test_each_survives_the_way_between_processes(error: type[DrmsMirrorError]) -> None:
    raised = _raised(_of(error))

    for again in (pickle.loads(pickle.dumps(raised)), copy.copy(raised)):
        assert type(again) is type(raised)
        assert str(again) == str(raised)
        assert vars(again) == vars(raised)


@pytest.mark.parametrize(
    ("error", "stock"),
    [
        (QueryError, ValueError),
        (RecordSetError, drms.DrmsQueryError),
        (SqlError, drms.DrmsQueryError),
        (NotHeldError, drms.DrmsQueryError),
        (UnknownSeriesError, drms.DrmsQueryError),
        (UpstreamRefusedError, drms.DrmsQueryError),
        (UpstreamUnavailableError, urllib.error.URLError),
        (errors.UpstreamOverloadedError, OSError),
        (UpstreamAnswerError, json.JSONDecodeError),
        (errors.UnsupportedError, drms.DrmsOperationNotSupported),
        (StoreError, drms.DrmsError),
        (errors.MissingLibraryError, ImportError),
    ],
)
def test_each_is_caught_as_that_of_the_stock_client(
    error: type[DrmsMirrorError], stock: type[Exception]
) -> None:
    assert isinstance(_raised(_of(error)), stock)


def test_no_error_is_taken_for_another_situation() -> None:
    assert not isinstance(_raised(_of(QueryError)), drms.DrmsError)
    assert not isinstance(_raised(_of(UpstreamRefusedError)), OSError)
    assert not isinstance(_raised(_of(UpstreamUnavailableError)), TimeoutError)


def test_properties_and_rows_raise_like_methods() -> None:
    def rows() -> Iterator[int]:
        yield 1
        raise _of(NotHeldError)

    failing = Failing(_of(NotHeldError))
    with pytest.raises(drms.DrmsQueryError):
        _ = failing.value
    with pytest.raises(drms.DrmsQueryError):
        failing.value = None
    read = iterated_as_stock(rows())
    assert next(read) == 1
    with pytest.raises(drms.DrmsQueryError):
        next(read)


def test_other_errors_are_left_alone() -> None:
    with pytest.raises(KeyError) as caught:
        Failing(KeyError("x")).method()
    assert type(caught.value) is KeyError


def test_what_a_handler_reads_of_an_error_of_urllib_or_json_is_there() -> None:
    away = _raised(_of(UpstreamUnavailableError))
    assert isinstance(away, urllib.error.URLError)
    assert away.reason == str(away) == "What happened, and what to do"
    garbled = _raised(_of(UpstreamAnswerError))
    assert isinstance(garbled, json.JSONDecodeError)
    assert (garbled.msg, garbled.pos) == (str(garbled), 0)


def test_a_traceback_ends_where_the_error_was_raised(held: Copy) -> None:
    with Client(held.settings, policy="offline") as client, pytest.raises(NotHeldError) as caught:
        client.query("hmi.M_45s[:#1-#9]", key="T_REC")
    text = io.StringIO()
    traceback.print_exception(caught.value, file=text)
    assert "During handling" not in text.getvalue()
    assert "drmsmirror.errors.NotHeldError: The mirror holds the latest" in text.getvalue()
    assert traceback.extract_tb(caught.value.__traceback__)[-1].filename.endswith("planner.py")


# ---------------------------------------------------------------- real situations


def test_a_server_that_is_away(held: Copy) -> None:
    upstream = held.settings.upstream.model_copy(update={"url": "http://127.0.0.1:9"})
    away = held.settings.model_copy(update={"upstream": upstream})
    with Client(away, policy="remote") as client:
        with pytest.raises(urllib.error.URLError) as caught:
            client.series()
        assert not isinstance(caught.value, TimeoutError | drms.DrmsError)
        with pytest.raises(OSError, match="127"):
            client.query("hmi.M_45s[$]", key="T_REC")


def test_a_server_that_does_not_answer_in_time(held: Copy) -> None:
    with serve(hold=True) as silent:
        upstream = held.settings.upstream.model_copy(
            update={"url": silent.url, "read_timeout": 0.05}
        )
        slow = held.settings.model_copy(update={"upstream": upstream})
        with Client(slow, policy="remote") as client, pytest.raises(TimeoutError):
            client.series()


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.EMPTY_BODY])
def test_a_body_that_is_no_json(held: Copy, kind: FaultKind) -> None:
    held.jsoc.fault(Fault(kind), times=1)
    with Client(held.settings, policy="remote") as client, pytest.raises(json.JSONDecodeError):
        client.series()


def test_a_server_that_complains(held: Copy) -> None:
    with Client(held.settings, policy="remote") as client:
        with pytest.raises(drms.DrmsQueryError):
            client.info("bob")
        with pytest.raises(drms.DrmsQueryError):
            client.query("hmi.M_45s[", key="T_REC")


def test_nobody_who_does_not_import_drms_pays_for_it() -> None:
    program = (
        "import sys\n"
        "from drmsmirror.client.stockerrors import raises_as_stock\n"
        "from drmsmirror.errors import NotHeldError\n"
        "@raises_as_stock\n"
        "class Failing:\n"
        "    def fail(self):\n"
        "        raise NotHeldError('x')\n"
        "try:\n    Failing().fail()\n"
        "except NotHeldError as error:\n"
        "    print(type(error) is NotHeldError, 'drms' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False"], done.stderr
