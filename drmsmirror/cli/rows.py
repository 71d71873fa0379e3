"""Rows that a command lists: the options that say how, and how they are written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from drmsmirror.cli.common import json_list, table

__all__ = ["format_option", "limit_option", "write_rows"]

Command = Callable[..., Any]


def format_option(what: str, *more: str) -> Callable[[Command], Command]:
    """Make the option that says how something is written, in further forms besides the usual."""
    return click.option(
        "-f",
        "--format",
        "form",
        type=click.Choice(["table", "csv", "json", *more]),
        default="table",
        show_default=True,
        help=f"How to write the {what}.",
    )


def limit_option(text: str) -> Callable[[Command], Command]:
    """Make the option that bounds how many rows are written."""
    return click.option("--limit", type=click.IntRange(min=0), metavar="ROWS", help=text)


def write_rows(names: Sequence[str], rows: Iterable[Sequence[object]], form: str) -> None:
    """Write rows to stdout; but for a table in memory that does not grow with their number.

    A table without rows is nothing but its header.
    """
    if form == "table":
        click.echo(table(names, list(rows)))
        return
    if form == "csv":
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
        return
    for text, _ in json_list(names, rows):
        sys.stdout.write(text)
