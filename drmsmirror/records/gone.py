"""Which records of a part of a series are no longer there, told by a complete reading of it.

A version is gone where neither its number nor a larger one with its prime key, which supersedes it,
is among those that were read. Numbers of another generation, and the mirror's own, are not the
upstream's: such a version is gone where its prime key is not among those that were read. Where
records were read under filters, the latest versions that satisfy them may be gone, or satisfy them
no longer: only the upstream can tell.
"""

from __future__ import annotations

import pyarrow as pa

from drmsmirror.records.engine import files_relation, identifier, literal
from drmsmirror.records.extents import Portion
from drmsmirror.records.schema import table_schema
from drmsmirror.records.table import RecordTable

__all__ = ["find_gone"]


def find_gone(
    table: RecordTable, portion: Portion, given: pa.Table, *, generation: int
) -> pa.Table:
    """Find rows held of a part of a series that a complete reading of it did not give.

    Parameters
    ----------
    table : RecordTable
    portion : Portion
        What was read.
    given : pyarrow.Table
        The records that are there, with ``recnum`` and the columns of the prime keys.
    generation : int
        In which they were read.

    Returns
    -------
    pyarrow.Table
        Prime keys, ``recnum``, ``_generation`` and ``_latest`` of each version that is gone.
    """
    definition = table.definition
    keys = definition.internal_prime_keys
    schema = table_schema(definition)
    listed = dict.fromkeys((*keys, "recnum", "_generation", "_latest"))
    used = {*listed, *portion.columns, "_gone_run", definition.axis.column}
    files = table.files(*portion.ranges(definition))
    if not files:
        return pa.schema([schema.field(name) for name in listed]).empty_table()
    rows = files_relation(files, pa.schema([field for field in schema if field.name in used]))
    same_key = " AND ".join(
        f"held.{identifier(key)} IS NOT DISTINCT FROM given.{identifier(key)}" for key in keys
    )
    is_upstreams = f"(held._generation = {literal(generation)} AND held.recnum >= 0)"
    latest = "_latest" if portion.filters else "TRUE"
    query = f"""
        WITH held AS (
            SELECT * FROM {rows}
            WHERE _gone_run IS NULL AND {latest} AND ({portion.sql(definition)})
        )
        SELECT {", ".join(identifier(name) for name in listed)} FROM held
        WHERE NOT EXISTS (
            SELECT 1 FROM given
            WHERE {same_key or "FALSE"} AND (NOT {is_upstreams} OR given.recnum > held.recnum)
        ) AND NOT ({is_upstreams} AND recnum IN (SELECT recnum FROM given))
    """
    with table.connect([table.path]) as connection:
        connection.register("given", given.select([*dict.fromkeys((*keys, "recnum"))]))
        return connection.sql(query).to_arrow_table()
