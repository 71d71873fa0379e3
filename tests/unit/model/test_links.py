"""Where keywords come from that are read through links."""

from __future__ import annotations

from dataclasses import replace

from drmsmirror.model.links import sources_of
from drmsmirror.model.series import Keyword, KeywordType, Link, LinkTarget, SeriesDefinition

PLAIN = SeriesDefinition(name="a.plain", keywords=(Keyword("V", KeywordType.INT),))


def linking(name: str, target: str) -> SeriesDefinition:
    """A series whose V is that of another."""
    through = replace(PLAIN.keywords[0], link=LinkTarget("L", "V"))
    return replace(PLAIN, name=name, keywords=(through,), links=(Link("L", target, "dynamic"),))


def test_a_chain_is_followed_as_far_as_it_is_known_and_once_around() -> None:
    first, second = linking("a.first", "a.second"), linking("a.second", "a.plain")
    known = {one.name: one for one in (second, PLAIN)}
    assert sources_of(PLAIN, known.get) == {}
    assert sources_of(first, known.get) == {"v": {"a.second", "a.plain"}}
    assert sources_of(first, lambda _: None) == {"v": {"a.second"}}
    ring = {"a.first": first, "a.second": linking("a.second", "a.first")}
    assert sources_of(first, ring.get) == {"v": {"a.first", "a.second"}}
