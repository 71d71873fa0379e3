"""The documentation says what the code has: every setting, command, option and error."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

ROOT = Path(__file__).resolve().parents[2]


def _load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "_generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


docs = _load_generator()
PAGES: list[Path] = docs.pages()
COMMANDS: dict[str, click.Command] = dict(docs.commands())

#: Where each command is described.
PACKAGE = ROOT / "drmsmirror"

PAGE_OF = {
    "init": "sync",
    "get": "files",
    "adopt": "files",
    "sync": "sync",
    "subscribe": "subscriptions",
    "unsubscribe": "subscriptions",
    "subscriptions": "subscriptions",
    "apply": "subscriptions",
    "daemon": "daemon",
    "health": "daemon",
    "status": "sync",
    "query": "query",
    "runs": "history",
    "diff": "history",
    "tag": "history",
    "info": "query",
    "explain": "record-sets",
    "sql": "sql",
    "import": "import",
    "publish": "publish",
    "maintain": "upkeep",
    "drop": "upkeep",
    "du": "upkeep",
    "pin": "segments",
    "unpin": "segments",
    "pins": "segments",
    "gc": "segments",
    "verify": "segments",
    "db upgrade": "catalogue",
    "db current": "catalogue",
    "db backup": "catalogue",
    "db restore": "catalogue",
}


def _text(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def _headings(page: Path) -> set[str]:
    """Anchors of a page, made as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", _without_code(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def _blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def _command_lines() -> list[tuple[str, list[str]]]:
    """Every call of drmsmirror in a console block: where it stands, and its arguments."""
    return [
        (_name(page), shlex.split(line.removeprefix("$ "), comments=True)[1:])
        for page in PAGES
        for block in _blocks(page, "console")
        for line in block.splitlines()
        if line.startswith("$ drmsmirror")
    ]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_generated_tables_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert docs.filled(text) == text, "run: python docs/_generate.py"


def test_every_setting_has_its_line() -> None:
    text = _text("settings")
    for name, variable, default, meaning in docs.settings():
        assert f"| `{name}` | `{variable}` | {default} | {meaning} |" in text


def test_every_error_has_its_line() -> None:
    text = _text("exit-codes")
    for error in docs.error_classes():
        retry = "yes" if error.retryable else "no"
        assert f"| `{error.code}` | {error.exit_code} | {retry} | `{error.__name__}` |" in text
        assert f"| {error.exit_code} | " in text.partition("<!-- generated")[0]


def test_every_fail_point_is_explained() -> None:
    from drmsmirror.failpoints import POINTS

    table = _text("architecture").partition("| killed |")[2]
    for point in POINTS:
        assert f"`{point}`" in table


def test_the_requests_that_do_are_those_of_the_code() -> None:
    from drmsmirror.sync.enough import ENOUGH

    said = re.findall(r"(?:mostly|at least) (\d+)", _text("sync") + _text("subscriptions"))
    assert said == [str(ENOUGH)] * 2


def _cited(pattern: str) -> set[str]:
    """What the package's source cites."""
    files = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.lark")]
    text = " ".join(" ".join(file.read_text(encoding="utf-8").split()) for file in files)
    return set(re.findall(pattern, text.replace(" # ", " ").replace(" // ", " ")))


def test_every_rule_that_the_code_cites_is_on_its_page() -> None:
    rules = {int(n) for n in re.findall(r"^(\d+)\. ", _text("record-sets"), re.MULTILINE)}
    assert rules == set(range(1, len(rules) + 1))
    cited = _cited(r"[Rr]ecord sets, rules? ([0-9, -]+)")
    numbers = {int(number) for text in cited for number in re.findall(r"\d+", text)}
    assert len(numbers) > 20
    assert numbers <= rules


def test_every_section_of_the_semantics_that_the_code_cites_is_on_its_page() -> None:
    sections = set(re.findall(r"^#+ ([0-9.]+) ", _text("drms"), re.MULTILINE))
    cited = {number.rstrip(".") for number in _cited(r"DRMS semantics ([0-9][0-9.]*)")}
    assert {number for number in cited if "." in number} <= sections


