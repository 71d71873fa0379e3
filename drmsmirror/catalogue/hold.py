"""The hold on a series, without which nobody writes its records."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from drmsmirror.catalogue.catalogue import Catalogue
from drmsmirror.catalogue.leases import Lease
from drmsmirror.errors import LockedError

__all__ = ["holding_series", "holding_series_if_free", "holding_to_merge", "refuse_held"]

#: For so long a run waits for a question to merge what it brought, seconds.
_MERGED_WITHIN = 10.0

#: How often it looks, seconds.
_LOOK_EVERY = 0.05


@contextmanager
def holding_series(catalogue: Catalogue, series: str) -> Iterator[Lease]:
    """Hold a series while a run works on it; a question that merges just now is waited for.

    Raises
    ------
    LockedError
        Another run works on it.
    """
    with ExitStack() as held:
        ends_at = time.monotonic() + _MERGED_WITHIN
        lease = None
        while lease is None:
            try:
                lease = held.enter_context(catalogue.leases.holding(_run(series)))
            except LockedError:
                if not catalogue.leases.is_held(_merge(series)) or time.monotonic() >= ends_at:
                    raise
                time.sleep(_LOOK_EVERY)
        yield lease


def refuse_held(catalogue: Catalogue, series: str) -> None:
    """Refuse a series on which somebody works, before the upstream is asked for anything.

    Raises
    ------
    LockedError
        Another run works on it.
    """
    if catalogue.leases.is_held(_run(series)):
        with holding_series(catalogue, series):
            pass


@contextmanager
def holding_to_merge(catalogue: Catalogue, series: str) -> Iterator[Lease]:
    """Hold a series while a question merges what it brought: for a moment.

    Raises
    ------
    LockedError
        A run, or another question, works on it.
    """
    with catalogue.leases.holding(_merge(series)), catalogue.leases.holding(_run(series)) as lease:
        yield lease


@contextmanager
def holding_series_if_free(catalogue: Catalogue, series: str) -> Iterator[Lease | None]:
    """Hold a series as :func:`holding_series` does; None, at once, where somebody works on it."""
    with catalogue.leases.holding_if_free(_run(series)) as lease:
        yield lease


def _run(series: str) -> str:
    return f"series {series.lower()}"


def _merge(series: str) -> str:
    return f"merge {series.lower()}"
