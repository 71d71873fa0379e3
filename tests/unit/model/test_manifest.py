"""Manifests: what is written is what is read, and mistakes are told with their place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from drmsmirror.errors import SettingsError
from drmsmirror.model.manifest import read_manifest, write_manifest
from drmsmirror.model.subscription import Precision, Reconcile, Subscription

EXAMPLES = sorted((Path(__file__).parents[3] / "config" / "subscriptions").glob("*.toml"))

FULL = Subscription.of(
    'mdi.fd_M_96m_lev182[? DATAFILE = "a\\b" ?]',
    keys=["T_REC", "QUALITY"],
    segments=["data"],
    schedule="17 3 * * sun",
    lag=timedelta(days=7),
    priority=-1,
    precision=Precision.FULL,
    reconcile=Reconcile.OFF,
)


@pytest.mark.parametrize(
    "several", [[], [Subscription.of("hmi.M_720s")], [FULL, Subscription.of("hmi.M_720s[][3]")]]
)
def test_what_is_written_is_what_is_read(several: list[Subscription]) -> None:
    assert list(read_manifest(write_manifest(several), "a file")) == several


def test_what_goes_without_saying_is_not_written() -> None:
    text = write_manifest([Subscription.of("hmi.M_720s")])

    assert text == '[[subscription]]\nrecord_set = "hmi.M_720s"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[subscription]", "m.toml is not TOML"),
        ("[[subscriptions]]\n", "m.toml has 'subscriptions'"),
        ("subscription = 3\n", "m.toml has 'subscription'"),
        ("subscription = [3]\n", "number 1: "),
        ("[[subscription]]\nkeys = []\n", "number 1: record_set: Field required"),
        ("[[subscription]]\nrecord_set = 'a.b['\n", r"number 1: .*\n  a\.b\["),
        ("[[subscription]]\nrecord_set = 'a.b'\nseg = 1\n", "number 1: seg: a subscription has"),
        ("[[subscription]]\nrecord_set = 'a.b'\nlag = 'x'\n", "number 1: 'x' is no length"),
        ("[[subscription]]\nrecord_set = 'a.b'\nlag = 7\n", "number 1: lag: "),
        ("[[subscription]]\nrecord_set = 'a.b'\nprecision = 'x'\n", "precision: .*'text' or"),
        (2 * "[[subscription]]\nrecord_set = 'a.b[]'\n", "has a.b twice"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        read_manifest(text, "m.toml")

    assert str(caught.value).startswith("m.toml")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_manifests(example: Path) -> None:
    several = read_manifest(example.read_text(encoding="utf-8"), example.name)

    assert several
    assert all(one.schedule for one in several)


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} == {"aia", "hmi_m_720s", "sharp"}
