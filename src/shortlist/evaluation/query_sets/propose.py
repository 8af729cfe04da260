"""Queries that a corpus suggests: its headings, and phrases that come back."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.statistics import SEED
from shortlist.types import PATH, Passage

LONGEST_HEADING = 12
"""Words; longer headings are sentences, no queries."""
PHRASES = (2, 3, 4)
"""Words of a phrase."""
POOL = 5
"""Phrases are drawn from this many times as many as are wanted, the most frequent ones."""
SAMPLE = 3_000
"""Passages to look for phrases in; a larger corpus is sampled."""
STOP = frozenset(
    """
    a about after all also an and any are as at be because been but by can could did do does each for from had has have
    he her here his how if in into is it its just may more most must my no not of on one only or other our out over own
    shall she should so some such than that the their them then there these they this those through to too under up us
    use used using very was we were what when where which while who why will with would you your
    """.split()  # noqa: SIM905 - a hundred quoted words are no easier to read
)

_WORD = re.compile(r"[^\W\d_][\w'-]*")
_BREAK = re.compile(r"[^\w'\s-]+|\n+")


def propose(passages: Iterable[Passage], count: int, *, seed: int = SEED) -> list[str]:
    """At most `count` queries, headings and phrases in turns; the same corpus and seed give the same ones.

    A phrase has two to four words, none of them a stop word at its ends, and stands in at least two passages. The order
    of the passages does not matter. No passages, or nothing to propose, give an empty list.

    Raises:
        InvalidInput: `count` is below 1.
    """
    if count < 1:
        raise InvalidInput(f"at least one query has to be proposed, not {count}")
    corpus = sorted(passages, key=lambda one: one.id)
    draw = random.Random(seed)
    sample = draw.sample(corpus, SAMPLE) if len(corpus) > SAMPLE else corpus
    titles, frequent = headings(corpus), phrases(sample)[: POOL * count]
    draw.shuffle(titles)
    draw.shuffle(frequent)
    found: dict[str, str] = {}
    for place in range(max(len(titles), len(frequent))):
        for one in [*titles[place : place + 1], *frequent[place : place + 1]]:
            found.setdefault(one.casefold(), one)
    return list(found.values())[:count]


def headings(passages: Sequence[Passage]) -> list[str]:
    """The nearest headings of passages, or their titles: each once in any case, of one to twelve words, in order."""
    found: dict[str, str] = {}
    for passage in passages:
        title = " ".join(passage.title.rpartition(PATH)[2].replace("`", "").split())
        words = _WORD.findall(title)
        if words and len(words) <= LONGEST_HEADING and max(map(len, words)) > 2:
            found.setdefault(title.casefold(), title)
    return list(found.values())


def phrases(passages: Sequence[Passage]) -> list[str]:
    """Phrases of at least two passages, lower case, by passages times words, most first.

    A phrase inside a longer one that as many passages hold is left out.
    """
    counted: Counter[tuple[str, ...]] = Counter()
    for passage in passages:
        counted.update({phrase for part in _BREAK.split(passage.text) for phrase in _phrases(part)})
    held = {phrase: number for phrase, number in counted.items() if number > 1}
    inner = {
        part
        for phrase, number in held.items()
        for part in (phrase[1:], phrase[:-1])
        if len(part) > 1 and held.get(part) == number
    }
    best = sorted((one for one in held if one not in inner), key=lambda one: (-held[one] * len(one), one))
    return [" ".join(one) for one in best]


def _phrases(text: str) -> Iterable[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(text)]
    for length in PHRASES:
        for start in range(len(words) - length + 1):
            phrase = tuple(words[start : start + length])
            if all(len(word) > 2 and word not in STOP for word in (phrase[0], phrase[-1])):
                yield phrase
