"""``python -m tests.jsoc``: serve the sample upstream from a shell."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from pathlib import Path

from .content import build_series, wide_series
from .definitions import builtin_names
from .faults import Fault, FaultKind
from .sample import SampleJsoc
from .storage import OFFLINE_EVERY

_EPILOG = """\
examples:
  python -m tests.jsoc                                  all series, demo content, a free port
  python -m tests.jsoc --port 8080 --size small         quick to start
  python -m tests.jsoc --series hmi.sharp_720s --advance 2
                                                        12 minutes of data every 2 seconds
  python -m tests.jsoc --wide 100000x86                 only a synthetic wide series, test.wide
  python -m tests.jsoc --fault close-early --fault-on '/SUM*/magnetogram.fits'
                                                        files that break off in the middle
  python -m tests.jsoc --polls 10 --no-staging          slow exports, of what is on disk only
  python -m tests.jsoc --latency 0.46 --latency-per-record 0.0044
                                                        as slow as JSOC has been recorded to be
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.jsoc",
        description="A small JSOC on loopback, with generated content. Prints its address.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="port to listen on; 0 picks a free one (default)")
    add("--port-file", type=Path, metavar="FILE", help="write the port number here once it listens")
    add(
        "--series",
        action="append",
        metavar="NAME",
        help="serve this series; may be repeated (default: all)",
    )
    add(
        "--size", choices=("small", "demo"), default="demo", help="how much content (default: demo)"
    )
    add(
        "--records", type=int, metavar="N", help="so many records in each series, instead of --size"
    )
    add(
        "--wide",
        metavar="NxK",
        help="serve test.wide: N records of K keywords (alone, unless --series)",
    )
    add("--seed", type=int, default=1, help="seed of the content (default: 1)")
    add(
        "--row-cap", type=int, metavar="N", help="rows at which rs_list gives up (default: as JSOC)"
    )
    add("--latency", type=float, default=0.0, metavar="SECONDS", help="wait before every answer")
    add(
        "--latency-per-record",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="wait for each record in an answer",
    )
    add(
        "--advance",
        type=float,
        metavar="SECONDS",
        help="let 12 minutes pass in every series so often",
    )
    add(
        "--fault", choices=[k.value for k in FaultKind], help="misbehave like this on every request"
    )
    add(
        "--fault-on",
        metavar="WHAT",
        help="only on this op (rs_list, exp_status...), program (jsoc_info, file...) or on files"
        " whose path matches this pattern",
    )
    add(
        "--on-tape",
        type=int,
        default=OFFLINE_EVERY,
        metavar="N",
        help=f"every N-th storage unit is on tape; 0 for none (default: {OFFLINE_EVERY})",
    )
    add(
        "--files",
        type=Path,
        metavar="DIR",
        help="serve the files here, named SERIES.RECNUM.SEGMENT.fits, in place of generated ones",
    )
    add(
        "--polls",
        type=int,
        default=1,
        metavar="N",
        help="an export is ready after so many questions about it (default: 1)",
    )
    add(
        "--no-staging",
        action="store_true",
        help="refuse exports of what is on tape, instead of bringing it back",
    )
    add("--max-mb", type=float, default=100_000.0, metavar="MB", help="largest export")
    add(
        "--replay",
        type=Path,
        metavar="DIR",
        help="answer the rs_list queries recorded here verbatim",
    )
    add("--list", action="store_true", help="list the built-in series and stop")
    return parser


def _build(options: argparse.Namespace) -> SampleJsoc:
    jsoc = SampleJsoc(
        port=options.port,
        row_cap=options.row_cap,
        latency=options.latency,
        latency_per_record=options.latency_per_record,
        offline_every=options.on_tape,
    )
    jsoc.exports.polls = options.polls
    jsoc.exports.stages = not options.no_staging
    jsoc.exports.max_mb = options.max_mb
    names = options.series or ([] if options.wide else builtin_names())
    for name in names:
        jsoc.add(build_series(name, options.records, size=options.size, seed=options.seed))
    if options.wide:
        records, _, keywords = options.wide.partition("x")
        jsoc.add(wide_series(int(records), int(keywords), seed=options.seed))
    if options.replay:
        jsoc.replay(options.replay)
    if options.fault:
        jsoc.fault(Fault(FaultKind(options.fault)), times=None, when=options.fault_on)
    if options.files:
        jsoc.serve_files(options.files)
    return jsoc


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.list:
        sys.stdout.write("\n".join(builtin_names()) + "\n")
        return 0
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        jsoc = _build(options)
    except (KeyError, OSError, ValueError) as error:
        sys.stderr.write(f"cannot serve this: {error}\n")
        return 2
    with contextlib.suppress(KeyboardInterrupt), jsoc:
        if options.port_file:
            options.port_file.write_text(f"{jsoc.port}\n", encoding="ascii")
        sys.stdout.write(f"{jsoc.url}\n")
        sys.stdout.flush()
        while True:
            time.sleep(options.advance or 3600.0)
            for series in jsoc.all_series() if options.advance else ():
                if series.definition.layout:
                    jsoc.advance(series.definition.name, hours=0.2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
