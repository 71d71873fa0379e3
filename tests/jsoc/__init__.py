"""A faithful little JSOC on loopback: the upstream that tests, the demo and benches run against.

It shares no code with the package under test, so that it can judge it. `SampleJsoc` is the way in;
``python -m tests.jsoc`` serves it from a shell.
"""

from __future__ import annotations

from .cgi import Request
from .content import build_series, wide_series
from .definitions import Keyword, Link, Segment, SeriesDefinition, builtin_names, load_definition
from .errors import NotCovered, QueryError
from .exports import Exports
from .faults import Fault, FaultKind
from .numberless import NumbersHidden
from .records import Series
from .replay import shared_data
from .sample import SampleJsoc
from .select import Selection, select
from .storage import UnitState

__all__ = [
    "Exports",
    "Fault",
    "FaultKind",
    "Keyword",
    "Link",
    "NotCovered",
    "NumbersHidden",
    "QueryError",
    "Request",
    "SampleJsoc",
    "Segment",
    "Selection",
    "Series",
    "SeriesDefinition",
    "UnitState",
    "build_series",
    "builtin_names",
    "load_definition",
    "select",
    "shared_data",
    "wide_series",
]
