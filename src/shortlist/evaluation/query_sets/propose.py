"""Proposed queries for a corpus: its headings, and phrases that occur in several passages."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.statistics import SEED
from shortlist.types import PATH, Passage

LONGEST_HEADING = 12
"""The largest number of words in a heading. Longer headings are sentences, not queries."""
PHRASES = (2, 3, 4)
"""The numbers of words in a phrase."""
POOL = 5
"""To propose n queries, phrases are drawn from the `POOL` x n most frequent phrases."""
SAMPLE = 3_000
"""The largest number of passages that are searched for phrases. A larger corpus is sampled."""
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
    """Return at most `count` queries, headings and phrases in turn. The same corpus and seed give the same queries.

    A phrase has two to four words, does not begin or end with a stop word, and occurs in at least two passages. The
    order of the passages does not matter. If there is nothing to propose, the list is empty.

    Raises:
        InvalidInput: `count` is below 1.
    """
    if count < 1:
        raise InvalidInput(f"the number of queries to propose must be at least 1, not {count}")
    corpus = sorted(passages, key=lambda passage: passage.id)
    draw = random.Random(seed)
    sample = draw.sample(corpus, SAMPLE) if len(corpus) > SAMPLE else corpus
    titles, frequent = headings(corpus), phrases(sample)[: POOL * count]
    draw.shuffle(titles)
    draw.shuffle(frequent)
    proposals: dict[str, str] = {}
    for place in range(max(len(titles), len(frequent))):
        for text in [*titles[place : place + 1], *frequent[place : place + 1]]:
            proposals.setdefault(text.casefold(), text)
    return list(proposals.values())[:count]


def headings(passages: Sequence[Passage]) -> list[str]:
    """Return the nearest heading or the title of each passage, in order, without repetitions (in any case).

    A heading of more than 12 words is left out.
    """
    titles: dict[str, str] = {}
    for passage in passages:
        title = " ".join(passage.title.rpartition(PATH)[2].replace("`", "").split())
        words = _WORD.findall(title)
        if words and len(words) <= LONGEST_HEADING and max(map(len, words)) > 2:
            titles.setdefault(title.casefold(), title)
    return list(titles.values())


def phrases(passages: Sequence[Passage]) -> list[str]:
    """Return the phrases of at least two passages, in lower case, sorted by passages times words, highest first.

    A phrase inside a longer phrase of as many passages is left out.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    for passage in passages:
        counts.update({phrase for part in _BREAK.split(passage.text) for phrase in _phrases(part)})
    repeated = {phrase: number for phrase, number in counts.items() if number > 1}
    inner = {
        part
        for phrase, number in repeated.items()
        for part in (phrase[1:], phrase[:-1])
        if len(part) > 1 and repeated.get(part) == number
    }
    kept = (phrase for phrase in repeated if phrase not in inner)
    best = sorted(kept, key=lambda phrase: (-repeated[phrase] * len(phrase), phrase))
    return [" ".join(phrase) for phrase in best]


def _phrases(text: str) -> Iterable[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(text)]
    for length in PHRASES:
        for start in range(len(words) - length + 1):
            phrase = tuple(words[start : start + length])
            if all(len(word) > 2 and word not in STOP for word in (phrase[0], phrase[-1])):
                yield phrase
