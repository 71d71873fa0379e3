"""The settings as one object."""

from __future__ import annotations

from pathlib import Path

import platformdirs
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from drmsmirror.settings.answers import AnswerSettings
from drmsmirror.settings.daemon import DaemonSettings
from drmsmirror.settings.publish import PublishSettings
from drmsmirror.settings.query import QuerySettings
from drmsmirror.settings.records import RecordSettings
from drmsmirror.settings.segments import SegmentSettings
from drmsmirror.settings.sync import SyncSettings
from drmsmirror.settings.upkeep import UpkeepSettings
from drmsmirror.settings.upstream import UpstreamSettings

__all__ = ["PREFIX", "Settings"]

#: What the names of environment variables begin with.
PREFIX = "DRMSMIRROR_"


class Settings(BaseSettings):
    """Every setting of one mirror."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=PREFIX,
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
    segments: SegmentSettings = SegmentSettings()
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
        """Nothing but what is passed in: whoever loads them checks each source by itself."""
        return (init_settings,)
