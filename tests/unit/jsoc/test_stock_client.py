"""The stock ``drms`` client is content with the sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jsoc import SampleJsoc

drms = pytest.importorskip("drms")

DAY = "hmi.sharp_720s[4315][2014.07.05_TAI/1d]"


def config(jsoc: SampleJsoc, wrapper: bool = True) -> object:
    extra = (
        {"cgi_show_series_wrapper": "showextseries", "show_series_wrapper_dbhost": "hmidb2"}
        if wrapper
        else {}
    )
    return drms.config.ServerConfig(
        name="sample",
        cgi_baseurl=jsoc.cgi_url,
        cgi_show_series="show_series",
        cgi_jsoc_info="jsoc_info",
        cgi_jsoc_fetch="jsoc_fetch",
        cgi_check_address="checkAddress.sh",
        http_download_baseurl=jsoc.url,
        encoding="latin1",
        **extra,
    )


@pytest.fixture
def client(jsoc: SampleJsoc) -> object:
    return drms.Client(server=config(jsoc))


def test_series(client, jsoc) -> None:
    assert client.series(r"hmi\.m_") == ["hmi.M_45s", "hmi.M_720s"]
    full = client.series("aia", full=True)
    assert list(full.name) == ["aia.lev1", "aia.lev1_euv_12s"]
    plain = drms.Client(server=config(jsoc, wrapper=False))
    assert plain.series("iris") == ["iris.lev1"]
    assert list(plain.series("iris", full=True).primekeys) == [["T_OBS", "FSN"]]


def test_info(client) -> None:
    info = client.info("hmi.sharp_720s")
    assert info.primekeys == ["HARPNUM", "T_REC"]
    assert len(info.segments) == 31
    assert info.keywords.loc["T_REC"].is_time
    assert info.keywords.loc["TKP_KWID"].linkinfo == "MHARP->TKP_KWID"
    assert client.pkeys("hmi.m_45s") == ["T_REC", "CAMERA"]
    assert "USFLUX" in client.keys("hmi.sharp_720s")


def test_query(client) -> None:
    keys = client.query(DAY, key="T_REC, HARPNUM, USFLUX, QUALITY, NOAA_ARS")
    assert len(keys) == 120
    assert keys.HARPNUM.tolist() == [4315] * 120
    assert keys.USFLUX.dtype == float
    assert keys.QUALITY.dtype == int
    assert client.query(DAY, key="T_REC", n=3).T_REC.tolist()[0] == "2014.07.05_00:00:00_TAI"
    assert client.query(DAY, key="T_REC", n=-1).T_REC.tolist() == ["2014.07.05_23:48:00_TAI"]


def test_query_with_segments_links_and_record_names(client) -> None:
    keys, segs, links = client.query(
        DAY, key="T_REC", seg="magnetogram", link="MHARP", rec_index=True, n=2
    )
    assert list(keys.index) == list(segs.index) == list(links.index)
    assert keys.index[0] == "hmi.sharp_720s[4315][2014.07.05_00:00:00_TAI]"
    assert segs.magnetogram.str.endswith("magnetogram.fits").any()
    assert links.MHARP.iloc[0].startswith("hmi.Mharp_720s[4315]")


def test_query_all(client) -> None:
    found = client.query(DAY, key=drms.JsocInfoConstants.all, n=2)
    assert found.shape[0] == 2
    assert "BUNIT_000" in found.columns


def test_zero_records_is_an_empty_frame(client) -> None:
    assert client.query("hmi.M_45s[1990.01.01_TAI]", key="T_REC").empty


def test_unknown_series_is_an_error(client) -> None:
    with pytest.raises(drms.DrmsQueryError, match=r"Invalid series name\."):
        client.info("bob")
    with pytest.raises(drms.DrmsQueryError):
        client.query("hmi.nosuch[1]", key="T_REC")


def test_addresses_are_decoded_twice(jsoc) -> None:
    seen: list[str] = []

    def registered(address: str) -> bool:
        seen.append(address)
        return address == "user+x@example.org"

    with SampleJsoc(registered=registered) as own:
        client = drms.Client(server=config(own))
        assert client.check_email("user+x@example.org")
        assert not client.check_email("other@example.org")
        assert not client.check_email("")
    assert seen == ["user+x@example.org", "other@example.org"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"method": "url"},
        {"method": "url", "protocol": "fits"},
        {"method": "url", "protocol": "fits", "process": {"im_patch": {"x": 5.0, "y": 7}}},
        {"method": "url-tar", "protocol": "fits"},
    ],
)
def test_export_wait_and_download(living, tmp_path, arguments) -> None:
    living.change_in_place("hmi.sharp_720s", "[4315][2014.07.05_TAI/1h]", {"QUALITY": 0})
    living.bring_online(living.sunums("hmi.sharp_720s", "[4315][2014.07.05_TAI/1h]"))
    client = drms.Client(server=config(living), email="user@example.org")
    wanted = client.export(
        "hmi.sharp_720s[4315][2014.07.05_TAI/1h]{magnetogram,bitmap}", **arguments
    )
    assert wanted.status == (2 if arguments else 0)
    assert wanted.wait(sleep=0)
    assert len(wanted.data) == 10
    files = wanted.download(tmp_path).download
    assert len(files) == (1 if "tar" in wanted.method else 10)
    bodies = [Path(file).read_bytes() for file in files]
    assert len(set(bodies)) == len(files)
    series = "hmi.sharp_720s_mod" if "process" in arguments else "hmi.sharp_720s"
    names = wanted.data.filename.str.split("/").str[-1]
    assert names[0] == (
        f"{series}.4315.20140705_000000_TAI.magnetogram.fits" if arguments else "magnetogram.fits"
    )
    if wanted.id is not None:
        again = client.export_from_id(wanted.id)
        assert again.data.equals(wanted.data)
        with pytest.raises(drms.DrmsExportError, match="not known"):
            client.export_from_id("JSOC_19990101_001").wait(sleep=0)


def test_an_export_from_tape(living, tmp_path) -> None:
    units = living.sunums("hmi.sharp_720s", "[4315][2014.07.05_TAI/1h]")
    living.take_offline(units)
    living.change_in_place("hmi.sharp_720s", "[4315][2014.07.05_TAI/1h]", {"QUALITY": 0})
    client = drms.Client(server=config(living), email="user@example.org")
    ds = "hmi.sharp_720s[4315][2014.07.05_TAI/1h]{magnetogram}"
    living.exports.stages = False
    with pytest.raises(drms.DrmsExportError, match="code 25"):
        client.export(ds).wait(sleep=0)
    living.exports.stages, living.exports.unknown_polls = True, 2
    wanted = client.export(ds)
    assert wanted.wait(sleep=0)
    assert wanted.download(tmp_path).download.notna().sum() == 5
    assert [r.op for r in living.requests].count("exp_status") == 4
