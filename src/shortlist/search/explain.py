"""The effect of each word of a query on the order of two passages, in each stage."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shortlist.errors import InvalidInput
from shortlist.protocols import Encoder, Reranker, ScoresPassages
from shortlist.reprs import short_repr
from shortlist.search.scores import check_scores, score_texts
from shortlist.text.scripts import SCRIPTS_WITHOUT_SPACES
from shortlist.text.validation import checked_text

COSINE = "cosine"
"""The name of the score that is compared with a bi-encoder."""
MAX_WORDS = 64
"""The largest number of words in a query over HTTP and MCP: both passages are scored once more for each word."""
_RUN = re.compile(rf"[{SCRIPTS_WITHOUT_SPACES}]|[^\s{SCRIPTS_WITHOUT_SPACES}]+")


@dataclass(frozen=True, slots=True)
class WordEffect:
    """One word of the query, and its place from character `start` to `end`.

    `retrieval` and `rerank` are the margin of the full query minus the margin without the word. A positive effect
    favours the first text. `retrieval` has the unit of stage one's score, `rerank` the unit of the reranker.
    """

    word: str
    start: int
    end: int
    retrieval: float
    rerank: float


@dataclass(frozen=True, slots=True)
class StageOne:
    """What is compared in stage one, if it is not the cosine of a bi-encoder.

    `name` is the name of the score, such as "BM25". `margins` returns the margin between both texts for each query.
    """

    name: str
    margins: Callable[[Sequence[str]], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The margins between two texts, and the effect of each word, in the order of the query.

    A margin is the score of the first text minus the score of the second: `retrieval_margin` of the score that
    `retrieval_score` names, such as "cosine + 0.3 x BM25 share", "BM25" or "cosine", and `rerank_margin` of the
    reranker's raw scores. `truncated` is the number of texts that the reranker cut: 0, 1 or 2.
    """

    query: str
    retrieval_margin: float
    rerank_margin: float
    words: tuple[WordEffect, ...]
    truncated: int = 0
    retrieval_score: str = COSINE

    def __repr__(self) -> str:
        margins = {"retrieval_margin": self.retrieval_margin, "rerank_margin": self.rerank_margin}
        return short_repr(self, self.query, {**margins, "words": [effect.word for effect in self.words]})


def order_score(retriever: object, ids: Sequence[str], k: int) -> StageOne | None:
    """Return the score by which the retriever orders these two passages in a search for `k` hits.

    None: the retriever does not tell such a score.
    """
    if not isinstance(retriever, ScoresPassages) or (name := retriever.score_name) is None:
        return None

    def margins(queries: Sequence[str]) -> dict[str, float]:
        scores = {query: retriever.scores_of(query, ids, k) for query in queries}
        return {query: of_a - of_b for query, (of_a, of_b) in scores.items()}

    return StageOne(name, margins)


def check_words(query: str) -> None:
    """Check that a query has at most `MAX_WORDS` words, for surfaces that others reach.

    Raises:
        InvalidInput: The query has more words.
    """
    words = len(word_places(query))
    if words > MAX_WORDS:
        raise InvalidInput(
            f"the query has {words} words, and at most {MAX_WORDS} are allowed: shorten it", field="query"
        )


def explain(query: str, a: str, b: str, stage_one: Encoder | StageOne, reranker: Reranker) -> Explanation:
    """Return the effect of each word of the query on the margin between text `a` and text `b`.

    Each query without one word is a shortened query. With a bi-encoder as `stage_one`, the score of stage one is its
    cosine alone. (A model for dot products gives dot products.) One call encodes all shortened queries. One call of the
    reranker for each query scores both texts.

    A word is a run of characters between spaces. Punctuation at its ends is not part of the word, and stays in the
    query. In scripts without spaces, each character is a word. A repeated word is left out at one place at a time. The
    effect of a word may depend on the other words. The sum of the effects may therefore differ from the margin. The
    margin of a query without words is 0. If a query has one word, the effect of this word is the whole margin. A query
    of punctuation has no words. Equal texts give 0.

    Raises:
        InvalidInput: The query or a text is empty or not a string, the query leaves no room in the reranker's window,
            or the reranker returns an order without scores.
        BadScores: The reranker returned NaN, infinity, or a wrong number of scores.

    Source:
        Li, Monroe and Jurafsky, "Understanding neural networks through representation erasure", arXiv 1612.08220.
    """
    check_scores(reranker, "reranker", "an explanation compares scores")
    query, a, b = checked_text(query), checked_text(a, "first text"), checked_text(b, "second text")
    places = word_places(query)
    queries = [query, *(_without(query, start, end) for start, end in places)]
    distinct = [text for text in dict.fromkeys(queries) if word_places(text) or text == query]
    if a == b:
        retrieval = rerank = dict.fromkeys(distinct, 0.0)
        truncated = 0
    else:
        retrieval = (
            dict(stage_one.margins(distinct))
            if isinstance(stage_one, StageOne)
            else _cosine_margins(distinct, a, b, stage_one)
        )
        rerank, truncated = _rerank_margins(distinct, a, b, reranker)
    words = tuple(
        WordEffect(
            query[start:end],
            start,
            end,
            retrieval[query] - retrieval.get(shorter, 0.0),
            rerank[query] - rerank.get(shorter, 0.0),
        )
        for (start, end), shorter in zip(places, queries[1:], strict=True)
    )
    name = stage_one.name if isinstance(stage_one, StageOne) else COSINE
    return Explanation(query, retrieval[query], rerank[query], words, truncated, name)


def word_places(text: str) -> list[tuple[int, int]]:
    """Return the start and the end of each word of `text`, in order."""
    places = []
    for run in _RUN.finditer(text):
        start, end = run.span()
        while start < end and _punctuation(text[start]):
            start += 1
        while end > start and _punctuation(text[end - 1]):
            end -= 1
        if start < end:
            places.append((start, end))
    return places


def _punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P")


def _without(query: str, start: int, end: int) -> str:
    """Return the query without these characters, and without a double space at their place."""
    before, after = query[:start], query[end:]
    if before[-1:].isspace():
        after = after.lstrip()
    return (before + after).strip()


def _cosine_margins(queries: Sequence[str], a: str, b: str, encoder: Encoder) -> dict[str, float]:
    passages = encoder.encode_passages([a, b])
    margins = encoder.encode_queries(queries).astype(np.float64) @ (passages[0].astype(np.float64) - passages[1])
    return {query: float(margin) for query, margin in zip(queries, margins, strict=True)}


def _rerank_margins(queries: Sequence[str], a: str, b: str, reranker: Reranker) -> tuple[dict[str, float], int]:
    """Return the margin of each query, and the largest number of texts that were cut."""
    margins: dict[str, float] = {}
    most_cut = 0
    for query in queries:
        scores = score_texts(reranker, query, [a, b])
        margins[query] = scores[0] - scores[1]
        most_cut = max(most_cut, sum(scores.truncated))
    return margins, most_cut
