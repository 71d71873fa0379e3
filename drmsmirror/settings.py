"""The settings: one typed object from a TOML file, the environment and flags, later ones winning.

The file is ``drmsmirror.toml`` in the mirror, or the one that ``--config`` or
``DRMSMIRROR_CONFIG`` names. A variable is called after its setting: ``DRMSMIRROR_UPSTREAM__URL``
is ``url`` in ``[upstream]``. ``config/drmsmirror.toml`` in the project shows every setting with
its default; a test holds the two together.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from drmsmirror.errors import SettingsError

__all__ = [
    "FILE_NAME",
    "RecordSettings",
    "Settings",
    "SyncSettings",
    "UpstreamSettings",
    "load_settings",
]

FILE_NAME = "drmsmirror.toml"
_PREFIX = "DRMSMIRROR_"
_CONFIG_VARIABLE = f"{_PREFIX}CONFIG"
#: Variables with our prefix that are no settings.
_OTHER_VARIABLES = frozenset({_CONFIG_VARIABLE, f"{_PREFIX}FAILPOINT"})


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UpstreamSettings(_Section):
    """The server that the mirror copies from, and how gently."""

    url: str = Field("http://jsoc.stanford.edu", description="Server that the mirror copies from.")
    contact: str = Field(
        "", description="Your e-mail, sent in the User-Agent so that JSOC can reach you."
    )
    requests_per_second: float = Field(
        2.0, gt=0, description="No more requests than this, whatever the work."
    )
    connect_timeout: float = Field(10.0, gt=0, description="Seconds to wait for a connection.")
    read_timeout: float = Field(120.0, gt=0, description="Seconds to wait for the next byte.")
    attempts: int = Field(
        5, ge=1, description="How often a request that can succeed later is tried in all."
    )
    retry_wait: float = Field(
        1.0, ge=0, description="Seconds before the first retry; doubled, with jitter, each time."
    )
    max_retry_wait: float = Field(60.0, ge=0, description="Longest wait between retries, seconds.")
    max_body_mib: int = Field(
        256, ge=1, description="Largest answer read, MiB; a larger one is an error."
    )

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not re.match(r"https?://[^/\s]+", url):
            raise ValueError("must begin with http:// or https:// and name a host")
        return url.rstrip("/")


class SyncSettings(_Section):
    """How much one run of ``sync`` takes on."""

    first_window: int = Field(200, ge=1, description="Records in the first window of a backfill.")
    max_window: int = Field(20_000, ge=1, description="Most records in one window.")
    window_seconds: float = Field(15.0, gt=0, description="Time that a window aims at, seconds.")
    window_mib: float = Field(8.0, gt=0, description="Answer size that a window aims at, MiB.")
    tell_within: float = Field(
        10.0,
        gt=0,
        description="Seconds within which a run says what lies ahead, or what it knows by then.",
    )
    max_run: float = Field(
        3600.0, gt=0, description="Without a terminal, seconds after which a run stops; it exits 0."
    )
    ask_above_minutes: float = Field(
        30.0, ge=0, description="On a terminal, ask first where more time than this lies ahead."
    )
    ask_above_gib: float = Field(
        1.0, ge=0, description="On a terminal, ask first where more is to be fetched or stored."
    )


class RecordSettings(_Section):
    """How record tables are written."""

    target_file_mib: int = Field(128, ge=1, description="Size that compaction aims at, MiB.")
    compact_above_files: int = Field(
        32, ge=2, description="Compact a partition that has more small files than this."
    )


class Settings(BaseSettings):
    """Every setting of one mirror."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=_PREFIX, env_nested_delimiter="__"
    )

    mirror: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("drmsmirror"),
        description="Directory of the mirror.",
    )
    catalogue_url: str = Field(
        "", description="SQLAlchemy URL of the catalogue; empty: SQLite inside the mirror."
    )
    upstream: UpstreamSettings = UpstreamSettings()
    sync: SyncSettings = SyncSettings()
    records: RecordSettings = RecordSettings()

    @field_validator("mirror")
    @classmethod
    def _absolute(cls, mirror: Path) -> Path:
        return mirror.expanduser().absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - Pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over what is passed in, which is the file's content."""
        return env_settings, init_settings


