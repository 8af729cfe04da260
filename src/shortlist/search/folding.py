"""Passages with the same text, or almost the same, as one hit."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from shortlist.text.normal import normalised
from shortlist.types import Hit

ALIKE = 0.9
"""The share of pairs of neighbouring words that two near-identical texts have in common (Jaccard), at least."""
FEWEST_WORDS = 8
"""Shorter texts must be equal, and have the same title."""
SHORTEST, FEWEST = 12, 3
"""Letters and digits, and words. A shorter text is a label, and folds into nothing."""
ANCHOR = 12
"""The characters of a text that follow one of the letters below. Texts are compared only if they share such pieces."""
LETTER, FREQUENT_LETTER = "v", "a"
"""Letters that are rare and frequent in languages with Latin letters. Short texts are cut at both."""
SHORT = 600
"""Characters. A shorter text has too few rare letters."""
SHARED = 0.5
"""Of the pieces of a text, the share that a near-identical one has, at least."""
PLACES = frozenset({"source", "format", "text_start", "replaced_bytes", "sheet", "slide", "url"})
"""Metadata that tell where a passage is, and not what it says."""
NEGATIONS = frozenset(
    """no not never none nor neither without cannot nicht kein keine nie niemals ohne ne pas jamais sans nunca sin
    non mai senza niet geen nooit zonder ikke aldrig uden inte utan""".split()  # noqa: SIM905 - a list of words
)
_SIGNS = ".,;:!?\"'()[]{}*_`|/\u2018\u2019\u201c\u201d\u2026"
_PUNCTUATION = str.maketrans(dict.fromkeys(_SIGNS, " "))
_GAPS = str.maketrans(dict.fromkeys(f"{_SIGNS} \t\n\r\f\v"))
_NUMBER = re.compile(r"[0-9]+(?:[.,:/][0-9]+)*")


@dataclass
class Text:
    """A text for comparisons. `key` has no spaces, punctuation or capital letters."""

    hit: Hit
    key: str = field(init=False)

    def __post_init__(self) -> None:
        self.key = normalised(self.hit.text).translate(_GAPS).casefold()

    @cached_property
    def words(self) -> list[str]:
        """The words; the characters of a text without spaces, such as Chinese."""
        words = normalised(self.hit.text).translate(_PUNCTUATION).casefold().split()
        return list(self.key) if len(words) * 30 < len(self.key) else words

    @cached_property
    def pairs(self) -> set[tuple[str, str]]:
        """The pairs of neighbouring words."""
        return set(zip(self.words, self.words[1:], strict=False))

    @cached_property
    def anchors(self) -> set[str]:
        """Pieces of the text at places that depend on the text around them alone, so a changed word moves no other."""
        pieces = self.key.split(LETTER)
        if len(self.key) < SHORT:
            pieces += self.key.split(FREQUENT_LETTER)
        return {piece[:ANCHOR] for piece in pieces if len(piece) >= ANCHOR}

    def equals(self, other: Text) -> bool:
        """Return whether both texts say the same. A short text says it about its title."""
        return (
            self.key == other.key
            and len(self.key) >= SHORTEST
            and len(self.words) >= FEWEST
            and _NUMBER.findall(self.hit.text) == _NUMBER.findall(other.hit.text)
            and (len(self.words) >= FEWEST_WORDS or normalised(self.hit.title) == normalised(other.hit.title))
        )

    def resembles(self, other: Text) -> bool:
        """Return whether both texts are near-identical, and no number, name or negation is in one of them alone."""
        if not ALIKE <= len(other.key) / max(1, len(self.key)) <= 1 / ALIKE or len(self.words) < FEWEST_WORDS:
            return False
        both = len(self.pairs & other.pairs)
        if both < ALIKE * (len(self.pairs) + len(other.pairs) - both):
            return False
        different = set(self.words) ^ set(other.words)
        return not any(text.states_one_of(different) for text in (self, other)) if different else True

    def states_one_of(self, words: set[str]) -> bool:
        """Return whether one of the words is a number, a name or a negation in this text.

        A word is a name if it has a capital letter inside a sentence.
        """
        text = normalised(self.hit.text)
        own = {word for word in text.translate(_PUNCTUATION).split() if word.casefold() in words}
        return any(
            word in NEGATIONS
            or (not word.islower() and (not word.istitle() or re.search(rf"[^.!?:\s]\s+{re.escape(word)}\b", text)))
            for word in own
        )


class Folding:
    """Folds passages into earlier ones. Add them best first.

    Two passages fold if their texts are equal or near-identical, and no metadata field that both have differs, apart
    from `PLACES`: products with one text and two prices are two hits.
    """

    def __init__(self) -> None:
        self._texts: list[Text] = []
        self._by_key: dict[str, list[int]] = {}
        self._by_anchor: dict[str, list[int]] = {}
        self._duplicates: list[list[str]] = []
        self._shortest, self._longest = sys.maxsize, 0

    def folds(self, hit: Hit, *, keep: bool) -> bool:
        """Return whether an earlier passage has the text of the hit, and count the hit there. If not, `keep` keeps it.

        The time grows with the length of the text and with the number of similar texts, and with no other text.
        """
        length = len(hit.text)
        if not keep and not self._shortest * 0.75 <= length <= self._longest * 1.34:
            return False  # no kept text is similar: spaces and punctuation change a length by less
        text = Text(hit)
        place = self._place_of(text)
        if place is not None:
            self._duplicates[place].append(hit.id)
            return True
        if keep:
            self._by_key.setdefault(text.key, []).append(len(self._texts))
            for anchor in text.anchors:
                self._by_anchor.setdefault(anchor, []).append(len(self._texts))
            self._texts.append(text)
            self._duplicates.append([])
            self._shortest, self._longest = min(self._shortest, length), max(self._longest, length)
        return False

    def hits(self) -> list[Hit]:
        """Return the kept hits with the ids of their duplicates."""
        return [
            replace(text.hit, duplicates=tuple(ids)) if ids else text.hit
            for text, ids in zip(self._texts, self._duplicates, strict=True)
        ]

    def _place_of(self, text: Text) -> int | None:
        for place in self._by_key.get(text.key, ()):
            if _same_record(self._texts[place].hit, text.hit) and self._texts[place].equals(text):
                return place
        shared: dict[int, int] = {}
        for anchor in text.anchors & self._by_anchor.keys():
            for place in self._by_anchor[anchor]:
                shared[place] = shared.get(place, 0) + 1
        fewest = SHARED * len(text.anchors)
        for place in sorted(place for place, count in shared.items() if count >= fewest):
            other = self._texts[place]
            if _same_record(other.hit, text.hit) and other.resembles(text):
                return place
        return None


def words_in(hit: Hit) -> frozenset[str]:
    """Return the words of a passage, for its similarity to other passages."""
    return frozenset(Text(hit).words)


def similarity(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the share of the words of two passages that both have (Jaccard), 0 to 1. Without words: 0."""
    return len(first & second) / len(first | second) if first and second else 0.0


def _same_record(first: Hit, second: Hit) -> bool:
    own, other = first.metadata, second.metadata
    return all(name in PLACES or name not in other or other[name] == value for name, value in own.items())


def folded_count(hits: Sequence[Hit]) -> int:
    """Return how many passages are folded into the hits."""
    return sum(len(hit.duplicates) for hit in hits)
