"""Files that somebody has are taken in: what is recognised and whole is never downloaded again."""

from __future__ import annotations

import os
import shutil
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from drmsmirror.catalogue import MadeFiles
from drmsmirror.catalogue.segmentindex import SegmentIndex
from drmsmirror.client import Client
from drmsmirror.client.adopting import Adopted, Adoption, adopt, files_below
from drmsmirror.client.pinning import pin
from drmsmirror.errors import NoSpaceError
from drmsmirror.objects import parts
from drmsmirror.segments import FileState, Form
from drmsmirror.segments.adopting import COPIED, LINKED, adopt_export, adopt_stored, examine
from drmsmirror.segments.trouble import Problem, Remedy
from drmsmirror.segments.verifying import verify
from drmsmirror.upkeep import drop
from tests.jsoc import SampleJsoc
from tests.unit.client.exports import exported_files
from tests.unit.segments.cache import flip
from tests.unit.sync.mirrors import Copy, series, settings_for

NAME = "hmi.sharp_720s"
PART = f"{NAME}[377][2011.02.15_02:00_TAI/24m]"
WANTED = f"{PART}{{magnetogram,bitmap}}"

ADOPTED, HELD = Adoption.ADOPTED, Adoption.HELD


@pytest.fixture(scope="module")
def jsoc() -> Iterator[SampleJsoc]:
    with SampleJsoc(offline_every=0) as jsoc:
        jsoc.add(series(NAME))
        columns = jsoc.series(NAME).columns
        jsoc.bring_online(columns["sunum"][columns["sunum"] >= 0].tolist())
        yield jsoc


