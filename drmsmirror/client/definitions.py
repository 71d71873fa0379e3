"""What series are: from the catalogue where it knows them, else from the upstream."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta

from drmsmirror.client.terms import Policy
from drmsmirror.errors import RecordSetError, StoreError, UnknownSeriesError, UpstreamError
from drmsmirror.mirror import Mirror
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.sharing import SharedUpstream

__all__ = ["Definitions", "series_name"]

_SERIES_NAME = re.compile(r"\s*([A-Za-z][\w.]*)\s*(?:$|[\[{,;])")

#: After this a definition by which nothing is held is read anew.
_LASTS = timedelta(days=1)


class Definitions:
    """Gives the definitions of series.

    Parameters
    ----------
    mirror : Mirror
    upstream : SharedUpstream
    policy : Policy
    """

    def __init__(self, mirror: Mirror, upstream: SharedUpstream, policy: Policy) -> None:
        self._mirror = mirror
        self._upstream = upstream
        self._policy = policy
        self._read: dict[str, SeriesDefinition] = {}

    def of(self, name: str) -> SeriesDefinition:
        """The definition by which records are held; without any, the upstream's.

        Raises
        ------
        UnknownSeriesError
            There is no such series (offline: none held).
        """
        if self._policy is Policy.REMOTE:
            return self.read(name)
        held = self._held(name)
        if held is None:
            if self._policy is Policy.OFFLINE:
                return self._mirror.catalogue.definition(name)  # says what is held
            return self._read_by_one(name)
        if self._policy is not Policy.OFFLINE and self._is_outdated(name):
            with suppress(UpstreamError):
                return self.read(name)
        return held

    def read(self, name: str) -> SeriesDefinition:
        """The upstream's definition, read once; kept where no records are held by another."""
        key = name.lower()
        if key not in self._read:
            self._read[key] = self._upstream.definition(name).definition
            with suppress(StoreError):
                self._keep(self._read[key])
        return self._read[key]

    def _read_by_one(self, name: str) -> SeriesDefinition:
        """The same for a series that is new here; of all who ask at the same time one reads."""
        return self._upstream.once(
            f"definition {name.lower()}",
            lambda: self.read(name),
            outcome=lambda: self._held(name),
        )

    def _held(self, name: str) -> SeriesDefinition | None:
        with suppress(UnknownSeriesError):
            return self._mirror.catalogue.definition(name)
        return None

    def _keep(self, definition: SeriesDefinition) -> None:
        catalogue = self._mirror.catalogue
        with suppress(UnknownSeriesError):
            if catalogue.state(definition.name).table_path is not None:
                return
        catalogue.save_definition(definition, upstream_url=self._mirror.settings.upstream.url)

    def _is_outdated(self, name: str) -> bool:
        catalogue = self._mirror.catalogue
        state = catalogue.state(name)
        age = catalogue.database.clock() - state.definition_read_utc
        return state.table_path is None and age > _LASTS


def series_name(ds: str) -> str:
    """The name with which a record set begins.

    Raises
    ------
    RecordSetError
        It begins with none.
    """
    found = _SERIES_NAME.match(ds)
    if found is None:
        raise RecordSetError(
            "This does not begin with the name of a series",
            ds,
            0,
            "Write it like hmi.M_45s, or hmi.M_45s[2010.05.01_TAI/1h]",
        )
    return found[1]
