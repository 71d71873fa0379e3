"""What is refused, where the error points, and what it advises."""

from __future__ import annotations

import pytest

from drmsmirror.errors import DefinitionError, NotUnderstoodError, RecordSetError
from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.model.series import Keyword, Scope, SeriesDefinition
from drmsmirror.model.types import KeywordType

#: Queries, with « before the character at which the error points, and a part of the message.
SHAPE = [
    ("«", "is empty"),
    ("«   ", "is empty"),
    ("« \n", "is empty"),
    ("hmi.M_45s[2010.05.01_TAI«", "not closed"),
    ("hmi.M_45s[«", "not closed"),
    ("hmi.M_45s[1,«", "not closed"),
    ("hmi.M_45s{magnetogram«", "list of segments is not closed"),
    ("test.strfsn[«'abc]", "quote is not closed"),
    ('test.strfsn[abc,«"x]', "quote is not closed"),
    ("hmi.M_45s[1]«]", "closes nothing"),
    ("hmi.M_45s«]", "closes nothing"),
    ("«]", "begins with the name of a series"),
    ("hmi.M_45s[«[1]]", "inside another"),
    ("test.strfsn[a]«b]", "cannot follow a set"),
    ("hmi.M_45s[1]«x", "cannot follow a set"),
    ("hmi.M_45s[1]«hmi.M_45s[2]", "cannot follow a set"),
    ("hmi.M_45s[1]{a}«{b}", "one list of segments"),
    ("hmi.M_45s[1]{a}«[2]", "before the segments"),
    ("hmi.M_45s[1]{a«-b}", "list of segments"),
    (" «, hmi.M_45s[1]", "no set before this separator"),
    ("«;hmi.M_45s[1]", "no set before this separator"),
    ("hmi.M_45s[1],«,hmi.M_45s[2]", "no set before this separator"),
    ("hmi.M_45s[1],«,", "no set before this separator"),
    ("«#c#hmi.M_45s[1]", "A comment follows a set"),
    ("hmi.M_45s[1]#c#«[2]", "cannot follow a comment"),
    ("hmi.M_45s[1]#c# «, hmi.M_45s[2]", "cannot follow a comment"),
    ("«9hmi.M_45s[1]", "begins with a letter"),
    ("hmi.M«-45s[1]", "in the name of a series"),
    ("hmi.M_45s«é[1]", "in the name of a series"),
    ("«hmi[1]", "no namespace"),
    ("hmi.M_45s[1],«foo", "no namespace"),
    (f"«x.{'y' * 62}", "64 characters"),
    ("«{prog:mdi_eof,series:x}", "DSDS"),
    ("«/data/foo.fits", "Files on the server"),
    ("«./foo.fits", "Files on the server"),
    ("hmi.M_45s[T_REC=«]", "value is missing"),
    ("hmi.M_45s[«=2010.05.01]", "name of a key is missing"),
    ("hmi.M_45s[2010.05.01,«]", "value is missing"),
    ("hmi.M_45s[2010.05.01,«,2010.05.02]", "value is missing"),
    ("hmi.M_45s[«%5]", "cannot begin with '%'"),
    ("hmi.M_45s[«&5]", "cannot begin with '&'"),
]

#: Forms that DRMS has and that are written wrongly here.
SHAPE_OF_OTHER_FORMS = [
    ("hmi.M_45s[#«]", "by number"),
    ("hmi.M_45s[#1-«5]", "by number"),
    ("hmi.M_45s[#1,«2]", "by number"),
    ("hmi.M_45s[#1-#«$]", "by number"),
    ("hmi.M_45s[#1«@5]", "by number"),
    ("hmi.M_45s[#1/«#5]", "by number"),
    ("hmi.M_45s[#1«.5]", "by number"),
    ("hmi.M_45s[#«x]", "by number"),
    ("hmi.M_45s[:«10]", "by number"),
    ("hmi.M_45s[:#1,«2]", "by number"),
    ("hmi.M_45s[:#10-«20]", "by number"),
    ("hmi.M_45s[:«$]", "by number"),
    ("hmi.M_45s[^«-$]", "^ stands alone"),
    ("hmi.M_45s[$«-5]", "$ stands alone"),
    ("hmi.M_45s[$«/1h]", "$ stands alone"),
    ("hmi.M_45s[$«@2]", "$ stands alone"),
    ("hmi.M_45s[? A «? B ?]", "A ? outside quotes ends the filter"),
    ("hmi.M_45s[! QUALITY«!=0 !]", "A ! outside quotes ends the filter"),
    ("hmi.M_45s[?A=1]«", "[? is not closed"),
    ("hmi.M_45s[? A=«'HMI ?]", "quote is not closed"),
]

