"""The syntax tree of a record-set query.

A tree says what was written and nothing about series: names are not looked up, and the values of a
filter are texts. Offsets point into the query and do not count when trees are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Filter", "Name", "RecordSet", "SeriesSet", "Value", "canonical"]


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
        As it was written, quotes and inner white space included, without white space around it.
    offset : int
        Where it begins in the query.
    """

    text: str
    offset: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Filter:
    """One pair of brackets.

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
        name = f"{self.keyword}=" if self.keyword else ""
        return f"[{name}{','.join(map(str, self.values))}]"


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
