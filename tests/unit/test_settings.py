"""Settings: file, environment and flags, later ones winning; mistakes with their place."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from drmsmirror.errors import SettingsError
from drmsmirror.settings import FILE_NAME, load_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let no variable of the person who runs the tests in."""
    for name in os.environ:
        if name.startswith("DRMSMIRROR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    (tmp_path / "mirror").mkdir()
    return tmp_path / "mirror"


def write(mirror: Path, text: str) -> Path:
    (mirror / FILE_NAME).write_text(text)
    return mirror / FILE_NAME


def test_everything_has_a_default(tmp_path) -> None:
    settings = load_settings()
    assert settings.mirror == tmp_path / "data" / "drmsmirror"
    assert settings.upstream.url == "http://jsoc.stanford.edu"
    assert settings.sync.first_window == 200
    assert settings.catalogue_url == ""


def test_the_file_in_the_mirror_is_read(mirror) -> None:
    write(mirror, '[upstream]\nurl = "http://example.org/"\n[sync]\nmax_window = 77\n')
    settings = load_settings(mirror=mirror)
    assert (settings.upstream.url, settings.sync.max_window) == ("http://example.org", 77)
    assert settings.sync.first_window == 200


def test_a_file_that_is_named_is_read_instead(mirror, tmp_path, monkeypatch) -> None:
    write(mirror, "[sync]\nmax_window = 1\n")
    (tmp_path / "other.toml").write_text(f"mirror = '{mirror}'\n[sync]\nmax_window = 2\n")
    assert load_settings(config=tmp_path / "other.toml").sync.max_window == 2
    monkeypatch.setenv("DRMSMIRROR_CONFIG", str(tmp_path / "other.toml"))
    assert load_settings().mirror == mirror
    assert load_settings(mirror=mirror).sync.max_window == 2


def test_the_environment_wins_over_the_file_and_flags_over_both(mirror, monkeypatch) -> None:
    write(mirror, "[sync]\nmax_window = 1\nfirst_window = 1\nwindow_mib = 1\n")
    monkeypatch.setenv("DRMSMIRROR_SYNC__MAX_WINDOW", "2")
    monkeypatch.setenv("DRMSMIRROR_SYNC__FIRST_WINDOW", "2")
    settings = load_settings(mirror=mirror, flags={"sync": {"max_window": 3}})
    assert settings.sync.max_window == 3
    assert settings.sync.first_window == 2
    assert settings.sync.window_mib == 1


def test_the_mirror_that_is_named_wins_over_the_environment(mirror, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DRMSMIRROR_MIRROR", str(tmp_path / "other"))
    assert load_settings().mirror == tmp_path / "other"
    assert load_settings(mirror=mirror).mirror == mirror


def test_the_mirror_in_the_environment_brings_its_file(mirror, monkeypatch) -> None:
    write(mirror, "[sync]\nmax_window = 9\n")
    monkeypatch.setenv("DRMSMIRROR_MIRROR", str(mirror))
    assert load_settings().sync.max_window == 9


def test_a_mirror_is_an_absolute_path(mirror, monkeypatch) -> None:
    monkeypatch.chdir(mirror.parent)
    monkeypatch.setenv("HOME", str(mirror.parent))
    assert load_settings(mirror="mirror").mirror == mirror
    assert load_settings(mirror="~/mirror").mirror == mirror


def test_an_empty_name_of_the_mirror_counts_as_none(mirror, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DRMSMIRROR_MIRROR", str(mirror))
    assert load_settings(mirror="").mirror == mirror
    monkeypatch.setenv("DRMSMIRROR_MIRROR", "")
    assert load_settings(mirror="").mirror == tmp_path / "data" / "drmsmirror"


def test_an_empty_variable_counts_as_not_set(mirror, monkeypatch) -> None:
    write(mirror, "[sync]\nmax_window = 9\n")
    monkeypatch.setenv("DRMSMIRROR_SYNC__MAX_WINDOW", "")
    assert load_settings(mirror=mirror).sync.max_window == 9


@pytest.mark.parametrize("wrong", [3, 0, 2.5, ["a"]])
def test_a_mirror_that_is_no_path_is_told(wrong, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="must be the path of a directory"):
        load_settings(mirror=wrong)


def test_a_mirror_where_no_record_table_can_be_is_told(tmp_path) -> None:
    with pytest.raises(SettingsError, match="must have no %"):
        load_settings(mirror=tmp_path / "100%")


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("# first\nnosuch = 1\n", 2, "nosuch"),
        ("\n[upstream]\n# c\nurll = 'x'\n", 4, "upstream.urll"),
        ("[sync]\nmax_window = 0\n", 2, "sync.max_window"),
        ("[sync]\n\nmax_window = 'many'\n", 3, "sync.max_window"),
        ("[upstream]\nurl = 'ftp://x'\n", 2, "upstream.url"),
        ("[upstream]\nurl = 'http://u:p@x/y'\n", 2, "name no user and no password"),
        ("sync = { max_window = -1 }\n", 1, "sync.max_window"),
        ("sync.max_window = -1\n", 1, "sync.max_window"),
        ("[records]\ntarget_file_mib = true\n", 2, "target_file_mib: must not be true"),
        ("[sync]\nmax_run = false\n", 2, "sync.max_run: must not be false"),
        ("upstream = 3\n", 1, "upstream: must be a table: [upstream]"),
        ("mirror = ''\n", 1, "mirror: must name a directory"),
        ('[upstream]\ncontact = "a\\r\\nX-Evil: 1"\n', 2, "upstream.contact: goes into"),
        ("[nosuch]\nx = 1\n", 1, "nosuch"),
        ("[sync]\nmax_window = 5\n[records]\n\n\ntarget_file_mib = 0\n", 6, "target_file_mib"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(text, line, name, mirror) -> None:
    file = write(mirror, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(mirror=mirror)
    assert f"{file}, line {line}" in str(caught.value)
    assert name in str(caught.value)


def test_every_mistake_is_told_at_once(mirror) -> None:
    write(mirror, "nosuch = 1\n[sync]\nmax_window = 0\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(mirror=mirror)
    assert len(str(caught.value).splitlines()) == 2


def test_a_file_that_is_no_toml_is_told_with_its_name(mirror) -> None:
    file = write(mirror, "url = \n")
    with pytest.raises(SettingsError, match="is not TOML") as caught:
        load_settings(mirror=mirror)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"note = '\xe9'\n"])
def test_a_file_that_is_no_text_is_told_with_its_name(content, mirror) -> None:
    (mirror / FILE_NAME).write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(mirror=mirror)
    assert FILE_NAME in str(caught.value)


def test_a_directory_of_the_name_of_the_file_is_told(mirror) -> None:
    (mirror / FILE_NAME).mkdir()
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        load_settings(mirror=mirror)
    assert str(mirror / FILE_NAME) in str(caught.value)


def test_a_file_that_is_named_must_be_there(tmp_path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        load_settings(config=tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DRMSMIRROR_SYNC__MAX_WINDOW", "many"),
        ("DRMSMIRROR_SYNC__MAX_WINDOW", "0"),
        ("DRMSMIRROR_UPSTREAM__URL", "jsoc.stanford.edu"),
    ],
)
def test_a_mistake_in_a_variable_is_told_with_its_name(name, value, monkeypatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("upstream.requests_per_second", ["inf", "nan", "1e-300", "1e-6"]),
        ("upstream.connect_timeout", ["inf", "nan", "1e300"]),
        ("upstream.read_timeout", ["inf", "1e10"]),
        ("upstream.retry_wait", ["inf", "1e300"]),
        ("upstream.max_retry_wait", ["inf", "1e300"]),
        ("sync.tell_within", ["inf", "1e300"]),
        ("sync.max_run", ["nan"]),
        ("sync.max_window", ["1" + 400 * "0"]),
        ("records.target_file_mib", ["1" + 20 * "0"]),
    ],
)
def test_a_number_that_nothing_can_work_with_is_told_with_its_place(
    setting, values, mirror, monkeypatch
) -> None:
    table, name = setting.split(".")
    variable = f"DRMSMIRROR_{table}__{name}".upper()
    for value in values:
        file = write(mirror, f"[{table}]\n{name} = {value}\n")
        with pytest.raises(SettingsError, match=re.escape(f"{file}, line 2: {setting}: ")):
            load_settings(mirror=mirror)
        file.unlink()
        monkeypatch.setenv(variable, value)
        with pytest.raises(SettingsError, match=re.escape(f"{variable}: {setting}: ")):
            load_settings(mirror=mirror)
        monkeypatch.delenv(variable)


def test_a_request_a_day_and_hours_of_patience_are_possible(mirror) -> None:
    write(mirror, "[upstream]\nrequests_per_second = 1.2e-5\nread_timeout = 7200\n")
    upstream = load_settings(mirror=mirror).upstream
    assert (upstream.requests_per_second, upstream.read_timeout) == (1.2e-5, 7200.0)


@pytest.mark.parametrize("contact", ["a\r\nX-Evil: 1", "é@example.org"])
def test_a_contact_that_no_header_can_carry_is_told(contact, monkeypatch) -> None:
    monkeypatch.setenv("DRMSMIRROR_UPSTREAM__CONTACT", contact)
    with pytest.raises(SettingsError, match=r"DRMSMIRROR_UPSTREAM__CONTACT: .* one line of ASCII"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("UPSTREAM_URL", "UPSTREAM__URL"),
        ("UPSTREAM__URLL", "UPSTREAM__URL"),
        ("MIROR", "MIRROR"),
        ("SYNC_MAX_WINDOW", "SYNC__MAX_WINDOW"),
    ],
)
def test_a_variable_that_is_misspelt_leads_to_the_setting(name, meant, monkeypatch) -> None:
    monkeypatch.setenv(f"DRMSMIRROR_{name}", "1")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value) == (
        f"The environment variable DRMSMIRROR_{name} is no setting. "
        f"Did you mean DRMSMIRROR_{meant}?"
    )


def test_a_variable_that_is_like_no_setting_is_told_what_there_is(monkeypatch) -> None:
    monkeypatch.setenv("DRMSMIRROR_NOSUCH", "1")
    with pytest.raises(SettingsError, match=r"known are .*DRMSMIRROR_UPSTREAM__URL"):
        load_settings()


def test_a_mistake_in_the_file_is_one_even_where_a_variable_sets_the_same(
    mirror, monkeypatch
) -> None:
    file = write(mirror, "[sync]\nmax_window = 0\n")
    monkeypatch.setenv("DRMSMIRROR_SYNC__MAX_WINDOW", "5")
    with pytest.raises(SettingsError) as caught:
        load_settings(mirror=mirror)
    assert f"{file}, line 2: sync.max_window" in str(caught.value)


def test_a_mistake_in_a_variable_is_not_blamed_on_the_file(mirror, monkeypatch) -> None:
    write(mirror, "[sync]\nmax_window = 5\n")
    monkeypatch.setenv("DRMSMIRROR_SYNC__MAX_WINDOW", "0")
    with pytest.raises(SettingsError) as caught:
        load_settings(mirror=mirror)
    assert "DRMSMIRROR_SYNC__MAX_WINDOW" in str(caught.value)
    assert "line" not in str(caught.value)


@pytest.mark.parametrize("name", ["DRMSMIRROR_NOSUCH", "DRMSMIRROR_UPSTREAM__URLL"])
def test_a_variable_that_is_no_setting_is_told(name, monkeypatch) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=name):
        load_settings()


