"""A server without record numbers: what it leaves out of its answers, and how.

It is a layer over a JSOC that has them. Its ``series_struct`` does not say how far the numbers of
a series go, and a filter on record numbers means nothing to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Any, Final

from .answers import dump
from .cgi import Reply, Request

__all__ = ["NumbersHidden", "without_numbers"]

_NUMBERS: Final = ("*recnum*", "*sunum*")


class NumbersHidden(Enum):
    """How a server that has no record numbers answers when it is asked for them."""

    INVALID = "invalid"
    """``Invalid KeyLink`` for every record, as for any key that it does not know."""
    LEFT_OUT = "left-out"
    """The key is not among the keywords of the answer; its Interval names records only."""
    EMPTY = "empty"
    """Each is an empty string, and MaxRecnum is ``NA``."""
    BELOW_ZERO = "below-zero"
    """Each is -1, and so is MaxRecnum."""
    REFUSED = "refused"
    """The whole answer is an error."""
    SAID_ONLY = "said-only"
    """``Invalid KeyLink``, though its Interval says how far the numbers go."""


_VALUES: Final[dict[NumbersHidden, object]] = {
    NumbersHidden.INVALID: "Invalid KeyLink",
    NumbersHidden.SAID_ONLY: "Invalid KeyLink",
    NumbersHidden.EMPTY: "",
    NumbersHidden.BELOW_ZERO: -1,
}
_MOST: Final[dict[NumbersHidden, object]] = {
    NumbersHidden.EMPTY: "NA",
    NumbersHidden.BELOW_ZERO: -1,
}


def without_numbers(
    how: NumbersHidden, asked: Request, respond: Callable[[Request], Reply]
) -> Reply:
    """The answer to a request as a server without record numbers gives it."""
    if asked.cgi != "jsoc_info":
        return respond(asked)
    keys = asked.params.get("key", "").split(",")
    is_asked = any(key in _NUMBERS for key in keys)
    if is_asked and how is NumbersHidden.REFUSED:
        return _refusal("Invalid key list: no such keyword *recnum*")
    if "[:#" in asked.ds:
        return _refusal("invalid record-set specification")
    if asked.op == "series_struct":
        return _changed(respond(asked), lambda answer: _hide_interval(how, answer))
    if asked.op == "rs_list" and is_asked:
        return _changed(respond(asked), lambda answer: _hide_values(how, answer))
    return respond(asked)


def _refusal(text: str) -> Reply:
    return Reply(dump({"status": 1, "error": text}).encode() + b"\n", refusal=f"Numberless: {text}")


def _changed(reply: Reply, change: Callable[[dict[str, Any]], None]) -> Reply:
    answer = json.loads(reply.body)
    if answer.get("status") == 0:
        change(answer)
    return replace(reply, body=dump(answer).encode() + b"\n")


def _hide_interval(how: NumbersHidden, answer: dict[str, Any]) -> None:
    if how in (NumbersHidden.INVALID, NumbersHidden.REFUSED):
        del answer["Interval"]
    elif how is not NumbersHidden.SAID_ONLY:
        for name in ("FirstRecnum", "LastRecnum", "MaxRecnum"):
            del answer["Interval"][name]
        if how in _MOST:
            answer["Interval"]["MaxRecnum"] = _MOST[how]


def _hide_values(how: NumbersHidden, answer: dict[str, Any]) -> None:
    listed = answer.get("keywords", [])
    if how is NumbersHidden.LEFT_OUT:
        answer["keywords"] = [one for one in listed if one["name"] not in _NUMBERS]
        return
    for one in listed:
        if one["name"] in _NUMBERS:
            one["values"] = [_VALUES[how]] * answer["count"]
