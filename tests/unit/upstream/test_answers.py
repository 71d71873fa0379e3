"""What is data and what is not: literal bodies, and those recorded from JSOC."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from drmsmirror.errors import (
    DefinitionError,
    UnknownSeriesError,
    UpstreamAnswerError,
    UpstreamError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamTooLargeError,
    UpstreamUnavailableError,
)
from drmsmirror.model.types import KeywordType
from drmsmirror.upstream.answers import (
    read_count,
    read_external_names,
    read_names,
    read_records,
    read_registered,
    read_sample,
    read_state,
)
from drmsmirror.upstream.protocol import RecordText

KEYS = ("T_REC", "*recnum*", "FLUX")


def body(**changes: Any) -> bytes:
    """A good rs_list answer of two records, with members replaced; None takes one away."""
    answer: dict[str, Any] = {
        "keywords": [
            {"name": "T_REC", "values": ["2011.02.14_00:00:00_TAI", "2011.02.14_00:12:00_TAI"]},
            {"name": "*recnum*", "values": [7, 9]},
            {"name": "FLUX", "values": ["1.5e+21", "MISSING"]},
        ],
        "segments": [],
        "links": [],
        "count": 2,
        "runtime": 0.046,
        "status": 0,
    } | changes
    return json.dumps({name: value for name, value in answer.items() if value is not None}).encode()


def with_values(values: Any, key: str = "FLUX") -> bytes:
    """The good answer with other values of one key."""
    keywords = json.loads(body())["keywords"]
    next(entry for entry in keywords if entry["name"] == key)["values"] = values
    return body(keywords=keywords)


def complaint(status: int, text: str) -> bytes:
    return json.dumps({"status": status, "error": text}).encode()


# ---------------------------------------------------------------- records


def test_records_become_one_column_a_key() -> None:
    table = read_records(body(), "a.b[]", KEYS).keys
    assert table.column_names == list(KEYS)
    assert table.schema.types == [pa.string(), pa.int64(), pa.string()]
    assert table.to_pydict() == {
        "T_REC": ["2011.02.14_00:00:00_TAI", "2011.02.14_00:12:00_TAI"],
        "*recnum*": [7, 9],
        "FLUX": ["1.5e+21", "MISSING"],
    }


def test_a_key_asked_for_twice_comes_twice() -> None:
    twice = {"name": "T_REC", "values": ["a", "b"]}
    table = read_records(body(keywords=[twice, twice]), "a.b[]", ["T_REC", "T_REC"]).keys
    assert [column.to_pylist() for column in table.columns] == [["a", "b"], ["a", "b"]]


def test_count_0_without_keywords_is_no_records() -> None:
    table = read_records(b'{"count":0,"runtime":0.075,"status":0}', "a.b[]", KEYS).keys
    assert table.num_rows == 0
    assert table.schema.types == [pa.string(), pa.int64(), pa.string()]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b" \r\n", id="blanks"),
        pytest.param(b"n", id="a stray letter"),
        pytest.param(b"<html><body>Maintenance</body></html>", id="a web page"),
        pytest.param(body()[:-40], id="half"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"0", id="a number"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"status":0}', id="nothing but the status"),
        pytest.param(body(status=None), id="no status"),
        pytest.param(body(status="0"), id="status as text"),
        pytest.param(body(status=False), id="status false"),
        pytest.param(body(status=0.0), id="status 0.0"),
        pytest.param(body(count=None), id="no count"),
        pytest.param(body(count="2"), id="count as text"),
        pytest.param(body(count=True), id="count true"),
        pytest.param(body(count=-1), id="count below zero"),
        pytest.param(body(count=3), id="more counted than listed"),
        pytest.param(body(count=1), id="fewer counted than listed"),
        pytest.param(body(count=0), id="none counted, two listed"),
        pytest.param(body(keywords=None), id="no keywords"),
        pytest.param(body(keywords=[]), id="no keyword"),
        pytest.param(body(keywords={"T_REC": ["a", "b"]}), id="keywords by name"),
        pytest.param(body(keywords=["T_REC", "*recnum*", "FLUX"]), id="keywords without values"),
        pytest.param(body(keywords=json.loads(body())["keywords"][:2]), id="one keyword less"),
        pytest.param(body(keywords=json.loads(body())["keywords"][::-1]), id="another order"),
        pytest.param(
            body(keywords=[*json.loads(body())["keywords"], {"name": "X", "values": ["1", "2"]}]),
            id="one keyword more",
        ),
        pytest.param(with_values(["1.5"]), id="a value less"),
        pytest.param(with_values(["1", "2", "3"]), id="a value more"),
        pytest.param(with_values(None), id="no values"),
        pytest.param(with_values("ab"), id="values as text"),
        pytest.param(with_values(["1", None]), id="a null"),
        pytest.param(with_values([1.5, 2.5]), id="numbers for text"),
        pytest.param(with_values(["1", 2]), id="a number among texts"),
        pytest.param(with_values(["1", True]), id="true among texts"),
        pytest.param(with_values(["1", ["2"]]), id="a list among texts"),
        pytest.param(with_values(["7", "9"], "*recnum*"), id="recnums as text"),
        pytest.param(with_values([7, 9.0], "*recnum*"), id="a recnum with a point"),
        pytest.param(with_values([7, True], "*recnum*"), id="a recnum true"),
        pytest.param(with_values([7, None], "*recnum*"), id="a recnum null"),
        pytest.param(with_values([7, 2**64 - 1], "*recnum*"), id="a recnum out of range"),
    ],
)
def test_what_contradicts_itself_or_the_request_is_never_data(content: bytes) -> None:
    with pytest.raises(UpstreamAnswerError, match=re.escape("the records of a.b[]")) as caught:
        read_records(content, "a.b[]", KEYS)
    assert caught.value.retryable


FILES = {"name": "image", "values": ["/SUM1/D1/S00000/image.fits", "NoDataDirectory"]}
LINKED = {"name": "LEV1", "values": ["hmi.lev1[:#7]", "Invalid_Link"]}


def test_segments_and_links_become_columns_of_texts() -> None:
    content = body(segments=[FILES | {"dims": ["4096x4096", "NA"], "bzeros": []}], links=[LINKED])
    listed = read_records(content, "a.b[]", KEYS, ["image"], ["LEV1"])
    assert listed.rows == 2
    assert listed.segments.to_pydict() == {"image": FILES["values"]}
    assert listed.links.to_pydict() == {"LEV1": LINKED["values"]}
    assert listed.segments.schema.types == listed.links.schema.types == [pa.string()]


def test_segments_alone_are_listed_with_their_number() -> None:
    listed = read_records(body(keywords=[], segments=[FILES]), "a.b[]", (), ["image"])
    assert (listed.rows, listed.keys.column_names, listed.links.column_names) == (2, [], [])


def test_no_records_have_the_segments_and_links_that_were_asked_for() -> None:
    listed = read_records(b'{"count":0,"status":0}', "a.b[]", KEYS, ["image"], ["LEV1"])
    assert (listed.rows, listed.segments.num_rows) == (0, 0)
    assert listed.segments.schema == pa.schema([("image", pa.string())])
    assert listed.links.schema == pa.schema([("LEV1", pa.string())])


@pytest.mark.parametrize(
    ("member", "entries"),
    [
        pytest.param("segments", None, id="none"),
        pytest.param("segments", [], id="no segment"),
        pytest.param("segments", [FILES | {"name": "IMAGE"}], id="another name"),
        pytest.param("segments", [FILES, FILES], id="one more"),
        pytest.param("segments", [FILES | {"values": ["x"]}], id="a value less"),
        pytest.param("segments", [FILES | {"values": ["x", None]}], id="a null"),
        pytest.param("segments", [FILES | {"values": ["x", 1]}], id="a number"),
        pytest.param("segments", [{"name": "image"}], id="no values"),
        pytest.param("links", [], id="no link"),
        pytest.param("links", [LINKED | {"values": ["x", None]}], id="a null in a link"),
        pytest.param("links", [LINKED | {"name": "X"}], id="another link"),
    ],
)
def test_segments_and_links_are_looked_at_like_keywords(member: str, entries: Any) -> None:
    content = body(**{"segments": [FILES], "links": [LINKED], member: entries})
    with pytest.raises(
        UpstreamAnswerError, match=rf"(no list of|its|image|LEV1).*{member[:-1]}|has"
    ):
        read_records(content, "a.b[]", KEYS, ["image"], ["LEV1"])


def test_the_message_says_which_keyword_is_not_there() -> None:
    renamed = body().replace(b'"FLUX"', b'"FLUX_X"')
    with pytest.raises(UpstreamAnswerError, match="FLUX is not among them"):
        read_records(renamed, "a.b[]", KEYS)


def test_latin_1_bytes_are_read() -> None:
    """The database holds Latin-1 in places (DRMS semantics 4.0)."""
    content = with_values(["ab", "x"]).replace(b'"ab"', b'"10 \xc5"')
    assert read_records(content, "a.b[]", KEYS).keys["FLUX"].to_pylist() == ["10 Å", "x"]


def test_utf_8_stays_what_it_is() -> None:
    content = with_values(["ab", "x"]).replace(b'"ab"', '"10 Å"'.encode())
    assert read_records(content, "a.b[]", KEYS).keys["FLUX"].to_pylist() == ["10 Å", "x"]


def test_keys_that_the_series_lacks_are_told() -> None:
    content = with_values(["Invalid KeyLink", "Invalid KeyLink"])
    table = read_records(content, "a.b[]", KEYS).keys
    assert RecordText(table, 2, len(content), 0.1).invalid_keys == ("FLUX",)


def test_a_link_broken_for_one_record_is_no_unknown_key() -> None:
    content = with_values(["Invalid KeyLink", "1.0"])
    table = read_records(content, "a.b[]", KEYS).keys
    assert RecordText(table, 2, len(content), 0.1).invalid_keys == ()


# ---------------------------------------------------------------- complaints


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (1, " jsoc_info: series not found.", UpstreamTooLargeError),
        (1, "series not found", UpstreamTooLargeError),
        (1, "Invalid key list: **", UpstreamRefusedError),
        (1, 'ERROR:  column "nope" does not exist\nLINE 1: select\n', UpstreamRefusedError),
        (1, "problem with database query", UpstreamRefusedError),
        (1, "", UpstreamRefusedError),
        (1, "FATAL:  connection limit exceeded for non-superusers", UpstreamUnavailableError),
        (4, "Invalid series name.", UnknownSeriesError),
        (4, "anything else", UpstreamUnavailableError),
        (-1, "killed", UpstreamUnavailableError),
        (2, "configuration", UpstreamUnavailableError),
        (3, "architecture", UpstreamUnavailableError),
        (6, "", UpstreamUnavailableError),
        (99, "new in the next release", UpstreamUnavailableError),
    ],
)
def test_each_complaint_is_one_error(status: int, text: str, error: type[UpstreamError]) -> None:
    with pytest.raises(error) as caught:
        read_records(complaint(status, text), "a.b[]", KEYS)
    assert type(caught.value) is error
    assert f"(status {status})" in str(caught.value)
    assert " ".join(text.split())[:40] in str(caught.value)


@pytest.mark.parametrize("text", [" jsoc_info: series not found.", "series not found"])
def test_only_of_records_not_found_can_mean_too_many(text: str) -> None:
    with pytest.raises(UnknownSeriesError, match=r"the definition of a\.b"):
        read_state(complaint(1, text), "a.b")
    with pytest.raises(UnknownSeriesError, match=r"the number of records of a\.b"):
        read_count(complaint(1, text), "a.b[]")
    with pytest.raises(UpstreamTooLargeError, match="a series that does not exist"):
        read_records(complaint(1, text), "a.b[]", KEYS)


def test_the_notice_of_too_much_use_is_known_under_any_status() -> None:
    for status in (1, 4, 6):
        with pytest.raises(UpstreamOverloadedError, match="overworking our system") as caught:
            read_count(complaint(status, "STOP - ... is overworking our system. ..."), "a.b[]")
        assert caught.value.retry_after is None


def test_a_bad_record_set_and_a_broken_wrapper_sound_alike() -> None:
    text = "Command 'drms_parserecset spec=a.b[' returned non-zero status code 1"
    with pytest.raises(UpstreamUnavailableError, match=r"try later.*check it.*the same of both"):
        read_records(complaint(4, text), "a.b[", KEYS)


def test_a_long_record_set_is_cut_in_messages() -> None:
    with pytest.raises(UpstreamAnswerError) as caught:
        read_count(b"", "a.b[" + "1," * 5000 + "]")
    assert len(str(caught.value)) < 600


# ---------------------------------------------------------------- as recorded

_UNAVAILABLE = ["00", "02", "03", "04", "05", "07", "08", "09", "11", "12", "13", "14"]
_RECORDED = dict.fromkeys(_UNAVAILABLE, UpstreamUnavailableError) | {"10": UpstreamOverloadedError}


@pytest.mark.parametrize("number", sorted(_RECORDED))
def test_recorded_errors(recorded: Path, number: str) -> None:
    content = (recorded / "errors" / f"error_{number}.json").read_bytes()
    ds = "hmi.mharp_720s_nrt[][$]"
    for read in (
        lambda: read_records(content, ds, KEYS),
        lambda: read_count(content, ds),
        lambda: read_state(content, "hmi.mharp_720s_nrt"),
    ):
        with pytest.raises(UpstreamError) as caught:
            read()
        assert type(caught.value) is _RECORDED[number]
        assert caught.value.retryable


def test_every_recorded_error_is_looked_at(recorded: Path) -> None:
    there = {path.stem[-2:] for path in (recorded / "errors").glob("error_*.json")}
    assert there == set(_RECORDED)


def test_recorded_answer_for_no_records(recorded: Path) -> None:
    content = (recorded / "errors" / "count0.json").read_bytes()
    assert read_records(content, "a.b[]", KEYS).rows == 0
    assert read_count(content, "a.b[]") == 0


_SHARP_KEYS = ["T_REC", "HARPNUM", "TOTUSJH", "TOTUSJZ", "TOTPOT", "USFLUX", "ABSNJZH", "SAVNCPP"]


def test_recorded_lists(recorded: Path) -> None:
    files = sorted((recorded / "sample").glob("*/*.html"))
    assert len(files) == 10
    for file in files:
        keys = _SHARP_KEYS if "sharp" in file.name else ["T_REC", "HARPNUM", "NOAA_ARS"]
        content = file.read_bytes()
        table = read_records(content, file.stem, keys).keys
        assert table.num_rows == int(re.search(rb'"count":(\d+)', content)[1])  # type: ignore[index]
        assert all(time.endswith("_TAI") for time in table["T_REC"].to_pylist())
        with pytest.raises(UpstreamAnswerError):
            read_records(content, file.stem, keys[::-1])
        with pytest.raises(UpstreamAnswerError):
            read_records(content[: len(content) // 2], file.stem, keys)


# ---------------------------------------------------------------- definitions


def struct(**changes: Any) -> bytes:
    """A good series_struct answer, with members replaced; None takes one away."""
    answer: dict[str, Any] = {
        "note": "a series",
        "retention": 0,
        "primekeys": ["NUM"],
        "dbindex": ["NUM"],
        "keywords": [
            {
                "name": "NUM",
                "type": "int",
                "recscope": "variable",
                "defval": "0",
                "units": "",
                "note": "",
            }
        ],
        "segments": [],
        "links": [],
        "Interval": {
            "FirstRecord": "A.B[1]",
            "FirstRecnum": 1,
            "LastRecord": "A.B[5]",
            "LastRecnum": 17,
            "MaxRecnum": 18,
        },
        "runtime": 0.1,
        "status": 0,
    } | changes
    return json.dumps({name: value for name, value in answer.items() if value is not None}).encode()


_SLOTTED = {
    "name": "T",
    "type": "time",
    "recscope": "ts_eq",
    "defval": "",
    "units": "TAI",
    "note": "",
}


def test_a_definition_and_how_far_the_series_is() -> None:
    state = read_state(struct(), "a.b")
    assert state.definition.name == "A.B"
    assert state.definition.keyword("num").type is KeywordType.INT
    assert (state.max_recnum, state.first_record, state.last_record) == (18, "A.B[1]", "A.B[5]")


@pytest.mark.parametrize("recnum", [0, "NA"])
def test_a_series_without_records(recnum: object) -> None:
    names = ("FirstRecord", "FirstRecnum", "LastRecord", "LastRecnum")
    interval = dict.fromkeys(names, "NA") | {"MaxRecnum": recnum}
    state = read_state(struct(Interval=interval), "a.b")
    assert (state.max_recnum, state.first_record, state.last_record) == (0, "", "")


@pytest.mark.parametrize(
    "interval",
    [
        pytest.param(None, id="none"),
        pytest.param({}, id="empty"),
        pytest.param({"FirstRecord": "A.B[1]", "LastRecord": "A.B[5]"}, id="without a recnum"),
        pytest.param({"MaxRecnum": None}, id="null"),
        pytest.param({"MaxRecnum": -1}, id="below zero"),
        pytest.param({"MaxRecnum": "NA", "LastRecord": "A.B[5]"}, id="NA though there are records"),
        pytest.param({"MaxRecnum": 0, "LastRecord": "A.B[5]"}, id="0 though there are records"),
    ],
)
def test_a_server_that_does_not_say_how_far(interval: object) -> None:
    assert read_state(struct(Interval=interval), "a.b").max_recnum is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(struct(keywords=None), id="no keywords"),
        pytest.param(struct(segments=None), id="no segments"),
        pytest.param(struct(links="none"), id="links as text"),
        pytest.param(struct(primekeys="NUM"), id="prime keys as text"),
        pytest.param(struct(retention="0"), id="a number as text"),
        pytest.param(struct(Interval=[]), id="an interval that is a list"),
        pytest.param(struct(Interval={"MaxRecnum": "18"}), id="a recnum as text"),
        pytest.param(struct(Interval={"MaxRecnum": True}), id="a recnum that is none"),
        pytest.param(struct(Interval={"MaxRecnum": 1, "LastRecord": 3}), id="a record as a number"),
        pytest.param(struct(status=None), id="no status"),
        pytest.param(
            struct(primekeys=["T"], dbindex=["T"], keywords=[_SLOTTED]), id="slots without an index"
        ),
    ],
)
def test_half_a_definition_is_none(content: bytes) -> None:
    with pytest.raises(UpstreamAnswerError, match=re.escape("the definition of a.b")):
        read_state(content, "a.b")


def test_a_definition_that_contradicts_itself_is_not_asked_for_again() -> None:
    with pytest.raises(DefinitionError, match="NOPE") as caught:
        read_state(struct(primekeys=["NOPE"]), "a.b")
    assert not caught.value.retryable


def test_formats_are_learnt_and_not_believed() -> None:
    content = struct(x_formats={"NUM": "%s%s%s"}, x_series="a.B")
    state = read_state(content, "a.b")
    assert state.definition.keyword("NUM").format is None
    assert state.definition.name == "A.B"


# ---------------------------------------------------------------- counts and names


def test_a_count() -> None:
    assert read_count(b'{"count":1234,"runtime":0.05,"status":0}', "a.b[]") == 1234


@pytest.mark.parametrize("count", ['"5"', "5.0", "true", "null", "-1", "[5]"])
def test_no_count(count: str) -> None:
    with pytest.raises(UpstreamAnswerError, match="its count is"):
        read_count(f'{{"count":{count},"status":0}}'.encode(), "a.b[]")


def test_names() -> None:
    content = (
        b'{"status":0,\n "names":[\n'
        b'  {"name":"hmi.M_45s","primekeys":"T_REC, CAMERA","note":"magnetograms"},\n'
        b'  {"name":"x.y","primekeys":"","note":"10 \xc5"}],\n"n":2}\n'
    )
    first, second = read_names(content)
    assert (first.name, first.prime_keys) == ("hmi.M_45s", ("T_REC", "CAMERA"))
    assert (second.name, second.prime_keys, second.note) == ("x.y", (), "10 Å")


@pytest.mark.parametrize("content", [b'{"status":0,"names":[],"n":0}', b'],\n"n":0}\n'])
def test_no_names(content: bytes) -> None:
    """The second is what show_series prints of an empty database; it is no JSON."""
    assert read_names(content) == ()


def test_a_complaint_of_show_series_is_no_json() -> None:
    with pytest.raises(UpstreamRefusedError, match="bad regular expression"):
        read_names(b'{"status":1,"errmsg":bad regular expression}\n')
    with pytest.raises(UpstreamRefusedError, match="bad regular expression"):
        read_names(b'{"status":1,"errmsg":"bad regular expression"}\n')


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"status":0,"n":0}',
        b'{"status":0,"names":[{"name":"a.b"}],"n":2}',
        b'{"status":0,"names":[{"note":"no name"}],"n":1}',
        b'{"status":0,"names":["a.b"],"n":1}',
        b'{"names":[],"n":0}',
    ],
)
def test_no_list_of_names(content: bytes) -> None:
    with pytest.raises(UpstreamAnswerError, match="the list of series"):
        read_names(content)


def test_external_names_with_and_without_descriptions() -> None:
    content = b'{"errMsg": "", "seriesList": ["a.b", {"a.c": {"description": "the c"}}]}'
    assert [(entry.name, entry.note) for entry in read_external_names(content)] == [
        ("a.b", ""),
        ("a.c", "the c"),
    ]


def test_external_names_refused() -> None:
    with pytest.raises(UpstreamRefusedError, match="missing required argument dbhost"):
        read_external_names(b'{"errMsg": "missing required argument dbhost"}')


@pytest.mark.parametrize("listed", ["null", '"a.b"', "[3]", '[{"a":{},"b":{}}]', '[{"a":"x"}]'])
def test_no_external_names(listed: str) -> None:
    with pytest.raises(UpstreamAnswerError):
        read_external_names(f'{{"errMsg": null, "seriesList": {listed}}}'.encode())


@pytest.mark.parametrize(
    ("status", "registered"),
    [("2", True), ('"2"', True), ("1", False), ("4", False), ("-2", False)],
)
def test_an_address_is_registered_or_not(status: str, registered: bool) -> None:
    assert read_registered(f'{{"status":{status},"msg":"..."}}'.encode()) is registered


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", UpstreamAnswerError),
        (b'{"msg":"x"}', UpstreamAnswerError),
        (b'{"status":"yes"}', UpstreamAnswerError),
        (b'{"status":4,"error":"... is overworking our system ..."}', UpstreamOverloadedError),
        (b'{"status":4,"error":"Command returned non-zero"}', UpstreamUnavailableError),
    ],
)
def test_a_failure_does_not_say_that_an_address_is_not_registered(
    answer: bytes, error: type[UpstreamError]
) -> None:
    with pytest.raises(error):
        read_registered(answer)


NUMBERS = ("*recnum*", "*sunum*", "T_REC")


def sampled(**values: object) -> frozenset[str]:
    """Which of the keys an answer gives that lists them with these values."""
    names = {"recnum": "*recnum*", "sunum": "*sunum*", "time": "T_REC"}
    listed = [{"name": names[name], "values": column} for name, column in values.items()]
    body = json.dumps({"keywords": listed, "count": 2, "status": 0}).encode()
    return read_sample(body, "a.b[]", NUMBERS).given


def test_a_server_gives_keys_that_have_values_of_their_kind() -> None:
    assert sampled(recnum=[3, 4], sunum=[-1, -1], time=["x", "y"]) == set(NUMBERS)


@pytest.mark.parametrize(
    "recnum",
    [
        pytest.param(["Invalid KeyLink"] * 2, id="a key that it does not know"),
        pytest.param(["", ""], id="nothing"),
        pytest.param([-1, -1], id="below zero"),
        pytest.param([0, 0], id="zero"),
        pytest.param([7, 7], id="one for all"),
        pytest.param([3], id="one of two"),
        pytest.param(None, id="no list"),
    ],
)
def test_what_is_no_record_number_is_not_given(recnum: object) -> None:
    assert sampled(recnum=recnum, time=["Invalid KeyLink"] * 2) == set()
    assert sampled(recnum=recnum, time=["x", "y"]) == {"T_REC"}


def test_no_records_show_no_keys() -> None:
    assert read_sample(b'{"count":0,"status":0}', "a.b[]", NUMBERS).rows == 0
