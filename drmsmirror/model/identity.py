"""What a record of a series is known by: its prime keys, and how their slots are counted.

Where it changes, positions on the axis and record identities mean something else than before.
"""

from __future__ import annotations

from dataclasses import dataclass

from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.slots import Slotting, slotting
from drmsmirror.model.types import KeywordType

__all__ = ["KeyIdentity", "identity_of"]


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """One prime key, as far as records are told apart by it.

    Parameters
    ----------
    column : str
        Column of the record table that is compared: ``t_rec_index``, ``harpnum``.
    type : KeywordType
        Type of the keyword.
    slots : Slotting or None
        How its values fall into slots; None where the value itself is compared.
    """

    column: str
    type: KeywordType
    slots: Slotting | None


def identity_of(definition: SeriesDefinition) -> tuple[KeyIdentity, ...]:
    """What the records of a series are known by, key by key.

    Constants that are spelled otherwise and mean the same (``45`` and ``45.0``) give the same.

    Raises
    ------
    DefinitionError
        A slotted prime key lacks a constant, or has one that cannot be understood.
    """
    keywords = [definition.keyword(key) for key in definition.prime_keys]
    return tuple(
        KeyIdentity(
            column,
            keyword.type,
            slotting(definition, keyword) if keyword.scope.is_slotted else None,
        )
        for column, keyword in zip(definition.internal_prime_keys, keywords, strict=True)
    )