VALUES = [
    ("hmi.sharp_720s[377«.5]", "'.5' does not belong to a value of HARPNUM"),
    ("hmi.sharp_720s[«abc]", "'abc' does not belong"),
    ("hmi.sharp_720s[«*]", "'*' does not belong"),
    ("hmi.sharp_720s[1«x]", "'x' does not belong"),
    ("hmi.sharp_720s[«'1']", "does not belong"),
    ("hmi.sharp_720s[1 «2]", "'2' does not belong"),
    ("hmi.sharp_720s[1«;2]", "';2' does not belong"),
    ("hmi.sharp_720s[«-]", "'-' does not belong"),
    ("hmi.sharp_720s[1-«]", "missing after '1-'"),
    ("hmi.sharp_720s[1/«]", "missing after '1/'"),
    ("hmi.sharp_720s[1-2«-3]", "'-3' does not belong"),
    ("hmi.sharp_720s[1-5«/2]", "A range has no duration"),
    ("hmi.sharp_720s[377«@2]", "A step needs a range or a duration"),
    ("hmi.sharp_720s[1-9@«0]", "A step cannot be zero"),
    ("hmi.sharp_720s[377-380@1«u]", "'u' does not belong"),
    ("hmi.sharp_720s[«99999999999]", "does not fit HARPNUM, whose type is int"),
    ("hmi.sharp_720s[1-«99999999999]", "does not fit HARPNUM"),
    ("test.timekey[][«-40000]", "does not fit DET, whose type is short"),
    ("hmi.M_45s[T_REC_index=2010«.05.01_TAI]", "value of T_REC_index"),
    ("test.carr[][«abc]", "'abc' does not belong to a value of LAT"),
    ("test.carr[][«nan]", "'nan' does not belong"),
    ("test.carr[][«1e60]", "does not fit LAT, whose type is float"),
    ("test.carr[][1-5@«0]", "A step cannot be zero"),
    ("test.carr[2150«:120]", "':120' does not belong to a value of CT"),
    ("test.carr[10/«4u]", "CT counts degrees"),
    ("test.carr[10-30@«2u]", "CT counts degrees"),
    ("test.carr[10/«4w]", "'w' is no unit"),
    ("test.carr[10-«5d]", "An offset cannot be the end of a range"),
    ("test.carr[«1e400]", "too large"),
    ("test.strfsn[a «b]", "A name with a blank in it is put in quotes"),
    ("test.strfsn[a,b «c]", "A name with a blank in it is put in quotes"),
    ("test.strfsn['a'«x]", "cannot follow a name in quotes"),
    ("test.strfsn['a'-«c]", "Both ends of a range of names are in quotes"),
    (r"test.strfsn['a«\qb']", "is no escape"),
    ("test.timekey[«garbage]", "'garbage' is no time"),
    ("test.timekey[«3000d]", "OBSTIME has no slots"),
    ("test.timekey[2010.05.01/1d@«0s]", "A step cannot be zero"),
]

