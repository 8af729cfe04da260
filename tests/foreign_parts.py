"""Stores and retrievers without an index: attributes that tests name as `foreign_parts:NAME`, and a kind of store."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from types import ModuleType

import numpy as np

from fake_store import FakeBackend
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import ShortlistError, StoreRefused, StoreUnreachable
from shortlist.stores.kinds import KINDS, Kind
from shortlist.types import Hit, Passage, RerankerInfo
from word_queries import WORDS, PointwiseWords

TEXTS = {
    word: f"{word} is a word of the spoken language" + " and more" * (place % 3) for place, word in enumerate(WORDS)
}
PASSAGES = [
    Passage(word, text, f"doc-{word}", metadata={"half": "first" if place < 15 else "second"})
    for place, (word, text) in enumerate(TEXTS.items())
]
ENCODER = "hashed-32"
STORE = "fake:words@somewhere"
SECRET = "fake:words@http://me:secret@127.0.0.1:1/base?key=hidden"
RELEASE = threading.Event()
"""Ends the calls of `blocked`."""


def rows(query, k):
    """Every passage, those that share a word with the query first."""
    words = set(query.split())
    scored = [(key, text, float(len(words & set(text.split())))) for key, text in TEXTS.items()]
    return sorted(scored, key=lambda row: -row[2])[:k]


def filtering(query, k, where=None):
    """As `rows`, with a filter on the field "half"."""
    wanted = (where or {}).get("half", ["first", "second"])
    halves = {passage.id: passage.metadata["half"] for passage in PASSAGES}
    return [row for row in rows(query, 30) if halves[row[0]] in wanted][:k]


def with_years(query, k, where):
    """One passage for each value of the filter, whose text is the field, the value and its type."""
    lists = {key: value if isinstance(value, list) else [value] for key, value in (where or {"none": []}).items()}
    texts = [f"{key} {value!r} {type(value).__name__}" for key, values in lists.items() for value in values]
    return [(str(place), text) for place, text in enumerate(texts)]


def nothing(query, k):
    """A function without a return statement."""


class NoList:
    """A retriever that returns None."""

    def retrieve(self, query, k, where=None):
        return None


def failing(query, k):
    raise ConnectionError("no route to the service")


def blocked(query, k):
    RELEASE.wait(60)
    return rows(query, k)


class Listing:
    """A retriever that can list its passages. `asked` holds each k."""

    def __init__(self):
        self.asked = []

    def retrieve(self, query, k, where=None):
        self.asked.append(k)
        return [Hit.of(*row) for row in rows(query, k)]

    def passages(self):
        return iter(PASSAGES)

    def __len__(self):
        return len(PASSAGES)


class Twice(Listing):
    """A retriever that lists every passage twice."""

    def passages(self):
        return iter([*PASSAGES, *PASSAGES])


class WithSignals:
    """A retriever whose hits have the signal "dense" of an unknown model."""

    def retrieve(self, query, k, where=None):
        return [Hit.of(key, text, score, signals={"dense": score}) for key, text, score in rows(query, k)]


class Logits(PointwiseWords):
    """A reranker whose scores are logits."""

    info = RerankerInfo("logits", unit="logit")


class Exhausted(PointwiseWords):
    """A reranker that scores two queries."""

    def score(self, query, texts):
        if len(self.calls) == 2:
            raise ShortlistError("no more scores")
        return super().score(query, texts)


class WordStore(FakeBackend):
    """The thirty words with the vectors of `ENCODER`. `failure` is raised by every query."""

    def __init__(self, name=STORE, *, lists=True, exact=True, failure=None, passages=PASSAGES, filters=True):
        encoder = HashedEncoder(32)
        super().__init__(passages, encoder.encode_passages([passage.content for passage in passages]))
        self.facts = replace(self.facts, name=name, exact=exact, filters=filters)
        self.lists, self.failure = lists, failure
        self.asked = []

    def nearest(self, vector, k, where):
        self.asked.append(k)
        if self.failure is not None:
            raise self.failure
        return super().nearest(np.asarray(vector), k, where)

    def rows(self):
        return super().rows() if self.lists else None


UNREACHABLE = StoreUnreachable("fake:words does not answer: start it")
REFUSED = StoreRefused("fake:words refused the key: set FAKE_KEY")


def install(monkeypatch, **options):
    """Make `fake` a kind of store. Return the list of the backends that are opened."""
    opened = []

    def open_backend(address, given, client):
        backend = WordStore(address.name, **options)
        backend.given = given
        opened.append(backend)
        return backend

    module = ModuleType("shortlist.stores.fake")
    module.open_backend = open_backend
    monkeypatch.setitem(sys.modules, "shortlist.stores.fake", module)
    monkeypatch.setitem(KINDS, "fake", Kind("fake", "fake:words@somewhere"))
    return opened
