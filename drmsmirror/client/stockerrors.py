"""Errors that handlers written for ``drms.Client`` catch.

What leaves the client is an error of ours (:mod:`drmsmirror.errors`) and, besides, of the class
that the stock client raises in that situation, so that ``except drms.DrmsQueryError`` goes on
working. A script that names a class of ``drms`` has imported it; where nobody has, there is nothing
to be caught, and ``drms``, slow to import and no dependency, is left alone.

======================================  ============================================
ours                                    is a ...
======================================  ============================================
``QueryError`` itself                   ``ValueError``, always
its subclasses, ``NotFoundError``,      ``drms.DrmsQueryError``
``UpstreamRefusedError``
``UpstreamUnavailableError``,           ``OSError``, always; ``urllib.error.URLError``;
``UpstreamOverloadedError``             ``TimeoutError`` where time ran out;
                                        ``drms.DrmsQueryError`` unless the connection broke
``UpstreamAnswerError``                 ``json.JSONDecodeError``, a ``ValueError``
``UnsupportedError``                    ``drms.DrmsOperationNotSupported``
``ExportError``                         ``drms.DrmsExportError``
all others                              ``drms.DrmsError``
======================================  ============================================

Source: client-side behaviour of drms 0.9.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, ParamSpec, TypeVar
from urllib.error import URLError

from drmsmirror.errors import (
    DrmsMirrorError,
    ExportError,
    NotFoundError,
    QueryError,
    UnsupportedError,
    UpstreamAnswerError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamUnavailableError,
)

__all__ = ["iterated_as_stock", "raises_as_stock"]

C = TypeVar("C", bound=type)
T = TypeVar("T")
P = ParamSpec("P")


def raises_as_stock(client: C) -> C:
    """Have the public methods and properties of a class raise what the stock client's do."""
    for name, member in list(vars(client).items()):
        if name.startswith("_"):
            continue
        if inspect.isfunction(member):
            setattr(client, name, _guarded(member))
        elif isinstance(member, property):
            get, set_ = (part and _guarded(part) for part in (member.fget, member.fset))
            setattr(client, name, property(get, set_, doc=member.__doc__))
    return client


def iterated_as_stock(rows: Iterator[T]) -> Iterator[T]:
    """The same items; an error that comes up on the way is one that the stock client raises."""
    try:
        yield from rows
    except DrmsMirrorError as error:
        _become_stock(error)
        raise


def _guarded(method: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except DrmsMirrorError as error:
            _become_stock(error)
            raise

    return call


def _become_stock(error: DrmsMirrorError) -> None:
    """Change the class of an error to one that also is what the stock client would raise."""
    lacking = tuple(one for one in _stock_classes(error) if not isinstance(error, one))
    if lacking:
        # mypy takes the hash of an error for that of its class
        error.__class__ = _with_bases(type(error), lacking)  # type: ignore[arg-type]


def _stock_classes(error: DrmsMirrorError) -> tuple[type[Exception], ...]:
    if isinstance(error, UpstreamUnavailableError | UpstreamOverloadedError):
        if error.__cause__ is None:  # an HTTP status, or a complaint in a good answer
            return (URLError, *_of_drms("DrmsQueryError"))
        return (TimeoutError, URLError) if _ran_out_of_time(error.__cause__) else (URLError,)
    if isinstance(error, UpstreamAnswerError):
        return (json.JSONDecodeError,)
    if type(error) is QueryError:
        return ()
    if isinstance(error, QueryError | NotFoundError | UpstreamRefusedError):
        return _of_drms("DrmsQueryError")
    if isinstance(error, UnsupportedError):
        return _of_drms("DrmsOperationNotSupported")
    if isinstance(error, ExportError):
        return _of_drms("DrmsExportError")
    return _of_drms("DrmsError")


def _of_drms(name: str) -> tuple[type[Exception], ...]:
    """A class of ``drms``, where that is imported."""
    found = getattr(sys.modules.get("drms.exceptions"), name, None)
    return () if found is None else (found,)


def _ran_out_of_time(cause: BaseException) -> bool:
    """Whether what broke the connection was a time-out."""
    import requests  # who has an error of the upstream has it imported
    import urllib3

    return isinstance(cause, requests.Timeout | urllib3.exceptions.TimeoutError)


@cache
def _with_bases(
    ours: type[DrmsMirrorError], stock: tuple[type[Exception], ...]
) -> type[DrmsMirrorError]:
    """A class of errors that reads, prints and pickles as ours and is caught as the stock one."""
    members: dict[str, Any] = {
        "__module__": ours.__module__,
        "__qualname__": ours.__qualname__,
        "__doc__": ours.__doc__,
        "__str__": ours.__str__,  # that of a URLError shows another text
        "__reduce__": lambda self: (_again, (ours, self.args, vars(self))),
    }
    if URLError in stock:
        members["reason"] = property(str)
    if json.JSONDecodeError in stock:
        members |= {"msg": property(str), "doc": "", "pos": 0, "lineno": 1, "colno": 1}
    return type(ours.__name__, (ours, *stock), members)


def _again(
    ours: type[DrmsMirrorError], args: tuple[Any, ...], state: dict[str, Any]
) -> DrmsMirrorError:
    """An error that came from another process."""
    error = ours(*args)
    vars(error).update(state)
    _become_stock(error)
    return error
