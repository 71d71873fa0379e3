"""The upstream of a mirror: all processes that open the mirror wait for one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from drmsmirror.errors import UpstreamTimeoutError
from drmsmirror.files import locked_file
from drmsmirror.mirror import Mirror
from drmsmirror.settings import load_settings
from drmsmirror.sharing import open_upstream
from tests.jsoc import SampleJsoc


def test_nothing_is_asked_while_another_process_asks(tmp_path: Path) -> None:
    with SampleJsoc(series=["hmi.synoptic_mr_720s"], size="small") as jsoc:
        flags = {"upstream": {"url": jsoc.url, "requests_per_second": 1000.0, "attempts": 1}}
        with Mirror.create(load_settings(mirror=tmp_path, flags=flags)) as mirror:
            upstream = open_upstream(mirror)
            assert upstream.count("hmi.synoptic_mr_720s[]") > 0
            jsoc.clear_requests()
            with locked_file(mirror.upstream_gate) as other:
                assert other is not None
                with pytest.raises(UpstreamTimeoutError, match="could not be asked"):
                    upstream.within(0.1).count("hmi.synoptic_mr_720s[]")
            assert jsoc.requests == []
            assert upstream.count("hmi.synoptic_mr_720s[]") > 0
