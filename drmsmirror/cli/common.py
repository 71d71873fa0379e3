"""What the commands share: the options that find the mirror, and how things are shown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from drmsmirror.cli.process import OwnProcess
from drmsmirror.errors import SettingsError

if TYPE_CHECKING:
    from drmsmirror.mirror import Mirror
    from drmsmirror.settings import Settings

__all__ = [
    "as_json",
    "counted",
    "duration",
    "duration_option",
    "json_list",
    "json_option",
    "mirror_options",
    "offline_option",
    "open_mirror",
    "opened_mirror",
    "policy_of",
    "read_settings",
    "size",
    "size_option",
    "spoken",
    "table",
    "talk",
    "terms_options",
    "write_json_list",
]

#: Where a command's context keeps the mirror that is used, and the settings file that was named.
_USED = f"{__name__}.used"

#: A command in a text; an ``init`` that names the directory is complete.
_COMMAND = re.compile(
    r"\bdrmsmirror (?:init(?! '?/)|sync|subscribe|unsubscribe|subscriptions|apply|daemon|health"
    r"|query|get|adopt|explain|sql|status|runs|diff|tag|info|import|publish|maintain|drop|du"
    r"|pin|unpin|pins|gc|verify|db [a-z]+)\b"
)

Command = TypeVar("Command", bound=Callable[..., Any])


def mirror_options(command: Command) -> Command:
    """Add ``--mirror``, ``--config`` and ``-v``."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Say which mirror is used."),
        click.option(
            "--config",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Settings file. [default: drmsmirror.toml in the mirror; env: DRMSMIRROR_CONFIG]",
        ),
        click.option(
            "--mirror",
            type=click.Path(file_okay=False),
            metavar="DIR",
            help="The mirror. [default: a folder in your data directory; env: DRMSMIRROR_MIRROR]",
        ),
    ):
        command = option(command)
    return command


def json_option(command: Command) -> Command:
    """Add ``--json``."""
    option = click.option("--json", "as_json_", is_flag=True, help="Print JSON, for scripts.")
    return option(command)


def offline_option(command: Command) -> Command:
    """Add ``--offline``, for what the mirror can answer and the upstream too."""
    help_ = "Only what the mirror knows; do not ask the upstream."
    return click.option("--offline", is_flag=True, help=help_)(command)


def _duration(context: click.Context, option: click.Parameter, text: str | None) -> Any:
    """A length of time; what is none is a wrong command line."""
    if text is None:
        return None
    from drmsmirror.model.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from None


def duration_option(*names: str, metavar: str, help: str) -> Callable[[Command], Command]:  # noqa: A002
    """Make an option that takes a length of time: 90m, 12h, 2d."""
    return click.option(*names, callback=_duration, metavar=metavar, help=help)


