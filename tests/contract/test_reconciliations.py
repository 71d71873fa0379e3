"""How far what is held was compared: kept by record set, and gone with its series."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from drmsmirror.catalogue import Catalogue, Depth, Reconciliation
from drmsmirror.errors import UnknownSeriesError
from tests.contract.conftest import START, stored_definition

NAME = "hmi.sharp_720s"
FOUND = Reconciliation(3, 12.5, START, START - timedelta(days=1), START, Depth.IN_PART, Depth.READ)


def test_it_is_kept_by_record_set(catalogue: Catalogue) -> None:
    catalogue.save_definition(stored_definition(NAME))
    assert catalogue.reconciliations.load(NAME, NAME) is None
    beginning = replace(FOUND, position=-math.inf, checked_since_utc=None)
    catalogue.reconciliations.save(NAME, NAME, FOUND)
    catalogue.reconciliations.save(NAME.upper(), f"{NAME}[377]", beginning)
    assert catalogue.reconciliations.load(NAME.upper(), NAME) == FOUND
    assert catalogue.reconciliations.load(NAME, f"{NAME}[377]") == beginning
    assert catalogue.reconciliations.of_series(NAME) == {NAME: FOUND, f"{NAME}[377]": beginning}
    catalogue.reconciliations.save(NAME, NAME, beginning)
    assert catalogue.reconciliations.load(NAME, NAME) == beginning


def test_of_an_unknown_series_there_is_none(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownSeriesError):
        catalogue.reconciliations.load("hmi.nosuch", "hmi.nosuch")
    with pytest.raises(UnknownSeriesError):
        catalogue.reconciliations.of_series("hmi.nosuch")
    with pytest.raises(UnknownSeriesError):
        catalogue.reconciliations.save("hmi.nosuch", "hmi.nosuch", FOUND)
