"""``[upstream]``: the server that the mirror copies from."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from drmsmirror.settings.section import LONGEST_WAIT, Section

__all__ = ["UpstreamSettings"]

#: Fewest requests a second: about one a day.
_SLOWEST = 1e-5


class UpstreamSettings(Section):
    """The server that the mirror copies from, and how gently."""

    url: str = Field("http://jsoc.stanford.edu", description="Server that the mirror copies from.")
    contact: str = Field(
        "", description="Your e-mail, sent in the User-Agent so that JSOC can reach you."
    )
    requests_per_second: float = Field(
        2.0, ge=_SLOWEST, description="No more requests than this, whatever the work."
    )
    connect_timeout: float = Field(
        10.0, gt=0, le=LONGEST_WAIT, description="Seconds to wait for a connection."
    )
    read_timeout: float = Field(
        120.0, gt=0, le=LONGEST_WAIT, description="Seconds to wait for the next byte."
    )
    attempts: int = Field(
        5, ge=1, description="How often a request that can succeed later is tried in all."
    )
    retry_wait: float = Field(
        1.0,
        ge=0,
        le=LONGEST_WAIT,
        description="Seconds before the first retry; doubled, with jitter, each time.",
    )
    max_retry_wait: float = Field(
        60.0, ge=0, le=LONGEST_WAIT, description="Longest wait between retries, seconds."
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
        le=LONGEST_WAIT,
        description="Seconds for which it is left alone then; doubled each time, to an hour.",
    )

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not re.match(r"https?://[^/\s]+", url):
            raise ValueError("must begin with http:// or https:// and name a host")
        if "@" in re.split(r"[/?#]", url.partition("//")[2])[0]:
            raise ValueError("must name no user and no password: messages and logs show it")
        return url.rstrip("/")

    @field_validator("contact")
    @classmethod
    def _fits_a_header(cls, contact: str) -> str:
        if not (contact.isascii() and contact.isprintable()):
            raise ValueError("goes into an HTTP header: it must be one line of ASCII")
        return contact
