"""A text that is too long for the rest of a budget, cut where a sentence ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from shortlist.text.sentences import character_start, sentence_starts, word_starts

MARK = " \u2026"
"""The end of a text that was cut."""


def cut_to_fit(text: str, fits: Callable[[str], bool], *, anywhere: bool = False) -> str | None:
    """Return the longest beginning of `text` that fits, with a mark at its end, or None if no beginning fits.

    The text is cut where a sentence ends. With `anywhere`, the text is cut at the first of these places that keeps at
    least half of what fits: where a sentence ends, where a line ends, between two words, between two characters.
    """
    kinds = (_sentences, _lines, _words, _characters) if anywhere else (_sentences,)
    most = len(_longest(text, _characters, fits)) if anywhere else 0
    for places in kinds:
        beginning = _longest(text, places, fits)
        if beginning and 2 * len(beginning) >= most:
            return beginning + MARK
    return None


def _longest(text: str, places: Callable[[str], Iterable[int]], fits: Callable[[str], bool]) -> str:
    """Return the longest beginning that ends at one of the places and fits with the mark, or an empty string."""
    beginnings = [beginning for place in places(text) if (beginning := text[:place].rstrip())]
    low, high = 0, len(beginnings)
    while low < high:
        middle = (low + high) // 2
        if fits(beginnings[middle] + MARK):
            low = middle + 1
        else:
            high = middle
    return beginnings[low - 1] if low else ""


def _sentences(text: str) -> Iterator[int]:
    return (place for place, sure in sentence_starts(text, 0, len(text)) if sure)


def _lines(text: str) -> Iterator[int]:
    return (place + 1 for place, character in enumerate(text[:-1]) if character == "\n")


def _words(text: str) -> Iterator[int]:
    return word_starts(text, 0, len(text), in_code=True)


def _characters(text: str) -> Iterator[int]:
    places = [character_start(text, 0, place) for place in range(1, len(text))]
    return (second for first, second in pairwise([0, *places]) if second > first)
