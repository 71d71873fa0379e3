"""Which key a filter is about (DRMS semantics 1.2)."""

from __future__ import annotations

import pytest

from drmsmirror.errors import UnknownSeriesError
from drmsmirror.model.recordset import Condition, Span, bind, parse_recordset

T_REC = Condition("t_rec_index", "T_REC", (Span(12151680, 12151681),))
CAMERA_1 = Condition("camera", "CAMERA", (Span(1, 2),))
CAMERA_2 = Condition("camera", "CAMERA", (Span(2, 3),))


def test_unnamed_filters_bind_to_prime_keys_in_order(conditions):
    assert conditions("hmi.M_45s[2010.05.01_TAI][1]") == (T_REC, CAMERA_1)


def test_empty_brackets_skip_one_prime_key(conditions):
    assert conditions("hmi.M_45s[][1]") == (CAMERA_1,)
    assert conditions("hmi.M_45s[2010.05.01_TAI][]") == (T_REC,)


def test_named_filters_do_not_advance_the_position(conditions):
    """The trap: ``[camera=1][2010.05.01_TAI]`` is CAMERA=1 AND T_REC=..."""
    assert conditions("hmi.M_45s[camera=1][2010.05.01_TAI]") == (CAMERA_1, T_REC)
    assert conditions("hmi.M_45s[CAMERA=1][][2]") == (CAMERA_1, CAMERA_2)


def test_an_unnamed_filter_after_a_named_one_is_about_the_first_key(conditions):
    """``[1]`` is then a time, the year 1, as in DRMS."""
    year_1 = Condition("t_rec_index", "T_REC", (Span(-1396924800, -1396924799),))
    assert conditions("hmi.M_45s[CAMERA=1][1]") == (CAMERA_1, year_1)


def test_filters_on_one_key_are_both_kept(conditions):
    assert conditions("hmi.M_45s[CAMERA=1][CAMERA=2]") == (CAMERA_1, CAMERA_2)


@pytest.mark.parametrize("written", ["CAMERA=1", "camera=1", " Camera = 1 ", "\tcamera\n=\t1"])
def test_names_count_without_regard_to_case_and_blanks(conditions, written):
    assert conditions(f"hmi.M_45s[{written}]") == (CAMERA_1,)


def test_the_index_key_of_a_slotted_key_is_a_name_too(conditions):
    (condition,) = conditions("hmi.M_45s[T_REC_index=12151680-12151690]")
    assert condition == Condition("t_rec_index", "T_REC", (Span(12151680, 12151691),))


def test_alternatives_are_joined_by_or(conditions):
    (condition,) = conditions("hmi.M_45s[][1,2]")
    assert condition == Condition("camera", "CAMERA", (Span(1, 2), Span(2, 3)))


@pytest.mark.parametrize("query", ["hmi.M_45s", "hmi.M_45s[]", "hmi.M_45s[][]", "test.nopk[][]"])
def test_no_filter_and_empty_filters_are_all_records(conditions, query):
    assert conditions(query) == ()


def test_series_names_count_without_regard_to_case(bound):
    one = bound("HMI.m_45S[2010.05.01_tai]")
    assert one.series.name == "hmi.M_45s"
    assert one.conditions == (T_REC,)


def test_segments_stay_as_they_were_written(bound):
    assert bound("hmi.M_45s[2010.05.01_TAI]{nosuch,Magnetogram}").segments == (
        "nosuch",
        "Magnetogram",
    )
    assert bound("hmi.M_45s[2010.05.01_TAI]{}").segments == ()
    assert bound("hmi.M_45s[2010.05.01_TAI]").segments is None


def test_sets_follow_one_another(definition_of):
    query = "hmi.M_45s[][1];hmi.sharp_720s[377]"
    answer = bind(parse_recordset(query), definition_of)
    assert answer.text == query
    assert [one.series.name for one in answer.sets] == ["hmi.M_45s", "hmi.sharp_720s"]


def test_what_the_definitions_raise_is_passed_on(definition_of):
    with pytest.raises(UnknownSeriesError):
        bind(parse_recordset("nosuch.series[1]"), definition_of)


def test_a_tree_without_text_binds_too(definition_of):
    tree = parse_recordset("hmi.M_45s[][1]")
    assert bind(type(tree)(tree.sets), definition_of).text == "hmi.M_45s[][1]"