def test_a_mistake_in_a_flag_is_an_error_of_the_settings(mirror) -> None:
    with pytest.raises(SettingsError, match="command line"):
        load_settings(mirror=mirror, flags={"sync": {"max_window": 0}})


def test_settings_cannot_be_changed() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError):
        settings.catalogue_url = "sqlite://"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "secrets").mkdir()
    monkeypatch.setenv("DRMSMIRROR_SECRETS_DIR", str(tmp_path / "secrets"))
    return tmp_path / "secrets"


def test_secrets_are_files_and_win_over_the_settings_file(mirror, secrets, monkeypatch) -> None:
    write(mirror, 'catalogue_url = "postgresql://in.the.file/drms"\ncatalogue_password = "old"\n')
    (secrets / "drmsmirror_catalogue_password").write_text("p@ss word\n")
    (secrets / "somebody_elses").write_text("nothing of ours")
    settings = load_settings(mirror=mirror)
    assert settings.catalogue_url == "postgresql://in.the.file/drms"
    assert settings.catalogue_password == "p@ss word"
    assert "p@ss" not in repr(settings)
    (secrets / "drmsmirror_catalogue_url").write_text("postgresql://in.a.secret/drms")
    assert load_settings(mirror=mirror).catalogue_url == "postgresql://in.a.secret/drms"
    monkeypatch.setenv("DRMSMIRROR_CATALOGUE_URL", "postgresql://in.the.environment/drms")
    assert load_settings(mirror=mirror).catalogue_url == "postgresql://in.the.environment/drms"


def test_a_wrong_secret_is_named_and_not_shown(mirror, secrets) -> None:
    (secrets / "drmsmirror_mirror").write_text("/a%b")
    with pytest.raises(SettingsError, match=r"secret drmsmirror_mirror: mirror: must have no %"):
        load_settings(mirror=mirror)


def test_secrets_that_are_absent_are_said_to_be(mirror, secrets) -> None:
    secrets.rmdir()
    with pytest.raises(
        SettingsError, match=r"no directory .*secrets, which DRMSMIRROR_SECRETS_DIR"
    ):
        load_settings(mirror=mirror)


def test_a_metrics_file_that_nobody_would_collect_is_refused(mirror) -> None:
    with pytest.raises(SettingsError, match=r"must end in \.prom"):
        load_settings(mirror=mirror, flags={"daemon": {"metrics_file": "/tmp/metrics.txt"}})
