"""Orders of files that are on tape, or are to be processed first (DRMS semantics 4.4).

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
from drmsmirror.errors import UpstreamAnswerError, UpstreamRefusedError
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.places import record_set_of
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import NEVER, Deadline, OrderedFile, OrderReply, OrderStage, OrderTerms

__all__ = ["HOW_TO_REGISTER", "Errand", "Ordered", "Ordering", "path_in"]

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
#: Of an order that is older the server knows, or never will.
_REGISTERED = timedelta(hours=1)
#: What it has not done by then it does not do: it keeps nothing for longer (DRMS semantics 4.4.3).
_LONGEST = timedelta(days=7)
#: The server's numbers: being worked on, queued, wrong, unknown, and for one who has an order under
#: way.
_WORKED_ON, _QUEUED, _WRONG, _UNKNOWN, _TOO_MANY = 1, 2, 4, 6, 7

_ANOTHER = "another order is under way"
#: What who has no address does about it.
HOW_TO_REGISTER = (
    "Register yours at http://jsoc.stanford.edu/ajax/register_email.html, and set it in "
    'drmsmirror.toml:\n  [segments]\n  email = "you@example.org"'
)
_NO_ADDRESS = (
    f"it is on tape, and to order it JSOC wants a registered e-mail address. {HOW_TO_REGISTER}"
)


@dataclass(frozen=True, slots=True)
class Errand:
    """What is ordered: the same is ordered once.

    Parameters
    ----------
    record_set : str
        With its segments.
    methods : tuple of str
        In the order in which they are tried.
    protocol, process, file_names : str
        As :class:`~drmsmirror.upstream.OrderTerms` has them.
    why : str
        How messages begin that say how it stands.
    """

    record_set: str
    methods: tuple[str, ...] = _METHODS
    protocol: str = "as-is"
    process: str = ""
    file_names: str = _NAMES
    why: str = ""

    @property
    def digest(self) -> str:
        """Names it."""
        told = (self.record_set, self.protocol, self.process, self.file_names)
        return hashlib.sha256("\0".join(told).encode()).hexdigest()


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
    request_id : str
        What the server calls it, where it does.
    status : int
        In the server's own numbers.
    protocol : str
        Of one that is ready: in which form the files are, where the server says so.
    """

    stage: OrderStage
    message: str = ""
    files: tuple[OrderedFile, ...] = ()
    request_id: str = ""
    status: int = 0
    protocol: str = ""


def _unheard(_: str) -> None:
    """What is done where nobody wants to hear."""


@dataclass(frozen=True, slots=True)
class Orderer:
    """Who has files brought from tape.

    Parameters
    ----------
    email : str
        A registered address; empty: that of the settings.
    waiting : callable
        Hears once what is waited for.
    deadline : Deadline
        When it is waited no longer, whatever the settings allow.
    """

    email: str = ""
    waiting: Callable[[str], object] = _unheard
    deadline: Deadline = NEVER


