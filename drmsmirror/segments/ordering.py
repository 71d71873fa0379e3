"""Files that are on tape: they are ordered, and the order is waited for (DRMS semantics 4.4).

The server takes one order at a time from an address. Which one that is is in the catalogue, so that
whoever comes later goes on with it, whatever became of the process that ordered.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from drmsmirror.catalogue import Order, OrderState
from drmsmirror.errors import UpstreamRefusedError
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.places import record_set_of
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import Deadline, OrderedFile, OrderReply, OrderStage, OrderTerms

__all__ = ["Ordered", "Ordering", "path_in"]

#: The server's own way to name files; it tells the record's number.
_NAMES = "{seriesname}.{recnum:%lld}.{segment}"
#: Methods in the order in which they are tried: at once where the files are on disk by now.
_METHODS = ("url_quick", "url")
#: How often the server is asked at most, by however many who wait, seconds.
_ASK_EVERY = 10.0
#: Clocks need not agree to the second.
_LATELY = timedelta(seconds=_ASK_EVERY - 1)
#: How often it is looked whether another process has asked, seconds.
_LOOK_EVERY = 0.5
#: How an order of longer ago failed says nothing about a new one.
_FRESH = timedelta(days=1)
#: The server's number for one who has an order under way already.
_TOO_MANY = 7

_NO_ADDRESS = (
    "it is on tape, and to order it JSOC wants a registered e-mail address. Register yours at "
    "http://jsoc.stanford.edu/ajax/register_email.html, and set it in drmsmirror.toml:\n"
    '  [segments]\n  email = "you@example.org"'
)


@dataclass(frozen=True, slots=True)
class Ordered:
    """How an order stands.

    Parameters
    ----------
    stage : OrderStage
    message : str
        Why it is not ready.
    files : tuple of OrderedFile
        Of one that is: where they are.
    """

    stage: OrderStage
    message: str = ""
    files: tuple[OrderedFile, ...] = ()


class Ordering:
    """The orders of a mirror.

    Parameters
    ----------
    mirror : Mirror
    upstream : SharedUpstream
    pause : callable
        Lets seconds go by between two questions.
    """

    def __init__(
        self,
        mirror: Mirror,
        upstream: SharedUpstream,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._settings = mirror.settings
        self._url = mirror.settings.upstream.url
        self._catalogue = mirror.catalogue
        self._orders = mirror.catalogue.orders
        self._upstream = upstream
        self._pause = pause

    def bring(self, files: Sequence[SegmentFile], deadline: Deadline) -> Ordered:
        """Have files brought from tape, and wait for it until it is too late.

        Parameters
        ----------
        files : sequence of SegmentFile
            Of one series.
        deadline : Deadline

        Raises
        ------
        UpstreamError
        """
        if not self._settings.segments.email:
            return Ordered(OrderStage.FAILED, _NO_ADDRESS)
        record_set = record_set_of(files)
        while True:
            stands = self._upstream.attempt(
                f"order {self._url}", lambda: self._go_on(record_set), outcome=lambda: None
            )
            if stands is not None and stands.stage is not OrderStage.PENDING:
                return stands
            wait = _ASK_EVERY if stands is not None else _LOOK_EVERY  # another asks just now
            if deadline.left <= wait:
                return stands or Ordered(OrderStage.PENDING, "another order is under way")
            self._pause(wait)

    def _go_on(self, record_set: str) -> Ordered:
        """Take one step with the order that is under way, or order what is wanted."""
        digest = hashlib.sha256(record_set.encode()).hexdigest()
        for order in self._orders.pending(self._url):
            stands = self._ask(order)
            if order.digest == digest and not self._is_over(order, stands):
                return stands
            if stands.stage is OrderStage.PENDING:
                return Ordered(OrderStage.PENDING, f"{order.request_id} of others is under way")
        latest = self._orders.latest(self._url, digest)
        if latest is not None and latest.state is OrderState.READY:
            stands = self._ask(latest)
            if stands.stage is OrderStage.READY:
                return stands
        return self._order(record_set, digest)

    def _is_over(self, order: Order, stands: Ordered) -> bool:
        """Whether an order came to nothing because nobody asked for it in time."""
        age = self._catalogue.database.clock() - order.ordered_utc
        return stands.stage is OrderStage.FAILED and age > _FRESH

    def _order(self, record_set: str, digest: str) -> Ordered:
        for method in _METHODS:
            terms = OrderTerms(self._settings.segments.email, method, file_names=_NAMES)
            try:
                reply = self._upstream.order(record_set, terms)
            except UpstreamRefusedError as error:
                return Ordered(OrderStage.FAILED, str(error))
            if reply.stage is not OrderStage.FAILED:
                break
            if reply.status == _TOO_MANY:
                return Ordered(OrderStage.PENDING, reply.message)
        if reply.request_id:
            now = self._catalogue.database.clock()
            self._keep(
                Order(
                    request_id=reply.request_id,
                    upstream_url=self._url,
                    digest=digest,
                    record_set=record_set,
                    email=terms.email,
                    method=terms.method,
                    state=OrderState.PENDING,
                    message=reply.message,
                    ordered_utc=now,
                    asked_utc=now,
                ),
                reply,
            )
        return _stands(reply, reply.request_id)

    def _ask(self, order: Order) -> Ordered:
        since = self._catalogue.database.clock() - order.asked_utc
        if order.state is OrderState.PENDING and timedelta(0) <= since < _LATELY:
            return _pending(order.request_id)
        reply = self._upstream.order_state(order.request_id)
        self._keep(order, reply)
        return _stands(reply, order.request_id)

    def _keep(self, order: Order, reply: OrderReply) -> None:
        now = self._catalogue.database.clock()
        state = OrderState(reply.stage.value)
        ended = None if state is OrderState.PENDING else order.ended_utc or now
        self._orders.save(
            replace(order, state=state, message=reply.message, asked_utc=now, ended_utc=ended)
        )


def path_in(ordered: Ordered, file: SegmentFile) -> str | None:
    """Where an order has put a file; None where it has not, or under a name that tells nothing."""
    name = re.compile(
        rf"\.{file.recnum}\.{re.escape(file.segment)}(?:\.[A-Za-z0-9]+)*", re.IGNORECASE
    )
    for one in ordered.files:
        found = one.path.rpartition("/")[2]
        if name.search(found) and found.lower().startswith(file.series.lower()):
            return one.path
    return None


def _pending(request_id: str) -> Ordered:
    return Ordered(OrderStage.PENDING, f"it is on tape, and ordered as {request_id}")


def _stands(reply: OrderReply, request_id: str) -> Ordered:
    match reply.stage:
        case OrderStage.READY:
            return Ordered(reply.stage, files=reply.files)
        case OrderStage.PENDING:
            return _pending(request_id)
    said = reply.message or "no reason"
    return Ordered(
        reply.stage,
        f"it is on tape, and the upstream does not bring it (status {reply.status}): {said}",
    )
