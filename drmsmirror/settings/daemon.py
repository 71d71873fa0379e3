"""``[daemon]``: how the daemon works, and how it is watched."""

from __future__ import annotations

from pydantic import Field, field_validator

from drmsmirror.settings.section import Section

__all__ = ["DaemonSettings"]


class DaemonSettings(Section):
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
