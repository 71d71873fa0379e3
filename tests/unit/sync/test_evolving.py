"""Keywords that are dropped, come back, or get another type: what is held follows, and is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drmsmirror.client import Client
from drmsmirror.errors import DefinitionError, NotHeldError, RecordSetError
from drmsmirror.mirror import Mirror
from drmsmirror.records import compact
from drmsmirror.sync import SilentReporter, sync_all, sync_and_subscribe
from drmsmirror.upkeep import drop, maintain, usage
from drmsmirror.upstream import Jsoc
from tests.jsoc import Keyword
from tests.unit.sync.mirrors import Copy, Listener, series

WHOLE = "hmi.M_45s"
ROWS = 60
DAY = "2016.01.01_TAI"


@pytest.fixture
def synced(copy_of) -> Copy:
    copy = copy_of(WHOLE, rows=ROWS)
    copy.sync(WHOLE)
    return copy


def sql(copy: Copy, statement: str) -> list[tuple]:
    with Client(copy.settings, policy="offline") as client:
        return client.sql(statement).to_records(index=False).tolist()


def directories(copy: Copy) -> list[str]:
    return sorted(path.name for path in (copy.settings.mirror / "records/hmi").iterdir())


class TestDropped:
    def test_the_definition_follows_and_the_values_stay(self, synced: Copy) -> None:
        before = sql(synced, "select recnum, datarms from hmi.m_45s order by recnum")
        synced.jsoc.drop_keyword(WHOLE, "DATARMS")
        report = synced.sync(WHOLE)
        assert report.requests == 1
        assert "no longer has DATARMS" in report.notices[0]
        synced.assert_same(WHOLE)
        with pytest.raises(RecordSetError, match="no column DATARMS"):
            synced.held(f"{WHOLE}[? DATARMS > 0 ?]", ["T_REC"])
        assert not any("datarms" in entry.columns for entry in synced.coverage(WHOLE))
        every = "select recnum, datarms from hmi.m_45s_all where _latest order by recnum"
        assert str(sql(synced, every)) == str(before)
        described = sql(synced, "describe hmi.m_45s_all")
        assert [row[2] for row in described if row[0] == "datarms"][0].endswith(
            "(the series no longer has it)"
        )

    def test_what_comes_later_lacks_it_and_compaction_keeps_it(self, synced: Copy) -> None:
        synced.jsoc.drop_keyword(WHOLE, "DATARMS")
        synced.jsoc.append(WHOLE, {"T_REC": DAY, "CAMERA": 1})
        assert synced.sync(WHOLE).records_revised == 0
        with synced.open() as mirror:
            table = mirror.table(mirror.catalogue.definition(WHOLE))
            assert compact(table, above_files=1, file_bytes=2**20) == 1
        count = "select count(*), count(datarms) from hmi.m_45s_all"
        ((rows, values),) = sql(synced, count)
        assert rows == synced.rows(WHOLE)
        assert 0 < values < rows
        synced.assert_same(WHOLE)

    def test_when_it_comes_back_only_what_lacks_it_is_read(self, synced: Copy) -> None:
        upstream = synced.jsoc.series(WHOLE).definition
        keyword = upstream.by_name["datarms"]
        values = synced.held(WHOLE, ["*recnum*", "DATARMS", "T_REC"])
        synced.jsoc.drop_keyword(WHOLE, "DATARMS")
        synced.jsoc.append(WHOLE, {"T_REC": DAY, "CAMERA": 1})
        late = values["*recnum*"][7]
        synced.jsoc.change_in_place(WHOLE, [late], {"CFLAG": 5})
        assert synced.sync(WHOLE).records_revised == 1
        restore(synced, keyword, values)
        report = synced.sync(WHOLE, seconds=0.0)
        assert "has DATARMS again" in report.notices[0]
        for lacks in (values["T_REC"][7], DAY):
            with pytest.raises(NotHeldError):
                synced.held(f"{WHOLE}[{lacks}]", ["DATARMS"])
        there = synced.held(f"{WHOLE}[{values['T_REC'][20]}]", ["DATARMS"])["DATARMS"]
        assert values["DATARMS"][20] in there
        done = synced.sync(WHOLE)
        assert done.notices == ()
        synced.assert_same(WHOLE)
        assert synced.sync(WHOLE).requests == 1

    def test_a_past_in_which_it_was_missing_does_not_vouch_for_it(self, synced: Copy) -> None:
        values = synced.held(WHOLE, ["*recnum*", "DATARMS"])
        keyword = synced.jsoc.series(WHOLE).definition.by_name["datarms"]
        synced.jsoc.drop_keyword(WHOLE, "DATARMS")
        synced.jsoc.append(WHOLE, {"T_REC": DAY, "CAMERA": 1})
        synced.sync(WHOLE)
        restore(synced, keyword, values)
        synced.sync(WHOLE)
        with Client(synced.settings, policy="offline") as client:
            assert client.answer(WHOLE, ["DATARMS"], as_of="1").texts()["DATARMS"] == list(
                values["DATARMS"]
            )
            with pytest.raises(NotHeldError):
                client.answer(WHOLE, ["DATARMS"], as_of="3")


def restore(copy: Copy, keyword: Keyword, values: dict[str, list]) -> None:
    """Give the upstream a keyword back, with the values that it had."""
    copy.jsoc.add_keyword(WHOLE, keyword)
    for recnum, value in zip(values["*recnum*"], values["DATARMS"], strict=True):
        number = None if value == "MISSING" else float(value)
        copy.jsoc.change_in_place(WHOLE, [recnum], {"DATARMS": number})


WIDER = [
    ("CFLAG", "short"),
    ("NSHORT", "longlong"),
    ("DATAVALS", "double"),
    ("DATARMS", "double"),
    ("QUALITY", "string"),
    ("OBS_VR", "string"),
    ("T_OBS", "string"),
]


class TestRetyped:
    def test_a_wider_type_makes_the_table_anew(self, synced: Copy) -> None:
        for name, type_ in WIDER:
            synced.jsoc.change_type(WHOLE, name, type_)
        report = synced.sync(WHOLE)
        assert report.requests == 1
        assert "DATARMS was float and is double" in report.notices[0]
        assert report.rows_held == synced.rows(WHOLE)
        for name, type_ in WIDER:
            with synced.open() as mirror:
                assert mirror.catalogue.definition(WHOLE).keyword(name).type == type_
        synced.assert_same(WHOLE)
        assert synced.sync(WHOLE).notices == ()

    def test_a_value_that_was_missing_is_missing(self, synced: Copy) -> None:
        gaps = {name: None for name, _ in WIDER}
        synced.jsoc.append(WHOLE, {"T_REC": DAY, "CAMERA": 1, **gaps})
        synced.sync(WHOLE)
        for name, type_ in WIDER:
            synced.jsoc.change_type(WHOLE, name, type_)
        synced.sync(WHOLE)
        listed = ", ".join(name.lower() for name, _ in WIDER if name != "QUALITY")
        (row,) = sql(synced, f"select {listed} from hmi.m_45s where t_rec = tai('{DAY}')")
        assert all(value is None or value != value for value in row)
        synced.assert_same(f"{WHOLE}[{DAY}]")

    def test_new_records_join_those_that_were_widened(self, synced: Copy) -> None:
        synced.jsoc.change_type(WHOLE, "DATARMS", "double")
        synced.jsoc.append(WHOLE, {"T_REC": DAY, "CAMERA": 1, "DATARMS": 1.25})
        assert synced.sync(WHOLE).records_new == 1
        synced.assert_same(WHOLE)

    def test_a_column_that_was_dropped_goes_along_and_can_come_back_wider(
        self, synced: Copy
    ) -> None:
        keyword = synced.jsoc.series(WHOLE).definition.by_name["datarms"]
        values = synced.held(WHOLE, ["*recnum*", "DATARMS"])
        synced.jsoc.drop_keyword(WHOLE, "DATARMS")
        synced.jsoc.change_type(WHOLE, "CFLAG", "int")
        synced.sync(WHOLE)
        ((count,),) = sql(synced, "select count(datarms) from hmi.m_45s_all")
        assert count > 0
        restore(synced, replace(keyword, type="double"), values)
        notices = synced.sync(WHOLE, seconds=0.0).notices
        assert any("DATARMS was float and is double" in one for one in notices)
        assert synced.held(WHOLE, ["DATARMS"])["DATARMS"] == values["DATARMS"]
        synced.sync(WHOLE)
        synced.assert_same(WHOLE)

    def test_whoever_reads_goes_on_and_upkeep_removes_the_table_later(self, synced: Copy) -> None:
        with Client(synced.settings, policy="offline") as reader:
            reading = iter(reader.scan(WHOLE, ["T_REC"]).batches())
            synced.jsoc.change_type(WHOLE, "DATARMS", "double")
            synced.sync(WHOLE)
            assert directories(synced) == ["m_45s", "m_45s~2"]
            assert sum(batch.num_rows for batch in reading) > 0
        with synced.open() as mirror:
            later = [room for room in usage(mirror).rooms if room.kind == "dropped records"]
            assert later[0].free_later == later[0].bytes > 0
            assert maintain(mirror).failed == ()
        assert directories(synced) == ["m_45s", "m_45s~2"]
        at_once = synced.settings.upkeep.model_copy(update={"keep_hours": 0})
        with Mirror.open(synced.settings.model_copy(update={"upkeep": at_once})) as mirror:
            maintain(mirror)
        assert directories(synced) == ["m_45s~2"]
        synced.assert_same(WHOLE)

    def test_a_drop_removes_both_tables_and_the_series_begins_anew(self, synced: Copy) -> None:
        synced.jsoc.change_type(WHOLE, "DATARMS", "double")
        synced.sync(WHOLE)
        with synced.open() as mirror:
            drop(mirror, WHOLE)
            assert mirror.catalogue.drops() == ()
        assert directories(synced) == []
        synced.sync(WHOLE)
        assert directories(synced) == ["m_45s"]
        synced.assert_same(WHOLE)

    @pytest.mark.parametrize(
        ("name", "type_", "words"),
        [
            ("DATARMS", "int", "its keyword DATARMS was float and is int"),
            ("NLONG", "int", "its keyword NLONG was longlong and is int"),
            ("CAMERA", "longlong", "its prime key CAMERA was int and is longlong"),
        ],
    )
    def test_what_cannot_follow_is_refused_and_stays(self, name, type_, words, synced) -> None:
        held = synced.held(WHOLE, ["T_REC", name])
        synced.jsoc.change_type(WHOLE, name, type_)
        with pytest.raises(DefinitionError, match=f"(?s){words}.*drmsmirror drop"):
            synced.sync(WHOLE)
        assert synced.held(WHOLE, ["T_REC", name]) == held
        assert directories(synced) == ["m_45s"]

    def test_whole_numbers_that_a_double_cannot_tell_apart_are_refused(self, synced: Copy) -> None:
        synced.jsoc.append(WHOLE, {"T_REC": DAY, "CAMERA": 1, "NLONG": 2**53 + 1})
        synced.sync(WHOLE)
        synced.jsoc.change_type(WHOLE, "NLONG", "double")
        with pytest.raises(DefinitionError, match="cannot tell numbers above 9007199254740992"):
            synced.sync(WHOLE)
        assert synced.held(f"{WHOLE}[{DAY}]", ["NLONG"])["NLONG"] == ["9007199254740993"]


def test_other_subscriptions_go_on_where_one_cannot_follow(copy_of) -> None:
    other = "test.strfsn"
    copy = copy_of(series(WHOLE, 20), series(other, 20))
    with copy.open() as mirror:
        upstream = Jsoc(copy.settings.upstream)
        for name in (WHOLE, other):
            sync_and_subscribe(mirror, upstream, name, reporter=Subscribing())
        copy.jsoc.change_type(WHOLE, "DATARMS", "int")
        attempts = {
            one.subscription.subscription.series: one
            for one in sync_all(mirror, upstream, reporter=SilentReporter())
        }
    assert isinstance(attempts[WHOLE].error, DefinitionError)
    assert attempts[other].error is None
    assert attempts[other].report is not None


class Subscribing(Listener):
    def subscribed(self, subscription) -> None:
        pass

    def lies_within(self, record_set, subscription) -> None:
        pass
