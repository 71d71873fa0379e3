"""Sample upstreams of a few series each, with a mirror and a daemon beside them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drmsmirror.catalogue import Catalogue
from drmsmirror.daemon.daemon import Daemon
from drmsmirror.daemon.logs import log_events
from drmsmirror.mirror import Mirror
from drmsmirror.model.subscription import Subscription
from drmsmirror.upstream import Jsoc, Upstream
from tests.unit.sync.mirrors import Copy, copy_of

__all__ = ["Watch", "copy_of"]

START = datetime(2024, 5, 10, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Watch:
    """A mirror with daemons on it, and what they log."""

    copy: Copy
    clock: Clock
    stack: ExitStack
    log: io.StringIO

    def mirror(self) -> Mirror:
        """Open the mirror once more, as another process would."""
        place = self.copy.settings.mirror / "catalogue.sqlite"
        opened = Mirror(self.copy.settings, Catalogue.open(place, clock=self.clock))
        return self.stack.enter_context(opened)

    def subscribe(self, record_set: str, schedule: str = "0 * * * *", priority: int = 0) -> None:
        """Subscribe; what is hourly is due an hour after the start."""
        wanted = Subscription.of(record_set, schedule=schedule, priority=priority)
        self.mirror().catalogue.subscriptions.add(wanted)

    def daemon(
        self, mirror: Mirror | None = None, upstream: Upstream | None = None, **about: Any
    ) -> Daemon:
        """Start a daemon that looks when it is told to."""
        opened = mirror or self.mirror()
        daemon = Daemon(opened, upstream or Jsoc(self.copy.settings.upstream), **about)
        return self.stack.enter_context(daemon)

    def events(self, *names: str) -> list[dict[str, Any]]:
        """Give what was logged, or the events of some names."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if not names or line["event"] in names]


@pytest.fixture
def watch(copy_of: Callable[..., Copy]) -> Iterator[Callable[..., Watch]]:
    """Make a mirror beside a sample upstream, its clock and its log in the test's hand."""
    with ExitStack() as stack:

        def make(*series: str, **sections: Any) -> Watch:
            copy, log = copy_of(*series, rows=20, **sections), io.StringIO()
            Mirror.create(copy.settings).close()
            stack.enter_context(log_events("json", log))
            return Watch(copy, Clock(), stack, log)

        yield make
