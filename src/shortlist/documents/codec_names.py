"""The names of encodings, as Python knows them."""

from __future__ import annotations

import codecs

_SUPERSETS = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-16": "utf-16-le",
    "utf-32": "utf-32-le",
}
"""Encodings, by Python's name, that are read as a superset, or in the usual byte order: https://encoding.spec.whatwg.org/#names-and-labels."""


def codec_of(name: str | None) -> str:
    """Return Python's name of the codec of an encoding, or "" if Python has no codec of text with this name."""
    try:
        codec = codecs.lookup(name or "").name
        # Some codecs are not for text ("hex"). Others raise on bad bytes with every error handler ("idna").
        b"\xff".decode(codec, "replace")
    except (LookupError, ValueError):
        return ""
    return _SUPERSETS.get(codec, codec)
