"""Files of a mirror that keeps them in S3: without a path, and to be opened all the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner

from drmsmirror.cli.main import cli
from drmsmirror.client import Client
from drmsmirror.errors import NoObjectError, NoSpaceError
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, series, settings_for

NAME = "hmi.M_45s"


@pytest.fixture(scope="module")
def copy(s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    with SampleJsoc([series(NAME, 3)], offline_every=0) as jsoc:
        segments = {"store": f"{s3}/{uuid4()}", "min_free_gib": 0.0}
        root = tmp_path_factory.mktemp("mirror")
        made = Copy(settings_for(root, jsoc, segments=segments), jsoc)
        made.sync(NAME)
        yield made


@pytest.fixture
def client(copy: Copy) -> Iterator[Client]:
    with Client(copy.settings) as client:
        yield client


def test_records_have_files_that_can_be_opened_and_addresses(client: Client) -> None:
    first, *others = client.get(f"{NAME}[]{{magnetogram}}")
    assert [record.paths for record in (first, *others)] == [{}] * 3
    with first.open("magnetogram") as file:
        image = fits.getdata(file)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        assert digest == first.files["magnetogram"].sha256
        assert not file.writable()
    with fits.open(first.urls["magnetogram"], use_fsspec=True) as hdus:
        np.testing.assert_array_equal(hdus[-1].section[10:12, 5:9], image[10:12, 5:9])
    client.mirror.objects.remove(digest)
    with pytest.raises(NoObjectError):
        first.open("magnetogram")


def test_where_the_disk_has_no_room_to_grow_nothing_goes_from_s3_for_it(
    client: Client, copy: Copy
) -> None:
    """Neither is anything downloaded."""
    (held,) = client.get(f"{NAME}[]", n=1)
    digest = held.files["magnetogram"].sha256
    with client.mirror.catalogue.database.write() as connection:
        connection.exec_driver_sql("UPDATE objects SET used_utc = '2001-01-01 00:00:00.000000'")
    most = 1.5 * held.files["magnetogram"].size_bytes / 2**30
    for limits in ({"min_free_gib": 2.0**30}, {"min_free_gib": 2.0**30, "max_gib": most}):
        segments = copy.settings.segments.model_copy(update=limits)
        full = copy.settings.model_copy(update={"segments": segments})
        with Client(full) as other:
            (record,) = other.get(f"{NAME}[]", n=-1, again=True)
        outcome = record.files["magnetogram"]
        assert outcome.error == NoSpaceError.code
        assert "before they go to S3 files grow in " in outcome.message
        assert client.mirror.objects.exists(digest)
    incoming = copy.settings.mirror / "objects" / "incoming"
    assert [*incoming.iterdir()] == []
    assert client.mirror.catalogue.downloads.reserved() == 0


@pytest.mark.long
def test_an_export_says_where_they_are(client: Client) -> None:
    stored = client.export(f"{NAME}[]{{magnetogram}}")
    headed = client.export(f"{NAME}[]{{magnetogram}}", protocol="fits")
    assert stored.data.filename.tolist() == stored.urls.url.tolist()
    for url in (*stored.urls.url, *headed.urls.url):
        assert url.startswith(client.settings.segments.store)


def test_get_prints_addresses_and_says_what_they_are(
    copy: Copy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = copy.settings.segments.store
    for name, value in copy.environment(DRMSMIRROR_SEGMENTS__STORE=store).items():
        if name.startswith("DRMSMIRROR_"):
            monkeypatch.setenv(name, value)
    arguments = ["get", f"{NAME}[]", "--n", "2"]
    printed = CliRunner().invoke(cli, arguments)
    told = json.loads(CliRunner().invoke(cli, [*arguments, "--json", "--offline"]).stdout)
    copied = CliRunner().invoke(cli, [*arguments, "--copy", str(tmp_path)])
    assert printed.exit_code == 0, printed.stderr
    assert "2 of them are in S3, where they have no path: astropy.io.fits.open(" in printed.stderr
    assert printed.stdout.split() == [one["url"] for one in told]
    assert all(one["url"].endswith(f"/{one['sha256']}") for one in told)
    assert [one["path"] for one in told] == [None, None]
    assert all(Path(path).is_relative_to(tmp_path) for path in copied.stdout.split())
    assert "S3" not in copied.stderr
