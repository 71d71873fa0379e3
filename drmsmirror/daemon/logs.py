"""Logs for machines: one event a line, as ``key=value`` or as JSON.

An event has a short name, ``sync.done``, and fields. What a library says in words is the event
``message``. Fields that hold for a while, such as the series that is being synced, are on every
line of that while, whoever writes it.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TextIO

__all__ = ["FORMS", "add_field", "fields", "log_events", "say"]

#: Ways to write a line.
FORMS = ("text", "json")

_EVENT = "drmsmirror_event"
_NO_FIELDS: Mapping[str, object] = MappingProxyType({})
_CONTEXT: ContextVar[Mapping[str, object]] = ContextVar("drmsmirror_fields", default=_NO_FIELDS)


def say(
    log: logging.Logger,
    event: str,
    level: int = logging.INFO,
    *,
    trace: BaseException | None = None,
    **about: object,
) -> None:
    """Log an event.

    Parameters
    ----------
    log : logging.Logger
    event : str
        Its name.
    level : int
    trace : exception, optional
        One whose traceback is to be seen.
    **about
        Its fields; those that are None are left out.
    """
    known = {name: value for name, value in about.items() if value is not None}
    text = _as_text({"event": event, **known})  # for whoever logs in another form
    log.log(level, "%s", text, extra={_EVENT: (event, known)}, exc_info=trace)


@contextmanager
def fields(**about: object) -> Iterator[None]:
    """Have fields on every line that this thread logs while the block runs."""
    token = _CONTEXT.set({**_CONTEXT.get(), **about})
    try:
        yield
    finally:
        _CONTEXT.reset(token)


def add_field(name: str, value: object) -> None:
    """Have one more field until the innermost block of :func:`fields` ends."""
    _CONTEXT.set({**_CONTEXT.get(), name: value})


@contextmanager
def log_events(form: str, stream: TextIO | None = None) -> Iterator[None]:
    """Log what happens here while the block runs, and warnings of other libraries.

    Parameters
    ----------
    form : str
        One of :data:`FORMS`.
    stream : file, optional
        Where to; stderr by default.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Lines(form))
    ours, all_ = logging.getLogger("drmsmirror"), logging.getLogger()
    level = ours.level
    ours.setLevel(logging.INFO)
    all_.addHandler(handler)
    try:
        yield
    finally:
        all_.removeHandler(handler)
        ours.setLevel(level)


class _Lines(logging.Formatter):
    """Makes a line of a record."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._write = _as_json if form == "json" else _as_text

    def format(self, record: logging.LogRecord) -> str:
        said: tuple[str | None, dict[str, object]] = getattr(record, _EVENT, (None, {}))
        event, about = said
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
        }
        if event is None:
            line |= {"event": "message", "logger": record.name, "message": record.getMessage()}
        else:
            line["event"] = event
        line |= {**_CONTEXT.get(), **about}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return self._write(line)


def _as_json(line: dict[str, object]) -> str:
    return json.dumps({name: _plain(value) for name, value in line.items()}, ensure_ascii=False)


def _as_text(line: dict[str, object]) -> str:
    return " ".join(f"{name}={_word(_plain(value))}" for name, value in line.items())


def _plain(value: object) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, float):
        return round(value, 3)
    return value if isinstance(value, int | str | bool) else str(value)


def _word(value: object) -> str:
    """A value as one word, quoted where it has to be."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text and text.isprintable() and not set(text) & set(' "=\\'):
        return text
    return json.dumps(text, ensure_ascii=False)
