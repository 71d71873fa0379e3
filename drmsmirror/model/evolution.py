"""How the definition of a series changed, and what of it what is held can follow.

Keywords come and go, and a type can become a wider one, by which every value that is held can still
be told from every other. What a record is known by cannot change: its prime keys, and their slots.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drmsmirror.model.identity import identity_of
from drmsmirror.model.series import Column, SeriesDefinition
from drmsmirror.model.slots import Slotting
from drmsmirror.model.types import KeywordType

__all__ = ["Evolution", "Retyped", "evolution_of", "exact_below", "is_widening"]


@dataclass(frozen=True, slots=True)
class Retyped:
    """A column of another type.

    Parameters
    ----------
    before, now : Column
        As it is held, and as it is to be.
    """

    before: Column
    now: Column


@dataclass(frozen=True, slots=True)
class Evolution:
    """What has to become of what is held; false where it can stay as it is.

    A keyword that is new asks for nothing: its column comes with its first values.

    Parameters
    ----------
    dropped : tuple of Column
        Columns of keywords that the series no longer has.
    returned : tuple of Column
        Columns that were dropped before and are there again.
    retyped : tuple of Retyped
        Columns, returned ones among them, that get a wider type.
    hindrance : str
        Why what is held cannot follow, in words; empty where it can.
    """

    dropped: tuple[Column, ...] = ()
    returned: tuple[Column, ...] = ()
    retyped: tuple[Retyped, ...] = ()
    hindrance: str = ""

    def __bool__(self) -> bool:
        return bool(self.dropped or self.returned or self.retyped or self.hindrance)


def evolution_of(
    held: SeriesDefinition, now: SeriesDefinition, former: Iterable[Column] = ()
) -> Evolution:
    """Compare the definition by which records are held with the one of now.

    Parameters
    ----------
    held, now : SeriesDefinition
    former : iterable of Column
        Columns that were dropped before, and are held.
    """
    if problem := _other_records(held, now):
        return Evolution(hindrance=problem)
    keys = {key.lower() for key in now.prime_keys} | set(now.internal_prime_keys)
    dropped, returned, retyped = [], [], []
    before = [(column, False) for column in held.columns] + [(column, True) for column in former]
    for column, was_dropped in before:
        found = now.column(column.name)
        if found is None:
            dropped += [] if was_dropped else [column]
            continue
        returned += [found] if was_dropped else []
        if found.type is column.type:
            continue
        if column.name in keys or not is_widening(column.type, found.type):
            what = "prime key" if column.name in keys else "keyword"
            return Evolution(
                hindrance=f"its {what} {found.key} was {column.type} and is {found.type}"
            )
        retyped.append(Retyped(column, found))
    return Evolution(tuple(dropped), tuple(returned), tuple(retyped))


def is_widening(before: KeywordType, now: KeywordType) -> bool:
    """Whether a type can hold all values of another, and tell them apart.

    A ``longlong`` becomes a ``double`` only where :func:`exact_below` says so.
    """
    if now is KeywordType.STRING:
        return before is not KeywordType.STRING
    if before.is_integer:
        fits_float = now is KeywordType.FLOAT and before.bits <= 16
        return (now.is_integer and now.bits > before.bits) or fits_float or now is _DOUBLE
    return before is KeywordType.FLOAT and now is _DOUBLE


def exact_below(before: KeywordType, now: KeywordType) -> int | None:
    """The number up to which a wider type can tell values apart; None where it can all."""
    return 2**53 if before is KeywordType.LONGLONG and now is _DOUBLE else None


_DOUBLE = KeywordType.DOUBLE


def _other_records(held: SeriesDefinition, now: SeriesDefinition) -> str:
    """How it shows that records are known by something else; empty where it does not."""
    if held.internal_prime_keys != now.internal_prime_keys:
        return f"its prime keys were {_listed(held)} and are {_listed(now)}"
    for key, before, after in zip(now.prime_keys, identity_of(held), identity_of(now), strict=True):
        if before.slots != after.slots:
            was, is_ = _slots_in_words(before.slots), _slots_in_words(after.slots)
            return f"the slots of its prime key {key} were {was} and are {is_}"
    return ""


def _listed(definition: SeriesDefinition) -> str:
    return ", ".join(definition.prime_keys) or "none"


def _slots_in_words(slots: Slotting | None) -> str:
    if slots is None:
        return "none"
    return f"every {slots.step:.12g} from {slots.base:.12g}, rounded by {slots.round:.12g}"
