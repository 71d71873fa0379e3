"""One request for all who ask the same at the same time: a flight.

Whoever comes first asks and stores what comes; the others take what was stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from drmsmirror.catalogue import StoredAnswer
from drmsmirror.errors import DrmsMirrorError
from drmsmirror.mirror import Mirror
from drmsmirror.sharing.breaker import SKEW
from drmsmirror.sharing.failures import again, remembered
from drmsmirror.sharing.kept import AnswerStore, KeptAnswer
from drmsmirror.sharing.once import Once
from drmsmirror.sharing.question import Question
from drmsmirror.sharing.turns import TROUBLE, Trouble
from drmsmirror.upstream import Deadline, RecordText

__all__ = ["Call", "Flights"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of :meth:`Flights.ask`.

    Parameters
    ----------
    question : Question
    fetch : callable
        Asks the upstream.
    began : datetime
        When the call began.
    not_before : datetime or None
        Answers that were asked for earlier are of no use; None for those of every flight that had
        not ended when the call began.
    deadline : Deadline
        Until when it is waited for others.
    """

    question: Question
    fetch: Callable[[], RecordText]
    began: datetime
    not_before: datetime | None
    deadline: Deadline

    def wants(self, stored: StoredAnswer) -> bool:
        """Whether a stored answer will do."""
        if self.not_before is not None:
            return stored.asked_utc >= self.not_before
        return stored.stored_utc >= self.began


class Flights:
    """The questions under way among all processes of a mirror.

    Parameters
    ----------
    mirror : Mirror
    store : AnswerStore
    trouble : Trouble
        Where it is said that nothing can be shared.
    once : Once
        Has one of all who ask send the request.
    """

    def __init__(
        self,
        mirror: Mirror,
        store: AnswerStore,
        trouble: Trouble,
        once: Once,
    ) -> None:
        self._catalogue = mirror.catalogue
        self._url = mirror.settings.upstream.url
        self._store = store
        self._trouble = trouble
        self._once = once

    def ask(self, call: Call) -> KeptAnswer:
        """Answer a call, by a request of our own only where nobody else has made it.

        Raises
        ------
        UpstreamTimeoutError
            Others took too long.
        DrmsMirrorError
            What came of asking, now or shortly before.
        """
        return self._once.do(
            f"question {call.question.digest}",
            lambda: self._fly(call),
            outcome=lambda: self._outcome(call),
            deadline=call.deadline,
            alone=lambda: KeptAnswer.of(call.question, self._now(), call.fetch()),
        )

    def _outcome(self, call: Call) -> KeptAnswer | None:
        """What came of a flight that the call may rest on; None where there was none."""
        try:
            answer = self._store.find(call.question, call.wants)
            failed = self._catalogue.answers.failure(call.question.digest)
        except TROUBLE as error:
            self._trouble.tell(error)
            return None
        if answer is not None or failed is None or failed.upstream_url != self._url:
            return answer
        now = self._now()
        is_ahead = failed.failed_utc > now + SKEW
        if not is_ahead and (now < failed.until_utc or failed.failed_utc >= call.began):
            raise again(failed, now)
        return None

    def _fly(self, call: Call) -> KeptAnswer:
        asked_utc = self._now()
        try:
            text = call.fetch()
        except DrmsMirrorError as error:
            self._remember(call.question, error)
            raise
        answer = KeptAnswer.of(call.question, asked_utc, text)
        try:
            self._store.keep(answer)
        except TROUBLE as error:
            self._trouble.tell(error)
        return answer

    def _remember(self, question: Question, error: DrmsMirrorError) -> None:
        failed = remembered(question.digest, self._url, error, self._now())
        if failed is None:
            return
        try:
            self._catalogue.answers.keep_failure(failed)
        except TROUBLE as trouble:
            self._trouble.tell(trouble)

    def _now(self) -> datetime:
        return self._catalogue.database.clock()
