"""Reading the settings: from their file, files of secrets, the environment and flags."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic_settings import EnvSettingsSource, SecretsSettingsSource

from drmsmirror.errors import SettingsError
from drmsmirror.settings.mistakes import (
    PlaceOf,
    line_of,
    mistakes_in,
    refuse_unknown_variables,
    variable,
)
from drmsmirror.settings.settings import PREFIX, Settings

__all__ = ["FILE_NAME", "load_settings"]

FILE_NAME = "drmsmirror.toml"
_CONFIG_VARIABLE = f"{PREFIX}CONFIG"
_SECRETS_VARIABLE = f"{PREFIX}SECRETS_DIR"
#: Variables with our prefix that are no settings.
_OTHER_VARIABLES = frozenset({_CONFIG_VARIABLE, _SECRETS_VARIABLE, f"{PREFIX}FAILPOINT"})


def load_settings(
    *,
    mirror: str | os.PathLike[str] | None = None,
    config: str | os.PathLike[str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings from their file, files of secrets, the environment and flags.

    Parameters
    ----------
    mirror : path, optional
        The mirror, over everything else; empty counts as not given.
    config : path, optional
        Settings file; by default the one in the mirror, where there is one.
    flags : mapping, optional
        Nested values that win over file and environment: ``{"upstream": {"url": ...}}``.

    Raises
    ------
    SettingsError
        A file that was named is absent or no TOML, or a setting is unknown, malformed or out of
        range. The message names the file and line, or the variable.
    """
    refuse_unknown_variables(_OTHER_VARIABLES)
    overrides = dict(flags or {}) | _named_mirror(mirror)
    named = config or os.environ.get(_CONFIG_VARIABLE)
    source = Path(named).expanduser() if named else _place_of_mirror(overrides) / FILE_NAME
    text = _read(source)
    if text is None and named:
        raise SettingsError(f"There is no settings file {source}")
    text = text or ""
    layers: tuple[tuple[Mapping[str, Any], PlaceOf], ...] = (
        (_parse(text, source), lambda path: f"{source}, line {line_of(path, text)}"),
        (_secrets(), lambda path: f"secret {variable(path).lower()}"),
        (EnvSettingsSource(Settings)(), lambda path: f"environment variable {variable(path)}"),
        (overrides, lambda _: "command line"),
    )
    # each by itself: a mistake is one even where a later layer sets the same
    mistakes = [mistake for layer, place in layers for mistake in mistakes_in(layer, place)]
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    values: dict[str, Any] = {}
    for layer, _ in layers:
        values = _overlaid(values, layer)
    return Settings(**values)


def _secrets() -> dict[str, Any]:
    """Settings that are files: ``drmsmirror_catalogue_password`` is ``catalogue_password``."""
    named = os.environ.get(_SECRETS_VARIABLE)
    if not named:
        return {}
    if not Path(named).is_dir():
        raise SettingsError(f"There is no directory {named}, which {_SECRETS_VARIABLE} names")
    try:
        found: dict[str, Any] = SecretsSettingsSource(Settings, secrets_dir=named)()
    except OSError as error:
        raise SettingsError(f"{error.filename} cannot be read: {error.strerror}") from None
    return found


def _named_mirror(mirror: str | os.PathLike[str] | None) -> dict[str, str]:
    if mirror is None or mirror == "":
        return {}
    try:
        return {"mirror": str(Path(mirror))}
    except TypeError:
        raise SettingsError(
            f"The mirror is {mirror!r}; it must be the path of a directory"
        ) from None


def _place_of_mirror(overrides: Mapping[str, Any]) -> Path:
    named = overrides.get("mirror") or os.environ.get(f"{PREFIX}MIRROR")
    return Path(named).expanduser() if named else platformdirs.user_data_path("drmsmirror")


def _read(source: Path) -> str | None:
    """What is in the file; None where there is none."""
    try:
        return source.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{source} is no text in UTF-8: {error}") from None
    except OSError as error:
        raise SettingsError(f"{source} cannot be read: {error.strerror}") from None


def _parse(text: str, source: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source} is not TOML: {error}") from None


def _overlaid(values: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with those of a later layer in their place, section by section."""
    merged = dict(values)
    for name, value in layer.items():
        merged[name] = {**merged.get(name, {}), **value} if isinstance(value, Mapping) else value
    return merged
