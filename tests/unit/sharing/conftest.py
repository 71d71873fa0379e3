"""A mirror with a clock that the test turns, and an upstream that answers what it was told to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest

from drmsmirror.catalogue import Catalogue
from drmsmirror.mirror import Mirror
from drmsmirror.settings import Settings, load_settings
from drmsmirror.sharing import Question
from drmsmirror.upstream import RecordText, SeriesEntry, SeriesState, Traffic
from tests.contract.conftest import Clock, stored_definition

QUESTION = Question("hmi.M_45s[2014.05.10]", ("T_REC", "*recnum*"), ("magnetogram",), ("LEV1",))
URL = "http://upstream.invalid"


def listed(*recnums: int, question: Question = QUESTION, seconds: float = 0.5) -> RecordText:
    """Records as an upstream would list them."""
    rows = len(recnums)

    def column(name: str) -> pa.Array:
        if name == "*recnum*":
            return pa.array(recnums, pa.int64())
        return pa.array([f"{name} of {recnum}" for recnum in recnums], pa.string())

    def table(names: Sequence[str]) -> pa.Table:
        return pa.Table.from_arrays([column(name) for name in names], names=list(names))

    return RecordText(
        table(question.keys),
        rows,
        100 * rows,
        seconds,
        segments=table(question.segments),
        links=table(question.links),
    )


@dataclass
class FakeUpstream:
    """Answers with what comes next: a list of records, or an error; the last one stays."""

    outcomes: list[RecordText | BaseException]
    asked: list[str] = field(default_factory=list)
    allowed: list[float] = field(default_factory=list)
    before: Callable[[], object] = lambda: None

    @property
    def traffic(self) -> Traffic:
        return Traffic(len(self.asked))

    def within(self, seconds: float) -> FakeUpstream:
        self.allowed.append(seconds)
        return self

    def series_names(self, filter: str | None = None) -> tuple[SeriesEntry, ...]:  # noqa: A002
        self._next("series_names")
        return (SeriesEntry("hmi.M_45s"),)

    def definition(self, series: str) -> SeriesState:
        self._next("definition")
        return SeriesState(stored_definition("hmi.M_45s"))

    def count(self, recordset: str) -> int:
        return self._next("count").rows

    def records(
        self,
        recordset: str,
        keys: Sequence[str],
        *,
        segments: Sequence[str] = (),
        links: Sequence[str] = (),
        n: int | None = None,
        all_digits: bool = False,
    ) -> RecordText:
        return self._next(recordset)

    def _next(self, what: str) -> RecordText:
        self.asked.append(what)
        self.before()
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty catalogue once; it is copied, since migrations take longer."""
    path = tmp_path_factory.mktemp("empty") / "catalogue.sqlite"
    Catalogue.create(path).close()
    return path


@pytest.fixture
def settings_of(tmp_path: Path, empty: Path) -> Callable[..., Settings]:
    """Settings of the mirror, which is there already."""
    root = tmp_path / "mirror"
    root.mkdir()
    shutil.copy(empty, root / "catalogue.sqlite")

    def make(**sections: dict[str, object]) -> Settings:
        upstream = {"url": URL} | sections.pop("upstream", {})
        return load_settings(mirror=root, flags={"upstream": upstream, **sections})

    return make


@pytest.fixture
def mirror(settings_of: Callable[..., Settings], clock: Clock) -> Iterator[Mirror]:
    settings = settings_of()
    with Catalogue.open(settings.mirror / "catalogue.sqlite", clock=clock) as catalogue:
        yield Mirror(settings, catalogue)


@pytest.fixture
def mirror_with(mirror: Mirror, settings_of: Callable[..., Settings]) -> Callable[..., Mirror]:
    """Open the same mirror with other settings."""
    return lambda **sections: Mirror(settings_of(**sections), mirror.catalogue)
