"""Where sentences and clauses of a text end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_AFTER = r"""["'\u201d\u2019\u00bb)\]}*_`]*"""
"""Marks that follow the end of a sentence and belong to it."""

_END = re.compile(rf"[.!?\u2026]+{_AFTER}(?=\s)|[\u3002\uff01\uff1f]+[\u300d\u300f\uff09\u201d]*")
_CODE = re.compile(r"(?<!`)(`{1,3})(?!`)(?:(?!'').){1,200}?(?<!`)\1(?!`)", re.DOTALL)
_SPACE = re.compile(r"\s*")
_LAST_WORD = re.compile(r"[^\s(\[\"'\u201c\u2018*_]+$")
_ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof st vs cf fig figs eq eqs no nos vol pp p ch sec al approx dept est inc ltd co corp jan feb mar apr
    jun jul aug sep sept oct nov dec e.g i.e eg ie viz resp incl excl max min ca bzw usw vgl nr bspw evtl ggf z.b d.h
    u.a ex art av mme m
    """.split()  # noqa: SIM905
)
_CLAUSE = re.compile(r"(?<=[;:,)\]}\u2013\u2014\u3001\uff0c\uff1b])\s+|(?<=[\u3001\uff0c\uff1b])|[ \t]*\n\s*")
_WHITE = re.compile(r"\s+")
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")


def sentence_starts(text: str, start: int, end: int) -> Iterator[tuple[int, bool]]:
    """Yield the place of each sentence after the first one in `text[start:end]`, and whether it surely begins there.

    A sentence begins after a full stop, an exclamation mark or a question mark. The start is not sure after an
    abbreviation or an initial, and before a small letter. Nothing begins inside an inline code span.
    """
    spans = code_spans(text, start, end)
    for mark in _END.finditer(text, start, end):
        space = _SPACE.match(text, mark.end(), end)
        place = space.end() if space else mark.end()
        if place >= end or inside(spans, place):
            continue
        yield place, _sure(text, start, mark.start(), place)


def _sure(text: str, start: int, mark: int, place: int) -> bool:
    """Return whether the mark at `mark` ends a sentence, and the next one begins at `place`."""
    first = text[place]
    if first.islower() or first in ",;:)]}":
        return False
    if text[mark] != ".":
        return True
    word = _LAST_WORD.search(text, max(start, mark - 24), mark)
    if word is None:
        return True
    name = word[0].lower()
    if name in _ABBREVIATIONS or (len(name) == 1 and name.isalpha()):
        return False
    # "U.S." may end a sentence, or not.
    return not re.fullmatch(r"(?:\w\.)+\w", name)


def code_spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return where the inline code spans in `text[start:end]` are."""
    if text.find("`", start, end) < 0:
        return []
    return [match.span() for match in _CODE.finditer(text, start, end)]


def inside(spans: list[tuple[int, int]], place: int) -> bool:
    """Return whether a place is inside one of the spans."""
    return any(first < place < last for first, last in spans)


def clause_starts(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the places after commas, brackets and line ends in `text[start:end]`, outside of inline code spans."""
    spans = code_spans(text, start, end)
    for match in _CLAUSE.finditer(text, start, end):
        if start < match.end() < end and not inside(spans, match.end()):
            yield match.end()


def word_starts(text: str, start: int, end: int, in_code: bool = False) -> Iterator[int]:
    """Yield the places after white space in `text[start:end]`. Those in inline code spans only if `in_code` is set."""
    spans = [] if in_code else code_spans(text, start, end)
    for match in _WHITE.finditer(text, start, end):
        if start < match.end() < end and not inside(spans, match.end()):
            yield match.end()


def character_start(text: str, start: int, place: int) -> int:
    """Return the last place up to `place`, and after `start`, at which no character of several code points is cut."""
    for least in range(place, max(start, place - 32), -1):
        joined = text[least - 1] == "\u200d" or text[least] in _JOINERS or unicodedata.category(text[least])[0] == "M"
        if not joined:
            return least
    return place
