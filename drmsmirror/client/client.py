"""``Client``: the methods of ``drms.Client``, answered from the mirror where it can."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from drmsmirror.client.answer import Answer
from drmsmirror.client.answering import Answering
from drmsmirror.client.arguments import (
    refuse_no_keys,
    refuse_server,
    split_names,
    whole_number,
)
from drmsmirror.client.batches import printed_rows
from drmsmirror.client.definitions import Definitions, series_name
from drmsmirror.client.exporting import Exporting
from drmsmirror.client.getting import Getting
from drmsmirror.client.question import Asked
from drmsmirror.client.stockerrors import raises_as_stock
from drmsmirror.client.terms import PartialAnswerWarning, Policy, Terms
from drmsmirror.errors import QueryError, UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.struct import struct_from_definition
from drmsmirror.records import ALL_KEYS, plan_keys
from drmsmirror.settings import Settings, load_settings
from drmsmirror.sharing import SharedUpstream, open_upstream
from drmsmirror.upstream import Upstream

if TYPE_CHECKING:
    import pandas as pd

    from drmsmirror.catalogue import Named
    from drmsmirror.client.explanation import Explanation
    from drmsmirror.client.frames import SeriesInfo
    from drmsmirror.client.relation import Relation

__all__ = ["Client"]


@raises_as_stock
class Client(Exporting, Getting):
    """Query a mirror as ``drms.Client`` queries JSOC.

    Parameters
    ----------
    mirror : path or Settings, optional
        Directory of the mirror, or settings. By default ``DRMSMIRROR_MIRROR``, else a folder in
        the user's data directory. It is made where it is absent, unless the policy is
        ``offline``: nothing could be answered from it.
    policy : {'auto', 'offline', 'remote'}
        ``auto`` answers from the mirror what it holds, asks the upstream for the rest, and keeps
        what it gave; ``offline`` never asks; ``remote`` always does.
    upstream : Upstream, optional
        The server behind the mirror; by default the one in the settings.
    email : str, optional
        Address for exports, kept as it is; :attr:`email` says when it is checked.
    max_age : timedelta, optional
        What was read from the upstream longer ago does not count as held: it is asked for anew, or
        refused offline.
    partial : bool
        Whether an answer that lacks something is better than none. It says so:
        :attr:`Answer.complete`, and :attr:`Answer.missing` names what it lacks.
    wait : float, optional
        Seconds that the upstream gets for one question, retries included. By default the 30 of
        the settings under ``auto``, and as long as it takes under ``remote``. Files of records are
        not bounded by it.

    Examples
    --------
    ::

        client = drmsmirror.Client(policy="offline")
        client.query("hmi.sharp_720s[4315][2014.07.05_TAI/1d]", key="T_REC, USFLUX")
    """

    def __init__(
        self,
        mirror: str | os.PathLike[str] | Settings | None = None,
        policy: str | Policy = Policy.AUTO,
        *,
        upstream: Upstream | None = None,
        email: str | None = None,
        max_age: timedelta | None = None,
        partial: bool = False,
        wait: float | None = None,
    ) -> None:
        refuse_server(mirror)
        try:
            self.policy = Policy(policy)
        except ValueError:
            raise QueryError(f"policy is {policy!r}; it must be auto, offline or remote") from None
        self.settings = mirror if isinstance(mirror, Settings) else load_settings(mirror=mirror)
        if wait is None and self.policy is Policy.AUTO:
            wait = self.settings.query.wait
        self.terms = Terms(self.policy, max_age, partial, wait)
        is_offline = self.policy is Policy.OFFLINE
        self.mirror = (Mirror.open if is_offline else Mirror.open_or_create)(self.settings)
        self._given_upstream = upstream
        self._email = email

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the catalogue."""
        self.mirror.close()

    @cached_property
    def _upstream(self) -> SharedUpstream:
        given = self._given_upstream
        return open_upstream(self.mirror) if given is None else SharedUpstream(self.mirror, given)

    def _upstream_for(self, terms: Terms) -> SharedUpstream:
        """The upstream, for as long as one question may take."""
        return self._upstream if terms.wait is None else self._upstream.within(terms.wait)

    # -- what drms.Client has ---------------------------------------------------------------------

    def series(self, regex: str | None = None, *, full: bool = False) -> list[str] | pd.DataFrame:
        """List series: all that the upstream has, or offline those that the mirror holds.

        Parameters
        ----------
        regex : str, optional
            Regular expression found anywhere in the name, in any case.
        full : bool
            Whether to return a table with name, primekeys and note; without primekeys where the
            upstream's list does not tell them, as JSOC's.
        """
        from drmsmirror.client.serieslist import held_series, pattern_of, series_table

        is_offline = self.policy is Policy.OFFLINE
        if is_offline:
            entries = held_series(self.mirror, regex)
        else:
            pattern_of(regex)  # nobody need be asked what is wrong with it
            entries = list(self._upstream_for(self.terms).series_names(regex))
        if not full:
            return [entry.name for entry in entries]
        return series_table(entries, tells_keys=is_offline)

    def info(self, ds: str) -> SeriesInfo:
        """What is known about a series: keywords, segments, links, prime keys.

        Parameters
        ----------
        ds : str
            Name of the series, or a record set of it.

        Raises
        ------
        UnknownSeriesError
            There is no such series (offline: none held).
        """
        from drmsmirror.client.frames import SeriesInfo

        return SeriesInfo(self.definition(ds), series_name(ds).lower())

    def keys(self, ds: str) -> list[str]:
        """Names of the keywords of a series, in DRMS order."""
        return [keyword.name for keyword in self.definition(ds).keywords]

    def pkeys(self, ds: str) -> list[str]:
        """Names of the prime keys of a series."""
        return list(self.definition(ds).prime_keys)

    def query(
        self,
        ds: str,
        *,
        key: str | Sequence[str] | None = None,
        seg: str | Sequence[str] | None = None,
        link: str | Sequence[str] | None = None,
        convert_numeric: bool = True,
        skip_conversion: str | Sequence[str] | None = None,
        pkeys: bool = False,
        rec_index: bool = False,
        n: int | str | None = None,
        as_of: Named | None = None,
    ) -> pd.DataFrame | tuple[pd.DataFrame, ...]:
        """Keywords of a record set, in the shape of ``drms.Client.query``.

        Parameters
        ----------
        ds : str
            Record set, such as ``hmi.sharp_720s[377][2011.02.14/1d]``.
        key : str or list of str
            Keywords; ``**ALL**`` means all, ``*recnum*`` and ``*sunum*`` the record's numbers.
        seg, link : str or list of str
            Segments and links; the upstream tells where they lead. Offline segments are
            ``/SUM0/D<sunum>/S<slot>/<file>``.
        convert_numeric : bool
            Whether numeric keywords become numbers.
        skip_conversion : str or list of str, optional
            Keywords that stay text; a text is the name of one.
        pkeys : bool
            Whether the prime keys come first.
        rec_index : bool
            Whether the index names each record.
        n : int or str, optional
            The first ``n`` records, or the last ``-n``; the number may be a text.
        as_of : datetime, str or int, optional
            As for :meth:`answer`.

        Raises
        ------
        QueryError
            No keyword is named, or ``n`` is no whole number, or larger than 64 bits.
        RecordSetError
            The record set is wrong; the message points at the character.
        NotHeldError
            The policy is ``offline`` and the mirror does not hold all that was asked for.
        """
        from drmsmirror.client.frames import in_stock_shape, query_frame, text_frame
        from drmsmirror.client.names import keys_of_names, record_names

        keys, segments, links = split_names(key), split_names(seg), split_names(link)
        if pkeys:
            prime = list(self._definition_at(ds, as_of).prime_keys)
            keys = prime + [name for name in keys if name not in prime]
        if not (segments or links):
            refuse_no_keys(keys)
        keys = list(dict.fromkeys(keys))
        extra = self._keys_besides(ds, keys, as_of) if rec_index else []
        answer = self.answer(ds, [*keys, *extra], seg=segments, link=links, n=n, as_of=as_of)
        batches = list(answer.batches)
        index = None
        if rec_index:
            naming = printed_rows(keys_of_names(answer.definition), batches)
            index = record_names(answer.definition, naming, self._formats(answer.definition))
        frame = query_frame(
            batches,
            [name for name in answer.keys if name not in extra],
            answer.definition,
            convert_numeric=convert_numeric,
            skip_conversion=skip_conversion,
        )
        if not answer.complete:
            warnings.warn(PartialAnswerWarning(answer.missing), stacklevel=3)
        return in_stock_shape(
            frame if keys else None,
            text_frame(answer.segments) if segments else None,
            text_frame(answer.links) if links else None,
            index=index,
        )

    # -- beyond it --------------------------------------------------------------------------------

    def answer(
        self,
        ds: str,
        keys: str | Sequence[str],
        *,
        seg: str | Sequence[str] | None = None,
        link: str | Sequence[str] | None = None,
        n: int | str | None = None,
        max_age: timedelta | None = None,
        partial: bool | None = None,
        wait: float | None = None,
        as_of: Named | None = None,
    ) -> Answer:
        """Keywords of a record set as printed values, with where they came from.

        Parameters
        ----------
        ds : str
            Record set.
        keys : str or list of str
            As for :meth:`query`.
        seg, link : str or list of str, optional
            Segments and links, as for :meth:`query`.
        n : int or str, optional
            As for :meth:`query`; with several sets it counts for each by itself.
        max_age, partial, wait : optional
            For this question, in place of those of the client.
        as_of : datetime, str or int, optional
            The moment as of which the mirror is to answer: a time (a text in ISO format, or one
            without a zone, is in UTC), the number of a run, or a tag. It answers as it stood then,
            and the upstream is not asked, whatever the policy.

        Raises
        ------
        NotHeldError
            The upstream may not be asked, and the mirror does not hold all that was asked for.
        TooSlowError
            The upstream would take longer than it is given.
        UpstreamError
            It failed, and the mirror does not hold all that was asked for.
        """
        names, segments, links = split_names(keys), split_names(seg), split_names(link)
        if not (segments or links):
            refuse_no_keys(names)
        terms = replace(
            self.terms,
            max_age=self.terms.max_age if max_age is None else max_age,
            partial=self.terms.partial if partial is None else partial,
            wait=self.terms.wait if wait is None else wait,
        )
        asked = Asked(ds, tuple(names), tuple(segments), tuple(links), whole_number(n))
        if as_of is not None:
            from drmsmirror.client.recalling import recall

            _refuse_remote(terms)
            return recall(
                self.mirror, asked, self.mirror.catalogue.moments.find(as_of), partial=terms.partial
            )
        upstream = self._upstream_for(terms)
        may_ask = terms.policy is not Policy.OFFLINE
        definitions = Definitions(self.mirror, upstream, Policy.AUTO if may_ask else Policy.OFFLINE)
        return Answering(self.mirror, upstream, definitions, asked, terms).answer()

    def scan(
        self,
        ds: str,
        key: str | Sequence[str] = ALL_KEYS,
        *,
        n: int | str | None = None,
        **terms: Any,
    ) -> Relation:
        """Records of a record set, to be asked for when they are wanted.

        Parameters
        ----------
        ds : str
            Record set.
        key : str or list of str
            Keywords; by default all.
        n : int or str, optional
            As for :meth:`query`.
        **terms
            Whatever else :meth:`answer` takes.

        Returns
        -------
        Relation
            Gives the rows as tables of pandas, Arrow, Polars or Astropy, or in batches.
        """
        from drmsmirror.client.relation import Relation

        return Relation(ds, lambda: self.answer(ds, split_names(key), n=n, **terms))

    def explain(self, ds: str) -> Explanation:
        """What a record set means: filters in words, slots and times, and the SQL it becomes.

        Parameters
        ----------
        ds : str

        Raises
        ------
        RecordSetError
            The record set is wrong; the message points at the character.
        UnknownSeriesError
            There is no such series (offline: none held).
        """
        from drmsmirror.client.explanation import explain

        tree = parse_recordset(ds)
        return explain(tree, bind(tree, self.definition).sets)

    def sql(
        self, statement: str, *, limit: int | None = None, timeout: float | None = None
    ) -> pd.DataFrame:
        """Run one SELECT, or DESCRIBE, over what the mirror holds; the upstream is never asked.

        Parameters
        ----------
        statement : str
            DuckDB's SQL over ``hmi.sharp_720s``, ``hmi.sharp_720s_all``, ``hmi.drms_keyword`` and
            their like.
        limit : int, optional
            How many rows are returned at most.
        timeout : float, optional
            Seconds after which it is stopped.

        Returns
        -------
        pandas.DataFrame
            With the types of the columns; see :func:`drmsmirror.client.sql.sql_frame`.

        Raises
        ------
        SqlError
            It is refused, cannot be run, or took longer.
        """
        from drmsmirror.client.sql import sql_frame

        return sql_frame(self.mirror, statement, limit=limit, seconds=timeout)

    def definition(self, ds: str) -> SeriesDefinition:
        """The definition the mirror holds; where it holds none and may ask, the upstream's.

        Parameters
        ----------
        ds : str
            Name of the series, or a record set of it.
        """
        return Definitions(self.mirror, self._upstream_for(self.terms), self.policy).of(
            series_name(ds)
        )

    def struct(self, ds: str) -> dict[str, Any]:
        """The definition in the form of JSOC's ``series_struct``, as ``import`` takes it.

        How keywords print is in its members ``x_formats``, as far as the mirror has learnt it, and
        ``x_learnt``.

        Parameters
        ----------
        ds : str
            Name of the series, or a record set of it.
        """
        definition = self.definition(ds)
        formats = {} if self.policy is Policy.REMOTE else self._formats(definition)
        return struct_from_definition(definition, formats)

    def _formats(self, definition: SeriesDefinition) -> Mapping[str, str]:
        """By keyword, the print formats that the mirror has learnt."""
        with suppress(UnknownSeriesError):
            return self.mirror.catalogue.codecs(definition.name)
        return {}

    def _definition_at(self, ds: str, as_of: Named | None) -> SeriesDefinition:
        """The definition by which a question is answered; as of the past, that of the mirror."""
        if as_of is None:
            return self.definition(ds)
        return self.mirror.catalogue.definition(series_name(ds))

    def _keys_besides(self, ds: str, keys: Sequence[str], as_of: Named | None) -> list[str]:
        """Keys that the names of the records need besides those that are asked for."""
        from drmsmirror.client.names import keys_of_names

        definition = self._definition_at(ds, as_of)
        asked = plan_keys(definition, keys).keys
        return [name for name in keys_of_names(definition) if name not in asked]


def _refuse_remote(terms: Terms) -> None:
    if terms.policy is Policy.REMOTE or terms.max_age is not None:
        what = "policy remote" if terms.policy is Policy.REMOTE else "max_age"
        raise QueryError(
            f"as_of and {what} contradict each other: as of the past the mirror answers by itself"
        )
