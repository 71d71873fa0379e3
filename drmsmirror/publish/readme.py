"""The pages that come with a Parquet data set: what it is, how to read it, how to cite it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.positions import position_text
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.publish.notes import Published

__all__ = ["citation", "directory_page", "series_page"]


@dataclass(frozen=True, slots=True)
class _Source:
    """An instrument: how its data are acknowledged, and the articles that describe it."""

    credit: str
    articles: tuple[_Article, ...]


@dataclass(frozen=True, slots=True)
class _Article:
    title: str
    authors: str
    year: int
    doi: str


_SDO = _Article(
    "The Solar Dynamics Observatory (SDO)", "Pesnell, W. D., et al.", 2012,
    "10.1007/s11207-011-9841-3",
)  # fmt: skip
_HMI = _Article(
    "The Helioseismic and Magnetic Imager (HMI) Investigation for the Solar Dynamics Observatory "
    "(SDO)", "Scherrer, P. H., et al.", 2012, "10.1007/s11207-011-9834-2",
)  # fmt: skip
_AIA = _Article(
    "The Atmospheric Imaging Assembly (AIA) on the Solar Dynamics Observatory (SDO)",
    "Lemen, J. R., et al.", 2012, "10.1007/s11207-011-9776-8",
)  # fmt: skip
_MDI = _Article(
    "The Solar Oscillations Investigation - Michelson Doppler Imager", "Scherrer, P. H., et al.",
    1995, "10.1007/BF00733429",
)  # fmt: skip

#: By namespace, without what follows an underscore.
_SOURCES = {
    "hmi": _Source("Data courtesy of NASA/SDO and the HMI science team.", (_HMI, _SDO)),
    "aia": _Source("Data courtesy of NASA/SDO and the AIA science team.", (_AIA, _SDO)),
    "mdi": _Source(
        "Data courtesy of the SOHO/MDI consortium. SOHO is a project of international cooperation "
        "between ESA and NASA.", (_MDI,),
    ),
}  # fmt: skip

_JSOC = "http://jsoc.stanford.edu"
_ARCHIVE = "Joint Science Operations Center (JSOC), Stanford University"


def directory_page(published: Sequence[Published]) -> str:
    """``README.md`` of the directory."""
    rows = [
        (
            f"[{one.note.series}]({_folder(one.note.series)}.md)",
            _one_line(one.title),
            f"{one.note.records:,}",
            _moment(one.note.as_of_utc),
        )
        for one in published
    ]
    return f"""\
# Records of DRMS series as Parquet

Keyword metadata of series that the {_ARCHIVE}, keeps in its Data Record Management System (DRMS), \
one directory a series, one row a record: the version that DRMS shows. The files that belong to \
the records (images) are not here.

{_table(("series", "what it is", "records", "as of"), rows)}

Each page says what the columns are and how to read them.

## Source

{_ARCHIVE}: {_JSOC}. Please acknowledge the data as their teams ask:

{_listed(_credits(published))}

`CITATION.cff` names the articles that describe the instruments. Published by drmsmirror, which \
replaces these files when it publishes again.
"""


def series_page(
    definition: SeriesDefinition,
    published: Published,
    coverage: Sequence[CoverageEntry],
    partition: str,
) -> str:
    """The page of one series.

    Parameters
    ----------
    definition : SeriesDefinition
    published : Published
    coverage : sequence of CoverageEntry
        What is complete.
    partition : str
        Name of the partition column.
    """
    note = published.note
    return f"""\
# {definition.name}

{_one_line(definition.note)}

{note.records:,} records, published {_moment(note.published_utc)}; the upstream was last asked for \
all that is new at {_moment(note.as_of_utc)}.

{_coverage(definition, coverage)}

## Reading it

{_examples(definition, partition)}

## Columns

A record is known by {_identity(definition)}. Missing values are null. Times are TAI seconds since \
1977.01.01_00:00:00_TAI; as a date on the TAI clock, which is 37 s ahead of UTC since 2017:

```python
pd.Timestamp("1977-01-01") + pd.to_timedelta(frame["{_time_of(definition)}"], unit="s")
```

