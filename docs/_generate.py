"""Write the tables of the documentation that come from the code.

``python docs/_generate.py`` fills every place between ``<!-- generated: NAME -->`` and
``<!-- end -->`` in README.md and docs/; ``--check`` only says which are out of date. The same
functions are what ``tests/unit/test_docs.py`` compares with.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from drmsmirror import errors, failpoints
from drmsmirror.cli.main import cli
from drmsmirror.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
_PLACE = re.compile(r"(<!-- generated: (?P<name>[^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)

#: Defaults that depend on the machine.
_DEFAULTS = {"mirror": "`drmsmirror` in your data directory (Linux: `~/.local/share/drmsmirror`)"}


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def settings() -> Iterator[tuple[str, str, str, str]]:
    """Dotted name, environment variable, default and meaning of every setting."""
    yield from _settings_of(Settings, "")


def _settings_of(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _settings_of(kind, f"{prefix}{name}.")
            continue
        dotted = prefix + name
        variable = "DRMSMIRROR_" + dotted.replace(".", "__").upper()
        default = _DEFAULTS.get(dotted) or _shown(field.default)
        yield dotted, variable, default, field.description or ""


def _shown(default: object) -> str:
    if isinstance(default, str):
        return f"`{default}`" if default else "empty"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def error_classes() -> list[type[errors.DrmsMirrorError]]:
    """Every error, the root first, those of one family together."""

    def family(root: type[errors.DrmsMirrorError]) -> Iterator[type[errors.DrmsMirrorError]]:
        yield root
        for child in root.__subclasses__():
            if getattr(errors, child.__name__, None) is child:
                yield from family(child)

    return list(family(errors.DrmsMirrorError))


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its name after ``drmsmirror``."""
    yield from _commands_of(cli, "")


def _commands_of(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands_of(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _settings_table() -> str:
    rows = [
        (f"`{name}`", f"`{variable}`", default, text)
        for name, variable, default, text in settings()
    ]
    return _table(("setting", "environment variable", "default", "meaning"), rows)


def _errors_table() -> str:
    rows = [
        (
            f"`{error.code}`",
            error.exit_code,
            "yes" if error.retryable else "no",
            f"`{error.__name__}`",
            (error.__doc__ or "").partition("\n")[0].replace("``", "`"),
        )
        for error in error_classes()
    ]
    return _table(("code", "exit code", "retry", "class", "meaning"), rows)


def _points_list() -> str:
    return "\n".join(
        f"{number}. `{name}`" for number, name in enumerate(failpoints.POINTS, start=1)
    )


def _options_table(name: str) -> str:
    command = dict(commands())[name]
    context = click.Context(command, help_option_names=["-h", "--help"])
    rows = []
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option):
            record = parameter.get_help_record(context)
            assert record is not None
            rows.append((f"`{record[0]}`", _escaped(record[1])))
        else:
            rows.append((f"`{parameter.make_metavar(context)}`", "argument"))
    return _table(("option", "meaning"), rows)


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _escaped(text: str) -> str:
    """Help text as Markdown: stars are stars."""
    return " ".join(text.split()).replace("*", "\\*")


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|")


_MAKERS: dict[str, Callable[[], str]] = {
    "settings": _settings_table,
    "errors": _errors_table,
    "failpoints": _points_list,
}


def filled(text: str) -> str:
    """Give a page with everything generated as it is now."""

    def fill(match: re.Match[str]) -> str:
        name = match["name"].strip()
        kind, _, argument = name.partition(" ")
        made = _options_table(argument) if kind == "options" else _MAKERS[name]()
        return f"{match[1]}{made}\n{match[3]}"

    return _PLACE.sub(fill, text)


def main(arguments: list[str]) -> int:
    """Fill the pages; with ``--check`` change nothing and return 1 where one is out of date."""
    stale = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        now = filled(text)
        if now != text:
            stale.append(page.relative_to(ROOT))
            if "--check" not in arguments:
                page.write_text(now, encoding="utf-8")
    for page in stale:
        sys.stdout.write(f"{page}\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
