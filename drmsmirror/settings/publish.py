"""``[publish]``: where series are published."""

from __future__ import annotations

from pydantic import Field

from drmsmirror.settings.section import Section

__all__ = ["PublishSettings"]


class PublishSettings(Section):
    """Where each series is published after a sync, for other tools."""

    targets: dict[str, tuple[str, ...]] = Field(
        {},
        description="Where a sync publishes each series: targets by name of the series, * for all.",
    )
