"""From ``series_struct`` to a definition and back (DRMS semantics 2.3, 4.2.2)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drmsmirror.errors import DefinitionError, UnknownKeywordError
from drmsmirror.model.series import Axis, Scope, SeriesDefinition
from drmsmirror.model.struct import (
    definition_from_struct,
    learnt_from_struct,
    struct_from_definition,
)

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "series").glob("*.json"))


def _load(name: str) -> SeriesDefinition:
    (path,) = [path for path in VECTORS if path.stem == name]
    return definition_from_struct(name, json.loads(path.read_bytes()))


def _struct(**changes: Any) -> dict[str, Any]:
    keywords = [{"name": "A", "type": "int", "recscope": "variable", "defval": "0"}]
    return {"primekeys": ["A"], "keywords": keywords, "segments": [], "links": []} | changes


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_definition_survives_its_struct(path: Path) -> None:
    definition = _load(path.stem)

    assert definition_from_struct(path.stem, struct_from_definition(definition)) == definition


def test_what_was_learnt_survives_beside_the_definition() -> None:
    given = _load("hmi.sharp_720s")
    plain = replace(given, keywords=tuple(replace(k, format=None) for k in given.keywords))
    codecs = {"USFLUX": "%e", "QUALITY": "0x%08X", "T_REC": "TAI 0", "T_OBS": "UTC 3"}

    struct = struct_from_definition(plain, codecs)

    assert learnt_from_struct(plain.name, struct) == (plain, codecs)
    formats = {"USFLUX": "%e", "QUALITY": "0x%08X", "T_REC": "0", "T_OBS": "UTC 3"}
    assert struct["x_formats"] == formats
    read = definition_from_struct(plain.name, struct)
    assert {k.name: k.format for k in read.keywords if k.format} == formats
    assert definition_from_struct(plain.name, struct_from_definition(read)) == read


def test_what_was_learnt_goes_before_what_the_definition_says() -> None:
    given = _load("hmi.sharp_720s")

    struct = struct_from_definition(given, {"T_OBS": "TAI 3", "USFLUX": "%.3f"})

    assert struct["x_learnt"] == ["USFLUX"]
    assert (struct["x_formats"]["T_OBS"], struct["x_formats"]["USFLUX"]) == ("3", "%.3f")


def test_names_are_found_in_any_case_and_spelled_as_the_series_spells_them() -> None:
    definition = definition_from_struct("HMI.m_45S", struct_from_definition(_load("hmi.M_45s")))

    assert definition.name == "hmi.M_45s"
    assert definition.keyword("t_rec").name == "T_REC"


def test_a_slotted_prime_key_is_replaced_by_its_index() -> None:
    assert _load("hmi.sharp_720s").internal_prime_keys == ("harpnum", "t_rec_index")


@pytest.mark.parametrize(
    ("series", "axis"),
    [
        ("hmi.sharp_720s", Axis("t_rec_index", "T_REC", slotted=True)),
        ("test.timekey", Axis("obstime", "OBSTIME", slotted=False)),
        ("test.strfsn", Axis("recnum", None, slotted=False)),
        ("test.nopk", Axis("recnum", None, slotted=False)),
    ],
)
def test_the_axis_is_the_slotted_time_else_the_time_else_the_record_number(
    series: str, axis: Axis
) -> None:
    assert _load(series).axis == axis


def test_no_prime_keys_are_written_as_a_list_of_null() -> None:
    definition = _load("test.nopk")

    assert definition.prime_keys == ()
    assert struct_from_definition(definition)["primekeys"] == [None]


def test_columns_are_prime_and_index_keys_first_and_leave_out_constants_and_implicit_ones() -> None:
    names = [column.name for column in _load("hmi.sharp_720s").columns]

    assert names[:3] == ["harpnum", "t_rec", "t_rec_index"]
    assert "bunit_000" in names
    assert "magflag" in names  # read through a link: the value as it was seen
    assert not {"t_rec_epoch", "t_rec_step", "cadence", "bunit", "cparms_sg000"} & set(names)


def test_a_per_segment_keyword_is_asked_for_by_segment() -> None:
    column = _load("hmi.sharp_720s").column("bunit_001")

    assert column is not None
    assert column.key == "BUNIT[1]"


def test_an_alias_is_known_by_the_bracketed_name_before_it() -> None:
    entry = {"type": "time", "recscope": "variable", "defval": "", "units": "ISO"}
    definition = definition_from_struct(
        "hmi.x",
        _struct(
            keywords=[
                {"name": "A", "type": "int", "recscope": "variable"},
                {"name": "DATE__OBS", "note": "[DATE-OBS] observation date", **entry},
                {"name": "DATE-OBS", "note": "observation date", **entry},
            ]
        ),
    )

    assert definition.keyword("DATE-OBS").alias_of == "DATE__OBS"
    assert [column.name for column in definition.columns] == ["a", "date__obs"]


def test_a_keyword_whose_link_cannot_be_followed_is_text() -> None:
    linked = {"name": "B", "linkinfo": "L->B", "type": "link", "recscope": "error following link"}
    definition = definition_from_struct("hmi.x", _struct(keywords=[*_struct()["keywords"], linked]))

    assert definition.keyword("B").type == "string"
    assert definition.keyword("B").scope is Scope.VARIABLE


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"keywords": None}, "no list of keywords"),
        ({"keywords": ["A"]}, "no list of keywords"),
        ({"segments": {}}, "no list of segments"),
        ({"primekeys": ["B"]}, "'B', which is no keyword"),
        ({"keywords": [{"name": "A", "type": "complex"}]}, "type 'complex'"),
        ({"keywords": [{"name": "A", "type": "int", "recscope": "odd"}]}, "recscope 'odd'"),
        ({"keywords": [{"type": "int"}]}, "without a name"),
    ],
)
def test_a_struct_that_contradicts_itself_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        definition_from_struct("hmi.x", _struct(**changes))


@pytest.mark.parametrize("name", ["bob", "", "../up.x", "hmi.a/b", "hmi..x", "hmi.x'; --", "h.\n"])
def test_a_series_name_is_a_namespace_and_a_name_and_nothing_else(name: str) -> None:
    with pytest.raises(DefinitionError, match="no series name"):
        definition_from_struct(name, _struct())


@pytest.mark.parametrize("name", ["_latest", 'a" b', "a;b", "1A"])
def test_a_keyword_name_is_a_word(name: str) -> None:
    keywords = [*_struct()["keywords"], {"name": name, "type": "int", "recscope": "variable"}]

    with pytest.raises(DefinitionError, match="no keyword name"):
        definition_from_struct("hmi.x", _struct(keywords=keywords))


def test_an_unknown_keyword_is_answered_with_near_names() -> None:
    with pytest.raises(UnknownKeywordError, match="Did you mean USFLUX"):
        _load("hmi.sharp_720s").keyword("USFLX")


@pytest.mark.parametrize(
    ("member", "value"),
    [("x_formats", ["%d"]), ("x_formats", {"T_REC": 3}), ("x_learnt", "T_REC"), ("x_learnt", 7)],
)
def test_a_member_of_our_own_of_the_wrong_kind_is_told(member: str, value: object) -> None:
    answer = struct_from_definition(SeriesDefinition("test.any")) | {member: value}
    with pytest.raises(DefinitionError, match=f"{member} must be"):
        learnt_from_struct("test.any", answer)
