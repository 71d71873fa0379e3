"""Turn filters by number into conditions: ``[#...]`` and ``[:#...]`` (record sets, rules 28-32)."""

from __future__ import annotations

from collections.abc import Sequence

from drmsmirror.errors import RecordSetError
from drmsmirror.model.recordset.bound import Condition, Edge, Span
from drmsmirror.model.recordset.keys import Key
from drmsmirror.model.recordset.syntax import Number
from drmsmirror.model.recordset.values import Kind

__all__ = ["number_condition"]


def number_condition(key: Key, numbers: Sequence[Number], text: str) -> Condition:
    """Bind the alternatives of a filter by number.

    Parameters
    ----------
    key : Key
        Slotted: the numbers are its slots. Otherwise N stands for ``N * step + base``.
    numbers : sequence of Number
    text : str
        The whole query, for messages.

    Raises
    ------
    RecordSetError
        The key is a string, which has no numbers.
    """
    counted = [number for number in numbers if not number.edge]
    if key.kind is Kind.STRING and counted:
        raise RecordSetError(
            f"{key.name} is a string: it has no numbers",
            text,
            counted[0].offset,
            f"Write its value: [{key.name}='...']",
        )
    edges = tuple(Edge(number.edge) for number in numbers if number.edge)
    spans = tuple(_span(key, number) for number in counted)
    return Condition(key.column, key.prime_key, spans, edges)


def _span(key: Key, number: Number) -> Span:
    """One alternative; a step without a start counts from the smallest there is."""
    scale = key.number_step
    low = None if number.low is None else number.low * scale + key.number_base
    step = None if number.step is None else abs(number.step * scale)
    is_whole = key.column.endswith("_index") or key.kind is Kind.INTEGER
    if is_whole and isinstance(scale, int) and isinstance(key.number_base, int):
        if number.length is not None:
            return Span(low, int(low or 0) + number.length * scale, step=step)
        high = None if number.high is None else number.high * scale + key.number_base + 1
        return Span(low, high, step=step)
    if number.length is not None:
        return Span(low, float(low or 0) + number.length * scale, step=step)
    high_end = None if number.high is None else float(number.high * scale + key.number_base)
    return Span(None if low is None else float(low), high_end, high_end is not None, step)
