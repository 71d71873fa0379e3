"""Which operator binds tighter: PostgreSQL's order, held against the tree that the parser gave.

Source: PostgreSQL 15, 4.1.6, Operator Precedence. For one sequence of operators only one tree obeys
the order at every node, so that a tree which obeys is the one that PostgreSQL would have built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["refuse_doubtful_order"]

_OTHER: Final = 7
#: By the parser's name of an operator, how tightly it binds.
_ORDER: Final = {
    "Or": 1, "And": 2, "Not": 3, "Is": 4,
    "EQ": 5, "NEQ": 5, "LT": 5, "LTE": 5, "GT": 5, "GTE": 5, "NullSafeEQ": 4, "NullSafeNEQ": 4,
    "Like": 6, "ILike": 6, "SimilarTo": 6, "In": 6, "Between": 6, "Escape": 6,
    "DPipe": _OTHER, "BitwiseAnd": _OTHER, "BitwiseOr": _OTHER, "BitwiseXor": _OTHER,
    "BitwiseLeftShift": _OTHER, "BitwiseRightShift": _OTHER, "BitwiseNot": _OTHER,
    "RegexpLike": _OTHER, "RegexpILike": _OTHER,
    "Add": 8, "Sub": 8, "Mul": 9, "Div": 9, "Mod": 9, "Pow": 10, "Neg": 11,
}  # fmt: skip
_LEFT_TO_RIGHT: Final = frozenset({1, 2, _OTHER, 8, 9, 10})
_PREFIXES: Final = frozenset({"Not", "Neg", "BitwiseNot"})


def refuse_doubtful_order(tree: exp.Expr, error: Callable[[], Exception]) -> None:
    """Raise where PostgreSQL would have built another tree of the same text.

    Parameters
    ----------
    tree : sqlglot expression
        Its operands are looked at, not what is below them.
    error : callable
        Makes what is raised.
    """
    kind = type(tree).__name__
    own = _ORDER.get(kind)
    if own is None or _is_written_as_function(tree):
        return
    for operand, is_left in _operands(tree):
        theirs = _ORDER.get(type(operand).__name__)
        if theirs is None or theirs > own or _is_written_as_function(operand):
            continue
        if theirs == own and (kind in _PREFIXES or (is_left and own in _LEFT_TO_RIGHT)):
            continue
        if type(operand).__name__ in _PREFIXES and not is_left and own >= _OTHER:
            continue  # a prefix after an operator can be read in one way only
        raise error()


def _operands(tree: exp.Expr) -> Iterator[tuple[exp.Expr, bool]]:
    """What stands on each side, and whether that is the left one."""
    left, right = tree.args.get("this"), tree.args.get("expression")
    if left is not None and type(tree).__name__ != "Escape":
        yield left, type(tree).__name__ not in _PREFIXES
    for operand in (right, tree.args.get("low"), tree.args.get("high")):
        if operand is not None:
            yield operand, False


def _is_written_as_function(tree: exp.Expr) -> bool:
    """``power(a, b)`` and ``mod(a, b)`` become nodes of operators that know their place."""
    return "start" in tree.meta
