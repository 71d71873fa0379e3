"""What is missing of a set, as questions: nothing that is held is asked for."""

from __future__ import annotations

import pytest

from drmsmirror.model.extent import extent_of, without
from drmsmirror.model.parts import MOST_WINDOWS, parts_of
from tests.unit.model.test_extent import _bound


def _asked(query: str, *held: str) -> list[tuple[str, int | None]]:
    wanted = _bound(query)
    missing = without(extent_of(wanted), [one for h in held for one in extent_of(_bound(h))])
    return [(part.text, part.most) for part in parts_of(wanted, missing)]


@pytest.mark.parametrize(
    ("query", "held", "questions"),
    [
        (
            "hmi.sharp_720s[377,4316]",
            ["hmi.sharp_720s[377]"],
            [("hmi.sharp_720s[4316]", None)],
        ),
        (
            "hmi.M_45s[2010.05.01_TAI/1h][1]",
            ["hmi.M_45s[2010.05.01_00:15_TAI/15m]"],
            [("hmi.M_45s[#12151680-#12151699,#12151720-#12151759][1]", 60)],
        ),
        (
            "hmi.M_45s[2010.05.01_TAI/2h][? QUALITY >= 0 ?]",
            ["hmi.M_45s[2010.05.01_TAI/1h]"],
            [("hmi.M_45s[#12151760-#12151839][? QUALITY >= 0 ?]", None)],
        ),
        (
            "hmi.sharp_720s[377,378][2011.02.15_TAI/1d]",
            ["hmi.sharp_720s[377][2011.02.15_TAI/12h]"],
            [
                ("hmi.sharp_720s[377,378][#794340-#794399]", 120),
                ("hmi.sharp_720s[378][#794280-#794339]", 60),
            ],
        ),
        (
            "hmi.M_45s[2010.05.01_TAI/1d@6h]",
            ["hmi.M_45s[2010.05.01_TAI/12h]"],
            [("hmi.M_45s[#12152640-#12153599][T_REC_index=12151680-12153599@480]", None)],
        ),
        ("test.strfsn[abc]", ["test.strfsn[abd]"], [("test.strfsn['abc']", None)]),
    ],
)
def test_only_what_is_missing_is_asked_for(query, held, questions) -> None:
    assert sorted(_asked(query, *held)) == sorted(questions)


def test_values_that_cannot_be_written_are_asked_for_with_those_held() -> None:
    assert _asked("test.strfsn['a'-'c']", "test.strfsn['a'-'b']") == [
        ("test.strfsn['a'-'c']", None)
    ]


def test_an_address_has_room_for_so_many_windows() -> None:
    held = [f"hmi.M_45s[#{12151680 + 2 * number}]" for number in range(MOST_WINDOWS + 1)]

    first, second = _asked("hmi.M_45s[#12151680-#12151890]", *held)

    assert first[0].count(",") == MOST_WINDOWS - 1
    assert second[0].count(",") < 2
