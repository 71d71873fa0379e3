"""Series definitions and codecs: given back exactly as they were saved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from sqlalchemy import select

from drmsmirror.catalogue import MASTER_TABLES, Catalogue, SeriesSummary
from drmsmirror.catalogue.tables import drms_keyword, drms_link, drms_segment, drms_series
from drmsmirror.errors import UnknownKeywordError, UnknownSeriesError
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import EVERYTHING
from drmsmirror.model.series import Keyword, Link, LinkTarget, Scope, Segment, SeriesDefinition
from drmsmirror.model.types import KeywordType
from tests.contract.conftest import SERIES, START, Clock, stored_definition


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_every_stored_series_comes_back_the_same(catalogue: Catalogue, path: Path) -> None:
    definition = stored_definition(path.stem)
    catalogue.save_definition(definition)
    assert catalogue.definition(definition.name.upper()) == definition
    catalogue.save_definition(definition)
    assert catalogue.definition(definition.name) == definition


def test_odd_definitions_come_back_the_same(catalogue: Catalogue) -> None:
    odd = SeriesDefinition(
        name="su_Somebody.Odd_Series.v2",
        note="',\"; -- ümlaut\n%s :x \\",
        keywords=(
            Keyword("A", KeywordType.STRING, default="", format=""),
            Keyword("a_b", KeywordType.STRING, Scope.SEGMENT, alias_of="A"),
            Keyword("L", KeywordType.DOUBLE, link=LinkTarget("LNK", "")),
            Keyword("a", KeywordType.CHAR, Scope.ENUM, note="the same name in another case"),
        ),
        prime_keys=(),
        db_index=("A",),
        segments=(Segment("s"), Segment("S", dims="16xVARx3", protocol="link via LNK")),
        links=(Link("LNK", "Other.Series", "Dynamic", note="x"),),
        attributes={"retention": -1, "archive": -1},
    )
    catalogue.save_definition(odd)
    assert catalogue.definition("SU_SOMEBODY.ODD_SERIES.V2") == odd


def test_the_master_tables_hold_what_drms_holds(catalogue: Catalogue) -> None:
    definition = stored_definition("hmi.sharp_720s")
    catalogue.save_definition(definition)
    with catalogue.database.read() as connection:
        series = connection.execute(select(drms_series)).one()
        keywords = {row.keywordname: row for row in connection.execute(select(drms_keyword))}
        segment = connection.execute(select(drms_segment).order_by("segnum")).first()
        link = connection.execute(select(drms_link).order_by("link_rank")).first()
    assert series.primary_idx == "HARPNUM, T_REC_index"
    assert series.retention == 1000 | 10 << 16
    t_rec, index = keywords["T_REC"], keywords["T_REC_index"]
    ranks = {keyword.name: rank for rank, keyword in enumerate(definition.keywords, start=1)}
    assert (t_rec.isconstant, t_rec.persegment) == (1000, ranks["T_REC"] << 16 | 8)
    assert (index.isconstant, index.persegment) == (100, ranks["T_REC_index"] << 16 | 4 | 2)
    assert keywords["T_REC_step"].isconstant == 1
    linked = next(keyword for keyword in definition.keywords if keyword.link)
    row = keywords[linked.name]
    assert (row.islink, row.linkname, row.targetkeyw) == (1, linked.link.link, linked.link.keyword)
    assert segment is not None
    assert (segment.naxis, segment.axis, segment.scope) == (2, "VAR, VAR", "vardim")
    assert link is not None
    assert (link.type, link.kind) == ("dynamic", "DYNAMIC")


#: The columns that DRMS has (DRMS semantics 3.1).
MASTERS = {
    "drms_series": "seriesname author owner unitsize archive retention tapegroup primary_idx "
    "created description dbidx version",
    "drms_keyword": "seriesname keywordname linkname targetkeyw type defaultval format unit islink "
    "isconstant persegment description",
    "drms_segment": "seriesname segmentname segnum scope type naxis axis unit protocol description "
    "islink linkname targetseg cseg_recnum",
    "drms_link": "seriesname linkname target_seriesname type description",
}


def test_a_master_table_has_what_drms_has_there_and_nothing_else(catalogue: Catalogue) -> None:
    assert set(MASTER_TABLES) == set(MASTERS)
    keywords = (
        Keyword("DATE__OBS", KeywordType.STRING, note="[DATE-OBS] when"),
        Keyword("DATE-OBS", KeywordType.STRING, alias_of="DATE__OBS"),
        Keyword("B", KeywordType.INT),
    )
    links, segments = (Link("L", "a.b", "STATIC"),), (Segment("s", dims="2x3"), Segment("r"))
    for name in ("A_B.one", "a_b.Two", "axb.three", "a_b_c.four", "A_B"):
        catalogue.save_definition(
            SeriesDefinition(name, keywords=keywords, links=links, segments=segments)
        )
    found = {name: catalogue.master_table(name, "a_b") for name in MASTERS}
    for name, table in found.items():
        assert table.column_names == MASTERS[name].split()
        assert set(table["seriesname"].to_pylist()) == {"A_B.one", "a_b.Two"}
    assert found["drms_keyword"]["keywordname"].to_pylist() == ["DATE__OBS", "B"] * 2
    assert found["drms_segment"]["segnum"].to_pylist() == [0, 1, 0, 1]
    assert found["drms_link"]["type"].to_pylist() == ["static"] * 2
    assert catalogue.master_table("drms_link", "nosuch").num_rows == 0


def test_all_series_are_listed_by_name(catalogue: Catalogue) -> None:
    for name in ("test.nopk", "hmi.sharp_720s", "hmi.M_45s"):
        catalogue.save_definition(stored_definition(name))
    assert catalogue.series()[0] == SeriesSummary(
        "hmi.M_45s", "Synthetic stand-in: line-of-sight magnetograms, 45 s"
    )
    assert [series.name for series in catalogue.series()] == [
        "hmi.M_45s", "hmi.sharp_720s", "test.nopk",
    ]  # fmt: skip


def test_an_unknown_series_is_named_with_near_ones(catalogue: Catalogue) -> None:
    catalogue.save_definition(stored_definition("hmi.M_45s"))
    with pytest.raises(UnknownSeriesError, match=r"no series 'hmi\.m_46s'.*mean hmi\.M_45s\?"):
        catalogue.definition("hmi.m_46s")
    with pytest.raises(UnknownSeriesError, match="drmsmirror status"):
        catalogue.state("quite.different")
    for use in (catalogue.coverage, catalogue.codecs):
        with pytest.raises(UnknownSeriesError):
            use("hmi.m_46s")


def keep_codecs(catalogue: Catalogue, codecs: dict[str, str]) -> None:
    catalogue.record_window("HMI.m_45S", entries=(), table_version=1, rows_held=0, codecs=codecs)


def test_a_changed_definition_replaces_the_old_and_keeps_codecs(catalogue: Catalogue) -> None:
    before = stored_definition("hmi.M_45s")
    catalogue.save_definition(before)
    keep_codecs(catalogue, {"quality": "hex", "CAMERA": "%d", "DATE": "iso"})
    assert catalogue.codecs("hmi.m_45s") == {"CAMERA": "%d", "DATE": "iso", "QUALITY": "hex"}
    keywords = [keyword for keyword in before.keywords if keyword.name != "DATE"]
    after = replace(
        before,
        note="changed",
        keywords=tuple(
            replace(keyword, type=KeywordType.LONGLONG) if keyword.name == "QUALITY" else keyword
            for keyword in reversed(keywords)
        ),
        segments=(),
    )
    catalogue.save_definition(after)
    assert catalogue.definition("hmi.M_45s") == after
    assert catalogue.codecs("hmi.M_45s") == {"CAMERA": "%d"}


def test_a_codec_of_an_unknown_keyword_saves_none(catalogue: Catalogue) -> None:
    catalogue.save_definition(stored_definition("hmi.M_45s"))
    with pytest.raises(UnknownKeywordError, match="'NOPE'"):
        keep_codecs(catalogue, {"CAMERA": "%d", "NOPE": "x"})
    assert catalogue.codecs("hmi.M_45s") == {}


def test_coverage_stays_with_a_changed_definition(catalogue: Catalogue) -> None:
    before = stored_definition("hmi.M_45s")
    catalogue.save_definition(before)
    entry = CoverageEntry(
        EVERYTHING, Restriction(), frozenset({"t_rec"}), Versions.LATEST, 0, 7, START
    )
    catalogue.record_window("hmi.M_45s", entries=[entry], table_version=1, rows_held=5)
    catalogue.save_definition(replace(before, note="changed"))
    assert catalogue.coverage("hmi.M_45s") == (entry,)
    assert catalogue.state("hmi.M_45s").rows_held == 5


def test_when_and_where_it_was_read_is_kept(catalogue: Catalogue, clock: Clock) -> None:
    definition = stored_definition("hmi.M_45s")
    catalogue.save_definition(definition, upstream_url="http://jsoc.example")
    assert catalogue.state("hmi.M_45s").definition_read_utc == START
    clock.move(60)
    catalogue.save_definition(definition)
    state = catalogue.state("hmi.M_45s")
    assert state.upstream_url == "http://jsoc.example"
    assert state.definition_read_utc == clock.now
    assert state.definition_read_utc.tzinfo is UTC


def test_series_are_found_that_have_records_and_a_link_to_one(catalogue: Catalogue) -> None:
    name, target = "hmi.sharp_720s", "HMI.mharp_720s"
    catalogue.save_definition(stored_definition(name))
    assert catalogue.linked_to(target) == ()
    catalogue.save_state(replace(catalogue.state(name), table_path="records/hmi/sharp_720s"))
    assert catalogue.linked_to(target) == (name,)
    assert catalogue.linked_to(name) == ()
