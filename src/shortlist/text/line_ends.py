"""Words that are broken at the ends of lines, as in PDF files, in one piece again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Set

BREAK = "\x02"
"""A hyphen at the end of a line, with the line end. PDFium marks it so."""

_LETTERS = r"[^\W\d_]+"
_HYPHEN = re.compile(rf"(?<=[^\W\d_])(?:{BREAK}|[-\u2010\u00ad][ \t]*\n[ \t]*)(?=({_LETTERS}))")
_WORD = re.compile(rf"{_LETTERS}(?:[-\u2010{BREAK}]{_LETTERS})*")
_BEFORE = re.compile(rf"(\S*?)({_LETTERS})\Z")
_LONGEST = 64
"""The characters before a hyphen that are read."""

_NAME = re.compile(r"[\d_/\\@]")
"""What addresses, paths and identifiers have, and words do not."""

_ENDINGS = ("s", "es", "d", "ed", "ing", "ly", "er", "ers")
_SUFFIXES = frozenset(
    "able ally ful ible ily ing ings ism ist ity less ment ments ness sion sions tion tional tions".split()  # noqa: SIM905
)
_PREFIXES = frozenset(
    """
    auto be bi co counter de dis down fore hyper in inter intra mal mega meta micro mid mini mis mono multi out over
    para poly pre pseudo re semi sub super sur trans tri ultra un under uni up
    """.split()  # noqa: SIM905 - quotes and commas would hide the words
)
"""Some of these are words, but they seldom have a hyphen after them, or before them."""


class LineEnds:
    """Joins the words that are broken at the ends of lines, over the pages of one document.

    A hyphen that belongs to a compound stays. These rules apply in their order. A soft hyphen goes. A hyphen before a
    capital stays, and so does one after a single capital: "X-ray". Of both forms, the one that is more frequent in
    the text so far decides. A word of `known` is joined. A hyphen in an address or identifier stays. Two words of
    `known` or of the text are a compound, unless one is a prefix such as "sub" or a suffix such as "ness". All other
    pieces are joined.

    Args:
        known: Words in lower case.
    """

    def __init__(self, known: Set[str]) -> None:
        self._known = known
        self._seen: Counter[str] = Counter()

    def rejoined(self, text: str) -> str:
        """Return the next text of the document with its broken words in one piece, on the line where they begin."""
        self._see(_HYPHEN.sub(BREAK, text))
        return _HYPHEN.sub(self._hyphen, text).replace(BREAK, "-")

    def _see(self, marked: str) -> None:
        """Count the words that are not broken."""
        self._seen.update(word.lower() for word in _WORD.findall(marked) if BREAK not in word)

    def _hyphen(self, match: re.Match[str]) -> str:
        """Return what takes the place of a hyphen at the end of a line."""
        if match[0][0] == "\u00ad":
            return ""
        start = match.start()
        before = _BEFORE.search(match.string[max(0, start - _LONGEST) : start])
        return "-" if before is not None and self._is_compound(before[1], before[2], match[1]) else ""

    def _is_compound(self, before: str, left: str, right: str) -> bool:
        if left.isupper() != right[0].isupper() and (len(left) == 1 or right[0].isupper()):
            return True
        first, second = left.lower(), right.lower()
        joined, hyphenated = self._seen[first + second], self._seen[f"{first}-{second}"]
        if joined != hyphenated:
            return hyphenated > joined
        if self._is_known(first + second):
            return False
        return bool(_NAME.search(before)) or (
            first not in _PREFIXES and second not in _SUFFIXES and self._is_word(first) and self._is_word(second)
        )

    def _is_word(self, word: str) -> bool:
        return word in self._seen or self._is_known(word)

    def _is_known(self, word: str) -> bool:
        """Return whether the word or its form without an ending is known."""
        if word in self._known:
            return True
        return any(word.endswith(end) and word[: -len(end)] in self._known for end in _ENDINGS)