@pytest.fixture(scope="module")
def synced(jsoc: SampleJsoc, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror with some records, and no files."""
    root = tmp_path_factory.mktemp("synced") / "mirror"
    Copy(settings_for(root, jsoc), jsoc).sync(f"{NAME}[377]")
    return root


@pytest.fixture(scope="module")
def exports(jsoc: SampleJsoc, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What somebody once exported of two records, as it was downloaded, with sums."""
    folder = tmp_path_factory.mktemp("exports")
    exported_files(jsoc, WANTED, folder)
    return folder


@pytest.fixture
def mine(exports: Path, tmp_path: Path) -> Path:
    """The same as files of the test's own."""
    return Path(shutil.copytree(exports, tmp_path / "mine"))


@pytest.fixture
def client(synced: Path, jsoc: SampleJsoc, tmp_path: Path) -> Iterator[Client]:
    root = Path(shutil.copytree(synced, tmp_path / "mirror"))
    with Client(settings_for(root, jsoc), policy="offline") as client:
        jsoc.clear_requests()
        yield client
        assert jsoc.requests == []  # whatever is adopted, nothing is asked


def adopted(client: Client, *places: Path, **terms: object) -> dict[str, Adopted]:
    """What became of files, by name."""
    paths = list(files_below(places))
    found = list(adopt(client, paths, **terms))  # type: ignore[arg-type]
    assert [one.path for one in found] == paths
    return {one.path.name: one for one in found}


def kinds(found: dict[str, Adopted]) -> Counter[Adoption]:
    return Counter(one.adoption for one in found.values())


def stored(client: Client, file: Path) -> Path:
    """The object of a file."""
    (path,) = (
        one
        for one in (client.mirror.root / "objects").glob("??/*")
        if one.read_bytes() == file.read_bytes()
    )
    return path


def pictures(client: Client, **terms: bool) -> dict[tuple[int, str], np.ndarray]:
    """By record and segment, the images that a client gives."""
    found = {}
    for record in client.get(WANTED, **terms):
        for segment, path in record.paths.items():
            with fits.open(path) as hdus:
                found[record.recnum, segment] = next(
                    hdu.data for hdu in hdus if hdu.data is not None
                )
    return found


# ------------------------------------------------------------------------------ what is adopted
def test_exports_are_adopted_and_given_without_a_download(client: Client, mine: Path) -> None:
    found = adopted(client, mine)
    assert kinds(found) == {ADOPTED: 4}
    assert {one.form for one in found.values()} == {Form.FITS}
    records = list(client.get(WANTED))
    outcomes = [one for record in records for one in record.files.values()]
    assert Counter((one.state, one.form) for one in outcomes) == {(FileState.HELD, Form.FITS): 4}
    for one in outcomes:
        assert one.path is not None
        (file,) = (path for path, own in found.items() if own.file == one.file)
        assert one.path.read_bytes() == (mine / file).read_bytes()
    assert client.mirror.catalogue.downloads.reserved() == 0
    assert list(client.mirror.root.glob("objects/incoming/*")) == []


def test_a_file_with_a_header_is_made_of_an_export(client: Client, mine: Path) -> None:
    adopted(client, mine)
    theirs, made = pictures(client), pictures(client, fits=True)
    assert theirs.keys() == made.keys()
    for key, data in theirs.items():
        np.testing.assert_array_equal(made[key], data)
    (one, *_) = client.get(WANTED, fits=True)
    outcome = one.files["magnetogram"]
    header = fits.getheader(outcome.path, 1)
    assert (outcome.form, header["RECNUM"]) == (Form.FITS, one.recnum)


def test_who_wants_files_as_they_are_stored_is_given_no_export(
    client: Client, mine: Path, jsoc: SampleJsoc
) -> None:
    adopted(client, mine)
    (record, *_) = client.get(WANTED, as_is=True)
    assert {one.state for one in record.files.values()} == {FileState.NOT_HELD}
    with Client(client.settings) as online:
        as_stored = [
            one for record in online.get(WANTED, as_is=True) for one in record.files.values()
        ]
        assert {(one.state, one.form) for one in as_stored} == {(FileState.FETCHED, Form.AS_IS)}
        again = [one for record in online.get(WANTED) for one in record.files.values()]
    assert {(one.state, one.form) for one in again} == {(FileState.HELD, Form.AS_IS)}
    jsoc.clear_requests()


def test_the_second_time_nothing_is_new(client: Client, mine: Path) -> None:
    adopted(client, mine)
    before = client.mirror.catalogue.segments.totals()
    assert kinds(adopted(client, mine)) == {HELD: 4}
    twice = mine / "copy"
    twice.mkdir()
    for path in mine.glob("*.fits"):
        shutil.copy(path, twice)
    assert kinds(adopted(client, twice)) == {HELD: 4}
    assert client.mirror.catalogue.segments.totals() == before


def test_the_same_file_twice_is_adopted_once(client: Client, mine: Path) -> None:
    (one, *_) = sorted(mine.iterdir())
    shutil.copy(one, mine / f"{one.stem}.fit")
    assert kinds(adopted(client, mine)) == {ADOPTED: 4, HELD: 1}


def test_a_dry_run_says_the_same_and_changes_nothing(client: Client, mine: Path) -> None:
    damaged, *_ = sorted(mine.iterdir())
    flip(damaged, -2880)
    dry = adopted(client, mine, dry_run=True)
    assert client.mirror.catalogue.segments.totals().objects == 0
    assert not (client.mirror.root / "objects").exists()
    assert adopted(client, mine) == dry
    assert kinds(dry) == {ADOPTED: 3, Adoption.DAMAGED: 1}


# ------------------------------------------------------------------------------ how it is taken
def test_a_file_is_linked_and_kept_from_being_written_to(client: Client, mine: Path) -> None:
    adopted(client, mine)
    for path in mine.iterdir():
        own = stored(client, path)
        assert stat.S_IMODE(own.stat().st_mode) == 0o444
        if own.samefile(path):  # else the file system makes reflinks
            assert path.stat().st_nlink == 2


def test_a_file_that_is_copied_stays_its_owners(client: Client, mine: Path) -> None:
    (path, *_) = sorted(mine.iterdir())
    path.chmod(0o640)
    assert kinds(adopted(client, path, how=COPIED)) == {ADOPTED: 1}
    assert (path.stat().st_nlink, stat.S_IMODE(path.stat().st_mode)) == (1, 0o640)
    content = path.read_bytes()
    own = stored(client, path)
    path.write_bytes(b"")
    assert own.read_bytes() == content


def test_what_is_shared_takes_no_room_on_the_disk_and_what_is_copied_does(
    client: Client, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "clone_bytes", lambda *_: False)
    segments = client.settings.segments.model_copy(update={"min_free_gib": 2.0**30})
    settings = client.settings.model_copy(update={"segments": segments})
    (first, second, *_) = sorted(mine.iterdir())
    with Client(settings, policy="offline") as full:
        assert kinds(adopted(full, first)) == {ADOPTED: 1}
        with pytest.raises(NoSpaceError, match="min_free_gib"):
            adopted(full, second, how=COPIED)
        assert full.mirror.catalogue.downloads.reserved() == 0
    assert stored(client, first).samefile(first)
    assert [*(client.mirror.root / "objects" / "incoming").iterdir()] == []


def test_what_its_owner_changed_all_the_same_is_found_by_reading(
    client: Client, mine: Path, jsoc: SampleJsoc
) -> None:
    found = adopted(client, mine, how=COPIED)
    (path, *_) = sorted(mine.iterdir())
    own = stored(client, path)
    flip(own)
    with Client(client.settings) as online:
        (trouble,) = verify(client.mirror).troubles
        assert trouble.problem is Problem.ROTTEN
        file = found[path.name].file
        assert file is not None
        assert [str(one).lower() for one in trouble.files] == [str(file).lower()]
        from drmsmirror.segments import Files
        from drmsmirror.sharing import open_upstream

        files = Files(client.mirror, open_upstream(client.mirror))
        (repaired,) = verify(client.mirror, repair_with=files).troubles
        assert repaired.remedy is Remedy.LOST
        assert "adopt it again" in repaired.message
        assert verify(client.mirror).troubles == []
        (record,) = (one for one in online.get(WANTED) if one.recnum == file.recnum)
        assert record.files[file.segment].state is FileState.FETCHED
    assert kinds(adopted(client, path)) == {HELD: 1}  # by what was fetched
    jsoc.clear_requests()


def test_a_file_that_changes_while_it_is_adopted_is_not(
    client: Client, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drmsmirror.segments import adopting

    put = adopting._put

    def late(mirror, name, path, *rest):
        flip(path)
        return put(mirror, name, path, *rest)

    monkeypatch.setattr(adopting, "_put", late)
    (path, *_) = sorted(mine.iterdir())
    (one,) = adopted(client, path).values()
    assert one.adoption is Adoption.FAILED
    assert "as expected" in one.message
    assert client.mirror.catalogue.segments.totals().objects == 0
    assert client.mirror.catalogue.downloads.reserved() == 0


@pytest.mark.parametrize("form", ["an export", "as it is stored"])
def test_bytes_that_go_while_the_same_are_adopted_are_there_in_the_end(
    form: str, client: Client, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had the same bytes goes after they were found to be there, before that is noted."""
    table = MadeFiles if form == "an export" else SegmentIndex
    take = adopt_export if form == "an export" else adopt_stored
    keep, went = table.keep, list[str]()
    (path, *_) = sorted(mine.iterdir())

    def keep_late(index: object, *terms: object) -> None:
        if not went:
            (one,) = client.mirror.objects.walk()
            client.mirror.objects.remove(one.sha256)
            went.append(one.sha256)
        keep(index, *terms)  # type: ignore[arg-type]

    monkeypatch.setattr(table, "keep", keep_late)
    file = next(iter(client.wanted_files(WANTED).files()))
    stored = take(client.mirror, file, path, examine(path), LINKED)
    assert went == [stored.sha256]
    assert client.mirror.objects.exists(stored.sha256)
    assert client.mirror.catalogue.downloads.reserved() == 0


def test_what_is_no_file_or_goes_keeps_no_other_from_being_adopted(
    client: Client, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, *others = sorted(mine.iterdir())
    os.mkfifo(mine / "pipe.fits")  # whoever opens it waits for who writes to it
    paths = [mine / "never.fits", mine / "pipe.fits", gone, *others]
    check = examine

    def late(path: Path) -> str:
        sha256 = check(path)
        if path == gone:
            path.unlink()
        return sha256

    monkeypatch.setattr("drmsmirror.client.adopting.examine", late)
    found = list(adopt(client, paths))
    assert [one.path for one in found] == paths
    unknown = [Adoption.UNRECOGNISED] * 2
    assert [one.adoption for one in found] == [*unknown, Adoption.FAILED, *[ADOPTED] * 3]
    assert "No such file" in found[2].message


# ------------------------------------------------------------------------------ pins and drops
def test_what_is_adopted_is_pinned_and_dropped_with_its_record(client: Client, mine: Path) -> None:
    adopted(client, mine)
    list(client.get(WANTED, fits=True))  # made of those, and of the same files
    made = 2 * 4
    pinned = pin(client, f"{PART}{{bitmap}}")
    assert (pinned.files, pinned.held) == (2, 2)
    now = client.mirror.catalogue.database.clock
    shares = client.mirror.catalogue.object_care.shares(now())
    assert shares.pinned.objects == made // 2
    drop(client.mirror, f"{NAME}[377]")
    assert client.mirror.catalogue.segments.totals().objects == made // 2
    client.mirror.catalogue.pins.remove(f"{PART}{{bitmap}}")
    assert len(client.mirror.catalogue.segments.least_used(now(), most=9)) == made // 2


# ------------------------------------------------------------------------------ what is not
def test_what_cannot_be_recognised_is_named_with_the_reason(client: Client, mine: Path) -> None:
    one, *_ = sorted(mine.iterdir())
    shutil.copy(one, mine / "renamed.fits")  # it says all by itself
    plain = fits.PrimaryHDU(np.zeros((4, 4), np.int16))
    plain.writeto(mine / "mine.fits")
    plain.header["RECNUM"] = 7
    plain.writeto(mine / "no.series.of.this.magnetogram.fits")
    plain.writeto(mine / "nameless.fits")
    (mine / "text.fits").write_text("This is no FITS file")
    (mine / "packed.fits.gz").write_bytes(b"")
    (mine / "link.fits").symlink_to("/etc/passwd")
    (mine / "notes.txt").write_text("not even called so")
    unrecognised = Adoption.UNRECOGNISED

    found = adopted(client, mine)

    others = {name: one for name, one in found.items() if not one.adoption.is_there}
    assert kinds(found) == {ADOPTED: 4, HELD: 1, unrecognised: 5, Adoption.DAMAGED: 1}
    said = {name: one.message for name, one in others.items()}
    assert said["mine.fits"] == "neither its header nor its name says which record it is of"
    assert (
        "no segment no.series{magnetogram} is known" in said["no.series.of.this.magnetogram.fits"]
    )
    assert said["nameless.fits"] == "its header says no series, nor its name"
    assert "is no FITS file" in said["text.fits"]
    assert "gunzip" in said["packed.fits.gz"]
    assert "it is a link to /etc/passwd" in said["link.fits"]


def change(path: Path, **cards: object) -> None:
    """Change cards of a file, and nothing else."""
    with fits.open(path, mode="update", disable_image_compression=True) as hdus:
        hdus[-1].header.update(cards)


def test_a_file_of_another_version_or_record_is_not_taken_for_this_one(
    client: Client, mine: Path
) -> None:
    older, unknown, other, empty = sorted(mine.iterdir())
    recnum = fits.getheader(older, 1)["RECNUM"]
    change(older, DRMS_ID=f"{NAME}:{recnum - 1}:magnetogram")
    change(unknown, T_REC="1999.01.01_00:00:00.000_TAI")
    change(other, HARPNUM=4315)
    change(empty, HARPNUM="377][? 1=1 ?")

    found = adopted(client, mine)

    assert found[older.name].adoption is Adoption.OTHER_VERSION
    assert f"it is of #{recnum - 1}" in found[older.name].message
    assert f"#{recnum} superseded" in found[older.name].message
    assert found[unknown.name].adoption is Adoption.NO_RECORD
    assert found[other.name].adoption is Adoption.NO_RECORD
    assert found[empty.name].adoption is Adoption.UNRECOGNISED
    assert "HARPNUM" in found[empty.name].message


@pytest.mark.parametrize(
    "card",
    [
        {"HARPNUM": "1-999999"},
        {"HARPNUM": "377/1000"},
        {"T_REC": "2010.05.01_TAI/9999d"},
        {"T_REC": "2010.05.01_TAI-2030.01.01_TAI"},
    ],
)
def test_no_file_has_a_range_of_records_asked_for(
    card: dict[str, str], client: Client, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, *_ = sorted(mine.iterdir())
    change(path, **card)
    asked: list[str] = []
    monkeypatch.setattr(client, "answer", lambda ds, *_, **__: asked.append(ds))
    (found,) = adopted(client, path).values()
    assert found.adoption is Adoption.UNRECOGNISED
    assert asked == []


def test_an_image_that_cannot_be_that_of_the_segment_is_refused(client: Client, mine: Path) -> None:
    wide, deep, *_ = sorted(mine.iterdir())
    for path, data in ((wide, np.zeros(9, np.int32)), (deep, np.zeros((9, 9), np.float64))):
        header = fits.getheader(path, 1)
        fits.PrimaryHDU(data).writeto(path, overwrite=True)
        cards = ("RECNUM", "DRMS_ID", "HARPNUM", "T_REC")
        with fits.open(path, mode="update") as hdus:
            hdus[0].header.update({name: header[name] for name in cards})
    found = adopted(client, wide, deep)
    assert "its image has 9, and bitmap VARxVAR" in found[wide.name].message
    assert "BITPIX -64" in found[deep.name].message


# ------------------------------------------------------------------------------ by name
def test_an_older_export_is_of_the_series_in_its_name(client: Client, mine: Path) -> None:
    for path in mine.iterdir():
        with fits.open(path, mode="update", disable_image_compression=True) as hdus:
            del hdus[-1].header["DRMS_ID"]
    assert kinds(adopted(client, mine)) == {ADOPTED: 4}


@pytest.mark.parametrize("names", ["tree", "jsoc"])
def test_files_as_jsoc_stores_them_are_told_by_name_where_that_is_trusted(
    names: str, client: Client, jsoc: SampleJsoc, tmp_path: Path
) -> None:
    from drmsmirror.objects import Laying
    from drmsmirror.segments import Names, lay_tree

    other = settings_for(Path(shutil.copytree(client.mirror.root, tmp_path / "other")), jsoc)
    with Client(other) as online:
        ((some, outcomes),) = online.fetch(online.wanted_files(WANTED))
        there = {one: some.names[one.file] for one in outcomes}
        laid = lay_tree(online.mirror.objects, there, tmp_path / "laid", Laying.COPY, Names(names))
        assert len(list(laid)) == 4
    jsoc.clear_requests()

    cautious = adopted(client, tmp_path / "laid")
    assert set(kinds(cautious)) == {Adoption.UNRECOGNISED}
    assert {"--trust-names" in one.message for one in cautious.values()} == {True}
    trusting = list(adopt(client, list(files_below([tmp_path / "laid"])), trust_names=True))
    assert [(one.adoption, one.form) for one in trusting] == [(ADOPTED, Form.AS_IS)] * 4
    given = [one for record in client.get(WANTED, as_is=True) for one in record.files.values()]
    assert {one.state for one in given} == {FileState.HELD}
    assert {one.sha256 for one in given} == {one.sha256 for one in there}


def test_a_name_that_is_nearly_right_is_not_trusted(client: Client, mine: Path) -> None:
    plain = fits.PrimaryHDU(np.zeros((4, 4), np.int32))
    names = (
        "hmi.sharp_720s.377.20110212_110000_TAI.nosuch.fits",
        "hmi.sharp_720s.377.magnetogram.fits",
        "hmi.sharp_720s.377.someday.magnetogram.fits",
        "hmi.sharp_720s.378.19990212_110000_TAI.magnetogram.fits",
    )
    for name in names:
        plain.writeto(mine / name)
    found = adopted(client, mine, trust_names=True)
    assert [found[name].adoption.is_there for name in names] == [False] * 4
    assert kinds(found)[ADOPTED] == 4


def test_places_are_walked_once_and_links_not_followed(tmp_path: Path) -> None:
    inner, outside = tmp_path / "a" / "b", tmp_path / "outside"
    for directory in (inner, outside):
        directory.mkdir(parents=True)
        (directory / "x.FITS").touch()
    (inner / "out").symlink_to(outside)
    named = tmp_path / "named"
    named.symlink_to(inner)
    assert list(files_below([tmp_path / "a", named, inner / "x.FITS"])) == [inner / "x.FITS"]
    assert list(files_below([inner / "out"])) == [outside / "x.FITS"]
    assert os.path.lexists(inner / "out")


def test_a_directory_that_cannot_be_read_is_told(
    client: Client, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, scan = mine / "closed", os.scandir
    closed.mkdir()

    def scandir(path: str) -> object:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = adopted(client, mine)
    assert kinds(found) == {ADOPTED: 4, Adoption.FAILED: 1}
    assert "is a directory that cannot be read" in found["closed"].message


# ------------------------------------------------------------------------------ changed images
def test_what_jsoc_processed_is_not_the_image_of_its_record(client: Client, mine: Path) -> None:
    for path in mine.iterdir():
        path.rename(path.with_name(path.name.replace("hmi.sharp_720s.", "hmi.sharp_720s_mod.")))
    found = adopted(client, mine)
    assert set(kinds(found)) == {Adoption.UNRECOGNISED}
    assert all("JSOC processed it" in one.message for one in found.values())


def test_nor_is_one_that_lies_elsewhere_whatever_it_is_called(tmp_path: Path) -> None:
    part = f"{NAME}[4315][2014.07.05_TAI/24m]"
    with SampleJsoc([NAME], size="small", offline_every=0) as jsoc:
        copy = Copy(settings_for(tmp_path / "mirror", jsoc), jsoc)
        copy.sync(part)
        mine = tmp_path / "mine"
        mine.mkdir()
        moved, other = exported_files(jsoc, f"{part}{{magnetogram}}", mine)
        with fits.open(moved, disable_image_compression=True, mode="update") as hdus:
            hdus[-1].header["CRPIX1"] -= 40.0
            hdus[-1].add_checksum()
        with Client(copy.settings, policy="offline") as client:
            found = adopted(client, mine)
    assert found[moved.name].adoption is Adoption.UNRECOGNISED
    assert "its image was changed since it was taken: CRPIX1 is " in found[moved.name].message
    assert found[other.name].adoption is ADOPTED
