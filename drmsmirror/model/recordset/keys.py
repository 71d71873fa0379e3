"""The prime keys of a series as filters see them."""

from __future__ import annotations

from dataclasses import dataclass

from drmsmirror.model.recordset.values import Kind
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.slots import Slotting, slotting
from drmsmirror.model.types import KeywordType

__all__ = ["RECNUM", "Key", "find_key"]


@dataclass(frozen=True, slots=True)
class Key:
    """A prime key as filters see it.

    Parameters
    ----------
    name : str
        How messages call it.
    prime_key : str
        Its external name; the same, except where a filter names the index key.
    column : str
        The stored column on which filters act.
    type : KeywordType
        Type of the values that filters give.
    kind : Kind
        How those values are written.
    slots : Slotting, optional
        How given values become the stored slot numbers.
    number_step, number_base : float
        A filter by number N of a key without slots is about ``N * step + base`` (record sets,
        rule 29).
    """

    name: str
    prime_key: str
    column: str
    type: KeywordType
    kind: Kind
    slots: Slotting | None = None
    number_step: float = 1
    number_base: float = 0


#: The record number, which every record has.
RECNUM = Key("recnum", "recnum", "recnum", KeywordType.LONGLONG, Kind.INTEGER)


def find_key(definition: SeriesDefinition, prime_key: str, *, by_index: bool = False) -> Key:
    """Describe a prime key, or with ``by_index`` the index key of a slotted one.

    Raises
    ------
    DefinitionError
        The key is slotted and the series does not say how.
    """
    keyword = definition.keyword(prime_key)
    if not keyword.scope.is_slotted:
        return Key(
            keyword.name,
            keyword.name,
            keyword.name.lower(),
            keyword.type,
            _kind(keyword.type),
            number_step=_constant(definition, keyword, "step", 1),
            number_base=_constant(definition, keyword, "base", 0),
        )
    column = f"{keyword.name.lower()}_index"
    if by_index:
        name = f"{keyword.name}_index"
        return Key(name, keyword.name, column, KeywordType.LONGLONG, Kind.INTEGER)
    kind = Kind.TIME if keyword.type is KeywordType.TIME else Kind.QUANTITY
    slots = slotting(definition, keyword)
    return Key(keyword.name, keyword.name, column, keyword.type, kind, slots)


def _constant(definition: SeriesDefinition, keyword: Keyword, what: str, default: int) -> float:
    """A constant ``KEY_step`` or ``KEY_base``; whole where it can be."""
    companion = definition.find(f"{keyword.name}_{what}")
    try:
        value = float(companion.default) if companion is not None else default
    except ValueError:
        return default
    return int(value) if float(value).is_integer() else value


def _kind(type_: KeywordType) -> Kind:
    if type_.is_integer:
        return Kind.INTEGER
    if type_.is_float:
        return Kind.NUMBER
    return Kind.TIME if type_ is KeywordType.TIME else Kind.STRING
