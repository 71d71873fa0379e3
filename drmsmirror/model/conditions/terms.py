"""The terms of a condition: what is joined by AND, each in canonical text.

Two terms with one text mean the same. The text is for comparing, not for a server.
"""

from __future__ import annotations

from collections.abc import Iterator

from drmsmirror.model.conditions.nodes import Call, Case, Column, Constant, Node

__all__ = ["terms_of"]


def terms_of(tree: Node) -> frozenset[str]:
    """The terms that a condition joins by AND; itself where it joins none."""
    return frozenset(_text(term) for term in _terms(tree))


def _terms(tree: Node) -> Iterator[Node]:
    if isinstance(tree, Call) and tree.name == "and":
        for argument in tree.arguments:
            yield from _terms(argument)
    else:
        yield tree


def _text(node: Node) -> str:
    if isinstance(node, Constant):
        return f"{node.value!r}::{node.type}"
    if isinstance(node, Column):
        return node.name
    if isinstance(node, Call):
        return _call(f"{node.name}::{node.type}", *node.arguments)
    if isinstance(node, Case):
        return _call("case", *(part for pair in node.branches for part in pair), node.otherwise)
    where = [node.where] if node.where is not None else []
    kind = f"{node.series.name.lower()} {node.distinct} {node.is_scalar} {len(where)}"
    return _call(f"select {kind}", node.value, *where, *node.groups)


def _call(name: str, *arguments: Node) -> str:
    return f"{name}({', '.join(_text(argument) for argument in arguments)})"