TIMES = [
    ("hmi.M_45s[«garbage]", "'garbage' is no time"),
    ("hmi.M_45s[«now]", "'now' is no time"),
    ("hmi.M_45s[«DRMS_EPOCH]", "is no time"),
    ("hmi.M_45s[«DRMS_MISSING_VALUE]", "which DRMS_MISSING_VALUE does not stand for"),
    ("hmi.M_45s[«1051747200]", "'1051747200' is no time"),
    ("hmi.M_45s[«T_REC>2010.05.01]", "is no time"),
    ("hmi.M_45s[«'2010.05.01_TAI']", "Times stand without quotes"),
    ("hmi.M_45s[«2010.13.45_TAI]", "there is no month 13"),
    ("hmi.M_45s[2010.05.01-«2010.13.01]", "there is no month 13"),
    ("hmi.M_45s[2010.05.01«T00:00:00]", "Only a date with dashes"),
    ("hmi.M_45s[2010.05.01 «00:00:00]", "Only a date with dashes"),
    ("hmi.M_45s[2010/05«/01]", "Dates are not written with /"),
    ("hmi.M_45s[2010.05.01«;2010.05.02]", "';' does not separate times"),
    ("hmi.M_45s[2010.05.01«_TDB]", "does not belong to the time '2010.05.01'"),
    ("hmi.M_45s[2010-05-01T00:00:00«+05:30]", "does not belong to the time"),
    ("hmi.M_45s[2010.05.01_TAI«@6h]", "A step needs a range or a duration"),
    ("hmi.M_45s[2010.05.01_TAI/1h@90s«@90s]", "'@90s' does not belong"),
    ("hmi.M_45s[2010.05.01_TAI/1h«/1h]", "'/1h' does not belong"),
    ("hmi.M_45s[2010.05.01_TAI-2010.05.02_TAI«/1h]", "A range has no duration"),
    ("hmi.M_45s[2010.05.01_TAI-«]", "The end of the range is missing"),
    ("hmi.M_45s[2010.05.01_TAI-«$]", "$ cannot be the end of a range"),
    ("hmi.M_45s[2010.05.01_TAI-«garbage]", "'garbage' is no time"),
    ("hmi.M_45s[2010.05.01_TAI-«40d]", "An offset cannot be the end of a range"),
    ("hmi.M_45s[30d-«40d]", "An offset cannot be the end of a range"),
    ("hmi.M_45s[2010.05.01_TAI/«]", "missing after"),
    ("hmi.M_45s[2010.05.01_TAI/«h]", "'h' is no number with a unit"),
    ("hmi.M_45s[2010.05.01_TAI/«3600]", "'3600' has no unit"),
    ("hmi.M_45s[2010.05.01_TAI/«1w]", "'w' is no unit"),
    ("hmi.M_45s[2010.05.01_TAI/«1y]", "'y' is no unit"),
    ("hmi.M_45s[2010.05.01_TAI/«1H]", "'H' is no unit"),
    ("hmi.M_45s[2010.05.01_TAI/«1day]", "'day' is no unit"),
    ("hmi.M_45s[2010.05.01_TAI/1h@«60]", "'60' has no unit"),
    ("hmi.M_45s[2010.05.01_TAI/«1e300d]", "too large"),
    ("hmi.M_45s[2010.05.01_TAI/1h@«10s]", "less than half a slot"),
    ("hmi.M_45s[2010.05.01_TAI/1h@«0.4u]", "less than half a slot"),
    ("hmi.M_45s[«3000w]", "'w' is no unit"),
    ("hmi.M_45s[«1e300d]", "too large"),
]

CONDITIONS = [
    ("hmi.M_45s[?«?]", "The condition is empty"),
    ("hmi.M_45s[? «NOSUCH = 1 ?]", "has no column NOSUCH"),
    ("hmi.M_45s[? QUALITY = 0 AND «T_REC_step = 45 ?]", "is a constant of the series"),
    ("hmi.sharp_720s[? «MAGFLAG = 0 ?]", "is read through a link"),
    ("hmi.sharp_720s[? «BUNIT = 'Gauss' ?]", "has no column of its own"),
    ("hmi.M_45s[? «QUALITY ?]", "true or false, and this is of type integer"),
    ("hmi.M_45s[? «QUALITY = 'abc' ?]", "'abc' is no integer"),
    ("hmi.M_45s[? «INSTRUME = 5 ?]", "There is no operator text = integer"),
    ("hmi.M_45s[? «DATAMEAN % 2 = 1 ?]", "There is no operator real % integer"),
    ("hmi.M_45s[? T_REC < $(«2010.13.01) ?]", "there is no month 13"),
    ("hmi.M_45s[? T_REC < «$(2010.05.01_TAI ?]", "This time is not closed"),
    ("hmi.M_45s[? QUALITY = 0 «-- why ?]", "swallows the end of the filter"),
    ("hmi.M_45s[? QUALITY = 0 «/* why ?]", "This comment is not closed"),
    ("hmi.M_45s[? QUALITY = «0x1F ?]", "is no number in PostgreSQL"),
    ("hmi.M_45s[? QUALITY = 0«; DROP TABLE x ?]", "cannot stand in a condition"),
    ("hmi.M_45s[? «INSTRUME ~ 'a' || 'b' ?]", "order of these operators is easily misread"),
    ("hmi.M_45s[? «max(QUALITY) = 0 ?]", "counts many records"),
    ("hmi.M_45s[? «CAMERA[1] = 0 ?]", "No column of a series is an array"),
    ("hmi.M_45s[? QUALITY = (SELECT QUALITY FROM «no.such) ?]", "There is no series"),
    ("hmi.M_45s[2010.05.01_TAI],hmi.M_45s[? «NOSUCH = 1 ?]", "has no column NOSUCH"),
]

