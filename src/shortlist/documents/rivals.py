"""Short texts of Lithuania, Latvia and Turkey, whose encodings share most letters with that of western Europe."""

from __future__ import annotations

from typing import NamedTuple

_RIVALS = (("cp1257", ("lt", "lv")), ("cp1254", ("tr",)))
_WESTERN, _OF_DOS = "cp1252", "cp850"
_CERTAIN = ((3, 1.3), (2, 2.0))
"""How many letters outside ASCII a text has at least, and how much likelier than `_WESTERN` its encoding must be then.

The shorter the text, the less its likelihood says. On 300 messages of GTK, GLib and other programs for each of 55 pairs
of a language and an encoding, no text of another language is read worse with these limits.
"""

_LEAST_OF_DOS = 1.3
_ICELANDIC = "is"
"""The language that Turkish and Lithuanian words resemble if they are read as `_WESTERN`."""

_MOST = 100


class _Guess(NamedTuple):
    confidence: float
    language: str


def rival_of(sample: bytes, codec: str) -> str:
    """Return the codec of a text that a guess takes for one of western Europe, or "" if the guess `codec` stays.

    The library gives the likelihoods of all encodings. Long texts are not compared again.
    """
    letters = sum(byte > 127 for byte in sample)
    if codec not in (_WESTERN, _OF_DOS) or letters > _MOST:
        return ""
    guesses = _guesses(sample)
    western = guesses.get(_WESTERN, _Guess(0.0, ""))
    best = max(guesses, key=lambda name: guesses[name].confidence, default="")
    for name, languages in _RIVALS:
        own, language = guesses.get(name, _Guess(0.0, ""))
        if language not in languages:
            continue
        certain = any(letters >= least and own >= times * western.confidence for least, times in _CERTAIN)
        no_dos = codec == _OF_DOS and name == "cp1254" and own >= _LEAST_OF_DOS * western.confidence
        if name == best and (certain or no_dos):
            return name
        if best == _WESTERN and western.language == _ICELANDIC and own >= western.confidence:
            return name
    return ""


def _guesses(sample: bytes) -> dict[str, _Guess]:
    """Return the best guess of the library for each codec."""
    import chardet
    from chardet import EncodingEra

    from shortlist.documents.codec_names import codec_of

    guesses: dict[str, _Guess] = {}
    for guess in chardet.detect_all(sample, encoding_era=EncodingEra.MODERN_WEB, ignore_threshold=True):
        name = codec_of(guess["encoding"] or "")
        guesses.setdefault(name, _Guess(guess["confidence"], guess["language"] or ""))
    return guesses