class Ordering:
    """The orders of a mirror.

    Parameters
    ----------
    mirror : Mirror
    upstream : SharedUpstream
    pause : callable
        Lets seconds go by between two questions.
    orderer : Orderer
        Who has files brought from tape.
    """

    def __init__(
        self,
        mirror: Mirror,
        upstream: SharedUpstream,
        pause: Callable[[float], object] = time.sleep,
        orderer: Orderer = Orderer(),
    ) -> None:
        self._email = orderer.email or mirror.settings.segments.email
        self._waiting = orderer.waiting
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
        if not self._email:
            return Ordered(OrderStage.FAILED, _NO_ADDRESS, status=_WRONG)
        errand = Errand(record_set_of(files), why="it is on tape, and ")
        is_told = False
        while True:
            stands = self._attempt(errand, self._email)
            if stands is not None and stands.stage is not OrderStage.PENDING:
                return stands
            wait = _ASK_EVERY if stands is not None else _LOOK_EVERY  # another asks just now
            if deadline.left <= wait:
                return stands or _waiting(_ANOTHER)
            if stands is not None and not is_told:
                self._waiting(stands.message)
                is_told = True
            self._pause(wait)

    def step(self, errand: Errand, email: str) -> Ordered:
        """Take one step with an order: say how it stands, or order it where nothing is under way.

        Parameters
        ----------
        errand : Errand
        email : str
            The address that it is ordered for.

        Raises
        ------
        UpstreamError
        """
        return self._attempt(errand, email) or _waiting(_ANOTHER)

    def _attempt(self, errand: Errand, email: str) -> Ordered | None:
        """Take one step, unless another process does just now: None then."""
        return self._upstream.attempt(
            f"order {self._url}", lambda: self._go_on(errand, email), outcome=lambda: None
        )

    def stands(self, request_id: str) -> Ordered:
        """Ask how an order stands, whoever made it.

        Raises
        ------
        UpstreamError
        """
        return _stands(self._upstream.order_state(request_id), request_id, "")

    def _go_on(self, errand: Errand, email: str) -> Ordered:
        """Take one step with the order that is under way, or order what is wanted."""
        for order in self._orders.pending(self._url):
            stands = self._ask(order, errand.why)
            if order.digest == errand.digest and not self._is_over(order, stands):
                return stands
            if stands.stage is OrderStage.PENDING:
                return _waiting(f"{order.request_id}, which others here wait for, is under way")
        latest = self._orders.latest(self._url, errand.digest)
        if latest is not None and latest.state is OrderState.READY:
            stands = self._ask(latest, errand.why)
            if stands.stage is OrderStage.READY:
                return stands
        return self._order(errand, email)

    def _is_over(self, order: Order, stands: Ordered) -> bool:
        """Whether an order came to nothing because nobody asked for it in time, or it was lost."""
        is_lost = stands.status == _UNKNOWN or self._age(order) > _FRESH
        return stands.stage is OrderStage.FAILED and is_lost

    def _age(self, order: Order) -> timedelta:
        return self._catalogue.database.clock() - order.ordered_utc

    def _order(self, errand: Errand, email: str) -> Ordered:
        for method in errand.methods:
            terms = OrderTerms(email, method, errand.protocol, errand.file_names, errand.process)
            try:
                reply = self._upstream.order(errand.record_set, terms)
            except UpstreamRefusedError as error:
                return Ordered(OrderStage.FAILED, str(error), status=_WRONG)
            if reply.stage is not OrderStage.FAILED:
                break
            if reply.status == _TOO_MANY:
                return _waiting(reply.message)
        if reply.request_id:
            now = self._catalogue.database.clock()
            self._keep(
                Order(
                    request_id=reply.request_id,
                    upstream_url=self._url,
                    digest=errand.digest,
                    record_set=errand.record_set,
                    email=terms.email,
                    method=terms.method,
                    state=OrderState.PENDING,
                    message=reply.message,
                    ordered_utc=now,
                    asked_utc=now,
                ),
                reply,
            )
        return _stands(reply, reply.request_id, errand.why)

    def _ask(self, order: Order, why: str) -> Ordered:
        since = self._catalogue.database.clock() - order.asked_utc
        if order.state is OrderState.PENDING and timedelta(0) <= since < _LATELY:
            return _pending(order.request_id, why)
        reply = self._reply(order)
        self._keep(order, reply)
        return _stands(reply, order.request_id, why)

    def _reply(self, order: Order) -> OrderReply:
        """What the server says of an order; one that is pending for ever would let no other come.

        Raises
        ------
        UpstreamError
        """
        age = self._age(order)
        try:
            reply = self._upstream.order_state(order.request_id)
        except (UpstreamAnswerError, UpstreamRefusedError) as error:
            if age <= _FRESH:
                raise
            return OrderReply(OrderStage.FAILED, order.request_id, _WRONG, str(error))
        longest = _REGISTERED if reply.status == _UNKNOWN else _LONGEST
        if reply.stage is not OrderStage.PENDING or age <= longest:
            return reply
        said = reply.message or "it was ordered too long ago"
        return replace(reply, stage=OrderStage.FAILED, message=said)

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


def _waiting(message: str) -> Ordered:
    """It is not ordered yet."""
    return Ordered(OrderStage.PENDING, message, status=_QUEUED)


def _pending(request_id: str, why: str, status: int = _WORKED_ON) -> Ordered:
    message = f"{why}ordered as {request_id}"
    return Ordered(OrderStage.PENDING, message, request_id=request_id, status=status)


def _stands(reply: OrderReply, request_id: str, why: str) -> Ordered:
    match reply.stage:
        case OrderStage.READY:
            return Ordered(
                reply.stage, files=reply.files, request_id=request_id, protocol=reply.protocol
            )
        case OrderStage.PENDING:
            return _pending(request_id, why, reply.status)
    said = reply.message or "no reason"
    return Ordered(
        reply.stage,
        f"{why}the upstream does not bring it (status {reply.status}): {said}",
        request_id=request_id,
        status=reply.status,
    )