FILES_AND_NUMBERS = [
    ("«@list.txt", "A file on the server is not read"),
    ("hmi.M_45s[1],«@list.txt", "A file on the server is not read"),
    ("hmi.M_45s[:#1][:«#2]", "one filter by record number"),
    ("hmi.M_45s[:#1-#9@«0]", "A step cannot be zero"),
    ("hmi.M_45s[#«99999999999999999999]", "is too large"),
    ("test.strfsn[«#5]", "NAME is a string"),
]

KEYS = [
    ("hmi.M_45s[2010.05.01_TAI/1h][1][«3]", "no prime key number 3"),
    ("test.nopk[«1]", "no prime keys"),
    ("test.nopk[«A=1]", "A is no prime key"),
    ("hmi.M_45s[«QUALITY=0]", "QUALITY is no prime key"),
    ("hmi.M_45s[«T_REC_step=45]", "T_REC_step is no prime key"),
    ("hmi.M_45s[«recnum=5]", "recnum is no keyword"),
    ("hmi.M_45s[«CAMERA_index=5]", "CAMERA_index is no keyword"),
    ("hmi.M_45s[2010.05.01_TAI],hmi.M_45s[«garbage]", "'garbage' is no time"),
]


@pytest.mark.parametrize(
    ("marked", "problem"),
    [*SHAPE, *SHAPE_OF_OTHER_FORMS, *VALUES, *TIMES, *KEYS, *CONDITIONS, *FILES_AND_NUMBERS],
)
def test_an_error_points_at_the_character(refused, marked, problem):
    query = marked.replace("«", "")
    error = refused(query)
    assert problem in error.problem
    assert (error.position, type(error)) == (marked.index("«"), RecordSetError)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("hmi.M_45s[T_RECC=2010.05.01]", "Did you mean T_REC?"),
        ("hmi.M_45s[T_REC_indx=5]", "Did you mean T_REC_index?"),
        ("hmi.M_45s[QUALITY=0]", "Its prime keys are T_REC, CAMERA"),
        ("hmi.M_45s[QUALITY=0]", "[? QUALITY = ... ?]"),
        ("hmi.M_45s[2010.05.01_TAI][1][2]", "Its prime keys are T_REC, CAMERA"),
        ("hmi.sharp_720s[harpnum=377][2011.02.15_TAI]", "this one is about HARPNUM"),
        ("hmi.M_45s[CAMERA=1][2010.13.01]", "Filters without a name"),
        ("hmi.M_45s[2010.05.01_TAI/1H]", "Did you mean 1h?"),
        ("hmi.M_45s[2010.05.01_TAI/2day]", "Did you mean 2d?"),
        ("hmi.M_45s[2010.05.01_TAI/2w]", "Write 14d"),
        ("hmi.M_45s[2010.05.01_TAI/3600]", "Write 3600s"),
        ("hmi.M_45s[2010.05.01_TAI@6h]", "2010.05.01_TAI/1d@6h"),
        ("hmi.M_45s[2010.05.01T00:00:00]", "Write 2010.05.01_00:00:00"),
        ("hmi.M_45s[2010/05/01]", "Write 2010.05.01"),
        ("hmi.M_45s['2010.05.01_TAI']", "Write 2010.05.01_TAI"),
        ("hmi.M_45s[2010-05-01T00:00:00+05:30]", "without a colon"),
        ("test.strfsn['a'-c]", "Write 'c'"),
        ("test.strfsn[a b]", "Write 'a b'"),
        ("hmi.sharp_720s[377.5]", "HARPNUM takes whole numbers"),
        ("hmi.M_45s[#1-5]", "[#1-#5]"),
        ("hmi.M_45s[? QUALTY = 0 ?]", "Did you mean QUALITY?"),
        ("hmi.M_45s[? T_REC_step = 45 ?]", "Its value is 45"),
        ("hmi.sharp_720s[? BUNIT = 'Gauss' ?]", "bunit_000, bunit_001"),
        ("hmi.M_45s[? QUALITY = 0x1F ?]", "Write x'1F'::int"),
        ("hmi.M_45s[? INSTRUME ~ 'a' || 'b' ?]", "Put brackets around"),
        ("hmi.M_45s[:#1][:#2]", "[:#1,#2]"),
        ("hmi", "hmi.M_45s"),
    ],
)
def test_an_error_says_what_would_be_right(refused, query, hint):
    assert hint in (refused(query).hint or "")


