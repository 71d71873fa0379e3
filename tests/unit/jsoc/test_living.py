"""A series that grows, is revised, changes in place, shrinks and changes its keywords."""

from __future__ import annotations

from tests.jsoc import Keyword, SampleJsoc

from .asking import column, info

HARP = "hmi.sharp_720s[4315]"
ONE = "[4315][2014.07.05_12:00:00_TAI]"


def top(jsoc: SampleJsoc) -> int:
    return int(info(jsoc, "series_struct", "hmi.sharp_720s")["Interval"]["MaxRecnum"])


def test_append(living: SampleJsoc) -> None:
    before = top(living)
    recnums = living.append(
        "hmi.sharp_720s",
        {
            "HARPNUM": 9001,
            "T_REC": ["2021.01.01_00:00:00_TAI", "2021.01.01_00:12:00_TAI"],
            "USFLUX": [1.5e21, None],
            "QUALITY": 0,
        },
    )
    assert recnums == [before + 1, before + 2]
    assert column(living, "hmi.sharp_720s[9001]", "USFLUX") == ["1.500000e+21", "MISSING"]
    assert column(living, "hmi.sharp_720s[9001][$]", "T_REC_index") == ["1227241"]
    assert column(living, "hmi.sharp_720s[9001]", "MEANGAM") == ["MISSING", "MISSING"]
    assert top(living) == before + 2


def test_advance_brings_late_records_later(living: SampleJsoc) -> None:
    before = top(living)
    first = living.advance("hmi.sharp_720s", hours=48, late=0.2)
    assert first == list(range(before + 1, before + 1 + len(first)))
    assert len(first) < 240
    second = living.advance("hmi.sharp_720s", hours=0.2, late=0.0)
    assert len(first) + len(second) == 241
    times = column(living, f"hmi.sharp_720s[:#{second[0]}-#{second[-1]}]", "T_REC_index")
    newest = max(int(t) for t in times)
    assert sum(int(t) < newest for t in times) == len(second) - 1
    slots = [int(t) for t in column(living, "hmi.sharp_720s[7451]", "T_REC_index")]
    assert slots == list(range(slots[0], slots[0] + len(slots)))


def test_advance_is_the_same_every_time() -> None:
    grown = []
    for _ in range(2):
        with SampleJsoc(["hmi.M_45s"], size="small") as jsoc:
            jsoc.advance("hmi.M_45s", hours=1)
            grown.append(column(jsoc, "hmi.M_45s", "DATAMEAN"))
    assert grown[0] == grown[1]


def test_revise_supersedes(living: SampleJsoc) -> None:
    old = column(living, f"hmi.sharp_720s{ONE}", "*recnum*")
    (new,) = living.revise("hmi.sharp_720s", ONE, {"USFLUX": 2.5e22})
    assert column(living, f"hmi.sharp_720s{ONE}", "*recnum*") == [new]
    assert column(living, f"hmi.sharp_720s{ONE}", "USFLUX") == ["2.500000e+22"]
    assert column(living, f"hmi.sharp_720s{ONE}[! 1=1 !]", "*recnum*")[-2:] == [*old, new]
    assert new == top(living)
    assert info(living, "rs_summary", "hmi.sharp_720s[4315][2014.07.05_TAI/1d]")["count"] == 120


def test_change_in_place_keeps_the_recnum(living: SampleJsoc) -> None:
    before, old = top(living), column(living, f"hmi.sharp_720s{ONE}", "*recnum*")
    others = column(living, f"{HARP}[! 1=1 !]", "MEANGAM")
    changed = living.change_in_place("hmi.sharp_720s", old, {"MEANGAM": 1.0, "NOAA_ARS": "1,2"})
    assert changed == old
    assert column(living, f"hmi.sharp_720s{ONE}", "NOAA_ARS") == ["1,2"]
    after = column(living, f"{HARP}[! 1=1 !]", "MEANGAM")
    assert [b for a, b in zip(others, after, strict=True) if a != b] == ["1.000"]
    assert top(living) == before


def test_remove(living: SampleJsoc) -> None:
    everything = info(living, "rs_summary", "hmi.sharp_720s[! 1=1 !]")["count"]
    gone = living.remove("hmi.sharp_720s", "[4315][2014.07.05_TAI/1d][! 1=1 !]")
    assert len(gone) >= 120
    assert info(living, "rs_summary", "hmi.sharp_720s[4315][2014.07.05_TAI/1d]")["count"] == 0
    assert info(living, "rs_summary", "hmi.sharp_720s[! 1=1 !]")["count"] == everything - len(gone)


def test_keywords_come_and_go(living: SampleJsoc) -> None:
    added = Keyword("NEWKEY", "double", defval="nan", note="new", format="%.2f")
    living.add_keyword("hmi.sharp_720s", added, 1.25)
    assert column(living, f"hmi.sharp_720s{ONE}", "newkey") == ["1.25"]
    names = [k["name"] for k in info(living, "series_struct", "hmi.sharp_720s")["keywords"]]
    assert names[-1] == "NEWKEY"
    living.advance("hmi.sharp_720s", hours=0.2, late=0.0)
    assert column(living, "hmi.sharp_720s[:#$]", "NEWKEY") == ["MISSING"]
    living.drop_keyword("hmi.sharp_720s", "USFLUX")
    assert column(living, f"hmi.sharp_720s{ONE}", "USFLUX") == ["Invalid KeyLink"]
    names = [k["name"] for k in info(living, "series_struct", "hmi.sharp_720s")["keywords"]]
    assert "USFLUX" not in names
    answer = info(living, "rs_list", f"hmi.sharp_720s{ONE}", key="**ALL**")
    assert "USFLUX" not in [k["name"] for k in answer["keywords"]]


def test_upstream_can_go_back_in_time(living: SampleJsoc) -> None:
    before = living.series("hmi.sharp_720s")
    living.advance("hmi.sharp_720s", hours=24)
    assert top(living) > int(before.columns["recnum"].max())
    living.add(before)
    assert top(living) == int(before.columns["recnum"].max())