def load_settings(
    *,
    mirror: str | os.PathLike[str] | None = None,
    config: str | os.PathLike[str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings from their file, the environment and flags.

    Parameters
    ----------
    mirror : path, optional
        The mirror, over everything else.
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
    _refuse_unknown_variables()
    overrides = dict(flags or {})
    if mirror is not None:
        overrides["mirror"] = str(mirror)
    named = config or os.environ.get(_CONFIG_VARIABLE)
    source = Path(named).expanduser() if named else _place_of_mirror(overrides) / FILE_NAME
    if named and not source.is_file():
        raise SettingsError(f"There is no settings file {source}")
    text = _read(source) if source.is_file() else ""
    content = _parse(text, source)
    try:
        settings = Settings(**content)
        return _with_overrides(settings, overrides)
    except ValidationError as error:
        raise SettingsError(_explain(error, content, text, source)) from None


def _place_of_mirror(overrides: Mapping[str, Any]) -> Path:
    named = overrides.get("mirror") or os.environ.get(f"{_PREFIX}MIRROR")
    return Path(named).expanduser() if named else platformdirs.user_data_path("drmsmirror")


def _read(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{source} is no text in UTF-8: {error}") from None
    except OSError as error:
        raise SettingsError(f"{source} cannot be read: {error.strerror}") from None


def _parse(text: str, source: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source} is not TOML: {error}") from None


def _with_overrides(settings: Settings, overrides: Mapping[str, Any]) -> Settings:
    """Flags win over everything, section by section."""
    if not overrides:
        return settings
    values = settings.model_dump()
    for name, value in overrides.items():
        values[name] = {**values[name], **value} if isinstance(value, Mapping) else value
    # model_validate would read the environment again, and let it win
    return Settings.model_construct(
        mirror=Path(values["mirror"]).expanduser().absolute(),
        catalogue_url=values["catalogue_url"],
        upstream=UpstreamSettings.model_validate(values["upstream"]),
        sync=SyncSettings.model_validate(values["sync"]),
        records=RecordSettings.model_validate(values["records"]),
    )


def _refuse_unknown_variables() -> None:
    known = {name.upper() for name in _names(Settings)}
    for variable in sorted(os.environ):
        if not variable.startswith(_PREFIX) or variable in _OTHER_VARIABLES:
            continue
        if variable.removeprefix(_PREFIX) not in known:
            raise SettingsError(
                f"The environment variable {variable} is no setting; "
                f"known are {', '.join(sorted(_PREFIX + name for name in known))}"
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


def _explain(error: ValidationError, content: Mapping[str, Any], text: str, source: Path) -> str:
    """One line a mistake, each with the place where it stands."""
    lines = []
    for mistake in error.errors():
        path = tuple(str(part) for part in mistake["loc"])
        problem = (
            "there is no such setting"
            if mistake["type"] == "extra_forbidden"
            else mistake["msg"].removeprefix("Value error, ")
        )
        lines.append(f"{_place(path, content, text, source)}: {'.'.join(path)}: {problem}")
    return "\n".join(lines)


def _place(path: tuple[str, ...], content: Mapping[str, Any], text: str, source: Path) -> str:
    variable = _PREFIX + "__".join(path).upper()
    if variable in os.environ:
        return f"environment variable {variable}"
    inner: Any = content
    for part in path:
        if not isinstance(inner, Mapping) or part not in inner:
            return "command line"
        inner = inner[part]
    return f"{source}, line {_line_of(path, text)}"


def _line_of(path: tuple[str, ...], text: str) -> int:
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
