"""Parts that tests name as `attribute_parts:NAME`: objects, classes and functions of a user's own module."""

from __future__ import annotations

from fakes import WordReranker
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import ModelNotFound
from shortlist.types import Hit

DOCUMENTS = {
    "a": "the red cat sleeps",
    "b": "a dog chases the red ball",
    "c": "a green submarine",
    "d": "the red house",
}
ENCODER = HashedEncoder(16)
NOT_A_PART = 7


def make_encoder():
    return HashedEncoder(16)


def make_reranker():
    return WordReranker()


class OwnReranker(WordReranker):
    name = "own"


class NeedsArguments:
    def __init__(self, url):
        self.url = url

    def score(self, query, texts):
        return [0.0] * len(texts)


class Holder:
    reranker = WordReranker()


def matches(query, k):
    """A retriever as a function: rows of (id, text, score), by shared words."""
    words = set(query.split())
    scored = [(key, text, len(words & set(text.split()))) for key, text in DOCUMENTS.items()]
    return sorted((row for row in scored if row[2]), key=lambda row: -row[2])[:k]


def repeats(query, k):
    """A retriever that returns each row twice."""
    return [row for row in matches(query, k) for _ in range(2)]


def make_matches():
    return matches


class OwnRetriever:
    def retrieve(self, query, k, where=None):
        return [Hit.of(key, text, float(score)) for key, text, score in matches(query, k)]


def broken():
    raise RuntimeError("no connection")


def missing_model():
    raise ModelNotFound("there is no such model")
