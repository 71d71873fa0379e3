"""What is there to run drmsmirror by: container, systemd, cron. Each says what the code has."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

import drmsmirror
from drmsmirror.cli.main import cli
from drmsmirror.settings import load_settings

ROOT = Path(drmsmirror.__file__).parents[1]
UNITS = sorted((ROOT / "config" / "systemd").iterdir())
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
DAEMON: dict[str, Any] = SERVICES["daemon"]


def understand(line: str | list[str]) -> click.Context:
    """Parse a command line of drmsmirror; a wrong one raises."""
    program, verb, *rest = line if isinstance(line, list) else shlex.split(line)
    assert Path(program).name == "drmsmirror"
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    return command.make_context(verb, rest, help_option_names=["-h", "--help"])


def test_the_compose_file_is_one_by_the_schema_of_the_specification() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         "docker-compose.yml"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_that_check_finds_mistakes(tmp_path: Path) -> None:
    mistaken = COMPOSE | {"services": {"daemon": DAEMON | {"comand": ["drmsmirror"]}}}
    (tmp_path / "docker-compose.yml").write_text(yaml.safe_dump(mistaken), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         "docker-compose.yml"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "comand" in done.stdout


def test_the_services_run_commands_that_there_are() -> None:
    assert understand(DAEMON["command"]).info_name == "daemon"
    kind, *check = DAEMON["healthcheck"]["test"]
    assert (kind, understand(check).info_name) == ("CMD", "health")


def test_what_the_services_use_is_declared() -> None:
    for service in SERVICES.values():
        assert set(service["secrets"]) <= COMPOSE["secrets"].keys()
        volumes = {volume.partition(":")[0] for volume in service["volumes"]}
        assert volumes <= COMPOSE["volumes"].keys()
        assert set(service.get("depends_on", ())) <= SERVICES.keys()
        assert service["healthcheck"]["test"]
    mirror = DAEMON["environment"]["DRMSMIRROR_MIRROR"]
    assert f"mirror:{mirror}" in DAEMON["volumes"]
    port = DAEMON["environment"]["DRMSMIRROR_DAEMON__METRICS_PORT"]
    assert DAEMON["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_the_environment_of_the_daemon_is_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("DRMSMIRROR_")]:
        monkeypatch.delenv(name)
    for name, value in DAEMON["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(.*)\}", r"\1", value))
    monkeypatch.setenv("DRMSMIRROR_SECRETS_DIR", str(tmp_path))
    for secret in DAEMON["secrets"]:
        (tmp_path / secret).write_text("hush\n", encoding="utf-8")

    settings = load_settings()
    assert settings.catalogue_password == "hush"
    user, _, place = settings.catalogue_url.removeprefix("postgresql://").partition("@")
    host, _, database = place.partition("/")
    theirs = SERVICES["catalogue"]["environment"]
    assert (user, database) == (theirs["POSTGRES_USER"], theirs["POSTGRES_DB"])
    assert host.partition(":")[0] == "catalogue"
    assert theirs["POSTGRES_PASSWORD_FILE"] in {f"/run/secrets/{one}" for one in DAEMON["secrets"]}


def instructions() -> list[tuple[str, str]]:
    """Every instruction of the Dockerfile, lines that go on joined."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(verb, rest.strip()) for verb, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_copies_what_there_is_and_what_the_wheel_needs() -> None:
    copied = {
        source
        for verb, rest in instructions()
        if verb == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)
    assert {*wheel["packages"], *wheel["force-include"], project["project"]["readme"]} <= copied
    extras = re.search(r"\.whl\)\[([\w,]+)\]", (ROOT / "Dockerfile").read_text("utf-8"))
    assert extras is not None
    assert set(extras[1].split(",")) <= project["project"]["optional-dependencies"].keys()


def test_the_image_runs_the_daemon_and_not_as_root() -> None:
    last = dict(instructions())
    stages = [rest for verb, rest in instructions() if verb == "FROM"]

    assert len(stages) == 2
    assert last["USER"].partition(":")[0] not in ("0", "root")
    assert understand(yaml.safe_load(last["CMD"])).info_name == "daemon"
    assert last["WORKDIR"] == last["VOLUME"] == DAEMON["environment"]["DRMSMIRROR_MIRROR"]


def unit(path: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read_string(path.read_text("utf-8"))
    return parsed


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_run_commands_that_there_are(path: Path) -> None:
    parsed = unit(path)
    if path.suffix == ".timer":
        assert path.with_suffix(".service").exists()
        assert parsed["Timer"]["OnCalendar"]
        return
    understand(parsed["Service"]["ExecStart"])
    assert "DRMSMIRROR_MIRROR=/srv/drms" in parsed["Service"]["Environment"]
    assert parsed["Service"]["ReadWritePaths"] == "/srv/drms"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for path in UNITS:
        text = path.read_text("utf-8").replace("/opt/drmsmirror/bin/drmsmirror", "/bin/true")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir())],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = (done.stdout + done.stderr).splitlines()
    assert [line for line in said if "drmsmirror" in line] == []  # others are this host's units


def test_cron_runs_commands_that_there_are() -> None:
    text = (ROOT / "config" / "cron" / "drmsmirror").read_text("utf-8")
    lines = re.findall(r"^#?(?:[\d*/]+ +){5}(drmsmirror .*?) *\d?>", text, re.MULTILINE)

    assert len(lines) == 3
    for line in lines:
        understand(line)
