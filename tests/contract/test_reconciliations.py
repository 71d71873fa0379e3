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
    assert catalogue.reconciliation(NAME, NAME) is None
    beginning = replace(FOUND, position=-math.inf, checked_since_utc=None)
    catalogue.save_reconciliation(NAME, NAME, FOUND)
    catalogue.save_reconciliation(NAME.upper(), f"{NAME}[377]", beginning)
    assert catalogue.reconciliation(NAME.upper(), NAME) == FOUND
    assert catalogue.reconciliation(NAME, f"{NAME}[377]") == beginning
    assert catalogue.reconciliations(NAME) == {NAME: FOUND, f"{NAME}[377]": beginning}
    catalogue.save_reconciliation(NAME, NAME, beginning)
    assert catalogue.reconciliation(NAME, NAME) == beginning


def test_of_an_unknown_series_there_is_none(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownSeriesError):
        catalogue.reconciliation("hmi.nosuch", "hmi.nosuch")
    with pytest.raises(UnknownSeriesError):
        catalogue.reconciliations("hmi.nosuch")
    with pytest.raises(UnknownSeriesError):
        catalogue.save_reconciliation("hmi.nosuch", "hmi.nosuch", FOUND)
