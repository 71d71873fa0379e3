"""What keeps files in order, killed wherever it leaves something behind, and done again.

``python -m tests.faults.filekills`` kills each of these deeds at every visit of every fail point,
as :mod:`tests.faults.kills` does its own.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from drmsmirror.catalogue import Catalogue, utc_now
from drmsmirror.client import Client
from drmsmirror.client.exportterms import steps_of
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.files import Files
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import Jsoc
from tests.faults.kills import BESIDE, NAME, Deed, kill_all
from tests.unit.client.exports import exported_files
from tests.unit.segments.cache import flip
from tests.unit.sync.mirrors import Copy

__all__ = ["DEEDS"]

#: The test's disk is no matter.
_ROOM = {"DRMSMIRROR_SEGMENTS__MIN_FREE_GIB": "0"}
_ONE = f"{NAME}[:#101]{{magnetogram}}"

_TWO, _STEP, _EMAIL = f"{NAME}[:#101-#102]{{magnetogram}}", "rebin,scale=2", "you@example.org"
_PROCESS = ("get", _TWO, "--fits", "--process", _STEP)
_ORDERING = {"DRMSMIRROR_SEGMENTS__EMAIL": _EMAIL, "DRMSMIRROR_SEGMENTS__ORDER_WAIT": "0"}


def _with_files(copy: Copy, _: Path) -> None:
    """Four files are there that nobody used for a year."""
    copy.sync(NAME)
    numbers = sorted(copy.jsoc.series(NAME).columns["recnum"].tolist())
    copy.jsoc.bring_online(copy.jsoc.sunums(NAME, numbers))
    place = copy.settings.mirror / "catalogue.sqlite"
    with Catalogue.open(place, clock=lambda: utc_now() - timedelta(days=400)) as catalogue:
        mirror = Mirror(copy.settings, catalogue)
        service = Files(mirror, SharedUpstream(mirror, Jsoc(copy.settings.upstream)))
        wanted = [SegmentFile(NAME, 0, number, "magnetogram") for number in numbers[:4]]
        assert all(one.state.is_there for one in service.get(wanted))


def _with_damage(copy: Copy, beside: Path) -> None:
    """One of them is not there, another one rotten, and one was let go by a process that died."""
    _with_files(copy, beside)
    missing, rotten, leaving, _ = _objects(copy)
    missing.unlink()
    flip(rotten)
    with copy.open() as mirror:
        mirror.catalogue.segments.let_go([leaving.name])


def _with_a_pin(copy: Copy, beside: Path) -> None:
    _with_files(copy, beside)
    with copy.open() as mirror:
        numbers = sorted(copy.jsoc.series(NAME).columns["recnum"].tolist())
        files = [SegmentFile(NAME, 0, number, "magnetogram") for number in numbers]
        mirror.catalogue.pins.add(_ONE, files)


def _with_exports_beside(copy: Copy, beside: Path) -> None:
    """Somebody has three files that he had exported: of one the mirror has the file itself."""
    _with_files(copy, beside)
    numbers = sorted(copy.jsoc.series(NAME).columns["recnum"].tolist())[3:6]
    wanted = ",".join(f"#{number}" for number in numbers)
    template = f"{NAME.lower()}.{{T_REC:A}}.{{CAMERA}}.{{segment}}"
    exported_files(copy.jsoc, f"{NAME}[:{wanted}]{{magnetogram}}", beside, template)
    with copy.open() as mirror:  # the sample's images are small, whatever its series says
        definition = mirror.catalogue.definition(NAME)
        segments = tuple(replace(one, dims="VARxVAR") for one in definition.segments)
        mirror.catalogue.save_definition(replace(definition, segments=segments))


def _with_records(copy: Copy, _: Path) -> None:
    copy.sync(NAME)


def _with_an_order(copy: Copy, beside: Path) -> None:
    """Processed files were ordered a minute ago, and are ready."""
    _with_records(copy, beside)
    copy.jsoc.exports.polls = 0
    with Client(copy.settings) as client:
        process = steps_of([_STEP])
        request = client.export(_TWO, protocol="fits", process=process, email=_EMAIL)
        assert not request.has_finished(skip_update=True)
        orders = client.mirror.catalogue.orders
        (order,) = orders.pending(copy.settings.upstream.url)
        orders.save(replace(order, asked_utc=order.asked_utc - timedelta(minutes=1)))


def _objects(copy: Copy) -> list[Path]:
    return sorted((copy.settings.mirror / "objects").glob("[0-9a-f][0-9a-f]/*"))


#: Visits at which a test of every run has them killed: the upstream has an order of which nobody
#: knows here; one of two files has come, and room is reserved for the other.
_AT = {"order": ("catalogue.before_commit:7",), "process": ("catalogue.before_commit:7",)}

DEEDS = (
    Deed("verify-repair", ("verify", "--repair"), (), _with_damage, _ROOM),
    Deed("gc", ("gc", "--older-than", "30d"), (), _with_damage, _ROOM),
    Deed("pin", ("pin", _ONE), (), _with_files, _ROOM),
    Deed("unpin", ("unpin", _ONE), (), _with_a_pin, _ROOM, codes=(0, 3)),
    Deed("adopt", ("adopt", BESIDE), (), _with_exports_beside, _ROOM),
    Deed("adopt-copied", ("adopt", BESIDE, "--copy"), (), _with_exports_beside, _ROOM),
    Deed("order", _PROCESS, _AT["order"], _with_records, _ROOM | _ORDERING, codes=(5,), code=5,
         set_back=lambda copy: copy.jsoc.exports.forget()),
    Deed("process", _PROCESS, _AT["process"], _with_an_order, _ROOM | _ORDERING),
)  # fmt: skip


if __name__ == "__main__":
    sys.exit(kill_all(DEEDS))
