"""Values of keys without slots (DRMS semantics 1.3.1 to 1.3.4)."""

from __future__ import annotations

import pytest

from drmsmirror.model.recordset import Span

DAY_1 = 1051747234.0  # 2010.05.01 UTC


class TestIntegers:
    """Semantics 1.3.1."""

    @pytest.mark.parametrize(
        ("written", "span"),
        [
            ("377", Span(377, 378)),
            ("+377", Span(377, 378)),
            ("-5", Span(-5, -4)),
            ("0x1F", Span(31, 32)),
            ("-0X10", Span(-16, -15)),
            ("010", Span(10, 11)),  # leading zeros are decimal
            ("-2147483648", Span(-2147483648, -2147483647)),
            ("2147483647", Span(2147483647, 2147483648)),
            ("377-380", Span(377, 381)),  # inclusive both ends
            ("-5--2", Span(-5, -1)),
            ("-5-2", Span(-5, 3)),
            ("380-377", Span(380, 378)),  # no records
            ("1/10", Span(1, 11)),  # half open
            ("1/0", Span(1, 1)),
            ("1-10@3", Span(1, 11, step=3)),
            ("1/10@3", Span(1, 11, step=3)),
            ("1-10@-3", Span(1, 11, step=3)),
            ("DRMS_MISSING_VALUE", Span(-2147483648, -2147483647)),
        ],
    )
    def test_forms(self, spans, written, span):
        assert spans(f"hmi.sharp_720s[{written}]") == (span,)

    @pytest.mark.parametrize("written", ["1 - 5 @ 2", " 1 -5@2", "1-\t5 @2", "1\n-5@2 "])
    def test_white_space_is_accepted_everywhere(self, spans, written):
        assert spans(f"hmi.sharp_720s[{written}]") == (Span(1, 6, step=2),)

    def test_lists_mix_all_forms(self, spans):
        assert spans("hmi.sharp_720s[1,5-8, 377/3 ,7000-8000@2]") == (
            Span(1, 2),
            Span(5, 9),
            Span(377, 380),
            Span(7000, 8001, step=2),
        )

    def test_a_key_has_the_missing_value_of_its_type(self, spans):
        assert spans("test.timekey[][DRMS_MISSING_VALUE]") == (Span(-32768, -32767),)
        assert spans("test.phase[][DRMS_MISSING_VALUE]") == (Span(-(2**63), -(2**63) + 1),)

    def test_longlong_keys_hold_64_bits(self, spans):
        assert spans("test.phase[][4294967296-5000000000]") == (Span(4294967296, 5000000001),)
        assert spans(f"test.phase[][{2**63 - 1}/5]") == (Span(2**63 - 1, 2**63),)


class TestFloats:
    """Semantics 1.3.2."""

    @pytest.mark.parametrize(
        ("written", "span"),
        [
            ("7.5", Span(7.5, 7.5, True)),
            ("0x1F", Span(31.0, 31.0, True)),
            ("-0x1.8p3-0x2", Span(-12.0, 2.0, True)),
            ("-.5", Span(-0.5, -0.5, True)),
            ("+1.e1", Span(10.0, 10.0, True)),
            ("0-15", Span(0.0, 15.0, True)),
            ("-10--5", Span(-10.0, -5.0, True)),
            ("1e-5-2", Span(9.99999975e-06, 2.0, True)),
            ("0/15", Span(0.0, 15.0)),
            ("-60/60@15", Span(-60.0, 0.0, False, 15.0)),
            ("0-360 @ 15.0", Span(0.0, 360.0, True, 15.0)),
        ],
    )
    def test_forms(self, spans, written, span):
        assert spans(f"test.carr[][{written}]") == (span,)

    def test_a_float_key_compares_with_nine_digits_of_its_32_bits(self, spans):
        """So 10.1 on a float column does not match, as in DRMS."""
        assert spans("test.carr[][10.1]") == (Span(10.1000004, 10.1000004, True),)


