"""Picks the stretch of a passage to show for a query."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shortlist.text.scripts import SCRIPTS_WITHOUT_SPACES

_WORD = re.compile(rf"[{SCRIPTS_WITHOUT_SPACES}]|[^\W{SCRIPTS_WITHOUT_SPACES}]+")

_ALONE = re.compile(rf"[{SCRIPTS_WITHOUT_SPACES}]|\d+")


def snippet(text: str, query: str, width: int = 160) -> str:
    """The stretch of `text` that shares most with the query: one line of at most `width` characters.

    Longer words weigh more, so that "the" and "of" do not decide. "..." stands where text was cut off.
    Nothing shared gives the start of the text.
    """
    flat = " ".join(text.split())
    if len(flat) <= width:
        return flat
    inner = max(width - 6, 1)
    wanted = set(_WORD.findall(query.casefold()))
    found = [(m.start(), m.end(), m[0].casefold()) for m in _WORD.finditer(flat) if m[0].casefold() in wanted]
    start, end = _best_stretch(found, inner)
    slack = max(inner - (end - start), 0)
    left = min(max(start - slack // 2, 0), max(len(flat) - inner, 0))
    right = min(left + inner, len(flat))
    if left > 0 and flat[left - 1] != " ":
        space = flat.find(" ", left, start + 1)
        left = space + 1 if space >= 0 else left
    if right < len(flat) and flat[right] != " ":
        space = flat.rfind(" ", max(end, left), right)
        right = space if space > left else right
    return ("..." if left > 0 else "") + flat[left:right].strip() + ("..." if right < len(flat) else "")


def query_words(text: str, query: str) -> list[tuple[int, int]]:
    """Return start and end of each word of `text` that the query has too, in order, for marking.

    Words of one or two letters are left out, unless the script has no spaces.
    """
    words = {word for word in _WORD.findall(query.casefold()) if len(word) > 2 or _ALONE.fullmatch(word)}
    return [match.span() for match in _WORD.finditer(text) if match[0].casefold() in words]


def _best_stretch(found: Sequence[tuple[int, int, str]], width: int) -> tuple[int, int]:
    """Start and end of the first window of at most `width` with the heaviest distinct words; (0, 0) for none."""
    best, best_weight, first = (0, 0), 0, 0
    for last, (_, end, _) in enumerate(found):
        while end - found[first][0] > width and first < last:
            first += 1
        weight = sum(min(len(word), 8) for word in {word for _, _, word in found[first : last + 1]})
        if weight > best_weight:
            best, best_weight = (found[first][0], end), weight
    return best