def test_every_command_has_its_page() -> None:
    assert PAGE_OF.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_described(command: str) -> None:
    section = _text(PAGE_OF[command]).partition(f"<!-- generated: options {command} -->")[2]
    section = section.partition("<!-- end -->")[0]
    assert section, f"docs/{PAGE_OF[command]}.md has no place for the options of {command}"
    for parameter in COMMANDS[command].params:
        names = parameter.opts if isinstance(parameter, click.Option) else []
        for name in names:
            assert name in section


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = _without_code(page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in _headings(file), f"{target}: there is no such heading"


def test_readme_leads_to_every_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    by_task = [path for path in (ROOT / "docs").glob("*.md") if path.name != "benchmarks.md"]
    for page in [*by_task, *(ROOT / "docs" / "adr").glob("*.md")]:
        assert f"({page.relative_to(ROOT).as_posix()})" in text


@pytest.mark.parametrize(("page", "arguments"), _command_lines())
def test_shown_commands_are_understood(page: str, arguments: list[str], tmp_path: Path) -> None:
    if arguments == ["--help"]:
        return
    name = " ".join(arguments[:2]) if arguments[0] == "db" else arguments[0]
    assert name in COMMANDS, f"{page}: there is no command {name}"
    rest = arguments[len(name.split()) :]
    # files that have to be there stand for themselves
    for number, argument in enumerate(rest):
        if argument.endswith((".json", ".csv", ".sqlite", ".toml")) and "backup" not in name:
            rest[number] = str(tmp_path / Path(argument).name)
            (tmp_path / Path(argument).name).touch()
    COMMANDS[name].make_context(name, rest, help_option_names=["-h", "--help"])


@pytest.mark.parametrize(
    "record_set",
    sorted(
        {
            argument
            for _, arguments in _command_lines()
            for argument in arguments
            if arguments[0] in ("sync", "query", "subscribe")
            and re.match(r"[a-z]+\.\w+(\[|$)", argument)
        }
    ),
)
def test_shown_record_sets_are_record_sets(record_set: str) -> None:
    from drmsmirror.model.recordset import parse_recordset

    parse_recordset(record_set)


@pytest.mark.parametrize(
    "block", [b for page in PAGES for b in _blocks(page, "python")], ids=lambda b: b[:30]
)
def test_shown_python_is_python(block: str) -> None:
    compile(block, "<docs>", "exec")


TOML = [block for page in PAGES for block in _blocks(page, "toml")]
MANIFESTS = [block for block in TOML if block.startswith("[[subscription]]")]


@pytest.mark.parametrize("block", MANIFESTS)
def test_shown_manifests_are_manifests(block: str) -> None:
    from drmsmirror.model.manifest import read_manifest

    assert read_manifest(block, "<docs>")


@pytest.mark.parametrize("block", [block for block in TOML if block not in MANIFESTS])
def test_shown_settings_are_settings(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drmsmirror.settings import FILE_NAME, load_settings

    (tmp_path / FILE_NAME).write_text(block, encoding="utf-8")
    load_settings(mirror=tmp_path)


def test_shown_python_names_exist() -> None:
    import drmsmirror
    from drmsmirror.client import Answer, Client
    from drmsmirror.client.relation import Relation

    for name in ("query", "info", "keys", "pkeys", "series", "answer", "scan", "explain"):
        assert callable(getattr(Client, name))
    for name in ("df", "arrow", "batches", "reader", "pl", "table", "schema"):
        assert callable(getattr(Relation, name))
    for name in ("source", "complete", "as_of", "answer"):
        assert isinstance(getattr(Relation, name), property)
    for name in (
        "source",
        "complete",
        "as_of",
        "as_of_utc",
        "batches",
        "arrow_batches",
        "schema",
        "texts",
    ):
        assert hasattr(Answer, name) or name in Answer.__dataclass_fields__
    assert drmsmirror.Client is Client


def test_the_memory_that_sql_is_said_to_have_is_what_it_has() -> None:
    from drmsmirror.records import engine

    said = re.search(r"Memory is limited to (\d+) GB", (ROOT / "docs/sql.md").read_text("utf-8"))
    assert said is not None
    assert engine._SETTINGS["memory_limit"] == f"{said[1]}GB"


def test_version_is_that_of_the_package() -> None:
    from drmsmirror import __version__

    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
