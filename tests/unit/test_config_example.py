"""config/drmsmirror.toml shows every setting, as it is."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from drmsmirror.settings import Settings, load_settings

EXAMPLE = Path(__file__).parents[2] / "config" / "drmsmirror.toml"

#: A setting or a table that is commented out; prose has a space after its "#".
_COMMENTED = re.compile(r"^#(?=[a-z_]+ = |\[)", re.MULTILINE)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Defaults must not depend on the machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for name in (f"DRMSMIRROR_{field}" for field in ("MIRROR", "CONFIG", "CATALOGUE_URL")):
        monkeypatch.delenv(name, raising=False)


def settings_of(model: type[BaseModel], *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield path and description of every setting, sections opened."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_of(field.annotation, *path, name)
        else:
            yield (*path, name), field.description or ""


SETTINGS = dict(settings_of(Settings))


def shown() -> dict[tuple[str, ...], tuple[object, str]]:
    """Value and comment of every setting in the example, by path."""
    found: dict[tuple[str, ...], tuple[object, str]] = {}
    table: tuple[str, ...] = ()
    comment: list[str] = []
    for line in _COMMENTED.sub("", EXAMPLE.read_text(encoding="utf-8")).splitlines():
        if line.startswith("# "):
            comment.append(line[2:])
            continue
        if line.startswith("["):
            table = tuple(line.strip("[]").split("."))
        elif line:
            ((name, value),) = tomllib.loads(line).items()
            found[*table, name] = value, " ".join(comment)
        comment = []
    return found


def test_as_it_is_the_example_changes_nothing() -> None:
    assert load_settings(config=EXAMPLE) == Settings()


@pytest.mark.skipif(sys.platform == "darwin", reason="the data directory is another one there")
def test_with_every_setting_in_force_the_example_changes_nothing(tmp_path: Path) -> None:
    in_force = tmp_path / "all.toml"
    in_force.write_text(_COMMENTED.sub("", EXAMPLE.read_text(encoding="utf-8")), encoding="utf-8")

    assert load_settings(config=in_force) == Settings()


def test_the_example_shows_every_setting_in_the_order_of_the_code() -> None:
    assert list(shown()) == list(SETTINGS)


@pytest.mark.parametrize("path", SETTINGS, ids=".".join)
def test_the_comment_above_a_setting_is_its_description(path: tuple[str, ...]) -> None:
    _, comment = shown()[path]

    assert comment == SETTINGS[path]


@pytest.mark.parametrize("path", SETTINGS, ids=".".join)
def test_a_setting_is_shown_as_the_type_that_it_has(path: tuple[str, ...]) -> None:
    value, _ = shown()[path]
    default: object = Settings()
    for name in path:
        default = getattr(default, name)

    assert type(value) is (str if isinstance(default, Path) else type(default))
