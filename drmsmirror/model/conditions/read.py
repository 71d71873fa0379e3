"""Read a condition: parsed as PostgreSQL, then rebuilt node by node from what is known to be safe.

Every kind of node that the parser can give has to be named here to pass. The parser is not
PostgreSQL's own: where the two could read the precedence of operators differently, brackets are
asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from drmsmirror.errors import DrmsMirrorError
from drmsmirror.model.conditions import constants, functions, operators
from drmsmirror.model.conditions.names import column_of
from drmsmirror.model.conditions.nodes import Call, Case, Constant, Node, SubSelect
from drmsmirror.model.conditions.parse import parse, place_of
from drmsmirror.model.conditions.patterns import check_like, regex_from_posix, regex_from_similar
from drmsmirror.model.conditions.precedence import refuse_doubtful_order
from drmsmirror.model.conditions.refusal import RefusalError
from drmsmirror.model.conditions.sqltypes import NAMED_TYPES, SqlType
from drmsmirror.model.conditions.text import Body, Source
from drmsmirror.model.series import SeriesDefinition

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["read_condition"]

_DEEPEST_SELECT: Final = 2

DefinitionOf = Callable[[str], SeriesDefinition]


def read_condition(
    text: str, definition: SeriesDefinition, definition_of: DefinitionOf, query: str, offset: int
) -> Node:
    """Read the text of ``[? ... ?]``.

    Parameters
    ----------
    text : str
        What stands between the marks.
    definition : SeriesDefinition
        Its columns can be named.
    definition_of : callable
        Gives the definition of a series that a sub-select names.
    query, offset
        The whole query, and where the text begins in it.

    Returns
    -------
    Node
        Of type boolean.

    Raises
    ------
    NotUnderstoodError
        PostgreSQL may know it; it is not answered here.
    RecordSetError
        PostgreSQL, or DRMS, would refuse it.
    """
    source = Source(query, offset)
    body = Body.of(text, source)
    if not body.text.strip():
        raise source.error("The condition is empty", 0, "Write one, or leave the filter out")
    for name, place in body.called:
        if name.lower() not in functions.BEFORE_BRACKETS:
            raise source.not_local(f"The function {name[:40]}() here", place)
    reader = _Reader(definition, definition_of, body, source)
    try:
        node = reader.read(parse(body, source))
        if node.type is SqlType.UNKNOWN:
            node = operators.coerce(node, SqlType.BOOLEAN)
    except RefusalError as refusal:
        raise source.refused(refusal) from None
    except RecursionError:
        raise source.error("This condition is too deep", 0, "Write it simpler") from None
    if node.type is not SqlType.BOOLEAN:
        raise source.error(
            f"A condition is true or false, and this is of type {node.type}", 0, "Compare it"
        )
    return node


@dataclass(frozen=True)
class _Reader:
    """Rebuilds one select's expressions.

    Parameters
    ----------
    definition : SeriesDefinition
        Whose columns can be named.
    definition_of : callable
    body : Body
    source : Source
    depth : int
        How many sub-selects stand around.
    aggregates : bool
        Whether aggregate functions can stand here.
    names : frozenset of str
        What can stand before the dot of a column.
    around : SeriesDefinition, optional
        Of the select around this one, whose columns PostgreSQL would find here too.
    """

    definition: SeriesDefinition
    definition_of: DefinitionOf
    body: Body
    source: Source
    depth: int = 0
    aggregates: bool = False
    names: frozenset[str] = frozenset()
    around: SeriesDefinition | None = None

    def read(self, tree: exp.Expr) -> Node:
        """One expression."""
        refuse_doubtful_order(tree, lambda: self._doubtful(tree))
        method = getattr(self, f"_read_{type(tree).__name__.lower()}", None)
        try:
            if method is not None:
                node: Node = method(tree)
                return node
            operator = operators.BINARY.get(type(tree).__name__)
            if operator is not None:
                return operators.binary(operator, self.read(tree.this), self.read(tree.expression))
            return self._function(tree)
        except RefusalError as refusal:
            raise self.source.refused(refusal, place_of(tree)) from None

    def _read_paren(self, tree: exp.Paren) -> Node:
        return self.read(tree.this)

    def _read_column(self, tree: exp.Column) -> Node:
        parts = [part.name for part in tree.parts]
        name = parts[-1]
        if len(parts) == 1 and name.lower() in self.body.times:
            return Constant(self.body.times[name.lower()], SqlType.NUMERIC)
        if self._is_outside(name.lower()):
            raise self.source.not_local("A sub-select about the record outside", place_of(tree))
        allowed = {*self.names, self.definition.table, self.definition.name.lower()}
        if len(parts) > 1 and ".".join(parts[:-1]).lower() not in allowed:
            raise self.source.error(
                f"{'.'.join(parts[:-1])} is not the series of this condition", place_of(tree)
            )
        return column_of(self.definition, name, self.source, place_of(tree))

    def _is_outside(self, name: str) -> bool:
        """Whether only the select around this one has such a column."""
        if self.around is None or self.definition.column(name) is not None:
            return False
        return self.around.column(name) is not None

    def _read_literal(self, tree: exp.Literal) -> Node:
        if tree.is_string:
            return Constant(str(tree.this), SqlType.UNKNOWN)
        return constants.number(str(tree.this))

    def _read_boolean(self, tree: exp.Boolean) -> Node:
        return Constant(bool(tree.this), SqlType.BOOLEAN)

    def _read_null(self, _: exp.Null) -> Node:
        return Constant(None, SqlType.UNKNOWN)

    def _read_hexstring(self, tree: exp.HexString) -> Node:
        return constants.bits(str(tree.this), base=16)

    def _read_bitstring(self, tree: exp.BitString) -> Node:
        return constants.bits(str(tree.this), base=2)

    def _read_neg(self, tree: exp.Neg) -> Node:
        return operators.negative(self.read(tree.this))

    def _read_bitwisenot(self, tree: exp.BitwiseNot) -> Node:
        return operators.bit_not(self.read(tree.this))

    def _read_not(self, tree: exp.Not) -> Node:
        return Call("not", (operators.boolean(self.read(tree.this)),), SqlType.BOOLEAN)

    def _read_and(self, tree: exp.And) -> Node:
        return self._connected("and", tree)

    def _read_or(self, tree: exp.Or) -> Node:
        return self._connected("or", tree)

    def _connected(self, name: str, tree: exp.Connector) -> Node:
        """A chain of ANDs or ORs, as long as it may be."""
        parts = [self.read(part) for part in tree.flatten(unnest=False)]
        return Call(name, tuple(operators.boolean(part) for part in parts), SqlType.BOOLEAN)

    def _read_is(self, tree: exp.Is) -> Node:
        from sqlglot import exp

        negate = bool(tree.args.get("negate"))
        value = self.read(tree.this)
        if isinstance(tree.expression, exp.Null):
            node = Call("is_null", (operators.settled(value),), SqlType.BOOLEAN)
        elif isinstance(tree.expression, exp.Boolean):
            wanted = Constant(bool(tree.expression.this), SqlType.BOOLEAN)
            node = Call("is_same", (operators.boolean(value), wanted), SqlType.BOOLEAN)
        else:
            raise self.source.not_local("This IS", place_of(tree))
        return Call("not", (node,), SqlType.BOOLEAN) if negate else node

    def _read_bracket(self, tree: exp.Bracket) -> Node:
        self.read(tree.this)  # a name that is none is told first
        raise self.source.error("No column of a series is an array", place_of(tree))

    def _read_between(self, tree: exp.Between) -> Node:
        value = self.read(tree.this)
        low, high = self.read(tree.args["low"]), self.read(tree.args["high"])
        found = operators.between(value, low, high)
        if tree.args.get("symmetric"):
            found = Call("or", (found, operators.between(value, high, low)), SqlType.BOOLEAN)
        return found

    def _read_in(self, tree: exp.In) -> Node:
        from sqlglot import exp

        value = self.read(tree.this)
        query = tree.args.get("query")
        if query is not None:
            inner = query.this if isinstance(query, exp.Subquery) else query
            return operators.in_select(value, self._select(inner, is_scalar=False))
        if not tree.expressions or tree.args.get("unnest") or tree.args.get("field"):
            raise self.source.not_local("This IN", place_of(tree))
        return operators.in_list(value, [self.read(one) for one in tree.expressions])

    def _read_like(self, tree: exp.Like, escape: str = "\\") -> Node:
        return self._like("like", tree, escape)

    def _read_ilike(self, tree: exp.ILike, escape: str = "\\") -> Node:
        return self._like("ilike", tree, escape)

    def _like(self, name: str, tree: exp.Expr, escape: str) -> Node:
        value = operators.text(self.read(tree.this))
        pattern = operators.text(self.read(tree.expression))
        if isinstance(pattern, Constant):
            check_like(str(pattern.value), escape)
        if name == "ilike" and escape.isalpha():
            raise RefusalError("ILIKE with a letter as escape", is_valid=True)
        mark = Constant(escape, SqlType.TEXT)
        node = Call(name, (value, pattern, mark), SqlType.BOOLEAN)
        return Call("not", (node,), SqlType.BOOLEAN) if tree.args.get("negate") else node

    def _read_escape(self, tree: exp.Escape) -> Node:
        from sqlglot import exp

        escape = self._words(tree.expression)
        if len(escape) > 1:
            raise RefusalError("the escape is one character, or none")
        inner = tree.this
        if isinstance(inner, exp.SimilarTo):
            return self._read_similarto(inner, escape)
        if isinstance(inner, exp.Not) and isinstance(inner.this, exp.Like | exp.ILike):
            found = self._like(type(inner.this).__name__.lower(), inner.this, escape)
            return Call("not", (found,), SqlType.BOOLEAN)
        if not isinstance(inner, exp.Like | exp.ILike):
            raise self.source.not_local("This ESCAPE", place_of(tree))
        return self._like(type(inner).__name__.lower(), inner, escape)

    def _read_similarto(self, tree: exp.SimilarTo, escape: str = "\\") -> Node:
        pattern = regex_from_similar(self._words(tree.expression), escape)
        value = operators.text(self.read(tree.this))
        node = Call("full_match", (value, Constant(pattern, SqlType.TEXT)), SqlType.BOOLEAN)
        return Call("not", (node,), SqlType.BOOLEAN) if tree.args.get("negate") else node

    def _read_regexplike(self, tree: exp.RegexpLike) -> Node:
        return self._regex("match", tree)

    def _read_regexpilike(self, tree: exp.RegexpILike) -> Node:
        return self._regex("match_any_case", tree)

    def _regex(self, name: str, tree: exp.Expr) -> Node:
        if tree.args.get("flag") or tree.args.get("full_match"):
            raise self.source.not_local("This pattern", place_of(tree))
        pattern = regex_from_posix(self._words(tree.expression))
        value = operators.text(self.read(tree.this))
        node = Call(name, (value, Constant(pattern, SqlType.TEXT)), SqlType.BOOLEAN)
        return Call("not", (node,), SqlType.BOOLEAN) if tree.args.get("negate") else node

    def _words(self, tree: exp.Expr) -> str:
        """A text that stands there as it is."""
        node = self.read(tree)
        if not isinstance(node, Constant) or not isinstance(node.value, str):
            raise self.source.not_local("A pattern that is computed", place_of(tree))
        return node.value

    def _read_cast(self, tree: exp.Cast) -> Node:
        target = NAMED_TYPES.get(getattr(tree.to.this, "name", ""))
        if target is None or tree.to.expressions or tree.args.get("format"):
            raise self.source.not_local(f"A cast to {tree.to.sql('postgres')}", place_of(tree))
        return operators.cast(self.read(tree.this), target)

    def _read_case(self, tree: exp.Case) -> Node:
        subject = self.read(tree.this) if tree.this is not None else None
        branches = []
        for branch in tree.args["ifs"]:
            when = self.read(branch.this)
            if subject is not None:
                when = operators.binary("=", subject, when)
            branches.append((operators.boolean(when), self.read(branch.args["true"])))
        default = tree.args.get("default")
        otherwise = self.read(default) if default is not None else Constant(None, SqlType.UNKNOWN)
        *values, last = operators.unified([value for _, value in branches] + [otherwise])
        pairs = tuple((when, value) for (when, _), value in zip(branches, values, strict=True))
        return Case(pairs, last, last.type)

    def _read_dot(self, tree: exp.Dot) -> Node:
        """``drms.image_exists(quality)``: whether bit 31 is clear (record sets, rule 46)."""
        called = tree.expression
        is_known = (
            tree.this.name.lower() == "drms"
            and called.name.lower() == "image_exists"
            and len(called.expressions) == 1
        )
        if not is_known:
            raise self.source.error(
                f"There is no function {tree.sql('postgres')[:40]}", place_of(tree)
            )
        quality = operators.coerce(self.read(called.expressions[0]), SqlType.INT4)
        return operators.binary(">=", quality, Constant(0, SqlType.INT4))

    def _read_extract(self, tree: exp.Extract) -> Node:
        """``extract(epoch from now())``: the one use of the clock."""
        from sqlglot import exp

        if tree.this.name.upper() != "EPOCH" or not isinstance(
            tree.expression, exp.CurrentTimestamp
        ):
            raise self.source.not_local("This EXTRACT", place_of(tree))
        return Call("now_epoch", (), SqlType.FLOAT8)

    def _function(self, tree: exp.Expr) -> Node:
        found = functions.call_of(tree)
        if found is None:
            raise self.source.not_local(f"{functions.name_of(tree)} here", place_of(tree))
        if found.is_aggregate and not self.aggregates:
            raise self.source.error(
                f"{found.name}() counts many records; a condition is about one", place_of(tree)
            )
        inner = replace(self, aggregates=False) if found.is_aggregate else self
        return functions.make(found, [inner.read(argument) for argument in found.arguments])

    # ---------------------------------------------------------------------------- sub-selects
    def _read_subquery(self, tree: exp.Subquery) -> Node:
        if {name for name, value in tree.args.items() if value} - {"this"}:
            raise self.source.not_local("This sub-select", place_of(tree))
        return self._select(tree.this, is_scalar=True)

    def _read_exists(self, tree: exp.Exists) -> Node:
        from sqlglot import exp

        inner = tree.this.this if isinstance(tree.this, exp.Subquery) else tree.this
        found = self._select(inner, is_scalar=False)
        return Call("exists", (found,), SqlType.BOOLEAN)

    def _select(self, tree: exp.Expr, *, is_scalar: bool) -> SubSelect:
        """``SELECT [DISTINCT] value FROM series [WHERE ...] [GROUP BY ...]``, nothing else."""
        from sqlglot import exp

        if self.depth >= _DEEPEST_SELECT:
            raise self.source.error(
                f"Sub-selects can be {_DEEPEST_SELECT} deep", place_of(tree), "Write it simpler"
            )
        used = {name for name, value in tree.args.items() if value}
        if not isinstance(tree, exp.Select) or used - {
            "expressions", "from_", "where", "group", "distinct",
        }:  # fmt: skip
            raise self.source.not_local("This form of sub-select", place_of(tree))
        inner = self._inside(tree)
        if len(tree.expressions) != 1:
            raise self.source.error("A sub-select here has one column", place_of(tree))
        where, group = tree.args.get("where"), tree.args.get("group")
        distinct = tree.args.get("distinct")
        if (distinct is not None and distinct.args.get("on")) or (
            group is not None and {n for n, v in group.args.items() if v} != {"expressions"}
        ):
            raise self.source.not_local("This form of sub-select", place_of(tree))
        chosen = tree.expressions[0]
        grouped = group.expressions if group is not None else []
        if any(isinstance(one, exp.Literal) or one.name == chosen.alias != "" for one in grouped):
            raise self.source.not_local("GROUP BY what is selected", place_of(tree))
        groups = tuple(inner.read(one) for one in grouped)
        value = replace(inner, aggregates=True).read(
            chosen.this if isinstance(chosen, exp.Alias) else chosen
        )
        operators.refuse_ungrouped(value, groups)
        condition = operators.boolean(inner.read(where.this)) if where is not None else None
        return SubSelect(
            inner.definition,
            operators.settled(value),
            condition,
            groups,
            distinct is not None,
            is_scalar,
        )

    def _inside(self, tree: exp.Select) -> _Reader:
        """The reader of a sub-select: the columns of its own series, none of those around it."""
        from sqlglot import exp

        source = tree.args.get("from_")
        table = source.this if source is not None else None
        if (
            not isinstance(table, exp.Table)
            or not table.db
            or table.catalog
            or not isinstance(table.this, exp.Identifier)
            or {n for n, v in table.args.items() if v} - {"this", "db", "alias"}
        ):
            raise self.source.not_local("A sub-select that is not from one series", 0)
        try:
            definition = self.definition_of(f"{table.db}.{table.name}")
        except DrmsMirrorError as error:
            raise self.source.error(str(error), place_of(table)) from None
        names = frozenset({table.alias.lower()} if table.alias else ())
        return _Reader(
            definition,
            self.definition_of,
            self.body,
            self.source,
            self.depth + 1,
            names=names,
            around=self.definition,
        )

    # ---------------------------------------------------------------------------- errors
    def _doubtful(self, tree: exp.Expr) -> Exception:
        return self.source.error(
            "The order of these operators is easily misread",
            place_of(tree),
            "Put brackets around what belongs together",
        )
