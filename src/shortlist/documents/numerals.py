"""The numbers of list items as office files and pages show them: "3", "b", "iv"."""

from __future__ import annotations

_MOST_LETTERS = 20
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"))
_ROMAN_DIGITS = (*_ROMAN, (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_LARGEST_ROMAN = 3999


def numeral(count: int, form: str) -> str:
    """Return a number in a form of Word: "lowerLetter", "upperRoman", "decimalZero", "ordinal" or another.

    A number that a form does not have, and a number in an unknown form, has decimal digits. Letters repeat after "z":
    27 is "aa", and 28 is "bb".
    """
    if form in ("lowerLetter", "upperLetter") and 0 < count <= 26 * _MOST_LETTERS:
        letters = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        return letters.upper() if form == "upperLetter" else letters
    if form in ("lowerRoman", "upperRoman") and 0 < count <= _LARGEST_ROMAN:
        return _roman(count).upper() if form == "upperRoman" else _roman(count)
    if form == "decimalZero":
        return f"{count:02d}"
    if form == "ordinal":
        tens = 10 < count % 100 < 14
        return f"{count}{'th' if tens else {1: 'st', 2: 'nd', 3: 'rd'}.get(count % 10, 'th')}"
    return str(count)


def _roman(count: int) -> str:
    letters = ""
    for worth, letter in _ROMAN_DIGITS:
        letters += letter * (count // worth)
        count %= worth
    return letters
