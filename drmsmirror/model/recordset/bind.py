"""Give a record-set query its meaning for the series that it names (record sets, rules 9-13)."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

from drmsmirror.errors import RecordSetError
from drmsmirror.model.recordset.bound import (
    BoundRecordSet,
    BoundSet,
    Condition,
    Edge,
    Span,
    SqlCondition,
)
from drmsmirror.model.recordset.keys import RECNUM, Key, find_key
from drmsmirror.model.recordset.numbers import number_condition
from drmsmirror.model.recordset.spans import read_span
from drmsmirror.model.recordset.syntax import (
    EDGES,
    Filter,
    Name,
    NumberFilter,
    RecnumFilter,
    RecordSet,
    SeriesSet,
    SqlFilter,
    Value,
    ValueFilter,
)
from drmsmirror.model.series import SeriesDefinition

__all__ = ["bind"]

DefinitionOf = Callable[[str], SeriesDefinition]


def bind(tree: RecordSet, definition_of: DefinitionOf) -> BoundRecordSet:
    """Bind a query to the definitions of its series.

    Parameters
    ----------
    tree : RecordSet
        From `parse_recordset`.
    definition_of : callable
        Gives the definition for a name as it was written; names count without regard to case.
        What it raises for an unknown series is passed on.

    Raises
    ------
    RecordSetError
        A filter means nothing for its key, there are more filters than keys, a filter names what is
        no prime key, or PostgreSQL would refuse a condition. The error points at the character.
    NotUnderstoodError
        A condition has what PostgreSQL may know and the mirror does not answer by itself.
    DefinitionError
        A slotted key lacks the constants that say how it is slotted.
    """
    text = tree.text or str(tree)
    sets = tuple(
        _bind_set(one, definition_of(one.series.text), text, definition_of) for one in tree.sets
    )
    return BoundRecordSet(text, sets)


def _bind_set(
    one: SeriesSet, definition: SeriesDefinition, text: str, definition_of: DefinitionOf
) -> BoundSet:
    filters: list[Condition | SqlCondition] = []
    all_versions = not definition.prime_keys
    for part, key in _keys_of_filters(one, definition, text):
        if isinstance(part, SqlFilter):
            from drmsmirror.model.conditions.read import read_condition

            tree = read_condition(part.text, definition, definition_of, text, part.offset)
            filters.append(SqlCondition(part.text, tree, part.all_versions))
            all_versions |= part.all_versions
        elif isinstance(part, RecnumFilter):
            filters.append(number_condition(RECNUM, part.numbers, text))
            all_versions = True
        elif isinstance(part, NumberFilter):
            filters.append(number_condition(_known(key), part.numbers, text))
        else:
            filters.append(_values_condition(one, part, _known(key), text))
    return BoundSet(definition, tuple(filters), one.segments, all_versions)


def _values_condition(one: SeriesSet, part: ValueFilter, key: Key, text: str) -> Condition:
    trap = _trap(one, part, key)
    edges = tuple(Edge(value.text) for value in part.values if value.text in EDGES)
    spans = tuple(_span(key, v, text, trap) for v in part.values if v.text not in EDGES)
    return Condition(key.column, key.prime_key, spans, edges)


def _keys_of_filters(
    one: SeriesSet, definition: SeriesDefinition, text: str
) -> Iterator[tuple[Filter, Key | None]]:
    """Each filter that is not empty with its key; no key where it is about none.

    Only unnamed filters on keys and empty brackets move on to the next prime key, so that in
    ``[CAMERA=1][][1]`` the last one is about the second key, and in ``[CAMERA=1][1]`` about the
    first (record sets, rule 10).
    """
    position = 0
    for part in one.filters:
        if isinstance(part, SqlFilter | RecnumFilter):
            yield part, None
            continue
        if part.keyword is not None:
            yield part, _named_key(definition, part.keyword, text)
            continue
        given = part.values if isinstance(part, ValueFilter) else part.numbers
        if given:
            yield part, _key_at(definition, position, given[0].offset, text)
        position += 1


def _known(key: Key | None) -> Key:
    assert key is not None, "a filter on a key has one"
    return key


def _key_at(definition: SeriesDefinition, position: int, offset: int, text: str) -> Key:
    keys = definition.prime_keys
    if position < len(keys):
        return find_key(definition, keys[position])
    if not keys:
        problem = f"{definition.name} has no prime keys to filter by"
        hint = f"Ask for all its records, {definition.name}[], or for [:#1-#9] or [? ... ?]"
    else:
        problem = f"{definition.name} has no prime key number {position + 1}"
        hint = f"{_listed(definition)}; unnamed filters stand for them in this order"
    raise RecordSetError(problem, text, offset, hint)


def _named_key(definition: SeriesDefinition, name: Name, text: str) -> Key:
    wanted = name.text.lower()
    names: dict[str, tuple[str, bool]] = {}
    for key in definition.prime_keys:
        names[key.lower()] = (key, False)
        if definition.keyword(key).scope.is_slotted:
            names[f"{key.lower()}_index"] = (key, True)
    if wanted in names:
        key, by_index = names[wanted]
        return find_key(definition, key, by_index=by_index)
    near = difflib.get_close_matches(wanted, names, n=1)
    known = definition.find(name.text)
    if near and known is None:
        key, by_index = names[near[0]]
        hint = f"Did you mean {key}_index?" if by_index else f"Did you mean {key}?"
    else:
        hint = _listed(definition)
        if known is not None:
            hint += f"; by other keywords filter with [? {known.name} = ... ?]"
    what = "keyword" if known is None else "prime key"
    raise RecordSetError(f"{name} is no {what} of {definition.name}", text, name.offset, hint)


def _listed(definition: SeriesDefinition) -> str:
    keys = definition.prime_keys
    return f"Its prime keys are {', '.join(keys)}" if keys else "It has no prime keys"


def _span(key: Key, value: Value, text: str, trap: str) -> Span:
    try:
        return read_span(key, value.text)
    except RecordSetError as error:
        position = value.offset + error.position
        hint = ". ".join(part for part in (error.hint, trap) if part) or None
        raise RecordSetError(error.problem, text, position, hint) from None


def _trap(one: SeriesSet, part: ValueFilter, key: Key) -> str:
    """Say what a hint lacks where a named filter may have misled somebody."""
    named = [other for other in one.filters if getattr(other, "keyword", None) is not None]
    if part.keyword is not None or not named:
        return ""
    return f"Filters without a name count from the first key, so this one is about {key.name}"
