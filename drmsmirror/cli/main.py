"""The command ``drmsmirror``: its commands, and the one place where errors become words.

Nothing heavy is imported before a command runs, so that ``--help`` is instant.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from types import FrameType

import click

from drmsmirror.cli.common import spoken, talk
from drmsmirror.cli.process import OwnProcess
from drmsmirror.errors import DrmsMirrorError
from drmsmirror.version import __version__

__all__ = ["main"]

#: Where each command lives, and its line in ``--help``: known without importing it.
_COMMANDS = {
    "init": ("drmsmirror.cli.init", "Make a mirror and say what was made."),
    "sync": ("drmsmirror.cli.sync", "Bring the records of a series into the mirror."),
    "subscribe": ("drmsmirror.cli.subscribe", "Say what is to be kept of a series, and how."),
    "unsubscribe": ("drmsmirror.cli.unsubscribe", "End a subscription; what is held stays."),
    "subscriptions": ("drmsmirror.cli.subscriptions", "List what is to be kept."),
    "apply": ("drmsmirror.cli.apply", "Make the subscriptions those of a manifest."),
    "daemon": ("drmsmirror.cli.daemon", "Keep the mirror current by itself."),
    "health": ("drmsmirror.cli.health", "Say whether the daemon is well."),
    "query": ("drmsmirror.cli.query", "Print keywords of a record set."),
    "get": ("drmsmirror.cli.get", "Print the paths of files of records, fetching what is missing."),
    "adopt": ("drmsmirror.cli.adopt", "Take in FITS files that you already have."),
    "explain": ("drmsmirror.cli.explain", "Say what a record set means."),
    "sql": ("drmsmirror.cli.sql", "Run a SELECT over everything that the mirror holds."),
    "status": ("drmsmirror.cli.status", "Say what the mirror holds."),
    "runs": ("drmsmirror.cli.runs", "List what was done, newest first."),
    "diff": ("drmsmirror.cli.diff", "List what changed in a series since a moment."),
    "tag": ("drmsmirror.cli.tag", "Give a moment a name; list and drop names."),
    "info": ("drmsmirror.cli.info", "Say what a series is: keys, keywords, segments."),
    "import": ("drmsmirror.cli.importing", "Take in records that you already have as a file."),
    "publish": ("drmsmirror.cli.publish", "Keep a series current in a database or as Parquet."),
    "maintain": ("drmsmirror.cli.maintain", "Do the upkeep that is due."),
    "drop": ("drmsmirror.cli.drop", "Remove what is held of a record set."),
    "du": ("drmsmirror.cli.du", "Say what the mirror takes on disk, and what could be freed."),
    "pin": ("drmsmirror.cli.pin", "Have files of a record set never go for others."),
    "unpin": ("drmsmirror.cli.unpin", "Let files that were pinned go again."),
    "pins": ("drmsmirror.cli.pins", "List what is pinned."),
    "gc": ("drmsmirror.cli.gc", "Make room: let files go that nobody used lately."),
    "verify": ("drmsmirror.cli.verify", "Read all files of records; repair damaged ones."),
    "db": ("drmsmirror.cli.db", "Look after the catalogue: upgrade, current, backup, restore."),
}

#: What a shell adds to the number of a signal that ended a command.
_BY_SIGNAL = 128


class _Commands(click.Group):
    """Commands that are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(_COMMANDS[cmd_name][0])
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; its errors become words while it is known which mirror they are about.

        A closed pipe is dealt with here as well: Click would make an exit code of 1 of it.
        """
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except DrmsMirrorError as error:
            _say(error)
            ctx.exit(error.exit_code)
        except BrokenPipeError:
            # whoever read our output has seen enough; keep Python from complaining at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        return result


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="drmsmirror")
def cli() -> None:
    """Keep a local mirror of JSOC's DRMS: sync series, then query them offline.

    \b
    Example:
      drmsmirror sync 'hmi.sharp_720s[4315]'
      drmsmirror query 'hmi.sharp_720s[4315][2014.07.05_TAI/1d]' --key T_REC,USFLUX
    """


def main() -> None:
    """Run the command line and exit with its code.

    SIGTERM is taken like Ctrl-C, so that a batch system that stops a run leaves it in good order.
    """
    received = [signal.SIGINT]

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - Python's signature
        received.append(signal.Signals(number))
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        code = cli.main(standalone_mode=False, obj=OwnProcess())
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted; what was finished is kept.", err=True)
        sys.exit(_BY_SIGNAL + received[-1])


def _say(error: DrmsMirrorError) -> None:
    if "--json" in sys.argv:
        body = {"error": error.code, "message": spoken(str(error)), "retryable": error.retryable}
        click.echo(json.dumps(body), err=True)
    else:
        talk(f"drmsmirror: {error}")
