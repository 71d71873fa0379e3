"""Answers of the upstream that are kept, and questions that it failed to answer.

A row says that the file of its digest is whole and durable: it is written after the file, and
goes before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, delete, func, insert, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database

__all__ = [
    "AFTERWARDS",
    "Answers",
    "FailedQuestion",
    "StoredAnswer",
    "forget_about",
]

#: How long failures are kept beyond their time: whoever waited for one may still look it up.
AFTERWARDS = timedelta(hours=1)


def _of_question(table: Table) -> Select[Any]:
    return select(table).where(table.c.digest == bindparam("digest"))


_ANSWER = _of_question(tables.answers)
_FAILURE = _of_question(tables.failed_questions)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer that is kept in a file.

    Parameters
    ----------
    digest : str
        Of the question; it names the file.
    upstream_url : str
        Server that was asked.
    record_set : str
        What was listed, for people.
    asked_utc : datetime
        Before the request was sent: the answer is as of this moment or later.
    stored_utc, used_utc : datetime
        When it was stored, and about when it was last used.
    records : int
        How many records it lists.
    body_bytes : int
        Size of the upstream's answer, bytes.
    seconds : float
        Time that it took the upstream, seconds.
    file_format, file_bytes, sha256
        The file: how it is written, its size, and the digest of what is in it.
    """

    digest: str
    upstream_url: str
    record_set: str
    asked_utc: datetime
    stored_utc: datetime
    used_utc: datetime
    records: int
    body_bytes: int
    seconds: float
    file_format: int
    file_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FailedQuestion:
    """A question that the upstream failed to answer, or refused.

    Parameters
    ----------
    digest : str
        Of the question.
    upstream_url : str
        Server that was asked.
    error_code, error_message : str
        What was raised.
    retry_after : float or None
        Seconds after which the server allows another request, where it said so.
    failed_utc, until_utc : datetime
        When that was, and until when the question is not asked again.
    """

    digest: str
    upstream_url: str
    error_code: str
    error_message: str
    retry_after: float | None
    failed_utc: datetime
    until_utc: datetime


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers that are kept, and questions that failed.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def load(self, digest: str) -> StoredAnswer | None:
        """Give the answer that is kept to a question; None where there is none."""
        with self.database.read() as connection:
            row = connection.execute(_ANSWER, {"digest": digest}).mappings().first()
        return None if row is None else StoredAnswer(**row)

    def keep(self, answer: StoredAnswer) -> None:
        """Keep an answer, whose file is there, in place of an earlier one; forget failures."""
        with self.database.write() as connection:
            _replace(self.database, connection, tables.answers, asdict(answer))
            failed = tables.failed_questions
            connection.execute(delete(failed).where(failed.c.digest == answer.digest))

    def use(self, digest: str) -> None:
        """Say that an answer was used now."""
        table = tables.answers
        with self.database.write() as connection:
            connection.execute(
                update(table).where(table.c.digest == digest).values(used_utc=self.database.clock())
            )

    def known(self, digests: Iterable[str]) -> frozenset[str]:
        """Say to which of these questions answers are kept."""
        table = tables.answers
        with self.database.read() as connection:
            query = select(table.c.digest).where(table.c.digest.in_(list(digests)))
            return frozenset(connection.scalars(query))

    def forget_least_used(self, most_bytes: int, before: datetime) -> tuple[str, ...]:
        """Forget the answers that were not used for longest, until the rest fits.

        Parameters
        ----------
        most_bytes : int
            What the files of all may take together, bytes.
        before : datetime
            Only those that were stored earlier; somebody may be waiting for later ones.

        Returns
        -------
        tuple of str
            Digests of those that were forgotten: their files can go.
        """
        table = tables.answers
        with self.database.write() as connection:
            excess = (connection.scalar(select(func.sum(table.c.file_bytes))) or 0) - most_bytes
            if excess <= 0:
                return ()
            gone: list[str] = []
            for row in connection.execute(
                select(table.c.digest, table.c.file_bytes)
                .where(table.c.stored_utc < before)
                .order_by(table.c.used_utc, table.c.digest)
            ):
                if excess <= 0:
                    break
                gone.append(row.digest)
                excess -= row.file_bytes
            for digest in gone:
                connection.execute(delete(table).where(table.c.digest == digest))
        return tuple(gone)

    def totals(self) -> tuple[int, int]:
        """How many answers are kept, and how many bytes they take."""
        query = select(func.count(), func.coalesce(func.sum(tables.answers.c.file_bytes), 0))
        with self.database.read() as connection:
            count, size = connection.execute(query).one()
        return int(count), int(size)

    def failure(self, digest: str) -> FailedQuestion | None:
        """Give the latest failure of a question, also one whose time is over; None without one."""
        with self.database.read() as connection:
            row = connection.execute(_FAILURE, {"digest": digest}).mappings().first()
        return None if row is None else FailedQuestion(**row)

    def keep_failure(self, failed: FailedQuestion) -> None:
        """Remember a failure, in place of the one before; old ones of other questions go."""
        table = tables.failed_questions
        with self.database.write() as connection:
            _replace(self.database, connection, table, asdict(failed))
            connection.execute(
                delete(table).where(table.c.until_utc < failed.failed_utc - AFTERWARDS)
            )


def forget_about(connection: Connection, key: str) -> tuple[str, ...]:
    """Forget, inside a transaction, every answer whose record set names a series.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    key : str
        The series' name in lower case.

    Returns
    -------
    tuple of str
        Digests of those that were forgotten: their files can go.
    """
    table = tables.answers
    named = re.compile(rf"(?<![\w.]){re.escape(key)}(?![\w.])")
    gone = [
        row.digest
        for row in connection.execute(select(table.c.digest, table.c.record_set))
        if named.search(row.record_set.lower())
    ]
    for digest in gone:
        connection.execute(delete(table).where(table.c.digest == digest))
    return tuple(gone)


def _replace(
    database: Database, connection: Connection, table: Table, row: dict[str, object]
) -> None:
    database.keep_others_out(connection, table)
    connection.execute(delete(table).where(table.c.digest == row["digest"]))
    connection.execute(insert(table), row)
