"""The settings: one typed object from a TOML file, the environment and flags, later ones winning.

The file is ``drmsmirror.toml`` in the mirror, or the one that ``--config`` or
``DRMSMIRROR_CONFIG`` names. A variable is called after its setting: ``DRMSMIRROR_UPSTREAM__URL``
is ``url`` in ``[upstream]``. Secrets may be files of a directory, which
``DRMSMIRROR_SECRETS_DIR`` names. ``config/drmsmirror.toml`` in the project shows every setting with
its default; a test holds the two together.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from drmsmirror.errors import SettingsError

__all__ = [
    "FILE_NAME",
    "AnswerSettings",
    "DaemonSettings",
    "PublishSettings",
    "QuerySettings",
    "RecordSettings",
    "Settings",
    "SyncSettings",
    "UpkeepSettings",
    "UpstreamSettings",
    "load_settings",
]

FILE_NAME = "drmsmirror.toml"
_PREFIX = "DRMSMIRROR_"
_CONFIG_VARIABLE = f"{_PREFIX}CONFIG"
_SECRETS_VARIABLE = f"{_PREFIX}SECRETS_DIR"
#: Variables with our prefix that are no settings.
_OTHER_VARIABLES = frozenset({_CONFIG_VARIABLE, _SECRETS_VARIABLE, f"{_PREFIX}FAILPOINT"})

#: Longest time that anything is waited for, seconds.
_LONGEST_WAIT = 6 * 3600.0
#: Fewest requests a second: about one a day.
_SLOWEST = 1e-5
#: Most records in one window: they are in memory together.
_MOST_RECORDS = 10_000_000
#: How like a setting a name must be, 0 to 1, for it to be proposed.
_LIKENESS = 0.8

#: Where the setting of a path stands, in words.
_PlaceOf = Callable[[tuple[str, ...]], str]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_truth_value(cls, value: object) -> object:
        """Refuse true and false, which Pydantic would take for 1 and 0."""
        if isinstance(value, bool):
            raise ValueError(f"must not be {str(value).lower()}")
        return value


class UpstreamSettings(_Section):
    """The server that the mirror copies from, and how gently."""

    url: str = Field("http://jsoc.stanford.edu", description="Server that the mirror copies from.")
    contact: str = Field(
        "", description="Your e-mail, sent in the User-Agent so that JSOC can reach you."
    )
    requests_per_second: float = Field(
        2.0, ge=_SLOWEST, description="No more requests than this, whatever the work."
    )
    connect_timeout: float = Field(
        10.0, gt=0, le=_LONGEST_WAIT, description="Seconds to wait for a connection."
    )
    read_timeout: float = Field(
        120.0, gt=0, le=_LONGEST_WAIT, description="Seconds to wait for the next byte."
    )
    attempts: int = Field(
        5, ge=1, description="How often a request that can succeed later is tried in all."
    )
    retry_wait: float = Field(
        1.0,
        ge=0,
        le=_LONGEST_WAIT,
        description="Seconds before the first retry; doubled, with jitter, each time.",
    )
    max_retry_wait: float = Field(
        60.0, ge=0, le=_LONGEST_WAIT, description="Longest wait between retries, seconds."
    )
    max_body_mib: int = Field(
        256, ge=1, description="Largest answer read, MiB; a larger one is an error."
    )

    breaker_failures: int = Field(
        3, ge=1, description="Failures in a row after which the upstream is left alone."
    )
    breaker_pause: float = Field(
        60.0,
        gt=0,
        le=_LONGEST_WAIT,
        description="Seconds for which it is left alone then; doubled each time, to an hour.",
    )

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not re.match(r"https?://[^/\s]+", url):
            raise ValueError("must begin with http:// or https:// and name a host")
        return url.rstrip("/")

    @field_validator("contact")
    @classmethod
    def _fits_a_header(cls, contact: str) -> str:
        if not (contact.isascii() and contact.isprintable()):
            raise ValueError("goes into an HTTP header: it must be one line of ASCII")
        return contact


class SyncSettings(_Section):
    """How much one run of ``sync`` takes on."""

    first_window: int = Field(
        200, ge=1, le=_MOST_RECORDS, description="Records in the first window of a backfill."
    )
    max_window: int = Field(
        20_000, ge=1, le=_MOST_RECORDS, description="Most records in one window."
    )
    window_seconds: float = Field(15.0, gt=0, description="Time that a window aims at, seconds.")
    window_mib: float = Field(8.0, gt=0, description="Answer size that a window aims at, MiB.")
    lag_hours: float = Field(
        168.0,
        ge=0,
        description="Where the upstream gives no record numbers, hours before the newest record "
        "that are read again each time.",
    )
    reconcile_seconds: float = Field(
        300.0, ge=0, description="Seconds a night that comparing with the upstream may take."
    )
    reconcile_mib: float = Field(50.0, ge=0, description="Size of the answers for it, MiB a night.")
    tell_within: float = Field(
        10.0,
        gt=0,
        le=_LONGEST_WAIT,
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


class QuerySettings(_Section):
    """How questions are answered that the mirror cannot answer by itself."""

    wait: float = Field(
        30.0,
        gt=0,
        le=_LONGEST_WAIT,
        description="Seconds that the upstream gets for one question, retries included.",
    )
    open_end_hours: float = Field(
        24.0,
        ge=0,
        description="Hours after which the upstream is asked for records newer than all held.",
    )


class RecordSettings(_Section):
    """How record tables are written."""

    target_file_mib: int = Field(
        128, ge=1, le=2**20, description="Size that compaction aims at, MiB."
    )
    compact_above_files: int = Field(
        32, ge=2, description="Compact a partition that has more small files than this."
    )


class AnswerSettings(_Section):
    """Answers of the upstream that are kept for whoever asks the same."""

    max_mib: int = Field(
        512,
        ge=0,
        le=2**40,
        description="Most that kept answers of the upstream take, MiB; 0 keeps each for a minute.",
    )


class UpkeepSettings(_Section):
    """What is kept for how long, and how much of a sync goes into that."""

    after_sync: float = Field(
        300.0,
        ge=0,
        le=_LONGEST_WAIT,
        description="Most seconds that the upkeep of a series takes at the end of a sync; 0: none.",
    )
    keep_hours: int = Field(
        24,
        ge=0,
        le=10_000,
        description="Hours for which superseded files and logs are kept for those who still read "
        "them; 0 only where nobody reads meanwhile.",
    )
    keep_runs: int = Field(
        1000,
        ge=1,
        description="Runs of each series that the catalogue remembers; tagged ones stay.",
    )


class PublishSettings(_Section):
    """Where each series is published after a sync, for other tools."""

    targets: dict[str, tuple[str, ...]] = Field(
        {},
        description="Where a sync publishes each series: targets by name of the series, * for all.",
    )


class DaemonSettings(_Section):
    """How the daemon works, and how it is watched."""

    look_every: float = Field(
        30.0,
        ge=0.1,
        le=3600.0,
        description="Seconds between two looks at what is due, and between two writings of the "
        "health file.",
    )
    retry_after: float = Field(
        900.0,
        ge=1,
        description="Seconds after which a sync is tried again that failed in a way that may pass.",
    )
    maintain: str = Field(
        "40 5 * * *",
        description="When the record tables are looked after, in cron's five fields, in UTC; "
        "empty: never.",
    )
    metrics_address: str = Field(
        "127.0.0.1", description="Address at which metrics are served to Prometheus."
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port at which metrics are served; 0: none."
    )
    metrics_file: str = Field(
        "",
        description="File to which every sync writes the metrics, for the textfile collector of "
        "Prometheus: a path that ends in .prom; empty: none.",
    )

    @field_validator("metrics_file")
    @classmethod
    def _is_collected(cls, file: str) -> str:
        if file and not file.endswith(".prom"):
            raise ValueError("must end in .prom: the collector reads no other files")
        return file


class Settings(BaseSettings):
    """Every setting of one mirror."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )

    mirror: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("drmsmirror"),
        description="Directory of the mirror.",
    )
    catalogue_url: str = Field(
        "", description="SQLAlchemy URL of the catalogue; empty: SQLite inside the mirror."
    )
    catalogue_password: str = Field(
        "",
        repr=False,
        description="Password of the catalogue's user, where the URL has none; best in a file of "
        "DRMSMIRROR_SECRETS_DIR.",
    )
    upstream: UpstreamSettings = UpstreamSettings()
    query: QuerySettings = QuerySettings()
    sync: SyncSettings = SyncSettings()
    records: RecordSettings = RecordSettings()
    answers: AnswerSettings = AnswerSettings()
    upkeep: UpkeepSettings = UpkeepSettings()
    publish: PublishSettings = PublishSettings()
    daemon: DaemonSettings = DaemonSettings()

    @field_validator("mirror", mode="before")
    @classmethod
    def _is_named(cls, mirror: object) -> object:
        if mirror == "":  # which would be the current directory
            raise ValueError("must name a directory")
        return mirror

    @field_validator("mirror")
    @classmethod
    def _absolute(cls, mirror: Path) -> Path:
        if "%" in str(mirror):
            raise ValueError("must have no % in its path: record tables cannot be kept there")
        return mirror.expanduser().absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - Pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what is passed in: `load_settings` reads each source and checks it alone."""
        return (init_settings,)


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
    _refuse_unknown_variables()
    overrides = dict(flags or {}) | _named_mirror(mirror)
    named = config or os.environ.get(_CONFIG_VARIABLE)
    source = Path(named).expanduser() if named else _place_of_mirror(overrides) / FILE_NAME
    text = _read(source)
    if text is None and named:
        raise SettingsError(f"There is no settings file {source}")
    text = text or ""
    layers: tuple[tuple[Mapping[str, Any], _PlaceOf], ...] = (
        (_parse(text, source), lambda path: f"{source}, line {_line_of(path, text)}"),
        (_secrets(), lambda path: f"secret {_variable(path).lower()}"),
        (EnvSettingsSource(Settings)(), lambda path: f"environment variable {_variable(path)}"),
        (overrides, lambda _: "command line"),
    )
    # each by itself: a mistake is one even where a later layer sets the same
    mistakes = [mistake for layer, place in layers for mistake in _mistakes(layer, place)]
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
    named = overrides.get("mirror") or os.environ.get(f"{_PREFIX}MIRROR")
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


def _refuse_unknown_variables() -> None:
    known = sorted(name.upper() for name in _names(Settings))
    for variable in sorted(os.environ):
        if not variable.startswith(_PREFIX) or variable in _OTHER_VARIABLES:
            continue
        name = variable.removeprefix(_PREFIX)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=_LIKENESS)
            raise SettingsError(
                f"The environment variable {variable} is no setting"
                + (
                    f". Did you mean {_PREFIX}{near[0]}?"
                    if near
                    else f"; known are {', '.join(_PREFIX + each for each in known)}"
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


def _mistakes(layer: Mapping[str, Any], place: _PlaceOf) -> list[str]:
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


def _variable(path: tuple[str, ...]) -> str:
    return _PREFIX + "__".join(path).upper()


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
