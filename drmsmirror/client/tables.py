"""An Arrow table of an answer as a table of pandas, Polars or Astropy.

Astropy and Polars are optional: ``pip install 'drmsmirror[astropy,polars]'``.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.errors import MissingLibraryError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from astropy.table import Table

__all__ = ["as_astropy", "as_pandas", "as_polars"]

#: What a definition says where a number has no unit.
_NO_UNITS = ("", "none", "na", "n/a", "?")


def as_pandas(table: pa.Table) -> pd.DataFrame:
    """With nullable whole numbers (``Int64``) and strings, and NaN for a missing real number.

    The Arrow table gives up its memory on the way, and cannot be used afterwards.

    ``attrs`` has the units by column, and where there are times the scale of their clock.
    """
    import pandas as pd

    types = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype("pyarrow")}
    schema = table.schema
    frame: pd.DataFrame = table.to_pandas(types_mapper=types.get, self_destruct=True)
    frame.attrs["units"] = {
        field.name: units for field in schema if (units := _told(field, "units"))
    }
    if scales := {_told(field, "time_scale") for field in schema} - {""}:
        frame.attrs["time_scale"] = scales.pop()
    return frame


def as_polars(table: pa.Table) -> pl.DataFrame:
    """Made without a copy where Polars can."""
    frame: pl.DataFrame = _library("polars").from_arrow(table)
    return frame


def as_astropy(table: pa.Table) -> Table:
    """With units and notes; columns with missing values are masked, TAI clocks are ``Time``."""
    tables = _library("astropy.table", "astropy")
    columns = {
        field.name: _astropy_column(field, table.column(number).combine_chunks())
        for number, field in enumerate(table.schema)
    }
    return tables.Table(columns, meta={"series": _told(table.schema, "series")}, copy=False)


def _astropy_column(field: pa.Field, values: pa.Array) -> Any:
    from astropy.table import Column, MaskedColumn

    if pa.types.is_timestamp(field.type):
        return _astropy_time(values)
    about = {"name": field.name, "description": _told(field, "note") or None}
    filler = "" if pa.types.is_string(field.type) else 0
    data = pc.fill_null(values, filler).to_numpy(zero_copy_only=False)
    if pa.types.is_string(field.type):
        data = data.astype(str)
    elif (units := _told(field, "units")).lower() not in _NO_UNITS:
        about["unit"] = _unit(units)
    if not values.null_count:
        return Column(data, **about)
    return MaskedColumn(data, mask=_is_null(values), **about)


def _astropy_time(values: pa.Array) -> Any:
    """Whole seconds and fractions apart, so that none of the microseconds is lost."""
    from astropy.time import Time

    micros = pc.fill_null(values.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    times = Time(micros // 1_000_000, micros % 1_000_000 / 1e6, format="unix_tai", scale="tai")
    times.format = "isot"
    if values.null_count:
        times[_is_null(values)] = np.ma.masked
    return times


def _unit(text: str) -> Any:
    """A unit as solar physics writes it; one that Astropy does not know keeps its name."""
    from astropy import units
    from astropy.units import cgs

    with units.add_enabled_units(cgs):  # Mx, Gauss
        return units.Unit(text, parse_strict="silent")


def _is_null(values: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    is_null: np.ndarray[Any, np.dtype[np.bool_]] = values.is_null().to_numpy(zero_copy_only=False)
    return is_null


def _told(thing: pa.Field | pa.Schema, name: str) -> str:
    """A text of the metadata, empty where there is none."""
    told: bytes = (thing.metadata or {}).get(name.encode(), b"")
    return told.decode()


def _library(module: str, name: str | None = None) -> ModuleType:
    name = name or module
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingLibraryError(
            f"{name} is not installed. Run: pip install 'drmsmirror[{name}]'", name=name
        ) from error