def _size(context: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """An amount of bytes; what is none is a wrong command line."""
    if text is None:
        return None
    from drmsmirror.model.sizes import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from None


def size_option(*names: str, metavar: str, help: str) -> Callable[[Command], Command]:  # noqa: A002
    """Make an option that takes an amount of bytes: 500G, 1.5T."""
    return click.option(*names, callback=_size, metavar=metavar, help=help)


def terms_options(
    *, wait: str = "What the upstream gets for this, retries included."
) -> Callable[[Command], Command]:
    """Make the options that say on what terms a question is answered; ``wait``: what that is."""

    def add(command: Command) -> Command:
        for option in _terms(wait):
            command = option(command)
        return command

    return add


def _terms(wait: str) -> tuple[Callable[[Command], Command], ...]:
    """Each of these options, the last one first."""
    return (
        click.option(
            "--wait",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help=f"{wait} [default: 30]",
        ),
        click.option(
            "--partial", is_flag=True, help="Take what is held where not all of it can be had."
        ),
        duration_option(
            "--max-age",
            metavar="AGE",
            help="Ask again for what was read longer ago: 90m, 12h, 2d.",
        ),
        click.option("--offline", is_flag=True, help="Short for --policy offline."),
        click.option(
            "--policy",
            type=click.Choice(["auto", "offline", "remote"]),
            default="auto",
            show_default=True,
            help="Whether the upstream may be asked for what is not held.",
        ),
    )


def policy_of(policy: str, *, offline: bool) -> str:
    """The policy that two options name together."""
    if offline and policy == "remote":
        raise click.UsageError("--offline and --policy remote contradict each other; choose one")
    return "offline" if offline else policy


def read_settings(mirror: str | None, config: str | None, verbose: bool) -> Settings:
    """The settings, the mirror named where that is wanted. Called when all is imported."""
    from drmsmirror.settings import load_settings

    settings = load_settings(mirror=mirror, config=config)
    context = click.get_current_context()
    context.meta[_USED] = (settings.mirror, config)
    if verbose:
        talk(f"Mirror: {settings.mirror}")
    process = context.find_object(OwnProcess)
    if process is not None:
        process.settle()
    return settings


def open_mirror(settings: Settings) -> Mirror:
    """Open a mirror that must be there."""
    from drmsmirror.mirror import Mirror

    return Mirror.open(settings)


@contextmanager
def opened_mirror(mirror: str | None, config: str | None, verbose: bool) -> Iterator[Mirror]:
    """Read the settings and open their mirror, which must be there."""
    with open_mirror(read_settings(mirror, config, verbose)) as opened:
        yield opened


def talk(text: str) -> None:
    """Say something to the person, on stderr: stdout is for data."""
    click.echo(spoken(text), err=True)


def spoken(text: str) -> str:
    """The text, the commands in it with the options that lead them to the mirror in use."""
    context = click.get_current_context(silent=True)  # none in another thread
    used = context.meta.get(_USED) if context else None
    if used is None or not _COMMAND.search(text):
        return text
    options = _options_that_lead_to(*used)
    return _COMMAND.sub(lambda command: " ".join([command[0], *options]), text)


def _options_that_lead_to(mirror: Path, config: str | None) -> list[str]:
    """The options without which a command, typed in the same place, would use another mirror."""
    from drmsmirror.settings import load_settings

    options = ["--config", config] if config else []
    try:
        leads_elsewhere = load_settings(config=config).mirror != mirror
    except SettingsError:
        leads_elsewhere = True
    if leads_elsewhere:
        options = ["--mirror", str(mirror), *options]
    return [shlex.quote(option) for option in options]


def as_json(value: object) -> None:
    """Print a value as JSON on stdout."""
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def write_json_list(values: Iterable[object]) -> None:
    """Print what :func:`as_json` prints of a list, one value after the other as they come.

    If they end by an error, the list ends with those that came; without any nothing is printed.
    """
    import orjson

    opening = "["
    try:
        for value in values:
            text = orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
            click.echo(f"{opening}\n  " + text.replace("\n", "\n  "), nl=False)
            opening = ","
        if opening == "[":
            click.echo("[]")
    finally:
        if opening == ",":
            click.echo("\n]")


def json_list(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[tuple[str, int]]:
    """Pieces of a JSON list of objects, one a line, each with the number of objects in it."""
    import orjson

    opening = "["
    for row in rows:
        yield opening + "\n" + orjson.dumps(dict(zip(names, row, strict=True))).decode(), 1
        opening = ","
    yield ("\n]\n" if opening == "," else "[]\n"), 0


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows in aligned columns, numbers to the right."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [
        max([len(name), *(len(row[number]) for row in texts)])
        for number, name in enumerate(columns)
    ]
    numeric = [
        bool(rows) and all(isinstance(row[number], int | float | None) for row in rows)
        for number in range(len(columns))
    ]
    return "\n".join(_line(line, widths, numeric) for line in [list(columns), *texts])


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    ]
    return "  ".join(padded).rstrip()


def counted(count: int, what: str) -> str:
    """How many there are, for a person: ``1 record``, ``2,500 records``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def size(count: float) -> str:
    """A number of bytes for a person: ``1.2 GiB``."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def duration(seconds: float) -> str:
    """A time for a person: ``3 h 20 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours / 24:.1f} days"
