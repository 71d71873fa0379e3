"""``python -m scripts.bench NAME``: run one bench, or all, and print its figures."""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from dataclasses import asdict

from scripts.bench.measure import Figure, exit_code, machine, show

_NAMES = (
    *("frames", "hits", "ingest", "language", "memory", "nights", "objects"),
    *("query", "requests", "small", "startup", "times", "verifying"),
)
_PROFILED = ("ingest", "query")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description=__doc__)
    parser.add_argument("name", choices=(*_NAMES, "all"), help="which bench")
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--check", action="store_true", help="exit with 1 where a figure is not as it has to be"
    )
    parser.add_argument(
        "--profile", action="store_true", help="print where our time goes instead (ingest, query)"
    )
    return parser


def _all(size: str) -> list[Figure]:
    """Each bench in a process of its own, so that none finds the memory or caches of another."""
    figures = []
    for name in _NAMES:
        sys.stderr.write(f"{name}...\n")
        done = subprocess.run(
            [sys.executable, "-m", "scripts.bench", name, "--size", size, "--json"],
            stdout=subprocess.PIPE,
            check=True,
        )
        figures += [Figure(**figure) for figure in json.loads(done.stdout)]
    return figures


def main() -> int:
    """Run what was asked for, and give the exit code."""
    parser = _parser()
    options = parser.parse_args()
    if options.profile and options.name not in _PROFILED:
        parser.error(f"--profile is for {' and '.join(_PROFILED)}")
    if options.profile:
        importlib.import_module(f"scripts.bench.{options.name}").profile(options.size)
        return 0
    if options.name == "all":
        figures = _all(options.size)
    else:
        figures = importlib.import_module(f"scripts.bench.{options.name}").run(options.size)
    if options.json:
        print(json.dumps([asdict(figure) for figure in figures]))
    else:
        print(f"{machine()}; size {options.size}\n")
        print(show(figures, markdown=options.markdown))
    return exit_code(figures, check=options.check)


if __name__ == "__main__":
    sys.exit(main())
