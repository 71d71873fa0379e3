"""``[segments]``: the files of records, and how much of them is kept."""

from __future__ import annotations

from pydantic import Field, field_validator

from drmsmirror.settings.section import LONGEST_WAIT, Section

__all__ = ["SegmentSettings"]

_MOST_GIB = 2.0**40


class SegmentSettings(Section):
    """The files of records, and how much of them is kept."""

    store: str = Field(
        "",
        description="Where files are kept: empty for objects/ in the mirror, or "
        '"s3://bucket/folder"; access to that comes from the environment.',
    )
    max_gib: float = Field(
        0.0,
        ge=0,
        le=_MOST_GIB,
        description="Most that files take together, GiB; those that were not used for longest go "
        "first. 0: as much as the disk has.",
    )
    min_free_gib: float = Field(
        5.0,
        ge=0,
        le=_MOST_GIB,
        description="What stays free on the disk of the mirror, GiB; files that go to S3 grow "
        "there first.",
    )
    keep_hours: float = Field(
        24.0,
        ge=0,
        le=10_000,
        description="Hours for which a file stays after somebody was given its path.",
    )
    email: str = Field(
        "",
        description="Your e-mail as it is registered for exports at JSOC, for files that are on "
        "tape.",
    )
    order_wait: float = Field(
        900.0,
        ge=0,
        le=LONGEST_WAIT,
        description="Seconds that files from tape are waited for; the order goes on beyond that.",
    )
    failed_minutes: float = Field(
        10.0,
        ge=0,
        le=10_000,
        description="Minutes for which a file that could not be had is not tried again; "
        "one at most if that can pass by itself.",
    )

    scrub_days: int = Field(
        90,
        ge=0,
        le=10_000,
        description="Days after which maintenance reads a file again, to see whether it is sound; "
        "0: never.",
    )
    scrub_mib: int = Field(
        256,
        ge=0,
        le=2**40,
        description="Most of them that is read at the end of a sync, MiB; 0: none.",
    )

    @field_validator("store")
    @classmethod
    def _is_known(cls, store: str) -> str:
        if store and not (store.startswith("s3://") and store[5:].strip("/")):
            raise ValueError('must be empty, or "s3://bucket/folder"')
        return store.rstrip("/")

    @field_validator("email")
    @classmethod
    def _is_address(cls, email: str) -> str:
        if email and not (email.isascii() and email.isprintable() and "@" in email):
            raise ValueError("must be one e-mail address")
        return email
