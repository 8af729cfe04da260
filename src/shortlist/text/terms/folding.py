"""Words without accents."""

from __future__ import annotations

import re
import unicodedata

_MARKS = re.compile(r"(?<![\u0438\u0418])[\u0300-\u036f]|[\u0591-\u05bd\u05bf\u05c1\u05c2\u0640\u064b-\u0652\u0670]")
"""Accents, the points of Hebrew and the vowel marks of Arabic. The mark of the Cyrillic short i stays: it is a letter.
In other scripts marks are vowels, so they stay, too."""

_LETTERS = str.maketrans(
    {
        "\u00df": "ss",
        "\u00e6": "ae",
        "\u0153": "oe",
        "\u00f8": "o",
        "\u0111": "d",
        "\u00f0": "d",
        "\u00fe": "th",
        "\u0142": "l",
        "\u0131": "i",
    }
)


def folded(word: str) -> str:
    """Return a word in lower case without accents, such as "zurich" for "z\u00fcrich"."""
    if word.isascii():
        return word
    bare = _MARKS.sub("", unicodedata.normalize("NFD", word))
    return unicodedata.normalize("NFC", bare).translate(_LETTERS)
