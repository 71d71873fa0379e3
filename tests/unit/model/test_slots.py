"""Slots: value to index, index to value, and where the rule comes from (DRMS semantics 2.4)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from drmsmirror.errors import DefinitionError
from drmsmirror.model.series import Keyword, Scope, SeriesDefinition
from drmsmirror.model.slots import EPOCHS, MISSING_INDEX, Slotting, slotting
from drmsmirror.model.struct import definition_from_struct
from drmsmirror.model.times import parse_time
from drmsmirror.model.types import MISSING_TIME, KeywordType

VECTORS = Path(__file__).parents[2] / "vectors"


def series(scope: str = "ts_eq", kind: str = "time", **constants: str) -> SeriesDefinition:
    """Make a series whose key ``K`` is slotted by the constants ``K_step``, ``K_epoch``, ..."""
    keywords = [Keyword("K", KeywordType(kind), Scope(scope))]
    keywords += [
        Keyword(f"K_{name}", KeywordType.STRING, Scope.CONSTANT, default=text)
        for name, text in constants.items()
    ]
    return SeriesDefinition("test.slots", keywords=tuple(keywords), prime_keys=("K",))


def slots_of(definition: SeriesDefinition, name: str = "K") -> Slotting:
    return slotting(definition, definition.keyword(name))


def test_the_rule_is_read_from_the_definition_that_the_server_sends():
    path = VECTORS / "series" / "hmi.sharp_720s.json"
    definition = definition_from_struct("hmi.sharp_720s", json.loads(path.read_text()))
    slots = slots_of(definition, "t_rec")
    assert slots == Slotting(Scope.TS_EQ, base=504921600.0, step=720.0, round=720.0)
    assert slots.is_time
    assert slots.index(parse_time("2011.02.15_02:12:00_TAI")) == 794291
    assert slots.value(794291) == parse_time("2011.02.15_02:12:00_TAI")


@pytest.mark.parametrize(
    ("step", "epoch", "time", "index"),
    [
        ("45", "1993.01.01_TAI", "2010.05.01_00:00:00_TAI", 12151680),
        ("720.000000", "1993.01.01_TAI", "2020.09.27_00:00:00_TAI", 1215720),
        ("12.000000", "1977.01.01_TAI", "2014-01-01T00:00:01Z", 97300803),
        ("96m", "MDI_EPOCH", "2010.07.14_11:12:00", 96052),
    ],
)
def test_a_time_belongs_to_the_nearest_slot(step, epoch, time, index):
    assert slots_of(series(step=step, epoch=epoch)).index(parse_time(time)) == index


def test_an_exact_half_slot_goes_up():
    slots = slots_of(series(step="45", epoch="1993.01.01_TAI"))
    half = parse_time("2010.05.01_00:00:22.5_TAI")
    assert slots.index(half) == 12151681
    assert slots.index(math.nextafter(half, 0)) == 12151680
    assert slots_of(series("carr", "double", step="5")).index(-2.5) == 0


def test_ts_slot_takes_the_slot_that_began_last_unless_it_rounds():
    time = parse_time("2012.06.06_02:27:00.86_UTC")
    assert slots_of(series("ts_slot", step="1", epoch="DRMS_EPOCH")).index(time) == 1118024854
    rounded = slots_of(series("ts_slot", step="1", epoch="DRMS_EPOCH", round="1"))
    assert rounded.index(time) == 1118024855


def test_a_plain_slot_counts_from_its_base_and_a_carrington_one_from_zero():
    assert slots_of(series("slot", "float", step="2.5", base="0")).index(1.25) == 1
    assert slots_of(series("slot", "float", step="2.5", base="10")) == Slotting(
        Scope.SLOT, 10.0, 2.5, 2.5
    )
    assert slots_of(series("carr", "double", step="30", unit="arcmins")).step == 0.5
    assert not slots_of(series("carr", "double", step="30", unit="arcmins")).is_time


@pytest.mark.parametrize(
    ("step", "unit", "seconds"),
    [
        ("450", "tenthsecs", 45.0),
        ("45", "secs", 45.0),
        ("45", "none", 45.0),
        ("45", "", 45.0),
        ("96", "mins", 5760.0),
        ("2", "hours", 7200.0),
        ("1", "days", 86400.0),
        ("90s", "days", 90.0),
        ("1d", "secs", 86400.0),
    ],
)
def test_the_step_is_a_number_in_a_unit_or_a_duration(step, unit, seconds):
    assert slots_of(series(step=step, unit=unit, epoch="DRMS_EPOCH")).step == seconds


@pytest.mark.parametrize("name", EPOCHS)
def test_the_epoch_may_be_a_name(name):
    assert slots_of(series(step="60", epoch=name)).base == EPOCHS[name]


def test_the_named_epochs_are_the_dates_that_they_say():
    assert EPOCHS["MDI_EPOCH"] == parse_time("1993.01.01_TAI")
    assert EPOCHS["TAI_EPOCH"] == parse_time("1958.01.01_TAI")
    assert EPOCHS["MJD_EPOCH"] == parse_time("MJD_0_TAI")


def test_the_epoch_may_be_a_time_or_seconds():
    assert slots_of(series(step="60", epoch="2010.05.01_00:00:00_UTC")).base == 1051747234.0
    assert slots_of(series(step="60", epoch="504921600.000000")).base == 504921600.0


def test_a_missing_value_has_the_missing_index():
    times = slots_of(series(step="60", epoch="DRMS_EPOCH"))
    numbers = slots_of(series("slot", "double", step="60", base="0"))
    assert MISSING_INDEX == -(2**63)
    for value in (math.nan, math.inf, MISSING_TIME, MISSING_TIME + 5e-5, 1e300):
        assert times.index(value) == times.indices([value])[0] == MISSING_INDEX
    assert times.index(MISSING_TIME + 0.184) != MISSING_INDEX
    assert numbers.index(MISSING_TIME) == numbers.indices([MISSING_TIME])[0] != MISSING_INDEX


def test_many_values_at_once_keep_their_shape():
    slots = slots_of(series(step="45", epoch="1993.01.01_TAI"))
    values = np.array([[504921600.0, 504921622.5], [np.nan, 504921577.4]])
    indices = slots.indices(values)
    assert indices.dtype == np.int64
    assert indices.tolist() == [[0, 1], [MISSING_INDEX, -1]]
    assert slots.indices([]).shape == (0,)


@pytest.mark.parametrize(
    ("constants", "says"),
    [
        ({"epoch": "DRMS_EPOCH"}, "needs the constant K_step"),
        ({"step": "45"}, "needs the constant K_epoch"),
        ({"step": "", "epoch": "DRMS_EPOCH"}, "needs the constant K_step"),
        ({"step": "fast", "epoch": "DRMS_EPOCH"}, "K_step is 'fast'"),
        ({"step": "ads", "epoch": "DRMS_EPOCH"}, "K_step is 'ads', which is not a duration"),
        ({"step": "nan", "epoch": "DRMS_EPOCH"}, "K_step is 'nan'"),
        ({"step": "0", "epoch": "DRMS_EPOCH"}, "K_step is '0', which is not a positive"),
        ({"step": "-45", "epoch": "DRMS_EPOCH"}, "K_step is '-45'"),
        ({"step": "45", "epoch": "EPOCH"}, "K_epoch is 'EPOCH', which is not a time or one of"),
        ({"step": "45", "epoch": "DRMS_EPOCH", "unit": "weeks"}, "K_unit is 'weeks'"),
        ({"step": "45", "epoch": "DRMS_EPOCH", "unit": "degrees"}, "K_unit is 'degrees'"),
    ],
)
def test_a_constant_that_is_missing_or_malformed_is_named(constants, says):
    with pytest.raises(DefinitionError, match=f"test.slots: .*{says}"):
        slots_of(series(**constants))


def test_a_plain_slot_needs_a_base():
    with pytest.raises(DefinitionError, match="K_base"):
        slots_of(series("slot", "float", step="2.5"))


def test_a_round_must_be_a_length():
    with pytest.raises(DefinitionError, match="K_round is '-1'"):
        slots_of(series("ts_slot", step="45", epoch="DRMS_EPOCH", round="-1"))


@pytest.mark.parametrize("scope", ["variable", "enum"])
def test_a_keyword_without_slots_is_refused(scope):
    with pytest.raises(DefinitionError, match=f"of class {scope}"):
        slots_of(series(scope, step="1"))
