"""The syntax tree of a record-set query.

A tree says what was written and nothing about series: names are not looked up, and the values of a
filter are texts. Offsets point into the query and do not count when trees are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "EDGES",
    "Filter",
    "Name",
    "Number",
    "NumberFilter",
    "RecnumFilter",
    "RecordSet",
    "SeriesSet",
    "SqlFilter",
    "Value",
    "ValueFilter",
    "canonical",
]

#: Values that mean the first and the last one there is.
EDGES = ("^", "$")


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a series or of a key, as it was written.

    Parameters
    ----------
    text : str
    offset : int
        Where it begins in the query.
    """

    text: str
    offset: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Value:
    """One alternative of a filter: a value, a range, a duration; what it means depends on the key.

    Parameters
    ----------
    text : str
        As it was written, quotes and inner white space included, without white space around it;
        one of `EDGES` for the first or last value.
    offset : int
        Where it begins in the query.
    """

    text: str
    offset: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Number:
    """One alternative of a filter by number: ``#5``, ``#1-#9@2``, ``#1/9``, ``#-#``, ``#$``.

    Parameters
    ----------
    low, high : int, optional
        Ends, both included; None where open. Equal for a single number.
    length : int, optional
        How many from ``low`` on, in place of ``high``.
    step : int, optional
    edge : str
        One of `EDGES`, in place of all else; empty otherwise.
    offset : int
        Where it begins in the query.
    is_range : bool
        Whether it was written as a range or count.
    """

    low: int | None = None
    high: int | None = None
    length: int | None = None
    step: int | None = None
    edge: str = ""
    is_range: bool = False
    offset: int = field(default=0, compare=False)

    def __str__(self) -> str:
        if self.edge:
            return f"#{self.edge}"
        low = "" if self.low is None else self.low
        if not self.is_range:
            return f"#{low}"
        step = "" if self.step is None else f"@{self.step}"
        if self.length is not None:
            return f"#{low}/{self.length}{step}"
        return f"#{low}-#{'' if self.high is None else self.high}{step}"


@dataclass(frozen=True, slots=True)
class ValueFilter:
    """Brackets with values of a key.

    Parameters
    ----------
    keyword : Name, optional
        The key that the filter names; None where its position tells.
    values : tuple of Value
        Alternatives; none where the brackets are empty, which skips a key.
    """

    keyword: Name | None = None
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        return _bracketed(self.keyword, self.values)


@dataclass(frozen=True, slots=True)
class NumberFilter:
    """Brackets with slot numbers of a key, ``[#...]``.

    Parameters
    ----------
    keyword : Name, optional
    numbers : tuple of Number
    """

    keyword: Name | None = None
    numbers: tuple[Number, ...] = ()

    def __str__(self) -> str:
        return _bracketed(self.keyword, self.numbers)


@dataclass(frozen=True, slots=True)
class RecnumFilter:
    """Brackets with record numbers, ``[:#...]``."""

    numbers: tuple[Number, ...]

    def __str__(self) -> str:
        return f"[:{','.join(map(str, self.numbers))}]"


@dataclass(frozen=True, slots=True)
class SqlFilter:
    """A condition in SQL, ``[? ... ?]`` or ``[! ... !]``.

    Parameters
    ----------
    text : str
        What stands between the marks, without white space around it.
    all_versions : bool
        Whether it was written with ``!``, which shows superseded versions too.
    offset : int
        Where the text begins in the query.
    """

    text: str
    all_versions: bool = False
    offset: int = field(default=0, compare=False)

    def __str__(self) -> str:
        mark = "!" if self.all_versions else "?"
        return f"[{mark} {self.text} {mark}]"


Filter = ValueFilter | NumberFilter | RecnumFilter | SqlFilter


@dataclass(frozen=True, slots=True)
class SeriesSet:
    """Records of one series.

    Parameters
    ----------
    series : Name
    filters : tuple of Filter
        In the order of the query.
    segments : tuple of str, optional
        Names as they were written; None where there are no braces, empty for ``{}``.
    """

    series: Name
    filters: tuple[Filter, ...] = ()
    segments: tuple[str, ...] | None = None

    def __str__(self) -> str:
        segments = "" if self.segments is None else f"{{{','.join(self.segments)}}}"
        return f"{self.series}{''.join(map(str, self.filters))}{segments}"


@dataclass(frozen=True, slots=True)
class RecordSet:
    """A whole query: one or more sets, whose records follow one another.

    Parameters
    ----------
    sets : tuple of SeriesSet
    text : str
        The query as it was given; offsets point into it.
    """

    sets: tuple[SeriesSet, ...]
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return canonical(self)


def canonical(tree: RecordSet) -> str:
    """Print a tree so that parsing the text gives an equal tree."""
    return ",".join(map(str, tree.sets))


def _bracketed(keyword: Name | None, values: tuple[Value, ...] | tuple[Number, ...]) -> str:
    name = f"{keyword}=" if keyword else ""
    return f"[{name}{','.join(map(str, values))}]"
