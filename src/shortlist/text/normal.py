"""The form of a text that BM25, the models and filters read. The stored text stays the author's."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e0fff]"
)
"""Characters without a width of their own: soft hyphens, zero-width spaces and joiners, marks of direction, variation
selectors, tags and fillers."""

_GROUPED = re.compile("(?<=[0-9])[\u00a0\u2007\u2009\u202f](?=[0-9]{3}(?![0-9]))")
"""A narrow or unbreakable space between the digits of a number, such as 1 250 000."""

_RAISED = re.compile("(?<=[0-9])(?=[\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u207a\u207b])")
"""The place before an exponent. NFKC alone makes 106 of 10 to the power of 6."""

_GLUED = re.compile("(?<=[0-9])(?=[\u00bc-\u00be\u2150-\u215e])|(?<=\u2116)(?=[0-9])")
"""The place before a fraction or after a number sign. NFKC alone makes 101/2 of ten and a half."""

_LETTERED = re.compile("[\u2120\u2122]")
"""Service mark and trade mark. NFKC alone makes the name and the letters TM one word."""


_ACUTE = re.compile("[\u00b4\u1ffd]")
"""An accent that is used as an apostrophe. NFKC alone makes a space of it."""


def normalised(text: str) -> str:
    """Return the text in the form NFKC, without characters that nobody sees. Equal texts in two forms become equal.

    Ligatures, full-width letters and accents that are characters of their own get their plain form. Soft hyphens,
    zero-width characters and marks of direction are removed. An exponent, a fraction and a trade mark do not change the
    number or word before them: ten to the power of six becomes "10^6". The function is idempotent. See Unicode Standard
    Annex 15.
    """
    if text.isascii():
        return text
    text = _INVISIBLE.sub("", text)
    if unicodedata.is_normalized("NFKC", text):
        return text
    text = _LETTERED.sub("", _GROUPED.sub("", text))
    text = _GLUED.sub(" ", _RAISED.sub("^", _ACUTE.sub("'", text)))
    return unicodedata.normalize("NFKC", text)
