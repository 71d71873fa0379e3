"""The shapes in which ``drms.Client.query`` returns segments and links."""

from __future__ import annotations

import pandas as pd
import pytest

from drmsmirror.client.frames import in_stock_shape, text_frame

KEYS = pd.DataFrame({"T_REC": ["a", "b"]})
SEGMENTS = text_frame({"magnetogram": ["/SUM1/m.fits", "NoDataDirectory"]})
LINKS = text_frame({"MDATA": ["hmi.M_45s[1]", "Invalid_Link"]})


@pytest.mark.parametrize(
    "tables", [(KEYS, None, None), (None, SEGMENTS, None), (None, None, LINKS)]
)
def test_one_table_comes_by_itself(tables: tuple[pd.DataFrame | None, ...]) -> None:
    (expected,) = [table for table in tables if table is not None]
    assert in_stock_shape(*tables) is expected


def test_several_tables_come_in_the_order_of_the_stock_client() -> None:
    assert in_stock_shape(KEYS, SEGMENTS) == (KEYS, SEGMENTS)
    assert in_stock_shape(KEYS, links=LINKS) == (KEYS, LINKS)
    assert in_stock_shape(KEYS, SEGMENTS, LINKS) == (KEYS, SEGMENTS, LINKS)


def test_names_of_records_are_the_index_of_each_table() -> None:
    tables = in_stock_shape(KEYS.copy(), SEGMENTS.copy(), index=["s[1]", "s[2]"])
    assert [list(table.index) for table in tables] == [["s[1]", "s[2]"]] * 2


def test_without_records_there_are_no_columns() -> None:
    empty = in_stock_shape(text_frame({"magnetogram": []}), index=[])
    assert isinstance(empty, pd.DataFrame)
    pd.testing.assert_frame_equal(empty, pd.DataFrame())
