"""The Python client: shaped like ``drms.Client``, answering from the mirror where it can."""

from __future__ import annotations

from drmsmirror.client.answer import Answer, Source
from drmsmirror.client.client import Client
from drmsmirror.client.terms import PartialAnswerWarning, Policy

__all__ = ["Answer", "Client", "PartialAnswerWarning", "Policy", "Source"]
