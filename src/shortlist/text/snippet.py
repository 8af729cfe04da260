"""The part of a passage to show for a query, and the words of the query in it."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from shortlist.text.plain import plain
from shortlist.text.scripts import SCRIPTS_WITHOUT_SPACES

_WORD = re.compile(rf"[{SCRIPTS_WITHOUT_SPACES}]|[^\W{SCRIPTS_WITHOUT_SPACES}]+")
_LONGEST_WEIGHT = 8
_FUNCTION_WORDS = frozenset(
    """
    a about an and are as at be but by can do does for from had has have how i if in into is it its me my no not of on
    or our so than that the their them then there these they this to was we were what when where which who why will with
    you your
    """.split()  # noqa: SIM905
)


def snippet(text: str, query: str, length: int = 160, *, markdown: bool = True) -> str:
    """Return the part of a passage that has most words of the query: one line of at most `length` characters.

    Markdown marks are left out, unless `markdown` is False: see `plain`. Longer words weigh more, so that "the" and
    "of" do not decide. "..." marks the ends that were cut. A passage without a word of the query gives its start.
    """
    flat = (" ".join(plain(text).split()) if markdown else "") or " ".join(text.split())
    if len(flat) <= length:
        return flat
    inner = max(length - 6, 1)
    words = _words(query)
    matches = [(m.start(), m.end(), _stem(m[0])) for m in _WORD.finditer(flat) if _stem(m[0]) in words]
    start, end = _best_part(matches, inner)
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


def marked(snippet: str, query: str) -> list[tuple[str, bool]]:
    """Return the snippet in pieces, each with True if it is a word of the query. The pieces joined are the snippet.

    Words match in any case, and in the singular or plural. English function words such as "the" are not marked, unless
    the query has no other words. An empty snippet gives no pieces.
    """
    words = _words(query)
    pieces: list[tuple[str, bool]] = []
    last = 0
    for match in _WORD.finditer(snippet):
        if _stem(match[0]) in words:
            if match.start() > last:
                pieces.append((snippet[last : match.start()], False))
            pieces.append((match[0], True))
            last = match.end()
    if last < len(snippet):
        pieces.append((snippet[last:], False))
    return pieces


def _words(query: str) -> Set[str]:
    """Return the words to look for: without function words, if the query has others."""
    words = _WORD.findall(query.casefold())
    return {_stem(word) for word in words if word not in _FUNCTION_WORDS} or {_stem(word) for word in words}


def _stem(word: str) -> str:
    """Return the word in lower case, without the "s" of a plural."""
    folded = word.casefold()
    return folded[:-1] if len(folded) > 3 and folded.endswith("s") and not folded.endswith("ss") else folded


def _best_part(matches: Sequence[tuple[int, int, str]], width: int) -> tuple[int, int]:
    """Return start and end of the first part of at most `width` with the heaviest distinct words; (0, 0) if none."""
    best, best_weight, first = (0, 0), 0, 0
    for last, (_, end, _) in enumerate(matches):
        while end - matches[first][0] > width and first < last:
            first += 1
        weight = sum(min(len(word), _LONGEST_WEIGHT) for word in {word for _, _, word in matches[first : last + 1]})
        if weight > best_weight:
            best, best_weight = (matches[first][0], end), weight
    return best
