"""The stock drms client and ours, side by side."""

from __future__ import annotations

from collections.abc import Iterator

import drms
import pytest
from drms.config import ServerConfig

from drmsmirror.client import Client
from drmsmirror.mirror import Mirror
from drmsmirror.settings import Settings, UpstreamSettings
from drmsmirror.sync import sync
from drmsmirror.upstream import Jsoc
from tests.jsoc import SampleJsoc

SERIES = (
    "hmi.sharp_720s",
    "hmi.M_45s",
    "aia.lev1_euv_12s",
    "aia.lev1",
    "mdi.fd_M_96m_lev182",
    "hmi.synoptic_mr_720s",
    "iris.lev1",
)


@pytest.fixture(scope="session")
def jsoc() -> Iterator[SampleJsoc]:
    """A sample upstream with little content."""
    with SampleJsoc(SERIES, size="small") as server:
        yield server


@pytest.fixture(scope="session")
def stock(jsoc: SampleJsoc) -> drms.Client:
    """The stock client, pointed at the sample upstream as it is at JSOC."""
    return stock_client(
        jsoc, cgi_show_series_wrapper="showextseries", show_series_wrapper_dbhost="hmidb2"
    )


def stock_client(jsoc: SampleJsoc, **more: str) -> drms.Client:
    """A stock client of a server."""
    return drms.Client(
        ServerConfig(
            name="sample",
            cgi_baseurl=jsoc.cgi_url,
            cgi_show_series="show_series",
            cgi_jsoc_info="jsoc_info",
            cgi_jsoc_fetch="jsoc_fetch",
            cgi_check_address="checkAddress.sh",
            http_download_baseurl=jsoc.url,
            encoding="latin1",
            **more,
        )
    )


@pytest.fixture(scope="session")
def mirrored(jsoc: SampleJsoc, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a mirror that holds every series of the sample upstream."""
    settings = Settings(
        mirror=tmp_path_factory.mktemp("mirror"),
        upstream=UpstreamSettings(url=jsoc.url, requests_per_second=1000, attempts=1),
    )
    with Mirror.create(settings) as mirror:
        upstream = Jsoc(settings.upstream)
        for name in SERIES:
            sync(mirror, upstream, name)
    return settings


@pytest.fixture
def offline(mirrored: Settings) -> Iterator[Client]:
    """Our client, that never asks the upstream."""
    with Client(mirrored, policy="offline") as client:
        yield client
