"""Arguments of an export, as ``drms.Client.export`` takes them, in one form.

Source: client-side behaviour of drms 0.9; DRMS semantics 4.4.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drmsmirror.errors import QueryError, UnsupportedError

__all__ = ["ExportTerms", "steps_of"]

_METHODS = ("url_quick", "url", "url-tar")
_IMAGES = ("jpg", "mpg", "mp4")
_PROTOCOLS = ("as-is", "fits", *_IMAGES)
_STEPS = (
    "im_patch",
    "resize",
    "rebin",
    "aia_scale_aialev1",
    "aia_scale_orig",
    "aia_scale_other",
    "Maproj",
    "HmiB2ptr",
)
#: What separates arguments and steps, or is no part of any.
_NO_TEXT = frozenset(",|;'\n")


@dataclass(frozen=True, slots=True)
class ExportTerms:
    """How files are exported.

    Parameters
    ----------
    method : str
        ``url_quick`` or ``url``.
    protocol : str
        ``as-is`` or ``fits``.
    process : str
        Steps of processing with their arguments, in one form; empty for none.
    """

    method: str
    protocol: str
    process: str = ""

    @classmethod
    def of(
        cls,
        method: str,
        protocol: str,
        protocol_args: Mapping[str, object] | None,
        process: Mapping[str, Mapping[str, object]] | None,
    ) -> ExportTerms:
        """Take arguments as the stock client takes them.

        Raises
        ------
        QueryError
            One of them is unknown.
        UnsupportedError
            Images and films are JSOC's to make.
        """
        method, protocol = method.lower(), protocol.lower()
        if method not in _METHODS:
            raise QueryError(f"The export method {method!r} is none of {', '.join(_METHODS)}")
        if protocol not in _PROTOCOLS:
            raise QueryError(f"The export protocol {protocol!r} is none of {', '.join(_PROTOCOLS)}")
        if protocol in _IMAGES:
            raise UnsupportedError(
                f"Images and films are made by JSOC, and are not mirrored. Ask it itself, with "
                f"drms.Client().export(..., protocol={protocol!r})"
            )
        if protocol_args is not None:
            raise QueryError(f"protocol_args are for images, not for the protocol {protocol}")
        steps = process_of(process or {})
        is_quick = method == "url_quick" and protocol == "as-is" and not steps
        return cls("url_quick" if is_quick else "url", protocol, steps)


def process_of(steps: Mapping[str, Mapping[str, object]]) -> str:
    """Steps of processing as the server takes them, arguments in order of their names.

    Raises
    ------
    QueryError
        A step is unknown, or an argument cannot be written.
    """
    if not isinstance(steps, Mapping):
        raise QueryError(
            f"process is a dict of steps, each a dict of its arguments, as "
            f"{{'im_patch': {{'boxunits': 'arcsec'}}}}, and not {steps!r}"
        )
    return "|".join(_step(name, arguments) for name, arguments in steps.items())


def steps_of(texts: Sequence[str]) -> dict[str, dict[str, str]]:
    """Steps of processing that are written as ``im_patch,t_ref=...,boxunits=...``.

    Raises
    ------
    QueryError
        An argument has no value, or a step is there twice.
    """
    steps: dict[str, dict[str, str]] = {}
    for text in texts:
        name, *arguments = (part.strip() for part in text.split(","))
        if name in steps:
            raise QueryError(f"The step {name} is there twice")
        pairs = [argument.partition("=") for argument in arguments]
        for key, equals, _ in pairs:
            if not key or not equals:
                raise QueryError(f"{text!r} is no step: write it as name,argument=value,...")
        steps[name] = {key.strip(): value.strip() for key, _, value in pairs}
    return steps


def _step(name: str, arguments: Mapping[str, object]) -> str:
    if name not in _STEPS:
        raise QueryError(f"{name!r} is no step of processing that JSOC has: {', '.join(_STEPS)}")
    pairs = sorted((str(key).strip(), str(value).strip()) for key, value in arguments.items())
    for key, value in pairs:
        if not key or _NO_TEXT & set(key + value) or "=" in key:
            raise QueryError(f"{key}={value} cannot be an argument of {name}")
    return ",".join([name, *(f"{key}={value}" for key, value in pairs)])
