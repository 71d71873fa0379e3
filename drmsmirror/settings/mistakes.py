"""What is wrong with settings, and where it stands: the line of a file, or a variable."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from drmsmirror.errors import SettingsError
from drmsmirror.settings.settings import PREFIX, Settings

__all__ = ["PlaceOf", "line_of", "mistakes_in", "refuse_unknown_variables", "variable"]

#: How like a setting a name must be, 0 to 1, for it to be proposed.
_LIKENESS = 0.8

#: Where the setting of a path stands, in words.
PlaceOf = Callable[[tuple[str, ...]], str]


def refuse_unknown_variables(others: Collection[str]) -> None:
    """Refuse a variable with our prefix that is neither a setting nor one of some others.

    Raises
    ------
    SettingsError
    """
    known = sorted(name.upper() for name in _names(Settings))
    for found in sorted(os.environ):
        if not found.startswith(PREFIX) or found in others:
            continue
        name = found.removeprefix(PREFIX)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=_LIKENESS)
            raise SettingsError(
                f"The environment variable {found} is no setting"
                + (
                    f". Did you mean {PREFIX}{near[0]}?"
                    if near
                    else f"; known are {', '.join(PREFIX + each for each in known)}"
                )
            )


def _names(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted names of all settings, the dot written as ``__``."""
    names: list[str] = []
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            names.extend(_names(info.annotation, f"{prefix}{name}__"))
        else:
            names.append(prefix + name)
    return names


def mistakes_in(layer: Mapping[str, Any], place: PlaceOf) -> list[str]:
    """One line a mistake in the settings of one source, each with the place where it stands."""
    try:
        Settings(**layer)
    except ValidationError as error:
        found = [(tuple(str(part) for part in each["loc"]), each) for each in error.errors()]
        return [f"{place(path)}: {'.'.join(path)}: {_problem(each)}" for path, each in found]
    return []


def _problem(mistake: Mapping[str, Any]) -> str:
    if mistake["type"] == "extra_forbidden":
        return "there is no such setting"
    if mistake["type"] == "model_type":
        return f"must be a table: [{mistake['loc'][-1]}]"
    return str(mistake["msg"]).removeprefix("Value error, ")


def variable(path: tuple[str, ...]) -> str:
    """The environment variable of a setting."""
    return PREFIX + "__".join(path).upper()


def line_of(path: tuple[str, ...], text: str) -> int:
    """The line on which the setting of that path stands; its table's where it is written inline."""
    table: tuple[str, ...] = ()
    best = 1
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([\w.\-\s]+)\]", line):
            table = tuple(part.strip() for part in header[1].split("."))
            if table == path[: len(table)]:
                best = number
        elif assignment := re.match(r"\s*([\w.\-\"]+)\s*=", line):
            name = tuple(assignment[1].replace('"', "").split("."))
            if table + name == path[: len(table + name)]:
                return number
    return best
