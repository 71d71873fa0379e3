"""What commands say where several hosts use a mirror whose catalogue is for one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, insert

from drmsmirror.catalogue.tables import hosts
from drmsmirror.cli.hosts import tell_of_file_system
from drmsmirror.cli.main import cli
from drmsmirror.mirror import Mirror
from drmsmirror.settings import load_settings

SAID = "Another host writes this mirror too: elsewhere (at "


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """Have a mirror that another host wrote just now."""
    with Mirror.create(load_settings(mirror=tmp_path)) as made:
        database = made.catalogue.database
        row = {"name": "elsewhere", "boot": "another", "seen_utc": database.clock()}
        with database.write() as connection:
            connection.execute(insert(hosts), row)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("get", "hmi.M_45s", "--offline"),
        ("sync", "--all"),
        ("adopt", "/dev/null", "--offline"),
        ("pin", "hmi.M_45s", "--offline"),
        ("unpin", "hmi.M_45s"),
        ("gc",),
        ("verify",),
    ],
)
def test_it_is_said_once_that_another_host_writes(
    arguments: tuple[str, ...], mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRMSMIRROR_MIRROR", str(mirror))
    said = CliRunner().invoke(cli, arguments).stderr
    assert said.count(SAID) == 1
    assert "drmsmirror db backup" in said
    assert "drmsmirror db restore" in said
    with (
        Mirror.open(load_settings(mirror=mirror)) as opened,
        opened.catalogue.database.write() as connection,
    ):
        connection.execute(delete(hosts))
    assert "Another host" not in CliRunner().invoke(cli, arguments).stderr


@pytest.mark.parametrize(("kind", "others"), [("nfs4", ()), ("nfs4", ("elsewhere",)), (None, ())])
def test_a_file_system_that_others_may_share_is_told_unless_they_were_seen(
    kind: str | None, others: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue = SimpleNamespace(network_file_system=lambda: kind, other_hosts=lambda: others)
    tell_of_file_system(cast(Any, SimpleNamespace(catalogue=catalogue)))
    assert ("nfs4" in capsys.readouterr().err) == (kind is not None and not others)
