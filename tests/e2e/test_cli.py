"""The command line: data on stdout, talk on stderr, exit codes, plain errors."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drmsmirror.catalogue import REVISIONS
from tests.e2e.conftest import PROJECT, Command

FORMATS = ["table", "csv", "json", "parquet", "arrow"]
DAY = "hmi.sharp_720s[4315][2014.07.05_TAI/1d]"
KEYS = "T_REC,USFLUX,MEANJZH,QUALITY"


def test_init_makes_a_mirror_and_says_what_it_made(empty: Command) -> None:
    done = empty("init")

    assert done.returncode == 0
    assert done.stdout == ""
    assert f"Made a mirror at {empty.mirror}" in done.stderr
    assert "free" in done.stderr
    assert (empty.mirror / "drmsmirror.toml").exists()
    assert "nothing was changed" in empty("init").stderr


@pytest.mark.long
def test_the_commands_that_are_proposed_lead_to_the_mirror_in_use(
    empty: Command, tmp_path: Path
) -> None:
    other, again = str(tmp_path / "other"), ("--mirror", str(tmp_path / "other"))
    said = [
        empty("init", other),
        empty("status", *again),
        empty("sync", "hmi.sharp_720s[4315]", *again),
        empty("query", "hmi.sharp_720s", "--offline", *again),
        empty("query", "hmi.sharp_720s", "--offline", "--config", f"{other}/drmsmirror.toml"),
        empty("db", "backup", str(tmp_path / "copy"), *again),
    ]
    proposed = [
        line for done in said for line in re.findall(r"^  drmsmirror .*", done.stderr, re.M)
    ]

    assert proposed[:2] == [f"  drmsmirror sync --mirror {other} 'hmi.sharp_720s[4315]'"] * 2
    narrower = f"  drmsmirror sync --mirror {other} 'hmi.sharp_720s[4315]["
    assert all(line.startswith(narrower) for line in proposed[2:4])
    assert proposed[4:] == [
        f"  drmsmirror sync --mirror {other} hmi.sharp_720s",
        f"  drmsmirror init {empty.mirror}",
        f"  drmsmirror db restore --mirror {other} {tmp_path / 'copy'}",
    ]


def test_a_command_that_is_proposed_in_an_error_keeps_the_settings_file(
    empty: Command, tmp_path: Path
) -> None:
    settings = tmp_path / "my settings.toml"
    settings.write_text(f"mirror = '{tmp_path / 'an other'}'\n")
    away = {"DRMSMIRROR_MIRROR": ""}
    empty("init", "--config", str(settings), more=away)

    done = empty("info", "hmi.nosuch", "--offline", "--json", "--config", str(settings), more=away)

    proposed = f"`drmsmirror status --config '{settings}'`"
    assert proposed in json.loads(done.stderr)["message"]


def test_a_command_needs_no_option_where_a_bare_one_leads_to_the_same_mirror(
    empty: Command,
) -> None:
    here = ("--mirror", str(empty.mirror))

    assert "\n  drmsmirror sync 'hmi" in empty("init", *here).stderr
    assert "\n  drmsmirror sync 'hmi" in empty("status", *here).stderr


@pytest.mark.parametrize("command", ["query", "info", "explain"])
def test_what_makes_a_mirror_because_it_may_ask_the_upstream_says_where(
    empty: Command, command: str
) -> None:
    assert f"Made a new mirror at {empty.mirror}" in empty(command, "hmi.sharp_720s").stderr


def test_init_is_given_one_directory(empty: Command, tmp_path: Path) -> None:
    done = empty("init", str(tmp_path / "a"), "--mirror", str(tmp_path / "b"))

    assert done.returncode == 2
    assert "name one" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert empty("init", str(tmp_path / "a"), "--mirror", f"{tmp_path}/b/../a/").returncode == 0


def test_sync_makes_the_mirror_where_it_is_absent_and_says_where(empty: Command) -> None:
    done = empty("sync", "hmi.synoptic_mr_720s", "-v")

    assert done.returncode == 0, done.stderr
    assert f"Mirror: {empty.mirror}" in done.stderr
    assert f"Made a new mirror at {empty.mirror}" in done.stderr


def test_sync_says_what_lies_ahead_and_what_would_be_less(empty: Command) -> None:
    said = empty("sync", "hmi.sharp_720s").stderr

    assert "records ahead, about" in said
    assert said.count("drmsmirror sync 'hmi.sharp_720s[") == 2
    assert "All of hmi.sharp_720s is held" in said


@pytest.mark.long
def test_the_narrower_commands_that_sync_proposes_work(empty: Command) -> None:
    said = empty("sync", "hmi.sharp_720s").stderr.splitlines()
    proposed = [line.split("'")[1] for line in said if line.startswith("  drmsmirror sync '")]

    for record_set in proposed:
        other = replace(empty, mirror=empty.mirror.with_name("narrow"))
        assert other("sync", record_set).returncode == 0


def test_a_second_sync_finds_nothing_new(filled: Command) -> None:
    done = filled("sync", "hmi.sharp_720s", "--json")

    (report,) = json.loads(done.stdout)
    assert (report["records_new"], report["records_revised"], report["requests"]) == (0, 0, 1)


def test_query_prints_a_table(filled: Command) -> None:
    done = filled("query", DAY, "--key", KEYS, "--offline")

    lines = done.stdout.splitlines()
    assert lines[0].split() == KEYS.split(",")
    assert lines[1].startswith("2014.07.05_00:00:00_TAI ")
    assert len(lines) == 121
    assert "120 records, local answer, as of" in done.stderr


def test_query_writes_csv_json_and_parquet_with_the_same_content(
    filled: Command, tmp_path: Path
) -> None:
    arguments = ("query", DAY, "--key", KEYS, "--offline", "--format")
    rows = list(csv.DictReader(io.StringIO(filled(*arguments, "csv").stdout)))
    objects = json.loads(filled(*arguments, "json").stdout)
    done = filled(*arguments, "parquet", "-o", str(tmp_path / "day.parquet"))
    table = pq.read_table(tmp_path / "day.parquet")

    assert rows == objects
    assert done.stdout == ""
    assert table.schema.types == [pa.string(), pa.float64(), pa.float64(), pa.int64()]
    assert table["T_REC"].to_pylist() == [row["T_REC"] for row in rows]
    assert table["QUALITY"].to_pylist() == [int(row["QUALITY"], 16) for row in rows]
    flux = [None if row["USFLUX"] == "MISSING" else float(row["USFLUX"]) for row in rows]
    assert table["USFLUX"].to_pylist() == flux


@pytest.mark.parametrize(
    "form", [FORMATS[0], *(pytest.param(form, marks=pytest.mark.long) for form in FORMATS[1:])]
)
def test_a_file_for_the_answer_is_written_whole_or_not_at_all(
    filled: Command, tmp_path: Path, form: str
) -> None:
    file = tmp_path / "answer"
    arguments = ("query", "hmi.sharp_720s", "--offline", "--format", form)
    assert filled(*arguments, "-o", str(file)).returncode == 0
    whole = file.read_bytes()

    done = limited(filled, len(whole) // 2, *arguments, "-o", str(file))

    assert done.returncode == 1, done.stderr
    assert f"Cannot write {file}: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [file]


def limited(command: Command, size: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it where no file may be larger, as on a disk that is nearly full."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    return subprocess.run(
        [sys.executable, "-m", "drmsmirror", *arguments],
        capture_output=True,
        text=True,
        env=command.environment,
        cwd=command.mirror.parent,
        timeout=120,
        check=False,
        preexec_fn=limit,
    )


@pytest.mark.parametrize("file", ["nosuch/answer.csv", "/dev/null"])
def test_a_file_that_cannot_be_written_is_told_in_words(
    filled: Command, tmp_path: Path, file: str
) -> None:
    done = filled("query", DAY, "--key", KEYS, "--offline", "-o", str(tmp_path / file))

    assert done.returncode == 1
    assert done.stderr.startswith(f"drmsmirror: Cannot write {tmp_path / file}: ")
    assert "Traceback" not in done.stderr


def test_query_takes_the_first_or_last_records(filled: Command) -> None:
    arguments = ("query", DAY, "--key", "T_REC", "--offline", "--format", "csv", "--n")

    assert filled(*arguments, "2").stdout.split()[-1] == "2014.07.05_00:12:00_TAI"
    assert filled(*arguments, "-1").stdout.split()[-1] == "2014.07.05_23:48:00_TAI"


def test_sql_answers_with_missing_values_as_null(filled: Command) -> None:
    statement = "select harpnum, max(usflux) from hmi.sharp_720s group by 1 order by 2 desc limit 5"

    lines = filled("sql", statement).stdout.splitlines()

    assert lines[0].split() == ["harpnum", "max(usflux)"]
    assert len(lines) == 6
    assert "nan" not in "".join(lines).lower()


def test_sql_says_what_it_refuses_and_nothing_else(filled: Command) -> None:
    done = filled("sql", "explain select 1")

    assert done.returncode == 2
    assert done.stderr == (
        "drmsmirror: Only SELECT and DESCRIBE are allowed, not: explain select 1\n"
    )


def test_sql_describes_a_series_with_units_and_notes(filled: Command) -> None:
    said = filled("sql", "describe hmi.sharp_720s", "--format", "json").stdout

    columns = {column["column"]: column["comment"] for column in json.loads(said)}
    assert columns["usflux"].startswith("[Maxwell] ")
    assert "TAI seconds since 1977.01.01_00:00:00_TAI" in columns["t_rec"]


def test_sql_stops_at_its_time_limit(filled: Command) -> None:
    endless = "with recursive n(i) as (select 1 union all select i % 9 from n) select max(i) from n"

    done = filled("sql", endless, "--timeout", "0.1")

    assert (done.returncode, done.stdout) == (2, "")
    assert "longer than 0.1 s and was stopped" in done.stderr


def test_status_and_info_tell_of_the_series(filled: Command) -> None:
    assert "hmi.sharp_720s: " in filled("status").stdout
    held = json.loads(filled("status", "--json").stdout)
    assert [series["name"] for series in held["series"]] == ["hmi.sharp_720s"]

    info = filled("info", "hmi.sharp_720s", "--offline").stdout
    assert "Prime keys: HARPNUM, T_REC" in info
    assert "magnetogram" in info
    assert json.loads(filled("info", "hmi.sharp_720s", "--json").stdout)["primekeys"] == [
        "HARPNUM",
        "T_REC",
    ]


@pytest.mark.long
def test_a_catalogue_is_backed_up_and_brought_back(empty: Command, tmp_path: Path) -> None:
    empty("sync", "hmi.synoptic_mr_720s")
    backup = tmp_path / "backup.sqlite"
    assert empty("db", "backup", str(backup)).returncode == 0
    (empty.mirror / "catalogue.sqlite").unlink()

    assert empty("db", "restore", str(backup)).returncode == 0

    assert empty("db", "current").stdout.startswith(f"{REVISIONS[-1]} ")
    assert empty("query", "hmi.synoptic_mr_720s", "--key", "CAR_ROT", "--offline").returncode == 0


@pytest.mark.long
@pytest.mark.parametrize("command", [("upgrade",), ("restore", "backup.sqlite")])
def test_what_changes_the_catalogue_as_a_whole_publishes_it(
    empty: Command, command: tuple[str, ...]
) -> None:
    empty("init")
    empty("db", "backup", "backup.sqlite")
    published = empty.mirror / "catalogue.copy.sqlite"
    assert not published.exists()

    assert empty("db", *command).returncode == 0

    assert published.exists()


def test_each_run_publishes_a_read_only_copy_of_the_catalogue(filled: Command) -> None:
    copy = filled.mirror / "catalogue.copy.sqlite"

    assert copy.stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("query", "hmi.sharp_720s[4315"), 2, "^"),
        (("query", "hmi.sharp_720s[4315][2014.07.05_TAI/1w]"), 2, "Write 7d"),
        (("query", "hmi.sharp_720s[QUALITY=0]", "--offline"), 2, "QUALITY"),
        (("query", "hmi.nosuch[1]", "--offline"), 3, "hmi.nosuch"),
        (("query", DAY, "--key", "", "--offline"), 2, "Name at least one keyword"),
        (("query", DAY, "--offline", "--policy", "remote"), 2, "contradict each other"),
        (("query", "hmi.sharp_720s[? HARPNUM ~ 'a' ?]", "--offline"), 2, "Text is wanted"),
        (("query", "hmi.sharp_720s[? NOAA_ARS ~ '(1)\\1' ?]", "--offline"), 2, "--policy remote"),
        (("sync", "hmi.nosuch"), 3, "hmi.nosuch"),
        (("sql", "select * from hmi.nosuch"), 2, "is no series of this mirror"),
        (("sql", "select nope from hmi.sharp_720s"), 2, "nope"),
        (("info", "bob"), 3, "A series is named namespace.name"),
        (("info", "bob", "--offline"), 3, "bob"),
        (("info", "[3]"), 2, "does not begin with the name of a series"),
        (("info", "hmi.sharp_720s?"), 2, "does not begin with the name of a series"),
        (("import", "hmi.x", "--records", "nosuch.csv"), 2, "nosuch.csv"),
        (("nosuch",), 2, "nosuch"),
    ],
)
def test_an_error_is_words_and_an_exit_code(
    filled: Command, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = filled(*arguments)

    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_explain_says_what_the_page_on_record_sets_shows(filled: Command) -> None:
    page = (PROJECT / "docs" / "record-sets.md").read_text(encoding="utf-8")
    prompt, _, shown = page.partition("```console\n$ drmsmirror ")[2].partition("\n")

    done = filled(*shlex.split(prompt))

    assert done.stdout == shown.partition("```")[0]
    assert done.returncode == 0


def test_explain_tells_a_script_the_same(filled: Command) -> None:
    done = filled("explain", "hmi.sharp_720s[4315]", "--json", "--offline")

    said = json.loads(done.stdout)
    assert said["canonical"] == "hmi.sharp_720s[4315]"
    assert said["sets"][0]["filters"] == ["HARPNUM: 4315"]


def test_a_backup_goes_into_a_directory_that_is_there(filled: Command, tmp_path: Path) -> None:
    done = filled("db", "backup", str(tmp_path / "nosuch" / "backup.sqlite"))

    assert done.returncode == 1
    assert f"Cannot write {tmp_path / 'nosuch' / 'backup.sqlite'}: No such file" in done.stderr
    assert not (tmp_path / "nosuch").exists()


def test_what_is_no_backup_is_not_restored(empty: Command, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database\n" * 100)

    done = empty("db", "restore", str(tmp_path / "notes.txt"))

    assert done.returncode == 6
    assert done.stderr == (
        f"drmsmirror: {tmp_path / 'notes.txt'} is damaged or no backup of a catalogue; "
        "name another\n"
    )


def test_an_error_with_json_is_json_on_the_last_line_of_stderr(empty: Command) -> None:
    away = replace(empty, upstream="http://127.0.0.1:9")
    more = {"DRMSMIRROR_UPSTREAM__ATTEMPTS": "3", "DRMSMIRROR_UPSTREAM__RETRY_WAIT": "0"}

    done = away("sync", "hmi.sharp_720s", "--json", more=more)

    made, *attempts, last = done.stderr.splitlines()
    assert "Made a new mirror" in made
    assert [line[:17] for line in attempts] == ["Attempt 2 of 3: N", "Attempt 3 of 3: N"]
    assert json.loads(last)["error"] == "upstream-unavailable"
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("sql", "select 1"),
        ("query", DAY, "--offline"),
        ("query", DAY, "--policy", "offline"),
        ("info", "hmi.sharp_720s", "--offline"),
    ],
)
def test_without_a_mirror_what_only_reads_it_says_how_to_make_one(
    empty: Command, arguments: tuple[str, ...]
) -> None:
    done = empty(*arguments)

    assert done.returncode == 3
    assert f"drmsmirror init {empty.mirror}" in done.stderr
    assert not empty.mirror.exists()


def test_info_takes_a_record_set_for_its_series(filled: Command) -> None:
    arguments = ("--offline", "--json")

    assert (
        filled("info", DAY, *arguments).stdout
        == filled("info", "hmi.sharp_720s", *arguments).stdout
    )


def test_an_unknown_setting_is_an_error_that_names_its_line(empty: Command) -> None:
    empty("init")
    (empty.mirror / "drmsmirror.toml").write_text("[upstream]\nurl = 'http://x'\nspeed = 1\n")

    done = empty("status")

    assert done.returncode == 2
    assert "drmsmirror.toml, line 3: upstream.speed: there is no such setting" in done.stderr


def test_an_unknown_variable_is_an_error_that_names_it(empty: Command) -> None:
    done = empty("status", more={"DRMSMIRROR_UPSTREAM__SPEED": "1"})

    assert done.returncode == 2
    assert "DRMSMIRROR_UPSTREAM__SPEED is no setting" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        *[("query", "hmi.sharp_720s", "--offline", "-f", form) for form in FORMATS],
        ("sql", "select t_rec from hmi.sharp_720s", "-f", "csv"),
        ("status", "--json"),
    ],
    ids=" ".join,
)
def test_a_reader_that_has_seen_enough_is_no_error(
    filled: Command, arguments: tuple[str, ...]
) -> None:
    with filled.start(*arguments) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (0, "")


@pytest.mark.parametrize(
    "command",
    ["init", "sync", "query", "sql", "status", "runs", "diff", "tag", "info", "import"]
    + [f"db {name}" for name in ("upgrade", "current", "backup", "restore")],
)
def test_help_has_an_example(empty: Command, command: str) -> None:
    said = empty(*command.split(), "--help").stdout

    assert "Example" in said
    assert f"drmsmirror {command}" in said


def test_records_are_imported_without_asking_the_upstream(
    empty: Command, filled: Command, tmp_path: Path
) -> None:
    struct, records = tmp_path / "sharp.json", tmp_path / "day.csv"
    struct.write_text(filled("info", "hmi.sharp_720s", "--json", "--offline").stdout)
    records.write_text(
        filled("query", DAY, "--key", f"HARPNUM,{KEYS}", "--format", "csv", "--offline").stdout
    )
    away = replace(empty, upstream="http://127.0.0.1:9")

    done = away("import", "hmi.sharp_720s", "--struct", str(struct), "--records", str(records),
                "--covers", DAY)  # fmt: skip

    assert done.returncode == 0, done.stderr
    arguments = ("query", DAY, "--key", KEYS, "--format", "csv", "--offline")
    assert away(*arguments).stdout == filled(*arguments).stdout
    assert away("query", "hmi.sharp_720s[4315]", "--key", KEYS, "--offline").returncode == 3


@pytest.mark.long
def test_parquet_of_a_query_is_taken_in_and_prints_the_same(
    empty: Command, filled: Command, tmp_path: Path
) -> None:
    struct, records = tmp_path / "sharp.json", tmp_path / "own.parquet"
    struct.write_text(filled("info", "hmi.sharp_720s", "--json", "--offline").stdout)
    whole = ("query", "hmi.sharp_720s", "--key", "**ALL**", "--offline", "--format")
    assert filled(*whole, "parquet", "-o", str(records)).returncode == 0

    done = empty("import", "hmi.sharp_720s", "--struct", str(struct), "--records", str(records),
                 "--covers", "hmi.sharp_720s")  # fmt: skip

    assert done.returncode == 0, done.stderr
    wanted, found = filled(*whole, "csv").stdout, empty(*whole, "csv").stdout
    assert "0x80" in wanted
    assert found == wanted
    again = empty("info", "hmi.sharp_720s", "--json", "--offline").stdout
    assert json.loads(again)["x_formats"] == json.loads(struct.read_text())["x_formats"]


def test_import_of_an_unknown_series_says_how_to_name_its_definition(
    empty: Command, tmp_path: Path
) -> None:
    records = tmp_path / "day.csv"
    records.write_text("HARPNUM,T_REC\n")

    done = empty("import", "hmi.sharp_720s", "--records", str(records))

    assert done.returncode == 3
    assert f"drmsmirror import hmi.sharp_720s --struct FILE --records {records}" in done.stderr


def test_import_with_a_definition_that_is_none_makes_no_mirror(
    empty: Command, tmp_path: Path
) -> None:
    struct = tmp_path / "sharp.json"
    struct.write_text("{")

    done = empty("import", "hmi.sharp_720s", "--struct", str(struct), "--records", str(struct))

    assert done.returncode == 1
    assert f"{struct} is not JSON" in done.stderr
    assert not empty.mirror.exists()


def test_a_bad_value_in_a_file_is_named_with_its_place(
    filled: Command, empty: Command, tmp_path: Path
) -> None:
    struct, records = tmp_path / "sharp.json", tmp_path / "bad.csv"
    struct.write_text(filled("info", "hmi.sharp_720s", "--json", "--offline").stdout)
    records.write_text("HARPNUM,T_REC,recnum\n1,2014.07.05_TAI,5\n2,2014.07.05_TAI,x\n")

    done = empty("import", "hmi.sharp_720s", "--struct", str(struct), "--records", str(records))

    assert done.returncode == 1
    assert "record 2: recnum is 'x'" in done.stderr


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how long a process has worked")
def test_an_interrupt_while_the_engine_works_is_one_like_any_other(filled: Command) -> None:
    endless = "with recursive n(i) as (select 1 union all select i % 9 from n) select max(i) from n"
    with filled.start("sql", endless) as process:
        while cpu_seconds(process) < 5:  # much more than everything before the engine takes
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()

    assert process.returncode == 130
    assert said.strip() == "Interrupted; what was finished is kept."


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    """How long a process has worked so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_module_runs_like_the_command(empty: Command) -> None:
    said, _ = empty.start("--version").communicate(timeout=60)
    assert said == empty("--version").stdout
    assert said.startswith("drmsmirror, version ")


@pytest.mark.parametrize("policy", ["offline", "remote"])
def test_a_query_that_names_no_keyword_is_told_so(policy: str, filled: Command) -> None:
    done = filled("query", DAY, "--key", "**NONE**", "--policy", policy)

    assert done.returncode == 2
    assert "names no keyword" in done.stderr
