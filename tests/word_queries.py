"""Thirty words, each the query of one document, and a reranker for them."""

from __future__ import annotations

import itertools

import shortlist as sl
from fakes import WordReranker

WORDS = ["".join(letters) for letters in itertools.product("bdfgk", "aeiou", "lmn")][:30]
CONFIG = sl.SearchConfig(bi_encoder="hashed-32")


class PointwiseWords(WordReranker):
    """The word reranker with a score of its own for each text, so that a curve can be fitted."""

    def score(self, query, texts):
        return [score + len(text) / 1000 for score, text in zip(super().score(query, texts), texts, strict=True)]


def query_set():
    """Return the words as queries. The document of a word has the word as its id."""
    return sl.QuerySet("words", dict(zip(WORDS, WORDS, strict=True)), {word: {word: 1} for word in WORDS})
