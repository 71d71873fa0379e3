"""The process of a command: what it imports, and what it leaves as it was."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import drmsmirror
from drmsmirror.cli.main import cli
from drmsmirror.mirror import Mirror
from drmsmirror.settings import Settings
from scripts.bench.holdings import hold, wide

RECORDSET = "test.wide[][2014.07.05_TAI/1h]"
TOLD = ", local answer, as of 2026-01-01 00:00 UTC\n"

#: What a query that is answered by the mirror has no use for, modules with all below them.
OF_NO_USE = [
    "pandas", "pyarrow.pandas_compat", "pyarrow.parquet", "polars", "astropy", "drms", "erfa",
    "requests", "urllib3", "stamina", "pyrate_limiter", "alembic", "apscheduler", "psycopg",
    "sqlglot", "rich", "drmsmirror.model.conditions.read", "drmsmirror.sync",
    "drmsmirror.publish", "drmsmirror.client.frames",
]  # fmt: skip

#: Runs the command line as ``drmsmirror`` does.
COMMAND = """
import json, sys
from drmsmirror.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code
"""

#: Takes the same records as a table of pandas.
THEN_PANDAS = """
import gc, os
assert gc.isenabled() and "pandas" not in sys.modules
from drmsmirror import Client
import pandas as pd
import pyarrow as pa
with Client(sys.argv[sys.argv.index("--mirror") + 1], policy="offline") as client:
    frame = client.scan(sys.argv[2], "REGION, T_REC, K0002").df()
again = pa.Table.from_pandas(frame, preserve_index=False)
json.dump(
    {
        "frame": [type(frame) is pd.DataFrame, len(frame), str(frame["REGION"].dtype)[:3]],
        "again": [again.num_rows, again.column_names],
        "threads": os.environ["OPENBLAS_NUM_THREADS"],
    },
    sys.stderr,
)
"""


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the directory of a mirror; it is only read."""
    folder = tmp_path_factory.mktemp("held") / "mirror"
    with Mirror.create(Settings(mirror=folder)) as mirror:
        hold(mirror, wide(300, 5))
    return folder


def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(drmsmirror.__file__).parents[1])} | environment,
        timeout=60,
        check=True,
    )


@pytest.mark.parametrize("form", ["csv", "table", "json"])
def test_an_offline_query_imports_what_it_uses_and_no_more(form: str, held: Path) -> None:
    arguments = ["query", RECORDSET, "--offline", "--mirror", str(held), "-f", form]
    done = run(f"{COMMAND}\njson.dump(list(sys.modules), sys.stderr)", *arguments)
    told, _, modules = done.stderr.partition(TOLD)
    imported = json.loads(modules)
    of_no_use = [
        name
        for name in imported
        if any(name == one or name.startswith(f"{one}.") for one in OF_NO_USE)
    ]

    assert int(told.removesuffix(" records")) > 0
    assert "2014.07.05_00:" in done.stdout
    assert "duckdb" in imported
    assert of_no_use == []


def test_pandas_can_be_had_in_the_same_process_afterwards(held: Path) -> None:
    arguments = ["query", RECORDSET, "--offline", "--mirror", str(held), "-f", "csv"]
    done = run(COMMAND + THEN_PANDAS, *arguments, OPENBLAS_NUM_THREADS="3")
    found: dict[str, Any] = json.loads(done.stderr.partition(TOLD)[2])
    rows = len(done.stdout.splitlines()) - 1

    assert found["frame"] == [True, rows, "Int"]
    assert found["again"] == [rows, ["REGION", "T_REC", "K0002"]]
    assert found["threads"] == "3"


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["sql", "select drms_time(max(t_rec)) from test.wide"], ["info", "test.wide"]],
)
def test_at_its_end_a_process_says_nothing(arguments: list[str], held: Path) -> None:
    """DuckDB complains there of objects that the collector of garbage was kept from."""
    done = run(COMMAND, *arguments, "--mirror", str(held))

    assert done.stdout
    assert done.stderr == ""


def test_a_command_leaves_the_process_of_another_program_as_it_is(
    held: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    before = gc.get_freeze_count()
    done = CliRunner().invoke(cli, ["query", RECORDSET, "--offline", "--mirror", str(held)])

    assert done.exit_code == 0
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, before)
    assert "OPENBLAS_NUM_THREADS" not in os.environ
