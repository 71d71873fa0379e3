"""Logs: one event a line, whatever is in it."""

from __future__ import annotations

import io
import json
import logging
import shlex
from datetime import UTC, datetime
from typing import Any

import pytest

from drmsmirror.daemon.logs import add_field, fields, log_events, say

LOG = logging.getLogger("drmsmirror.test")
RECORD_SET = 'hmi.sharp_720s[][2014.01.01_TAI/1d][? QUALITY = 0 AND NOTE = "a\nb" ?]'


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_has_its_fields_and_those_of_the_while() -> None:
    stream = io.StringIO()
    with log_events("json", stream):
        with fields(series="hmi.sharp_720s"):
            add_field("run", 7)
            say(LOG, "sync.done", new=3, share=0.123456, nothing=None)
            LOG.warning("lost %s", "it")
        say(LOG, "daemon.ended", at=datetime(2024, 5, 10, tzinfo=UTC))
    inside, words, outside = lines(stream)

    assert inside.pop("time").endswith("Z")
    assert inside == {
        "level": "info", "event": "sync.done", "series": "hmi.sharp_720s", "run": 7, "new": 3,
        "share": 0.123,
    }  # fmt: skip
    assert (words["event"], words["message"], words["run"]) == ("message", "lost it", 7)
    assert "run" not in outside
    assert outside["at"] == "2024-05-10T00:00:00.000Z"


def test_text_is_one_line_of_words_whatever_is_in_it() -> None:
    stream = io.StringIO()
    with log_events("text", stream):
        say(LOG, "duty.begun", record_set=RECORD_SET, empty="", late=True)
    (line,) = stream.getvalue().splitlines()
    words = dict(word.partition("=")[::2] for word in shlex.split(line))

    assert words["event"] == "duty.begun"
    assert (words["empty"], words["late"]) == ("", "true")
    _, _, quoted = line.partition("record_set=")
    assert json.JSONDecoder().raw_decode(quoted)[0] == RECORD_SET


def test_a_traceback_does_not_break_the_line() -> None:
    stream = io.StringIO()
    with log_events("text", stream):
        try:
            raise ZeroDivisionError("by\nzero")
        except ZeroDivisionError as error:
            say(LOG, "duty.failed", logging.ERROR, trace=error)
    (line,) = stream.getvalue().splitlines()

    assert "level=error event=duty.failed" in line
    assert "ZeroDivisionError" in line


def test_an_event_can_be_read_where_logging_is_set_up_otherwise(
    caplog: pytest.LogCaptureFixture,
) -> None:
    say(LOG, "metrics.unread", logging.ERROR, reason="no such file")

    assert caplog.messages == ['event=metrics.unread reason="no such file"']


def test_afterwards_logging_is_as_it_was() -> None:
    before = (logging.getLogger().handlers[:], logging.getLogger("drmsmirror").level)
    with log_events("text", io.StringIO()):
        assert logging.getLogger().handlers != before[0]

    assert (logging.getLogger().handlers, logging.getLogger("drmsmirror").level) == before
