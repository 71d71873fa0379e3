"""What the package promises as a package: what it imports, exports and depends on."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import drmsmirror

ROOT = Path(drmsmirror.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

HEAVY = {
    "pandas", "numpy", "pyarrow", "duckdb", "deltalake", "sqlalchemy", "pydantic", "requests",
    "lark", "sqlglot",
}  # fmt: skip

#: Distributions that are imported under another name.
IMPORTED_AS = {"pyerfa": "erfa"}

#: Needed, though our own code does not import them: SQLAlchemy does, by the URL of the catalogue.
NOT_IMPORTED_BY_US = {"psycopg"}


def modules_after(program: str) -> set[str]:
    """Top-level modules that a fresh Python has imported at the end of ``program``."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules, file=sys.stderr)"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=60,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize("command", [["--help"], ["--version"]])
def test_help_and_version_import_no_heavy_library(command: list[str]) -> None:
    modules = modules_after(
        "from drmsmirror.cli.main import main\n"
        f"sys.argv = ['drmsmirror', *{command}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code"
    )

    assert "click" in modules
    assert modules & HEAVY == set()


def test_importing_the_package_imports_no_heavy_library() -> None:
    modules = modules_after("import drmsmirror")

    assert "drmsmirror" in modules
    assert modules & HEAVY == set()


def test_the_public_surface() -> None:
    assert sorted(drmsmirror.__all__) == ["Client", "__version__"]
    assert all(hasattr(drmsmirror, name) for name in drmsmirror.__all__)


def test_the_changelog_has_an_entry_for_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.search(rf"^## \[{re.escape(drmsmirror.__version__)}\]", changelog, re.MULTILINE)


def names_of(requirements: list[str]) -> set[str]:
    """Names as they are imported, of requirements as they are written."""
    names = {re.split(r"[\s\[<>=!~;]", requirement)[0] for requirement in requirements}
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}


def imported() -> Iterator[str]:
    """Top-level modules that the package and its migrations import."""
    for path in [*(ROOT / "drmsmirror").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                yield from (name.name.partition(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_the_package_depends_on_what_it_imports_and_on_nothing_else() -> None:
    foreign = set(imported()) - sys.stdlib_module_names - {"drmsmirror"}
    required = names_of(PROJECT["project"]["dependencies"])
    optional = {
        name
        for extra in PROJECT["project"]["optional-dependencies"].values()
        for name in names_of(extra)
    }

    assert required - foreign == set(), "required, but not imported"
    assert foreign - required - optional == set(), "imported, but not required"
    assert optional - foreign <= NOT_IMPORTED_BY_US, "optional, but not imported"


def test_constraints_pin_every_dependency_for_every_supported_python() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    groups = [*PROJECT["dependency-groups"].values(), PROJECT["project"]["dependencies"]]
    direct = {
        re.split(r"[\s\[<>=!~;]", requirement)[0]
        for group in groups
        for requirement in group
        if isinstance(requirement, str)
    }
    pinned = set(re.findall(r"^([\w.-]+)==", pins, re.MULTILINE))

    assert direct - pinned == set()
    # drms 0.9.0, the last one for Python 3.11, turns hexadecimal keywords into NaN on pandas 3
    assert re.search(r"^drms==0\.9\.0 ; python_full_version < '3\.12'$", pins, re.MULTILINE)
    assert re.search(r"^pandas==2\.\S+ ; python_full_version < '3\.12'$", pins, re.MULTILINE)


def test_the_hooks_run_the_tools_that_the_checks_run() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    checks = (ROOT / "scripts" / "test").read_text(encoding="utf-8")
    entries = [hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]]

    assert {entry.split()[0] for entry in entries} == {"ruff", "mypy", "lint-imports"}
    assert [entry for entry in entries if entry.split()[0] not in checks] == []
