"""Give a record-set query its meaning for the series that it names (DRMS semantics 1.2)."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

from drmsmirror.errors import RecordSetError
from drmsmirror.model.recordset.bound import BoundRecordSet, BoundSet, Condition, Span
from drmsmirror.model.recordset.keys import Key, find_key
from drmsmirror.model.recordset.spans import read_span
from drmsmirror.model.recordset.syntax import Filter, Name, RecordSet, SeriesSet, Value
from drmsmirror.model.series import SeriesDefinition

__all__ = ["bind"]


def bind(tree: RecordSet, definition_of: Callable[[str], SeriesDefinition]) -> BoundRecordSet:
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
        A filter means nothing for its key, there are more filters than keys, or a filter names
        what is no prime key. The error points at the character in the query.
    DefinitionError
        A slotted key lacks the constants that say how it is slotted.
    """
    text = tree.text or str(tree)
    sets = tuple(_bind_set(one, definition_of(one.series.text), text) for one in tree.sets)
    return BoundRecordSet(text, sets)


def _bind_set(one: SeriesSet, definition: SeriesDefinition, text: str) -> BoundSet:
    conditions = []
    for part, key in _keys_of_filters(one, definition, text):
        trap = _trap(one, part, key)
        spans = tuple(_span(key, value, text, trap) for value in part.values)
        conditions.append(Condition(key.column, key.prime_key, spans))
    return BoundSet(definition, tuple(conditions), one.segments)


def _keys_of_filters(
    one: SeriesSet, definition: SeriesDefinition, text: str
) -> Iterator[tuple[Filter, Key]]:
    """Each filter that is not empty with its key.

    Only unnamed filters and empty brackets move on to the next prime key, so that in
    ``[CAMERA=1][][1]`` the last one is about the second key, and in ``[CAMERA=1][1]`` about the
    first (DRMS semantics 1.2, the trap).
    """
    position = 0
    for part in one.filters:
        if part.keyword is not None:
            yield part, _named_key(definition, part.keyword, text)
            continue
        if part.values:
            yield part, _key_at(definition, position, part.values[0], text)
        position += 1


def _key_at(definition: SeriesDefinition, position: int, value: Value, text: str) -> Key:
    keys = definition.prime_keys
    if position < len(keys):
        return find_key(definition, keys[position])
    if not keys:
        problem = f"{definition.name} has no prime keys to filter by"
        hint = f"Ask for all its records: {definition.name}[]"
    else:
        problem = f"{definition.name} has no prime key number {position + 1}"
        hint = f"{_listed(definition)}; unnamed filters stand for them in this order"
    raise RecordSetError(problem, text, value.offset, hint)


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


def _trap(one: SeriesSet, part: Filter, key: Key) -> str:
    """Say what a hint lacks where a named filter may have misled somebody."""
    if part.keyword is not None or not any(other.keyword for other in one.filters):
        return ""
    return f"Filters without a name count from the first key, so this one is about {key.name}"
