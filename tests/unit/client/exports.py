"""Files as somebody once had them exported by the sample upstream, and downloaded."""

from __future__ import annotations

import json
from pathlib import Path

from astropy.io import fits

from tests.jsoc import Request, SampleJsoc

__all__ = ["exported_files"]


_TEMPLATE = "hmi.sharp_720s.{HARPNUM}.{T_REC:A}.{segment}"


def exported_files(
    jsoc: SampleJsoc, record_set: str, folder: Path, template: str = _TEMPLATE
) -> list[Path]:
    """Export files with headers under JSOC's names, with sums, as JSOC's have them."""
    params = {
        "ds": record_set,
        "notify": "a@example.org",
        "method": "url",
        "protocol": "fits",
        "filenamefmt": template,
    }
    asked = {
        "op": "exp_status",
        "requestid": _ask(jsoc, {"op": "exp_request", **params})["requestid"],
    }
    while (answer := _ask(jsoc, asked))["status"] != "0":
        assert answer["status"] == 1, answer
    paths = []
    for one in answer["data"]:
        stored = jsoc.exports.stored(f"{answer['dir']}/{one['filename']}")
        assert stored is not None
        path = folder / one["filename"]
        path.write_bytes(stored.read())
        with fits.open(path, disable_image_compression=True, mode="update") as hdus:
            for hdu in hdus:
                hdu.add_checksum()
        paths.append(path)
    return paths


def _ask(jsoc: SampleJsoc, params: dict[str, str]) -> dict:
    request = Request("jsoc_fetch", params["op"], params.get("ds", ""), params)
    answer: dict = json.loads(jsoc.respond(request).body)
    return answer
