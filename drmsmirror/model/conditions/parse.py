"""The parser's own tree of a condition: the one place where PostgreSQL's grammar is not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from drmsmirror.errors import RecordSetError
from drmsmirror.model.conditions.text import Body, Source

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["parse", "place_of"]

_BEFORE: Final = "SELECT 1 WHERE ("


def parse(body: Body, source: Source) -> exp.Expr:
    """Read a condition as PostgreSQL, without asking what is in it.

    Raises
    ------
    RecordSetError
        It is no expression.
    """
    import sqlglot
    from sqlglot import exp

    try:
        (tree,) = sqlglot.parse(f"{_BEFORE}{body.text})", read="postgres")
    except RecursionError:
        raise source.error("This condition is too deep", 0, "Write it simpler") from None
    except Exception as error:  # noqa: BLE001 - whatever the parser raises, the text is at fault
        raise _syntax_error(error, body, source) from None
    where = tree.args.get("where") if isinstance(tree, exp.Select) else None
    used = {name for name, value in tree.args.items() if value} if tree is not None else set()
    if where is None or used != {"expressions", "where"} or not isinstance(where.this, exp.Paren):
        raise source.error("The brackets of this condition do not match", 0, "Check them")
    condition: exp.Expr = where.this.this
    return condition


def _syntax_error(error: Any, body: Body, source: Source) -> RecordSetError:
    found: dict[str, Any] = next(iter(getattr(error, "errors", [])), {})
    lines = f"{_BEFORE}{body.text})".split("\n")
    line, column = int(found.get("line") or 1), int(found.get("col") or 0)
    start = sum(len(before) + 1 for before in lines[: line - 1]) + column
    place = start - len(str(found.get("highlight") or "")) - len(_BEFORE)
    inside = max(0, min(place, len(body.text)))
    rest = body.text[inside:].strip()
    near = f" at {rest.split()[0][:20]!r}" if rest else " at its end"
    return source.error(f"PostgreSQL cannot read this condition{near}", inside)


def place_of(tree: exp.Expr) -> int:
    """Where in the condition a tree begins: at its first name, for only names know their place."""
    starts = [node.meta["start"] for node in tree.walk() if "start" in node.meta]
    return max(0, min(starts) - len(_BEFORE)) if starts else 0