class TestStrings:
    """Semantics 1.3.3."""

    @pytest.mark.parametrize(
        ("written", "value"),
        [
            ("abc", "abc"),
            ("a-b", "a-b"),  # - / @ and ' in the middle are ordinary characters
            ("a/b", "a/b"),
            ("abc@2", "abc@2"),
            ("*", "*"),
            ("2010.05.01", "2010.05.01"),
            ("'abc'", "abc"),
            ('"abc def"', "abc def"),
            ("'a]b'", "a]b"),
            ("' lead '", " lead "),
            (r"'it\'s'", "it's"),
            (r'"say \"hi\""', 'say "hi"'),
            (r'"back\\slash"', "back\\slash"),
            (r'"a\tb\nc"', "a\tb\nc"),
            ("'50%d'", "50%d"),
            ("''", ""),
            ("DRMS_MISSING_VALUE", ""),
            ("'DRMS_MISSING_VALUE'", "DRMS_MISSING_VALUE"),
            ("NaN", "NaN"),
            ("'ünïcode'", "ünïcode"),
        ],
    )
    def test_single_values(self, spans, written, value):
        assert spans(f"test.strfsn[{written}]") == (Span(value, value, True),)

    @pytest.mark.parametrize("written", ["'a'-'c'", "\"a\" - 'c'", "'a'\n-'c' "])
    def test_a_range_has_its_ends_in_quotes(self, spans, written):
        assert spans(f"test.strfsn[{written}]") == (Span("a", "c", True),)

    def test_lists(self, spans):
        assert spans("test.strfsn[abc ,'x,y','b'-'d']") == (
            Span("abc", "abc", True),
            Span("x,y", "x,y", True),
            Span("b", "d", True),
        )


class TestTimes:
    """Semantics 1.3.4."""

    @pytest.mark.parametrize(
        ("written", "span"),
        [
            ("2010.05.01", Span(DAY_1, DAY_1, True)),
            ("2010.05.01_00:00:00.5", Span(DAY_1 + 0.5, DAY_1 + 0.5, True)),
            ("2010.05.01/1d", Span(DAY_1, DAY_1 + 86400)),
            ("2010.05.01/-1h", Span(DAY_1, DAY_1 - 3600)),
            ("2010.05.01 - 2010.05.02", Span(DAY_1, DAY_1 + 86400, True)),
            ("2010.05.01/1d@1.5h", Span(DAY_1, DAY_1 + 86400, False, 5400.0)),
            ("2010.05.01/10u", Span(DAY_1, DAY_1 + 10)),  # one second where there are no slots
        ],
    )
    def test_forms(self, spans, written, span):
        assert spans(f"test.timekey[{written}]") == (span,)

    @pytest.mark.parametrize(("unit", "seconds"), [("s", 1), ("m", 60), ("h", 3600), ("d", 86400)])
    def test_units_are_one_letter(self, spans, unit, seconds):
        assert spans(f"test.timekey[2010.05.01/1.0E1{unit}]") == (
            Span(DAY_1, DAY_1 + 10 * seconds),
        )

    @pytest.mark.parametrize(
        "written",
        [
            "2010-05-01-2010-05-02",
            "2010-05-01T00:00:00-2010-05-02T00:00:00",
            "2010-05-01 00:00:00 - 2010-05-02 00:00:00",
            "2010-05-01T00:00:00Z-2010-05-02T00:00:00Z",
            "2010-05-01T02:00:00+0200-2010-05-01T16:00:00-0800",
        ],
    )
    def test_an_iso_range_with_or_without_zones_is_a_range(self, spans, written):
        assert spans(f"test.timekey[{written}]") == (Span(DAY_1, DAY_1 + 86400, True),)

    def test_a_month_is_one_time_and_two_years_are_a_range(self, spans):
        assert spans("test.timekey[2010-05]") == (Span(DAY_1, DAY_1, True),)
        assert spans("test.timekey[2010-2012]") == (Span(1041379234.0, 1104451234.0, True),)
