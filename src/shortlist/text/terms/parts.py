"""The parts of a word such as getUserById, HTTPServer or 500ms."""

from __future__ import annotations

import re

from shortlist.text.scripts import BIGRAM_SCRIPTS

LONGEST = 64
"""Characters. Longer words, such as encoded files, are not taken apart."""

_ORDINAL = re.compile(r"[0-9]+(?:st|nd|rd|th)", re.IGNORECASE)
_SIZE = re.compile(r"([a-z]{1,2}[0-9]{1,3})x([0-9]{1,4})", re.IGNORECASE)
"""A size with a length, such as M8x40: its parts are "M8", and the length if it has three digits."""
_SCRIPTS = re.compile(rf"([{BIGRAM_SCRIPTS}]+)|[^{BIGRAM_SCRIPTS}]+")
_SHORTEST_NUMBER = 3


def parts_of(word: str) -> list[str]:
    """Return the parts of a word of letters and digits: at capitals inside it, and between letters and digits.

    A word without parts gives an empty list. Parts of one letter are left out, because they say little, and so are
    short numbers next to them: "iPhone" has the part "Phone", and "p53" has none. Plurals of abbreviations and ordinal
    numbers have no parts.
    """
    if len(word) > LONGEST or (word.islower() and word.isalpha()) or word.isdigit() or _ORDINAL.fullmatch(word):
        return []
    if word[-1] == "s" and len(word) > 2 and word[:-1].isupper() and word.isalpha():
        return []
    if size := _SIZE.fullmatch(word):
        return [part for part in size.groups() if not part.isdigit() or len(part) >= _SHORTEST_NUMBER]
    pieces = _pieces(word)
    if len(pieces) == 1:
        return []
    has_letter = any(len(piece) == 1 and not piece.isdigit() for piece in pieces)
    return [
        piece
        for piece in pieces
        if (len(piece) >= _SHORTEST_NUMBER or not has_letter if piece.isdigit() else len(piece) > 1)
    ]


def _pieces(word: str) -> list[str]:
    kinds = ["digit" if letter.isdigit() else "upper" if letter.isupper() else "lower" for letter in word]
    starts = [0]
    for place in range(1, len(word)):
        before, kind = kinds[place - 1], kinds[place]
        after = kinds[place + 1] if place + 1 < len(word) else ""
        if (
            (before == "digit") != (kind == "digit")
            or (before == "lower" and kind == "upper")
            or (before == kind == "upper" and after == "lower")
        ):
            starts.append(place)
    return [word[start:end] for start, end in zip(starts, [*starts[1:], len(word)], strict=True)]


def by_script(word: str) -> list[tuple[str, bool]]:
    """Return the word in pieces, each with True if it is in a script without spaces between words."""
    if word.isascii():
        return [(word, False)]
    return [(match[0], match[1] is not None) for match in _SCRIPTS.finditer(word)]
