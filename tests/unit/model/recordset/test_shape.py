"""From query string to sets, filters and segments (DRMS semantics 1.1)."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from drmsmirror.model.recordset import (
    Name,
    Number,
    NumberFilter,
    RecnumFilter,
    RecordSet,
    SeriesSet,
    SqlFilter,
    Value,
    ValueFilter,
    canonical,
    parse_recordset,
)


def texts(query: str) -> list[str]:
    return [str(one) for one in parse_recordset(query).sets]


def test_a_query_is_sets_of_filters_of_values():
    tree = parse_recordset("hmi.M_45s[2010.05.01_TAI/1h][CAMERA = 1]{magnetogram}")
    assert tree == RecordSet(
        (
            SeriesSet(
                Name("hmi.M_45s"),
                (
                    ValueFilter(None, (Value("2010.05.01_TAI/1h"),)),
                    ValueFilter(Name("CAMERA"), (Value("1"),)),
                ),
                ("magnetogram",),
            ),
        )
    )


def test_offsets_point_into_the_query():
    query = " hmi.M_45s [ CAMERA = 1 , 2 ]"
    (one,) = parse_recordset(query).sets
    (part,) = one.filters
    assert query[one.series.offset :].startswith("hmi")
    assert part.keyword is not None
    assert query[part.keyword.offset :].startswith("CAMERA")
    assert [query[value.offset] for value in part.values] == ["1", "2"]


@pytest.mark.parametrize("separator", [",", ";", "\n", " , ", ";\n", "\n\n", " \n\t"])
def test_elements_are_separated_by_comma_semicolon_or_newline(separator):
    assert texts(f"hmi.M_45s[1]{separator}hmi.M_720s[2]") == ["hmi.M_45s[1]", "hmi.M_720s[2]"]


@pytest.mark.parametrize("end", [",", ";", " ,", ", ", "\n", ",\n"])
def test_one_trailing_separator_is_accepted(end):
    assert texts(f"hmi.M_45s[1]{end}") == ["hmi.M_45s[1]"]


def test_leading_and_trailing_white_space_is_trimmed():
    assert texts("\n\t hmi.M_45s[1] \t\n") == ["hmi.M_45s[1]"]


def test_white_space_is_accepted_between_series_filters_and_segments():
    assert texts("hmi.M_45s [1] \t[2]\n{ magnetogram }") == ["hmi.M_45s[1][2]{magnetogram}"]


def test_a_newline_before_brackets_or_braces_separates_nothing():
    assert texts("hmi.M_45s\n[1]\n{a}") == ["hmi.M_45s[1]{a}"]


def test_a_filter_ends_at_the_first_bracket_outside_quotes():
    assert texts("x.str['a]b',\"c]\"]") == ["x.str['a]b',\"c]\"]"]


def test_backslashes_escape_quotes_inside_quotes():
    (one,) = parse_recordset(r"""x.str["a\"]b", 'it\'s']""").sets
    assert [str(value) for value in one.filters[0].values] == [r'"a\"]b"', r"'it\'s'"]


def test_commas_and_separators_inside_quotes_are_text():
    assert texts("x.str['a,b;c']") == ["x.str['a,b;c']"]


@pytest.mark.parametrize("brackets", ["[]", "[ ]", "[\t\n]"])
def test_a_filter_may_be_empty(brackets):
    (one,) = parse_recordset(f"hmi.M_45s{brackets}").sets
    assert one.filters == (ValueFilter(),)


def test_numbers_stand_behind_a_mark():
    (one,) = parse_recordset(
        "hmi.M_45s[#5][T_REC_index = # 1 - # 9 @ 2, #-#, #3-#, #1/4, #$][:#7]"
    ).sets
    single, several, recnums = one.filters
    assert single == NumberFilter(None, (Number(5, 5),))
    assert several == NumberFilter(
        Name("T_REC_index"),
        (
            Number(1, 9, step=2, is_range=True),
            Number(is_range=True),
            Number(3, is_range=True),
            Number(1, length=4, is_range=True),
            Number(edge="$"),
        ),
    )
    assert recnums == RecnumFilter((Number(7, 7),))


def test_the_first_and_last_are_values_of_their_own():
    (one,) = parse_recordset("hmi.M_45s[^,1,$]['$']").sets
    assert [str(value) for value in one.filters[0].values] == ["^", "1", "$"]
    assert [str(value) for value in one.filters[1].values] == ["'$'"]


def test_conditions_end_at_their_own_mark():
    (one,) = parse_recordset("x.y[? a[1] = ']' AND b = '?]' ?][! c ~ '!' !]").sets
    assert one.filters == (
        SqlFilter("a[1] = ']' AND b = '?]'"),
        SqlFilter("c ~ '!'", all_versions=True),
    )


@pytest.mark.parametrize("comment", [" # note", "#c#", " # two words #", "# never closed"])
def test_a_comment_after_the_last_set_is_left_out(comment):
    assert texts(f"hmi.M_45s[1]{comment}") == ["hmi.M_45s[1]"]


def test_a_set_may_have_no_filter():
    (one,) = parse_recordset("hmi.M_45s").sets
    assert one.filters == ()
    assert one.segments is None


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("{magnetogram}", ("magnetogram",)),
        ("{ Ux, Uy }", ("Ux", "Uy")),
        ("{Br;Bp:Bt}", ("Br", "Bp", "Bt")),
        ("{magnetogram,}", ("magnetogram",)),
        ("{a b}", ("ab",)),  # white space is dropped; a blank is no separator
        ("{}", ()),  # an empty list of segments
    ],
)
def test_segments_stand_in_braces(written, names):
    (one,) = parse_recordset(f"hmi.M_45s[1]{written}").sets
    assert one.segments == names


def test_segments_need_no_filter():
    (one,) = parse_recordset("hmi.M_45s{magnetogram}").sets
    assert one.segments == ("magnetogram",)


def test_non_ascii_text_is_accepted_in_quotes():
    assert texts("test.strfsn['ünïcode ☉']") == ["test.strfsn['ünïcode ☉']"]


def test_canonical_text_leaves_white_space_out_and_parses_to_an_equal_tree():
    tree = parse_recordset(
        " hmi.M_45s [ 2010.05.01_TAI / 1h , 3000d ] [ camera = 1 ] { a , b } ; x.y"
    )
    assert canonical(tree) == "hmi.M_45s[2010.05.01_TAI / 1h,3000d][camera=1]{a,b},x.y"
    assert parse_recordset(canonical(tree)) == tree


def test_trees_compare_without_offsets():
    assert parse_recordset("a.b[1]") == parse_recordset("  a.b[ 1 ]")


def test_importing_the_language_does_not_import_lark():
    code = "import sys, drmsmirror.model.recordset; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_threads_may_parse_at_once():
    queries = [f"hmi.M_45s[{number}],x.y['{number}]']" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert [canonical(tree) for tree in pool.map(parse_recordset, queries)] == queries


def test_white_space_costs_no_backtracking():
    assert texts("hmi.M_45s[1]" + " \n" * 200_000) == ["hmi.M_45s[1]"]