{_table(("column", "type", "units", "note"), _columns(definition))}

`{partition}` is the part of the time axis in which a file lies: `all` where the series is not \
cut, `missing` for records without a time.
"""


def citation(published: Sequence[Published]) -> str:
    """``CITATION.cff`` of the directory."""
    names = ", ".join(one.note.series for one in published)
    day = max(one.note.published_utc for one in published)[:10]
    lines = [
        "cff-version: 1.2.0",
        f"message: {_quoted(' '.join(['Please acknowledge the source:', *_credits(published)]))}",
        f"title: {_quoted(f'Keyword metadata of {names}')}",
        "type: dataset",
        "authors:",
        f"  - name: {_quoted(_ARCHIVE)}",
        f"url: {_quoted(_JSOC)}",
        f"date-released: {_quoted(day)}",
    ]
    articles = dict.fromkeys(
        article for source in _sources(published) for article in source.articles
    )
    if articles:
        lines.append("references:")
    for article in articles:
        lines += [
            "  - type: article",
            f"    title: {_quoted(article.title)}",
            "    authors:",
            f"      - name: {_quoted(article.authors)}",
            '    journal: "Solar Physics"',
            f"    year: {article.year}",
            f"    doi: {_quoted(article.doi)}",
        ]
    return "\n".join(lines) + "\n"


def _coverage(definition: SeriesDefinition, coverage: Sequence[CoverageEntry]) -> str:
    if not coverage:
        return "Which parts of the series are complete is not known."
    rows = [
        (
            position_text(definition, entry.interval.low),
            position_text(definition, entry.interval.high),
            entry.restriction.words or "all",
            _moment(entry.as_of_utc.isoformat()),
        )
        for entry in coverage
    ]
    return f"""\
These parts of the series are complete:

{_table(("from", "to before", "values", "as of"), rows)}"""


def _examples(definition: SeriesDefinition, partition: str) -> str:
    folder = _folder(definition.name)
    names = ["recnum", *(column.name for column in definition.columns)][:3]
    listed = ", ".join(f'"{name}"' for name in names)
    return f"""\
From the directory in which README.md is:

```python
import pandas as pd

frame = pd.read_parquet("{folder}", columns=[{listed}])
```

```python
import polars as pl

frame = pl.scan_parquet("{folder}/**/*.parquet", hive_partitioning=True)
```

```sql
-- DuckDB
SELECT {partition}, count(*)
FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true) GROUP BY 1;
```"""  # noqa: S608 - a text to be read


def _time_of(definition: SeriesDefinition) -> str:
    times = (column.name for column in definition.columns if column.type is KeywordType.TIME)
    return next(times, "t_rec")


def _columns(definition: SeriesDefinition) -> list[tuple[str, ...]]:
    own: list[tuple[str, ...]] = [
        ("recnum", "longlong", "", "Number of the record in DRMS"),
        ("sunum", "longlong", "", "Number of the storage unit of its files"),
    ]
    for column in definition.columns:
        is_time = column.type is KeywordType.TIME
        units = "s" if is_time else column.keyword.units
        own.append((column.name, str(column.type), units, _one_line(column.keyword.note)))
    return own


def _identity(definition: SeriesDefinition) -> str:
    return ", ".join(f"`{key}`" for key in definition.internal_prime_keys) or "`recnum`"


def _sources(published: Sequence[Published]) -> list[_Source]:
    namespaces = (one.note.series.partition(".")[0].lower() for one in published)
    instruments = dict.fromkeys(namespace.partition("_")[0] for namespace in namespaces)
    return [_SOURCES[name] for name in instruments if name in _SOURCES]


def _credits(published: Sequence[Published]) -> list[str]:
    return [source.credit for source in _sources(published)] or [
        f"Data courtesy of the {_ARCHIVE}."
    ]


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _folder(series: str) -> str:
    namespace, _, table = series.lower().partition(".")
    return f"{namespace}/{table}"


def _moment(text: str | None) -> str:
    return f"{text[:16].replace('T', ' ')} UTC" if text else "a moment that is not known"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    """A text as YAML, of which JSON is a part."""
    return json.dumps(_one_line(text))


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
