"""Contrast cards from licensed passages: one passage, one word turned round, a query for each version.

The frames in `data/` are few and ours; this makes many, from the passages of the training sources, by a word list
of our own: a sentence that holds a word of one side gets a word of the other side, and each query is a shortened
form of its own version's sentence, with another word of the same side where there is one.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Each line: words of one side | words of the other. The first of a side stands in for any of them in a passage.
OPPOSITES = """often, frequently, commonly, regularly | rarely, seldom, hardly ever, infrequently
usually, generally, typically, mostly | rarely, hardly ever, seldom
always, at all times, without exception | never, at no time
can, may, is able to | cannot, can not, is unable to
is, really is | is not, isn't, is no longer
are, really are | are not, aren't, are no longer
was, really was | was not, wasn't, was never
were, really were | were not, weren't, were never
has, does have | has no, lacks, does not have
will, is going to | will not, won't, is not going to
should, ought to, needs to | should not, must not, ought not to
did, really did | did not, didn't, never did
does, does indeed | does not, doesn't
do, do indeed | do not, don't
with, including, having | without, lacking, excluding
increases, raises, grows | decreases, lowers, shrinks
increase, growth, rise | decrease, decline, drop
increased, raised, grew, rose | decreased, lowered, shrank, fell
higher, greater, larger | lower, smaller, lesser
more, a larger amount of | less, fewer, a smaller amount of
high, elevated, large | low, reduced, small
before, prior to, earlier than | after, following, later than
first, earliest, initial | last, final, latest
above, over, more than | below, under, less than
minimum, at least, smallest | maximum, at most, largest
includes, contains, comes with | excludes, leaves out, comes without
allows, permits, enables | forbids, prevents, prohibits
allowed, permitted | forbidden, prohibited, not allowed
required, mandatory, needed, necessary | optional, not required, not needed, unnecessary
requires, needs, depends on | does not require, needs no, works without
possible, feasible | impossible, not possible, infeasible
enabled, turned on, switched on, active | disabled, turned off, switched off, inactive
safe, harmless | unsafe, dangerous, harmful, not safe
effective, successful, works | ineffective, unsuccessful, does not work
significant, considerable, notable | insignificant, negligible, not significant
positive, favourable | negative, unfavourable
accepted, approved | rejected, refused, turned down
accept, approve | reject, refuse, turn down
early, soon | late, delayed
left | right
northern, north | southern, south
eastern, east | western, west
common, frequent, widespread | rare, uncommon, unusual
likely, probable | unlikely, improbable, not likely
known, familiar | unknown, unfamiliar, not known
legal, lawful | illegal, unlawful, against the law
won, was victorious | lost, was defeated
start, begin, beginning | end, finish, stop
started, began | ended, finished, stopped
open, accessible | closed, shut, not open
public | private
same, identical | different, not the same
internal, inside | external, outside
short, brief | long, lengthy
many, numerous, a lot of | few, hardly any
good, beneficial | bad, poor, harmful
hot, warm | cold, cool
fast, quick, rapid | slow, sluggish
easy, simple | difficult, hard, not easy
cheap, inexpensive | expensive, costly
old, ancient | new, recent, modern
supports, works with | does not support, lacks support for
included, part of it | excluded, left out, not included
available, on offer | unavailable, not available
successful | unsuccessful, failed
complete, full | incomplete, partial
visible | invisible, hidden
automatic, automatically | manual, manually, by hand
free, at no cost | paid, for a fee
agree, agreed | disagree, disagreed
add, insert | remove, delete
adds, inserts | removes, deletes
show, display | hide, conceal
create, make | delete, destroy
large, big | small, little
improve, improves, better | worsen, worsens, worse
dead, died | alive, survived
male, men | female, women
both, each of the two | neither, none of the two
everyone, everybody | no one, nobody
someone, somebody | no one, nobody
something, anything | nothing
all, every | no, none of the"""

CUE = re.compile(r"\b(not|no|never|without|cannot|nor|neither|n't|rarely|seldom|hardly|less|fewer)\b")
STOP = frozenset(
    re.split(r"\s+", "a an the of to in on at by for from and or as it its this that these those be been being")
)
ASKED = ("who", "what", "which one", "which of them", "what kind", "which")
LONGEST = 75  # words of a card's passage
QUESTIONS = ("is it true that {}?", "{}?", "which one says that {}", "where does it say {}", "why {}", "when {}")


def sides() -> list[tuple[list[str], list[str]]]:
    """The word list as pairs of sides."""
    pairs = [line.split("|") for line in OPPOSITES.splitlines()]
    return [([w.strip() for w in left.split(",")], [w.strip() for w in right.split(",")]) for left, right in pairs]


class Flipper:
    """Turns passages into cards, with the draws of one random generator."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.forms: dict[str, list[tuple[list[str], list[str]]]] = {}
        for left, right in sides():
            for own, other in ((left, right), (right, left)):
                for word in own:
                    self.forms.setdefault(word, []).append((own, other))
        words = sorted(self.forms, key=len, reverse=True)
        self.found = re.compile(r"\b(" + "|".join(re.escape(word) for word in words) + r")\b")
        self.used: dict[str, int] = {}

    def card(self, passage: str) -> dict[str, Any] | None:
        """One card, or None when no sentence has a word of the list or a number."""
        sentences = [part for part in re.split(r"(?<=[.!?;])\s+", passage.strip()) if part]
        places = [
            (row, hit)
            for row, sentence in enumerate(sentences)
            if len(" ".join(sentences[: row + 1]).split()) <= LONGEST
            if 5 <= len(sentence.split()) <= 40
            for hit in [*self.found.finditer(sentence), *re.finditer(r"(?<![\w.,-])\d{1,4}(?![\w,%]|\.\d)", sentence)]
        ]
        if not places:
            return None
        row, hit = min(places, key=lambda place: self.used.get(_kind(place[1][0]), 0) + 3 * self.rng.random())
        word = hit[0]
        self.used[_kind(word)] = self.used.get(_kind(word), 0) + 1
        if word.isdigit():
            own, other = [word], [self._number(word)]
        else:
            own, other = self.rng.choice(self.forms[word])
        sentence, replacement = sentences[row], self.rng.choice(other)
        turned = sentence[: hit.start()] + replacement + sentence[hit.end() :]
        around = self._around(sentences, row)
        at = next(i for i, one in enumerate(around) if one is sentence)
        a = " ".join(around)
        b = " ".join([*around[:at], turned, *around[at + 1 :]])
        if len(a.split()) > LONGEST or a == b:
            return None
        style = self.rng.random()
        query_a = self._query(sentence, hit.start(), hit.end(), own, style)
        query_b = self._query(sentence, hit.start(), hit.end(), other, style)
        return (
            None
            if query_a == query_b or len(query_a.split()) < 4
            else {"a": a, "b": b, "query_a": query_a, "query_b": query_b}
        )

    def _around(self, sentences: list[str], row: int) -> list[str]:
        """Half of the time up to two sentences on either side, else as much of the passage as fits."""
        if self.rng.random() < 0.5:
            return sentences[max(0, row - self.rng.randrange(3)) : row + 1 + self.rng.randrange(3)]
        end, words = row + 1, len(" ".join(sentences[: row + 1]).split())
        while end < len(sentences) and words + len(sentences[end].split()) <= LONGEST:
            words += len(sentences[end].split())
            end += 1
        return sentences[:end]

    def _number(self, word: str) -> str:
        value = int(word)
        return str(max(0, value + self.rng.choice((-1, 1)) * self.rng.choice((1, 2, 3, 5, max(1, value // 3)))) or 7)

    def _query(self, sentence: str, start: int, end: int, side: list[str], style: float) -> str:
        """The clause around the word, shortened the same way for both sides (the draw depends on `style` alone)."""
        rng = random.Random(style)
        before = re.split(r"[,;:()]\s*", sentence[:start])[-1].split()[-rng.randrange(3, 9) :]
        after = re.split(r"[,;:()]\s*", sentence[end:])[0].rstrip(".!?; ").split()[: rng.randrange(3, 9)]
        drop = rng.choice((0.0, 0.0, 0.15, 0.3))
        bare = rng.random() < 0.4

        def kept(words: list[str]) -> list[str]:
            return [w for w in words if CUE.search(w) or not ((bare and w.lower() in STOP) or rng.random() < drop)]

        if not side[0].isdigit() and len(after) > 2 and rng.random() < 0.4:  # asks for what stands before the word
            return f"{rng.choice(ASKED)} {self.rng.choice(side)} {' '.join(kept(after))}?"
        words = [*kept(before), self.rng.choice(side), *kept(after)]
        made = " ".join(words)
        return rng.choice(QUESTIONS).format(made) if rng.random() < 0.35 else made


def _kind(word: str) -> str:
    """What the draws are kept even over: numbers by their last digit."""
    return "#" + word[-1] if word.isdigit() else word


def flips(passages: Iterable[str], limit: int, seed: int) -> list[dict[str, Any]]:
    """Return at most `limit` cards of the passages, in an order fixed by the seed."""
    rng = random.Random(f"{seed}-flips")
    flipper = Flipper(rng)
    texts = sorted({text.replace("\n", " ") for text in passages})
    cards = (flipper.card(text) for text in rng.sample(texts, len(texts)))
    return [{"kind": "flip", **card} for card in itertools.islice(filter(None, cards), limit)]


SHAPES = (
    ("{q}, but not {x}", "{q}, in particular {x}"),
    ("{q} without {x}", "{q} with {x}"),
    ("{q} excluding {x}", "{q} including {x}"),
    ("{q}. Leave out {x}.", "{q}. Say something about {x}."),
    ("{q} (not {x})", "{q} ({x})"),
    ("{q}, don't mention {x}", "{q}, mention {x}"),
    ("{q} other than {x}", "{q} such as {x}"),
    ("{q} instead of {x}", "{q} namely {x}"),
)


def exclusions(pools: Sequence[Mapping[str, Any]], limit: int, seed: int) -> list[dict[str, Any]]:
    """Return at most `limit` cards of judged queries with "but not X", against the same query with X wanted.

    X is a word of a passage with a grade of 0 or 1, and neither the query nor its best passage has it.
    """
    rng = random.Random(f"{seed}-exclusions")
    cards: list[dict[str, Any]] = []
    for pool in rng.sample(pools, len(pools)):
        number = rng.randrange(len(pool["queries"]))
        grades, query = pool["grades"][number], pool["queries"][number].rstrip("?. ")
        low = [text for text, grade in zip(pool["passages"], grades, strict=True) if grade < 2]
        if max(grades) < 2 or not low:
            continue
        own, other = pool["passages"][grades.index(max(grades))], rng.choice(low)
        if names := _names(other, f"{query} {own}".lower()):
            x, (without, wanted) = rng.choice(names), rng.choice(SHAPES)
            both = {"query_a": without.format(q=query, x=x), "query_b": wanted.format(q=query, x=x)}
            cards.append({"kind": "exclusion", "a": own, "b": other, **both})
        if len(cards) == limit:
            break
    return cards


def _names(passage: str, asked: str) -> list[str]:
    words = re.findall(r"[A-Za-z][A-Za-z-]{4,}", " ".join(passage.split()[:80]))
    return sorted(
        {word for word in words if word.lower() not in asked and (words.count(word) > 1 or word[0].isupper())}
    )
