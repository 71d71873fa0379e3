"""Queries found in published programs, and what they mean (DRMS semantics 6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drmsmirror.model.recordset import BoundSet, Span, bind, parse_recordset

#: Series of the corpus that have the keys and slots of the series in the queries.
LIKE = {
    "hmi.v_45s": "hmi.M_45s",
    "hmi.Ic_45s": "hmi.M_45s",
    "hmi.sharp_cea_720s": "hmi.sharp_720s",
    "mdi.fd_M_96m_lev182": "mdi.fd_M_96m_lev182",
    "hmi.lev0e": "hmi.synoptic_mr_720s",
}


@pytest.fixture
def meaning(definition_of):
    """Bind a query, and give its spans by column."""

    def bind_one(query: str) -> tuple[BoundSet, dict[str, tuple[Span, ...]]]:
        tree = parse_recordset(query)
        (one,) = bind(
            tree, lambda name: replace(definition_of(LIKE.get(name, name)), name=name)
        ).sets
        return one, {condition.column: condition.spans for condition in one.conditions}

    return bind_one


@pytest.mark.parametrize(
    ("query", "spans"),
    [
        ("hmi.v_45s[2013.07.03_08:42_TAI/3m]", {"t_rec_index": (Span(14377656, 14377660),)}),
        ("hmi.v_45s[2013.07.03_08:42_TAI/4m]", {"t_rec_index": (Span(14377656, 14377661),)}),
        (
            "hmi.v_45s[2016.04.01_TAI/1d@6h]{Dopplergram}",
            {"t_rec_index": (Span(16302720, 16304640, step=480),)},
        ),
        (
            "hmi.v_45s[2014.01.01_00:00:35_TAI-2014.01.01_01:00:35_TAI]",
            {"t_rec_index": (Span(14726401, 14726482),)},
        ),
        (
            "hmi.sharp_720s[4864][2014.11.30_00:00:00_TAI]",
            {"harpnum": (Span(4864, 4865),), "t_rec_index": (Span(960360, 960361),)},
        ),
        (
            "hmi.sharp_720s[7451][2020.09.27_00:00:00_TAI]{continuum, magnetogram, field}",
            {"harpnum": (Span(7451, 7452),), "t_rec_index": (Span(1215720, 1215721),)},
        ),
        (
            "hmi.sharp_cea_720s[377][2011.02.15_02:12:00_TAI]{Br}",
            {"harpnum": (Span(377, 378),), "t_rec_index": (Span(794291, 794292),)},
        ),
        (
            "hmi.sharp_720s[377][2011.02.15_00:00:00]",
            {"harpnum": (Span(377, 378),), "t_rec_index": (Span(794280, 794281),)},
        ),
        (
            "hmi.sharp_cea_720s[][2014.01.01 - 2016.01.01]",
            {"t_rec_index": (Span(920400, 1008001),)},
        ),
        (
            "hmi.sharp_cea_720s[][2010.05.01_00:00:00_TAI/180d@2h]",
            {"t_rec_index": (Span(759480, 781080, step=10),)},
        ),
        ("hmi.sharp_cea_720s[1-7256]", {"harpnum": (Span(1, 7257),)}),
        ("mdi.fd_M_96m_lev182[2010.07.14_11:12:00]", {"t_rec_index": (Span(96052, 96053),)}),
        (
            "mdi.fd_M_96m_lev182[2010.05.01_00:00:00_TAI/180d@2h]",
            {"t_rec_index": (Span(94935, 97635, step=1),)},
        ),
        ("mdi.fd_M_96m_lev182[2010.10.25_13:00:00_TAI/3h]", {"t_rec_index": (Span(97598, 97599),)}),
        (
            "mdi.fd_M_96m_lev182[2010.07.09_00:00:00_TAI-2010.07.20_00:00:00_TAI]",
            {"t_rec_index": (Span(95970, 96136),)},
        ),
        (
            "aia.lev1[2013.10.20/1d@15m]",
            {"t_rec_index": (Span(1161302435, 1161388835, step=900),)},
        ),
        (
            "aia.lev1_euv_12s[2014-01-01T00:00:01Z/365d@1d][335]",
            {
                "t_rec_index": (Span(97300803, 99928803, step=7200),),
                "wavelnth": (Span(335, 336),),
            },
        ),
        (
            "aia.lev1_euv_12s[2015.08.27/40s][171,335,211]",
            {
                "t_rec_index": (Span(101642403, 101642406),),
                "wavelnth": (Span(171, 172), Span(335, 336), Span(211, 212)),
            },
        ),
        (
            "aia.lev1_euv_12s[2025-01-01T04:33:30.000/1m@12s][171]{image}",
            {
                "t_rec_index": (Span(126231771, 126231776, step=1),),
                "wavelnth": (Span(171, 172),),
            },
        ),
        ("hmi.synoptic_mr_720s[2150]", {"car_rot": (Span(2150, 2151),)}),
        (
            "hmi.Ic_45s[2010.11.03_10:00:00_TAI][-2147483648]",
            {
                "t_rec_index": (Span(12509600, 12509601),),
                "camera": (Span(-2147483648, -2147483647),),
            },
        ),
        (
            "hmi.lev0e[1760978,1760984,1761093]",
            {"car_rot": tuple(Span(n, n + 1) for n in (1760978, 1760984, 1761093))},
        ),
        ("hmi.lev0e[1800000-1800100]", {"car_rot": (Span(1800000, 1800101),)}),
        ("aia.lev1[][12718378-12810537]", {"fsn": (Span(12718378, 12810538),)}),
        (
            "aia.lev1[2012.06.06_02:27:00.86_UTC]",
            {"t_rec_index": (Span(1118024854, 1118024855),)},
        ),
    ],
)
def test_published_queries(meaning, query, spans):
    one, found = meaning(query)
    assert found == spans
    assert one.series.name == query.partition("[")[0]
