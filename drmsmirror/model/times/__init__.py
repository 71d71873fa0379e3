"""DRMS times: text to TAI seconds since 1977.01.01_00:00:00_TAI, and back.

====================  ==========================================================
`parse_time`          one text to seconds
`parse_times`         a column of texts to seconds, and which of them are times
`parse_duration`      a number and a unit letter to seconds
`time_prefix`         how far into a text a time reaches
`format_time`         seconds to one text, for a zone and a precision
`format_times`        a column of seconds to texts
`learn_time_format`   the zone and precision with which a column was printed
`is_print_zone`       whether a zone is one that times print in
`time_style`          how a keyword's units and format say that it prints
====================  ==========================================================

Source: DRMS semantics 2.5 (reading) and 2.6 (printing).
"""

from __future__ import annotations

from drmsmirror.model.times.columns import learn_time_format, parse_times
from drmsmirror.model.times.durations import DURATION_UNITS, parse_duration
from drmsmirror.model.times.grammar import time_prefix
from drmsmirror.model.times.parsing import parse_time
from drmsmirror.model.times.printing import format_time, format_times, is_print_zone
from drmsmirror.model.times.style import TimeStyle, time_style

__all__ = [
    "DURATION_UNITS",
    "TimeStyle",
    "format_time",
    "format_times",
    "is_print_zone",
    "learn_time_format",
    "parse_duration",
    "parse_time",
    "parse_times",
    "time_prefix",
    "time_style",
]
