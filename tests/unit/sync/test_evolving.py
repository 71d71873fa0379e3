"""Keywords that are dropped, come back, or get another type: what is held follows, and is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drmsmirror.client import Client
from drmsmirror.errors import (
    DefinitionError,
    NotHeldError,
    RecordSetError,
    UpstreamAnswerError,
)
from drmsmirror.mirror import Mirror
from drmsmirror.model.types import KeywordType
from drmsmirror.records import compact
from drmsmirror.sync import SilentReporter, import_records, sync_all, sync_and_subscribe
from drmsmirror.upkeep import drop, maintain, usage
from drmsmirror.upstream import Jsoc
from tests.jsoc import Keyword
from tests.unit.sync.mirrors import Copy, Listener, series

WHOLE = "hmi.M_45s"
ROWS = 30
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
        comment = next(row[2] for row in described if row[0] == "datarms")
        assert comment.endswith("(the series no longer has it)")

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
        nothing = {name: None for name, _ in WIDER}
        synced.jsoc.append(WHOLE, {"T_REC": DAY, "CAMERA": 1, **nothing})
        synced.sync(WHOLE)
        for name, type_ in WIDER:
            synced.jsoc.change_type(WHOLE, name, type_)
        synced.jsoc.append(WHOLE, {"T_REC": DAY, "CAMERA": 2, "DATARMS": 1.25})
        report = synced.sync(WHOLE)
        assert "DATARMS was float and is double" in report.notices[0]
        assert (report.records_new, report.records_revised) == (1, 0)
        assert report.rows_held == synced.rows(WHOLE)
        with synced.open() as mirror:
            definition = mirror.catalogue.definition(WHOLE)
        assert [(name, definition.keyword(name).type) for name, _ in WIDER] == WIDER
        synced.assert_same(WHOLE)
        listed = ", ".join(name.lower() for name, _ in WIDER)
        query = f"select {listed} from hmi.m_45s where t_rec = tai('{DAY}') and camera = 1"
        ((row),) = sql(synced, query)
        assert all(value is None or value != value for value in row)
        assert synced.sync(WHOLE).notices == ()

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
            assert mirror.catalogue.drops.pending() == ()
        assert directories(synced) == []
        synced.sync(WHOLE)
        assert directories(synced) == ["m_45s"]
        synced.assert_same(WHOLE)

    def test_what_cannot_follow_is_refused_and_stays(self, synced: Copy) -> None:
        held = synced.held(WHOLE, ["T_REC", "DATARMS"])
        synced.jsoc.change_type(WHOLE, "DATARMS", "int")
        words = "(?s)its keyword DATARMS was float and is int.*drmsmirror drop hmi.M_45s"
        with pytest.raises(DefinitionError, match=words):
            synced.sync(WHOLE)
        assert synced.held(WHOLE, ["T_REC", "DATARMS"]) == held
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


class TestQuestions:
    """Nobody who only asks changes what a definition means for what is held."""

    @pytest.fixture
    def partly(self, copy_of) -> Copy:
        copy = copy_of(WHOLE, rows=ROWS)
        copy.sync(f"{WHOLE}[2010.05.01_TAI/1d]")
        copy.jsoc.append(WHOLE, {"T_REC": DAY, "CAMERA": 1, "DATARMS": 1.25})
        return copy

    def ask(self, copy: Copy, *keys: str) -> dict[str, list]:
        with Client(copy.settings) as client:
            return client.answer(f"{WHOLE}[{DAY}]", list(keys)).texts()

    def test_one_that_does_not_need_what_is_gone_is_answered(self, partly: Copy) -> None:
        partly.jsoc.drop_keyword(WHOLE, "DATARMS")
        coverage = partly.coverage(WHOLE)
        assert self.ask(partly, "CAMERA") == {"CAMERA": ["1"]}
        assert partly.coverage(WHOLE) == coverage
        with pytest.raises(UpstreamAnswerError, match="no longer knows DATARMS"):
            self.ask(partly, "DATARMS")

    def test_one_about_another_type_is_answered_and_not_merged(self, partly: Copy) -> None:
        partly.jsoc.change_type(WHOLE, "DATARMS", "double")
        coverage = partly.coverage(WHOLE)
        assert self.ask(partly, "DATARMS") == {"DATARMS": ["1.2500"]}
        assert partly.coverage(WHOLE) == coverage
        assert directories(partly) == ["m_45s"]

    def test_an_import_by_another_definition_is_refused(self, partly: Copy, tmp_path: Path) -> None:
        file = tmp_path / "records.csv"
        with partly.open() as mirror:
            held = mirror.catalogue.definition(WHOLE)
            names = [column.key for column in held.columns]
            values = [{"T_REC": DAY, "CAMERA": "1"}.get(name, "MISSING") for name in names]
            file.write_text(f"recnum,{','.join(names)}\n5,{','.join(values)}\n")
            changed = tuple(
                replace(one, type=KeywordType.DOUBLE) if one.name == "DATARMS" else one
                for one in held.keywords
            )
            with pytest.raises(DefinitionError, match="differs in DATARMS"):
                import_records(mirror, replace(held, keywords=changed), file)
            assert mirror.catalogue.definition(WHOLE) == held
