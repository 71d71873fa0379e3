"""Fail points: what leaves something behind has one on each side, and nothing else does so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import drmsmirror
from drmsmirror.failpoints import EFFECTS, POINTS, effect, reach, visits

PACKAGE = Path(drmsmirror.__file__).parent
TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}

#: Where something may be changed outside of the process, by the name of the call; the reason is
#: that the module has the fail points, or what makes them superfluous.
ALLOWED: dict[str, set[str]] = {
    "fsync": {"files/basics.py", "files/growing.py"},
    "mkstemp": {"files/whole.py"},
    "mkdtemp": {"files/directories.py"},
    "mkdir": {"files/directories.py"},
    "rmdir": {"files/directories.py", "files/removing.py"},
    "rmtree": {"files/directories.py"},
    "unlink": {"files/growing.py", "files/removing.py", "files/whole.py"},
    "rename": {"files/directories.py", "files/links.py", "files/removing.py"},
    "hardlink_to": {"files/links.py"},
    "symlink_to": {"files/links.py"},
    "chmod": {"files/directories.py", "files/whole.py"},
    "fchmod": {"files/growing.py"},
    "write_bytes": {"files/whole.py"},
    "replace": {"files/basics.py"},
    "pwrite": {"files/basics.py", "files/growing.py"},
    "ftruncate": {"files/growing.py"},
    # besides, what is read, locked or thrown away
    "os.open": {
        "cli/main.py", "files/basics.py", "files/directories.py", "files/growing.py",
        "files/links.py", "publish/notes.py",
    },
    # into a temporary file that `files.replacing` gives its name; "wb"
    "open": {"cli/query.py", "segments/fits.py"},
    # the same, and files that no commit names before they are flushed
    "ParquetWriter": {"publish/intodirectory.py", "records/parquetfiles.py"},
    # into memory
    "write_table": {
        "publish/intodirectory.py",
        "records/parquetfiles.py",
        "sharing/answerfile.py",
    },
    # directories of scratch, removed before anything is done with their result
    "TemporaryDirectory": {
        "catalogue/backup.py",
        "catalogue/journal.py",
        "segments/headed.py",
        "sync/forecast.py",
    },
    # without a name from the beginning
    "TemporaryFile": {"files/scratch.py"},
    # the engine of the catalogue, files that are made or copied, scratch
    "sqlite3.connect": {
        "catalogue/backup.py",
        "catalogue/copies.py",
        "catalogue/database.py",
        "catalogue/journal.py",
        "catalogue/migrate.py",
        "publish/database.py",
    },
    "create_engine": {"catalogue/database.py"},
    "raw_connection": {"catalogue/care.py"},
    "engine.connect": {"catalogue/database.py"},
    "connection.begin": {"catalogue/database.py"},
    "begin_nested": set(),
    "commit": set(),
    # Delta Lake
    "write_deltalake": {"records/table.py"},
    "DeltaTable.create": {"records/table.py"},
    "_delta.merge": {"records/table.py"},
    "_delta.delete": {"records/table.py"},
    "_delta.vacuum": {"records/table.py"},
    "alter.set_table_properties": {"records/table.py"},
    "_delta.repair": {"records/table.py"},
    "create_write_transaction": {"records/table.py"},
    "create_checkpoint": {"records/table.py"},
    "cleanup_metadata": {"records/table.py"},
    # S3, by s3fs; what it fetches goes into a temporary file
    "_s3.put_file": {"objects/remote.py"},
    "_s3.get_file": {"objects/remote.py"},
    "_s3.cp_file": {"objects/remote.py"},
    "_s3.rm_file": {"objects/remote.py"},
    "pipe_file": set(),
    # what nobody needs so far
    **{
        name: set[str]()
        for name in (
            "copyfile", "copytree", "copy2", "fdatasync", "link", "makedirs",
            "optimize", "putenv", "remove_column", "removedirs", "restore_table",
            "shutil.copy", "shutil.move", "symlink", "sendfile", "touch", "truncate",
            "utime", "write_text", "os.remove", "os.replace", "os.write", "to_csv", "to_parquet",
        )
    },
}  # fmt: skip


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call, by all names that it can be known by: ``a.b.c()`` is c and b.c."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name):
                yield name, node
            case ast.Attribute(value=value, attr=name):
                yield name, node
                owner = getattr(value, "attr", getattr(value, "id", None))
                if owner is not None:
                    yield f"{owner}.{name}", node


#: Every call of the package, with where it is.
CALLS = [(path, name, call) for path, tree in TREES.items() for name, call in calls(tree)]


def changes_something(name: str, call: ast.Call) -> bool:
    """Whether a call of a name that has other uses is one that changes a file."""
    is_method = isinstance(call.func, ast.Attribute)
    words = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    if name == "replace":  # a path has one argument, a text two; a data class has keywords
        return is_method and len(call.args) == 1 and not call.keywords
    if name == "open":
        return any(
            isinstance(word, str) and set(word) & set("wax+") and len(word) < 4 for word in words
        )
    if name == "touch":  # the catalogue touches answers, by number
        return not call.args
    # ours, which are functions
    return is_method or name not in ("write_bytes", "rename")


def points_in_source() -> list[str]:
    found = []
    for _, name, call in CALLS:
        if name in ("reach", "effect") and isinstance(call.args[0], ast.Constant):
            (argument,) = call.args
            subject, deed = argument.value.split(".")
            sides = (f"{subject}.before_{deed}", f"{subject}.after_{deed}")
            found += [argument.value] if name == "reach" else sides
    return found


def test_the_points_of_the_source_are_those_that_are_listed() -> None:
    assert set(points_in_source()) == set(POINTS)
    assert len(set(POINTS)) == len(POINTS)


def test_every_effect_has_a_point_on_each_side() -> None:
    for name in EFFECTS:
        subject, deed = name.split(".")
        assert {f"{subject}.before_{deed}", f"{subject}.after_{deed}"} <= set(POINTS)


@pytest.mark.parametrize("name", ALLOWED)
def test_effects_go_through_the_modules_that_have_points(name: str) -> None:
    found = {
        path for path, called, call in CALLS if called == name and changes_something(name, call)
    }
    assert found == ALLOWED[name]


def test_modules_that_write_have_points_or_go_through_files() -> None:
    """Whoever may write is one of those that reach points, or hands the file to one that does."""
    hands_on = {"effect", "reach", "replacing", "sync_files", "write_bytes"}
    with_points = {path for path, name, _ in CALLS if name in hands_on}
    without = set().union(*ALLOWED.values()) - with_points
    assert without == {
        "catalogue/copies.py",  # fills the temporary file of who calls it
        "cli/main.py",  # opens /dev/null
        "catalogue/journal.py",  # tries a scratch database
        "files/scratch.py",  # has nothing left after a kill
        "sharing/answerfile.py",  # writes into memory
        "segments/headed.py",  # copies from S3 in a scratch directory
        "sync/forecast.py",  # drafts in a scratch directory
    }


def test_points_are_counted_where_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drmsmirror.failpoints._reached", {})
    monkeypatch.delenv("DRMSMIRROR_FAILPOINT", raising=False)
    reach("window.fetched")
    assert visits() == {}
    monkeypatch.setenv("DRMSMIRROR_FAILPOINT", "none")
    with effect("file.rename"):
        reach("window.fetched")
    with pytest.raises(ZeroDivisionError), effect("file.rename"):
        1 / 0  # noqa: B018
    assert visits() == {
        "file.before_rename": 2, "window.fetched": 1, "file.after_rename": 1,
    }  # fmt: skip
