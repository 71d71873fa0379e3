"""Plain requests to a sample JSOC, with nothing between the test and the bytes."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlencode

from tests.jsoc import SampleJsoc


def body_of(jsoc: SampleJsoc, cgi: str, method: str = "GET", **params: Any) -> bytes:
    """The raw body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", jsoc.port, timeout=30)
    query = urlencode(params)
    try:
        if method == "POST":
            head = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", f"/cgi-bin/ajax/{cgi}", query, head)
        else:
            connection.request(method, f"/cgi-bin/ajax/{cgi}?{query}")
        return connection.getresponse().read()
    finally:
        connection.close()


def info(jsoc: SampleJsoc, op: str, ds: str, **params: Any) -> Any:
    """The JSON of one jsoc_info request."""
    return json.loads(body_of(jsoc, "jsoc_info", op=op, ds=ds, **params))


def column(jsoc: SampleJsoc, ds: str, key: str, **params: Any) -> list[Any]:
    """The values of one keyword."""
    answer = info(jsoc, "rs_list", ds, key=key, **params)
    return list(answer["keywords"][0]["values"]) if answer["count"] else []


def fetch(
    jsoc: SampleJsoc, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """A file: the answer, and as many of its bytes as came. Headers as ``if_range=...``."""
    connection = http.client.HTTPConnection("127.0.0.1", jsoc.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        try:
            return response, response.read()
        except http.client.IncompleteRead as broken:
            return response, broken.partial
    finally:
        connection.close()


def paths(jsoc: SampleJsoc, ds: str, seg: str = "magnetogram") -> list[str]:
    """Where the files of a segment are."""
    return list(info(jsoc, "rs_list", ds, seg=seg)["segments"][0]["values"])
