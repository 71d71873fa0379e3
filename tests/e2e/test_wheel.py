"""The wheel, in an environment that has never seen the checkout.

The wheel is built from the checkout and unpacked by pip into a new environment. To save minutes
that environment finds the *dependencies* in the site-packages of the environment that runs the
tests, which a ``.pth`` file names; those are the versions that constraints.txt pins. An editable
installation there has no effect through it, since Python does not read the ``.pth`` files of a
folder that was itself named by one. ``drmsmirror`` therefore comes from the wheel only, which the
first test makes sure of. Commands run with an empty folder as current directory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.jsoc import SampleJsoc

ROOT = Path(__file__).parents[2]


def pip(*arguments: str | Path) -> None:
    """Run the pip of the test environment, without the network."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True)
class Installation:
    """An environment with the wheel, and a folder to be in."""

    environment: Path
    folder: Path
    upstream: str

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment to its end."""
        foreign = ("DRMSMIRROR_", "PYTHON", "VIRTUAL_ENV")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
        return subprocess.run(
            [self.environment / "bin" / program, *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            env=kept
            | {
                "DRMSMIRROR_MIRROR": str(self.folder / "mirror"),
                "DRMSMIRROR_UPSTREAM__URL": self.upstream,
                "DRMSMIRROR_UPSTREAM__REQUESTS_PER_SECOND": "1000",
                "DRMSMIRROR_UPSTREAM__ATTEMPTS": "1",
            },
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Install the wheel, and serve a sample upstream."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False, symlinks=True)
    (packages,) = (environment / "lib").glob("python*/site-packages")
    dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(dependencies), encoding="utf-8")
    pip("--python", environment / "bin/python", "install", "--no-deps", "--no-index", wheel)
    with SampleJsoc(["hmi.sharp_720s"], size="small") as jsoc:
        yield Installation(environment, tmp_path_factory.mktemp("elsewhere"), jsoc.url)


def test_drmsmirror_comes_from_the_wheel_only(installation: Installation) -> None:
    done = installation.run("python", "-c", "import drmsmirror; print(drmsmirror.__file__)")

    assert Path(done.stdout.strip()).is_relative_to(installation.environment), done.stderr


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "drmsmirror").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    migrations = {
        f"drmsmirror/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "migrations").rglob("*.py")
    }

    assert {"drmsmirror/py.typed", "drmsmirror/model/recordset/grammar.lark"} <= package
    assert "drmsmirror/migrations/versions/0001_first_catalogue.py" in migrations
    assert (package | migrations) - held == set()


def test_the_wheel_holds_nothing_but_the_package(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"drmsmirror"}


def test_the_installed_command_makes_fills_and_asks_a_mirror(installation: Installation) -> None:
    for arguments in (["init"], ["sync", "hmi.sharp_720s"]):
        done = installation.run("drmsmirror", *arguments)
        assert done.returncode == 0, done.stderr

    done = installation.run(
        "drmsmirror", "query", "hmi.sharp_720s[4315][2014.07.05_TAI/1h]",
        "--key", "T_REC,QUALITY", "--format", "csv", "--offline",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    header, *records = done.stdout.splitlines()
    assert header == "T_REC,QUALITY"
    assert [record.partition(",")[0] for record in records] == [
        f"2014.07.05_00:{minute:02d}:00_TAI" for minute in range(0, 60, 12)
    ]
