"""A run of characters without white space to the words in it, and to the other forms that must find these words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache
from typing import NamedTuple

from shortlist.text.terms.parts import LONGEST, by_script, parts_of


class Role(Enum):
    """What a form is. Words count in the length of a passage, other forms do not."""

    WORD = "word"
    """A word as it is written, or two neighbours in a script without spaces."""
    CLITIC = "clitic"
    """A short piece beside an apostrophe, such as the "t" of "don't": a stop word in every language."""
    WHOLE = "whole"
    """Another way to write words next to each other, such as "px500" for "PX-500"."""
    PART = "part"
    """A part of a word, such as "user" of "getUserById"."""
    CHARACTER = "character"
    """A character of a longer run in a script without spaces. Only passages have this form."""


class Form(NamedTuple):
    """A form with its role, and its weight in a query. `text` keeps its capitals.

    The whole of n words weighs 1/n, and the parts of a word weigh 1 together. So a word that has other forms does not
    outweigh the other words of a query.
    """

    text: str
    role: Role
    weight: float = 1.0


HYPHENS = "\\-\u2010\u2011"
_APOSTROPHE = re.compile("['\u2019]")
_CLITICS = frozenset(("ll", "re", "ve", "qu"))
_LINK = re.compile(rf"[{HYPHENS}.&]|_{{1,2}}")
_HEX = re.compile(r"0x([0-9a-f]{2,})(?![^\W_])", re.IGNORECASE)
_GROUPED = re.compile(
    r"[0-9]{1,3}(?:(?:,[0-9]{2,3})*,[0-9]{3}|(?:['\u2019][0-9]{3})+|(?:_[0-9]{3})+)(?![,'\u2019_]?[0-9])"
)
"""A number with separators of thousands, also the Indian ones."""
_DOTTED_GROUPS = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+")
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)+)([^\W\d_]{2,})")
_NUMBER_AT_END = re.compile(r"(?:\A|[^\w.,'\u2019_-])([0-9]+(?:[.,'\u2019_][0-9]+)*)\Z")
_UNIT = re.compile(r"[^\W\d_]{1,3}(?![^\W_])")
_SLASHED = re.compile(r"(?<![\w/])[^\W_]{1,3}(?:/[^\W_]{1,3})+(?![\w/])")
_SIGNS = re.compile(r"(\+\+|#)([0-9]{0,2})(?![\w+#])")
_STRAY_POINT = re.compile(r"(?<![\w.)\]])\.\Z")
_LONGEST_SHARP = 3
_LONGEST_PIECE = 2
AMOUNT_WEIGHT = 1 / 2
"""The weight of a number and its unit as one word."""
_SHORTEST_DIGITS = 5
"""Shorter hyphenated digits, such as "10-20", are usually a range."""


def forms_of(chunk: str) -> Iterator[Form]:
    """Yield the forms of a run of characters without white space. `chunk` is in the form of `normal.normalised`."""
    place = 0
    pattern = _compound()
    while match := pattern.search(chunk, place):
        start = match.start()
        number = _HEX.match(chunk, start) or _GROUPED.match(chunk, start)
        if number is None:
            place = match.end()
            yield from _compound_forms(match[0])
            yield from _signed_forms(chunk, match)
        else:
            place = number.end()
            yield from _number_forms(chunk, number)
    if "/" in chunk:
        for match in _SLASHED.finditer(chunk):
            words = match[0].split("/")
            yield from _wholes(match[0], words, joined=all(map(str.isalpha, words)))


def unit_at(chunk: str) -> str:
    """Return the short word at the start of a chunk, such as "GB" or "km", or "" if there is none."""
    match = _UNIT.match(chunk)
    return match[0] if match else ""


def number_at_end(chunk: str) -> str:
    """Return the number at the end of a chunk, without separators of thousands, or "" if there is none."""
    match = _NUMBER_AT_END.search(chunk) if chunk[-1].isdigit() else None
    if match is None:
        return ""
    return re.sub(r"[^0-9]", "", match[1]) if _GROUPED.fullmatch(match[1]) else match[1]


@cache
def _compound() -> re.Pattern[str]:
    """The pattern of words with one hyphen, point, ampersand, apostrophe or underscore between each two.

    A word has letters and digits, and the marks that combine with them.
    """
    marks = (chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc", "Me"))
    word = rf"[^\W_](?:[^\W_]|[{re.escape(''.join(marks))}])*"
    return re.compile(rf"{word}(?:(?:{_LINK.pattern}|{_APOSTROPHE.pattern}){word})*")


def _number_forms(chunk: str, number: re.Match[str]) -> Iterator[Form]:
    digits = re.sub(r"[^\w]|_", "", number[0])
    yield Form(digits, Role.WORD)
    if number.re is _HEX:
        yield Form(number[1], Role.WHOLE)
    elif unit := unit_at(chunk[number.end() :]):
        yield Form(digits + unit, Role.WHOLE, AMOUNT_WEIGHT)


def _compound_forms(compound: str) -> Iterator[Form]:
    pieces = _APOSTROPHE.split(compound)
    for piece in pieces:
        if len(pieces) > 1 and (len(piece) == 1 or piece.lower() in _CLITICS):
            yield Form(piece, Role.CLITIC)
        else:
            yield from _linked_forms(piece)
    if len(pieces) > 1 and len(pieces[0]) == 1 and pieces[1][0].isupper():  # O'Brien
        yield Form(pieces[0] + _LINK.split(pieces[1])[0], Role.WHOLE)


def _linked_forms(text: str) -> Iterator[Form]:
    words, links = _LINK.split(text), _LINK.findall(text)
    dotted = set(links) == {"."}
    if dotted and all(len(word) == 1 and word.isalpha() for word in words):  # U.S.A.
        yield Form("".join(words), Role.WORD)
        return
    for word in words:
        yield from _word_forms(word)
    if not links or len(text) > LONGEST:
        return
    yield from _joined(words, links)
    if "&" in links or "." in links:
        yield from _wholes(text, words, joined=dotted and _is_name(words))
    if dotted:
        yield from _dotted_forms(text, words)


def _is_name(words: Sequence[str]) -> bool:
    """Return whether words with points between them are a name such as "Node.js", and neither "Ph.D." nor a number."""
    return all(word[0].isalpha() for word in words) and any(len(word) > _LONGEST_PIECE for word in words)


def _wholes(text: str, words: Sequence[str], *, joined: bool) -> Iterator[Form]:
    """Yield words as they are linked and, if `joined`, without links: "nodejs". Both together weigh as one form."""
    texts = [text, "".join(words)] if joined else [text]
    yield from (Form(whole, Role.WHOLE, 1 / (len(words) * len(texts))) for whole in texts)


def _word_forms(word: str) -> Iterator[Form]:
    for piece, in_bigrams in by_script(word):
        if not in_bigrams:
            yield Form(piece, Role.WORD)
            parts = parts_of(piece)
            yield from (Form(part, Role.PART, 1 / len(parts)) for part in parts)
        elif len(piece) == 1:
            yield Form(piece, Role.WORD)
        else:
            yield from (Form(piece[place : place + 2], Role.WORD) for place in range(len(piece) - 1))
            yield from (Form(character, Role.CHARACTER) for character in piece if character.isalnum())


def _joined(words: Sequence[str], links: Sequence[str]) -> Iterator[Form]:
    """Yield each run of words with hyphens or underscores between them as one word."""
    run = [words[0]]
    for word, link in zip([*words[1:], ""], [*links, "."], strict=True):
        if link not in (".", "&"):
            run.append(word)
            continue
        joined = "".join(run)
        if len(run) > 1 and (not joined.isdigit() or len(joined) >= _SHORTEST_DIGITS):
            yield Form(joined, Role.WHOLE, 1 / len(run))
        run = [word]


def _dotted_forms(text: str, words: Sequence[str]) -> Iterator[Form]:
    if _DOTTED_GROUPS.fullmatch(text):  # 1.250.000
        yield Form("".join(words), Role.WHOLE, 1 / len(words))
    elif amount := _AMOUNT.fullmatch(text):  # 2.5GB
        yield from (Form(part, Role.PART, AMOUNT_WEIGHT) for part in amount.groups())
    elif all(word.isalpha() and len(word) <= _LONGEST_PIECE for word in words):  # Ph.D.
        yield Form("".join(words), Role.WHOLE, 1 / len(words))


def _signed_forms(chunk: str, match: re.Match[str]) -> Iterator[Form]:
    """Yield names with a sign before or after them: .NET, C++ and C#."""
    words = _LINK.split(match[0])
    if match.start() and words[0][0].isalpha() and _STRAY_POINT.search(chunk[: match.start()]):
        yield Form(f".{words[0]}", Role.WHOLE)
    sign = _SIGNS.match(chunk, match.end())
    if sign and (sign[1] == "++" or len(words[-1]) <= _LONGEST_SHARP):
        yield Form(words[-1] + sign[1], Role.WHOLE)
        if sign[2]:
            yield Form(words[-1] + sign[0], Role.WHOLE)
