"""Where a series may be published."""

from __future__ import annotations

from pathlib import Path

import pytest

from drmsmirror.errors import SettingsError
from drmsmirror.publish import publish, read_address, targets_of
from drmsmirror.settings import load_settings

SECRET = "s3cr3t"


def test_the_three_forms() -> None:
    file = read_address("sqlite:////data/drms.db")
    server = read_address(f"postgresql://me:{SECRET}@host/solar")

    assert not isinstance(file, Path)
    assert file.path == Path("/data/drms.db")
    assert not isinstance(server, Path)
    assert server.shown == "PostgreSQL database 'solar' on host"
    assert read_address("parquet:/data/out") == Path("/data/out")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "drms.db",
        "parquet:",
        "sqlite://",
        f"mysql://me:{SECRET}@host/solar",
        f"postgresql//me:{SECRET}@host/solar",
        f"postgresql://me:{SECRET}@host:port/solar",
    ],
)
def test_what_is_no_target_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_address(text)
    assert SECRET not in str(refused.value)
    assert "sqlite:///" in str(refused.value) or "parquet:" in str(refused.value)


@pytest.mark.parametrize("target", ["sqlite:///{}/catalogue.sqlite", "parquet:{}/records/hmi"])
def test_nothing_is_published_into_the_mirror(target: str, copy_of) -> None:
    copy = copy_of("hmi.M_45s", rows=5)
    with copy.open() as mirror, pytest.raises(SettingsError, match="inside the mirror"):
        publish(mirror, "hmi.M_45s", target.format(mirror.root))


def test_the_settings_name_targets_for_one_series_and_for_all(tmp_path: Path) -> None:
    targets = {"*": ["parquet:/a"], "hmi.M_45s": ["sqlite:////b.db", "parquet:/a"]}
    settings = load_settings(mirror=tmp_path, flags={"publish": {"targets": targets}})

    assert targets_of(settings, "HMI.m_45S") == ("parquet:/a", "sqlite:////b.db")
    assert targets_of(settings, "hmi.v_45s") == ("parquet:/a",)


def test_a_wrong_target_in_the_settings_is_refused(tmp_path: Path) -> None:
    settings = load_settings(mirror=tmp_path, flags={"publish": {"targets": {"*": ["nowhere"]}}})
    with pytest.raises(SettingsError, match="The target has to say what it is"):
        targets_of(settings, "hmi.M_45s")