@pytest.mark.parametrize(
    ("marked", "what"),
    [
        ("hmi.M_45s[? «sessionid > 5 ?]", "The column sessionid"),
        ("hmi.M_45s[? «sg_000_file = 'x' ?]", "The column sg_000_file"),
        ("hmi.M_45s[? «width_bucket(CAMERA, 0, 10, 5) = 1 ?]", "The function width_bucket()"),
        ("hmi.M_45s[? «INSTRUME ~ '(a)\\1' ?]", "in a pattern"),
        ("hmi.M_45s[? INSTRUME = «E'a' ?]", "A text with escapes"),
        ("hmi.M_45s[? «CAMERA::char = 'a' ?]", "A cast to CHAR"),
    ],
)
def test_what_only_postgresql_may_know_is_named_and_pointed_at(definition_of, marked, what):
    query = marked.replace("«", "")
    with pytest.raises(NotUnderstoodError) as caught:
        bind(parse_recordset(query), definition_of)
    assert what in caught.value.problem
    assert caught.value.position == marked.index("«")


#: The negative tests of semantics 6 in their own words.
@pytest.mark.parametrize(
    "query",
    [
        "hmi.M_45s[2010.05.01_TAI@6h]",
        "hmi.M_45s[2010.05.01_TAI/1w]",
        "hmi.M_45s[2010.05.01_TAI/1day]",
        "hmi.M_45s[2010.05.01_TAI/3600]",
        "hmi.M_45s[2010.05.01_TAI/1h][1][3]",
        "hmi.M_45s[QUALITY=0]",
        "hmi.M_45s[recnum=5]",
        "hmi.M_45s[#1-5]",
        "hmi.M_45s[#1-#$]",
        "hmi.M_45s[:#1,2]",
        "hmi.M_45s[:10]",
        "hmi.M_45s[:#1][:#2]",
        "hmi.M_45s[^-$]",
        "hmi.M_45s[2010.05.01_TAI-$]",
        "hmi.sharp_720s[377.5]",
        "hmi.sharp_720s[1-]",
        "hmi.sharp_720s[1,]",
        "hmi.M_45s[garbage]",
        "hmi.M_45s[2010/05/01]",
        "hmi.M_45s[2010.05.01T00:00:00]",
        "hmi.M_45s['2010.05.01_TAI']",
        "hmi.M_45s[1051747200]",
        "hmi.M_45s[2010.05.01_TAI",
        "hmi.M_45s[2010.05.01_TAI]x",
        "hmi.M_45s[2010.05.01_TAI]{a}{b}",
        "hmi.M_45s[? A ? B ?]",
        "hmi.M_45s[?A=1]",
        " , hmi.M_45s[$]",
        "test.nopk[1]",
        "test.strfsn[a b]",
    ],
)
def test_the_negative_tests_of_the_specification(refused, query):
    refused(query)


def test_a_slotted_key_without_its_constants_is_the_definitions_fault():
    series = SeriesDefinition(
        "x.y", keywords=(Keyword("T", KeywordType.TIME, Scope.TS_EQ),), prime_keys=("T",)
    )
    with pytest.raises(DefinitionError, match="T_step"):
        bind(parse_recordset("x.y[2010.05.01]"), lambda _: series)
