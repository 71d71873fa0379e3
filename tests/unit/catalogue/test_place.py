"""Addresses of catalogues."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import URL

from drmsmirror.catalogue.place import place_of, with_password
from drmsmirror.errors import SettingsError


@pytest.mark.parametrize("name", ["a b.sqlite", "50%?#.sqlite", "ü@:.db"])
def test_any_path_is_a_file(tmp_path: Path, name: str) -> None:
    place = place_of(tmp_path / name)
    assert (place.path, place.shown) == (tmp_path / name, str(tmp_path / name))


def test_a_sqlite_url_is_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert place_of("sqlite:////x/y.sqlite").path == Path("/x/y.sqlite")
    assert place_of("sqlite:///y.sqlite").path == tmp_path / "y.sqlite"
    assert place_of(URL.create("sqlite", database="/x?y")).path == Path("/x?y")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:s3cret@h:5433/d", "PostgreSQL database 'd' on h:5433"),
        ("postgres://u:s3cret@h/d", "PostgreSQL database 'd' on h"),
        ("postgresql+psycopg2://u:s3cret@/d?host=/run/pg", "PostgreSQL database 'd' on /run/pg"),
        ("postgresql://u:s3cret@h", "PostgreSQL database 'u' on h"),
        ("postgresql:///d?password=s3cret", "PostgreSQL database 'd' on this host"),
    ],
)
def test_a_server_is_shown_without_password(url: str, shown: str) -> None:
    place = place_of(url)
    assert place.shown == shown
    assert place.url.drivername == "postgresql+psycopg"
    assert "s3cret" not in repr(place)
    assert place.secrets == ("s3cret",)


@pytest.mark.parametrize(
    "url",
    [
        "s3cret",
        "",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u:s3cret@h/d",
        "postgresql://u:s3cret@h:port/d",
    ],
)
def test_what_is_no_address_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        place_of(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_password_from_elsewhere_is_put_where_none_is() -> None:
    secret = "p@ss:/ w\u00f6rd"
    place = place_of(with_password("postgresql://u@h/d?sslmode=require", secret))
    assert (place.url.password, place.url.query["sslmode"]) == (secret, "require")
    assert secret in place.secrets
    assert secret not in repr(place)
    assert place_of(with_password("postgresql://u:own@h/d", secret)).url.password == "own"
    with pytest.raises(SettingsError):
        with_password("no url", secret)
