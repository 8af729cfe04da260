"""Short texts of western Europe, which a detector takes for other languages: "café" alone may be read as Hebrew."""

from __future__ import annotations

import re
import unicodedata

CODECS = ("cp1252", "mac_roman", "cp850")
"""The encodings of Windows, of old Macs and of DOS for western Europe."""

_LETTERS = "àâäáãåçéèêëíìîïñóòôöõøúùûüœæß"
_ALONE = "àèéêíóôåöøæ"
"""Letters that are words."""
_SIGNS = "\u201c\u201d\u2018\u2019\u201a„\u2013—…•€£§°«»¿¡·®©™µ²³½¼¾\xd7±ªº\xa0"
_INSIDE = "\u2019\u2013—…·\u2018"
"""Signs that stand between letters."""
_OPENERS = "\u201a„¿¡"
_SHARED = frozenset("âäçéëíîóôöúüßáàïå")
"""Letters that are the same in central Europe (cp1250), or much more frequent than the letter with their byte there."""
_WORD = re.compile(r"[^\W\d_]+")
_SHARE = 0.95
_FEW = 12
_UNSURE = frozenset({"cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8-r", "koi8-u", "cp874"})
_TORN = 0.5


def codec_of_western(readings: dict[str, str], name: str) -> str:
    """Return which of `CODECS` a text has, or "" if it keeps `name`, the guess of a detector.

    `readings` are the readings of the text by `CODECS`, and by `name` if there is a guess.
    """
    count = sum(character > "\x7f" for character in readings[CODECS[0]])
    if not count or (name == CODECS[0] and _share(readings[name]) > 1 - _SHARE * _TORN):
        return ""
    unsure = count <= _FEW and (name in _UNSURE or (name == "cp1250" and _has_shared_letters(readings[CODECS[0]])))
    if name not in ("", *CODECS) and not unsure and not is_torn(readings[name]):
        return ""
    return next((codec for codec in CODECS if codec != name and _share(readings[codec]) >= _SHARE), "")


def is_torn(text: str) -> bool:
    """Return whether words outside ASCII have letters of two alphabets, or one letter each, as in no language."""
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    other = [word for word in words if not all(map(_is_latin, word))]
    torn = sum(any(map(_is_latin, word)) or len(word) == 1 for word in other)
    return torn > _TORN * len(words)


def _has_shared_letters(text: str) -> bool:
    return all(letter in _SHARED for letter in text.lower() if letter > "\x7f" and letter.isalpha())


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")


def _share(text: str) -> float:
    """Return which share of the characters outside ASCII is at a place where texts of western Europe have it."""
    places = [place for place, character in enumerate(text) if character > "\x7f"]
    return sum(_fits(text, place) for place in places) / max(1, len(places))


def _fits(text: str, place: int) -> bool:
    character = text[place]
    before = text[place - 1 : place] if place else ""
    after = text[place + 1 : place + 2]
    if character in _SIGNS:
        between = _is_letter(before) and (_is_letter(after) or character in _OPENERS)
        return character in _INSIDE or not between
    if character.lower() not in _LETTERS or (before.islower() and character.isupper()):
        return False
    near = [neighbour for neighbour in (before, after) if _is_letter(neighbour)]
    return any(map(str.isascii, near)) if near else character.lower() in _ALONE


def _is_letter(character: str) -> bool:
    return character.isalpha()
