"""A mirror that holds the series of the vectors, imported by the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from drmsmirror import Client
from drmsmirror.cli.main import cli

VECTORS = Path(__file__).parents[1] / "vectors"


def read_lines(name: str) -> list[dict]:
    """The vectors of one file."""
    lines = (VECTORS / "train" / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Ask the mirror that holds everything; there is no upstream."""
    mirror = tmp_path_factory.mktemp("conformance") / "mirror"
    for struct in sorted((VECTORS / "series").glob("*.json")):
        arguments = ["import", struct.stem, "--struct", str(struct), "--covers", "all"]
        arguments += ["--records", str(VECTORS / "records" / f"{struct.stem}.parquet")]
        done = CliRunner().invoke(cli, [*arguments, "--mirror", str(mirror)])
        assert done.exit_code == 0, done.output
    with Client(mirror, policy="offline") as opened:
        yield opened
