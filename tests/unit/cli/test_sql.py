"""``drmsmirror sql``: how rows are written, and what is said beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drmsmirror.cli.main import cli
from drmsmirror.mirror import Mirror
from drmsmirror.settings import load_settings

THREE = "select * from (values (1, 'a'), (2, null), (3, 'c')) t(n, text)"

WRITTEN = {
    "table": "n  text\n1  a\n2\n",
    "csv": "n,text\n1,a\n2,\n",
    "json": (
        '[\n  {\n    "n": 1,\n    "text": "a"\n  },\n  {\n    "n": 2,\n    "text": null\n  }\n]\n'
    ),
}


@pytest.fixture
def sql(tmp_path: Path) -> Callable[..., Result]:
    """Run the command on a mirror that holds nothing."""
    Mirror.create(load_settings(mirror=tmp_path / "mirror")).close()

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["sql", "--mirror", str(tmp_path / "mirror"), *arguments])

    return run


@pytest.mark.parametrize("form", WRITTEN)
def test_rows_that_were_cut_are_told_beside_the_others(form: str, sql) -> None:
    done = sql(THREE, "-f", form, "--limit", "2")

    assert (done.exit_code, done.stdout) == (0, WRITTEN[form])
    assert done.stderr == "Only the first 2 rows were written (--limit); there are more\n"


@pytest.mark.parametrize("limit", [[], ["--limit", "3"], ["--limit", "4"], ["--timeout", "60"]])
def test_nothing_is_said_where_all_rows_are_written(limit: list[str], sql) -> None:
    done = sql(THREE, "-f", "csv", *limit)

    assert (done.exit_code, done.stdout, done.stderr) == (0, "n,text\n1,a\n2,\n3,c\n", "")


@pytest.mark.parametrize(
    "wrong", [["--limit", "-1"], ["--limit", "x"], ["--timeout", "0"], ["--timeout", "-3"]]
)
def test_a_limit_out_of_range_is_refused(wrong: list[str], sql) -> None:
    done = sql(THREE, *wrong)

    assert (done.exit_code, done.stdout) == (2, "")
    assert wrong[0] in done.stderr
