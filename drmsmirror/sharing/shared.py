"""The upstream as all processes of one mirror share it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from drmsmirror.catalogue import Cost
from drmsmirror.mirror import Mirror
from drmsmirror.sharing.cost import estimate, learnt, seconds_per_record, seconds_per_request
from drmsmirror.sharing.flights import Call, Flights
from drmsmirror.sharing.guard import Guard
from drmsmirror.sharing.kept import AnswerStore, KeptAnswer
from drmsmirror.sharing.once import Once
from drmsmirror.sharing.question import Question
from drmsmirror.sharing.turns import TROUBLE, Trouble
from drmsmirror.upstream import (
    NEVER,
    Deadline,
    KeySample,
    OrderReply,
    OrderTerms,
    Receiver,
    RecordText,
    SeriesEntry,
    SeriesState,
    Traffic,
    Upstream,
)

__all__ = ["SharedUpstream"]

T = TypeVar("T")


class SharedUpstream:
    """An upstream that all processes of a mirror ask together.

    It is an :class:`~drmsmirror.upstream.Upstream` itself, and has :meth:`ask` besides: of those
    who ask the same at the same time one sends the request. What is learnt of the server is known
    to all: after some failures in a row it is left alone for a while, and every operation raises
    ``UpstreamPausedError`` then, besides what it raises anyway.

    A mirror that can only be read, and a catalogue that fails, keep nothing from being asked:
    then nothing is shared.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
        The server; it is known by the address in the mirror's settings.
    pause : callable
        Lets seconds go by while others ask.
    deadline : Deadline
        Until when others are waited for; see :meth:`within`.
    trouble : Trouble, optional
        Where it is said, once, that nothing can be shared.
    """

    def __init__(
        self,
        mirror: Mirror,
        upstream: Upstream,
        *,
        pause: Callable[[float], object] = time.sleep,
        deadline: Deadline = NEVER,
        trouble: Trouble | None = None,
    ) -> None:
        self._mirror = mirror
        self._upstream = upstream
        self._pause = pause
        self._deadline = deadline
        self._trouble = trouble or Trouble()
        self._store = AnswerStore(mirror)
        self._guard = Guard(mirror, self._trouble)
        self._once = Once(mirror.catalogue, self._trouble, pause)
        self._flights = Flights(mirror, self._store, self._trouble, self._once)

    @property
    def traffic(self) -> Traffic:
        """What this process has asked so far."""
        return self._upstream.traffic

    def within(self, seconds: float) -> SharedUpstream:
        """Give the same upstream, whose operations together end within so many seconds from now.

        Waiting for what others have asked counts as well.
        """
        return SharedUpstream(
            self._mirror,
            self._upstream.within(seconds),
            pause=self._pause,
            deadline=self._deadline.earlier(Deadline.within(seconds)),
            trouble=self._trouble,
        )

    # -- what every upstream has ------------------------------------------------------------------

    def series_names(self, filter: str | None = None) -> tuple[SeriesEntry, ...]:  # noqa: A002
        """List the series whose name matches."""
        return self._guard(lambda: self._upstream.series_names(filter))

    def definition(self, series: str) -> SeriesState:
        """Read the definition of a series, and how far it has come."""
        return self._guard(lambda: self._upstream.definition(series))

    def count(self, recordset: str) -> int:
        """Count the records of a record set."""
        return self._guard(lambda: self._upstream.count(recordset))

    def records(
        self,
        recordset: str,
        keys: Sequence[str],
        *,
        segments: Sequence[str] = (),
        links: Sequence[str] = (),
        n: int | None = None,
        all_digits: bool = False,
    ) -> RecordText:
        """List keywords, segments and links of the records of a record set."""
        text = self._guard(
            lambda: self._upstream.records(
                recordset, keys, segments=segments, links=links, n=n, all_digits=all_digits
            )
        )
        self._learn(text)
        return text

    def sample_keys(self, recordset: str, keys: Sequence[str], *, n: int) -> KeySample:
        """Find out on the first ``n`` records of a set which of some keys the server gives."""
        return self._guard(lambda: self._upstream.sample_keys(recordset, keys, n=n))

    def is_registered(self, address: str) -> bool:
        """Whether an e-mail address is registered for exports."""
        return self._guard(lambda: self._upstream.is_registered(address))

    def download(self, path: str, receiver: Receiver) -> None:
        """Fetch a file, or what is missing of it, handing it on as it comes."""
        self._guard(lambda: self._upstream.download(path, receiver))

    def order(self, recordset: str, terms: OrderTerms) -> OrderReply:
        """Order the files of a record set."""
        return self._guard(lambda: self._upstream.order(recordset, terms))

    def order_state(self, request_id: str) -> OrderReply:
        """Ask how an order stands."""
        return self._guard(lambda: self._upstream.order_state(request_id))

    # -- what is shared ---------------------------------------------------------------------------

    def ask(
        self,
        question: Question,
        *,
        not_before: datetime | None = None,
        first: Callable[[], object] | None = None,
        check: Callable[[RecordText], object] | None = None,
    ) -> KeptAnswer:
        """Give the answer to a question; of those who ask it at the same time one sends a request.

        What is given back is an answer that was asked for at ``not_before`` or later, whoever
        asked. Without it, it is one whose asking had not ended when this call began: an answer may
        then be as of shortly before the call, never as of before the flight that was under way.

        A failure is shared in the same way, and for half a minute (or as long as the server says)
        it is raised again to whoever asks the same. That the time which somebody allowed was over
        is nobody else's failure: the next one asks.

        Parameters
        ----------
        question : Question
        not_before : datetime, optional
            Aware.
        first : callable, optional
            Whoever sends the request does this before.
        check : callable, optional
            And this with what comes, before it is kept: it raises where that cannot be used.

        Raises
        ------
        UpstreamTimeoutError
            Neither others nor the upstream had an answer in the time that :meth:`within` allows.
        UpstreamError
            What came of asking.
        """

        def fetch() -> RecordText:
            if first is not None:
                first()
            text = self.records(
                question.record_set,
                question.keys,
                segments=question.segments,
                links=question.links,
                n=question.n,
                all_digits=question.all_digits,
            )
            if check is not None:
                check(text)
            return text

        began = self._mirror.catalogue.database.clock()
        return self._flights.ask(Call(question, fetch, began, not_before, self._deadline))

    def kept(self, question: Question, *, not_before: datetime | None = None) -> KeptAnswer | None:
        """Give the answer that is kept to a question, without asking; None where there is none.

        Parameters
        ----------
        question : Question
        not_before : datetime, optional
            Only one that was asked for then or later; by default one of any age.
        """
        try:
            return self._store.find(
                question, lambda stored: not_before is None or stored.asked_utc >= not_before
            )
        except TROUBLE as error:
            self._trouble.tell(error)
            return None

    def once(self, name: str, work: Callable[[], T], *, outcome: Callable[[], T | None]) -> T:
        """Have one of all who do the same at the same time do it; see :meth:`Once.do`."""
        return self._once.do(name, work, outcome=outcome, deadline=self._deadline)

    def attempt(
        self, name: str, work: Callable[[], T], *, outcome: Callable[[], T | None]
    ) -> T | None:
        """Do something, unless another is at it: None then; see :meth:`Once.attempt`."""
        return self._once.attempt(name, work, outcome=outcome)

    @property
    def seconds_per_request(self) -> float:
        """Seconds that a request takes the upstream, as far as was learnt, whatever it lists."""
        return seconds_per_request(self._cost())

    @property
    def seconds_per_record(self) -> float:
        """Seconds that each record takes the upstream, as far as was learnt."""
        return seconds_per_record(self._cost())

    def estimate(self, records: int) -> float:
        """Seconds that an answer of so many records is expected to take the upstream."""
        return estimate(self._cost(), records)

    def _cost(self) -> Cost:
        try:
            return self._mirror.catalogue.upstreams.cost(self._mirror.settings.upstream.url)
        except TROUBLE as error:
            self._trouble.tell(error)
            return Cost()

    def _learn(self, text: RecordText) -> None:
        catalogue = self._mirror.catalogue
        if catalogue.database.read_only:
            return
        change = partial(learnt, records=text.rows, seconds=text.seconds)
        try:
            catalogue.upstreams.change_cost(self._mirror.settings.upstream.url, change)
        except TROUBLE as error:
            self._trouble.tell(error)
