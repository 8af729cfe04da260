"""Which words of a query decide that one passage stands above another, for each stage: leave one word out at a time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shortlist.protocols import Encoder, Reranker
from shortlist.search.scores import score_texts
from shortlist.text.scripts import SCRIPTS_WITHOUT_SPACES
from shortlist.text.validation import checked_text

_RUN = re.compile(rf"[{SCRIPTS_WITHOUT_SPACES}]|[^\s{SCRIPTS_WITHOUT_SPACES}]+")


@dataclass(frozen=True, slots=True)
class WordEffect:
    """One word of the query, at `start` to `end` in its characters.

    `retrieval` and `rerank` are the margin of the full query less the margin without the word: positive where the word
    speaks for A, negative where it speaks for B. `retrieval` is in units of the cosine, `rerank` in the reranker's own.
    """

    word: str
    start: int
    end: int
    retrieval: float
    rerank: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The score of A less the score of B in each stage, and what each word of the query adds to it, in query order.

    `retrieval_margin` is a difference of cosines, `rerank_margin` one of the reranker's raw scores. `truncated` counts
    which of the two texts the reranker had to cut: 0, 1 or 2.
    """

    query: str
    retrieval_margin: float
    rerank_margin: float
    words: tuple[WordEffect, ...]
    truncated: int = 0


def explain(query: str, a: str, b: str, encoder: Encoder, reranker: Reranker) -> Explanation:
    """Why text `a` stands above or below text `b` for this query, by leaving out one word at a time.

    Stage one is the cosine of the bi-encoder alone (the dot product for a model that is made for it). All shortened
    queries are encoded in one call; the reranker is called once for each, with both texts.

    A word is what stands between spaces, less punctuation at its ends, which stays; in scripts without spaces, one
    character. A word that stands there twice is left out once at each place. Effects need not add up to the margin:
    words act together. Where no word would be left, the margin without it counts as 0, so the only word of a query has
    the whole margin as its effect. A query of punctuation alone has no words. Equal texts give 0 everywhere.

    Raises:
        InvalidInput: The query or a text is empty or no string, or the query leaves no room in the reranker's window.
        BadScores: The reranker returned NaN, infinity or a wrong count.

    Source:
        Li, Monroe and Jurafsky, "Understanding neural networks through representation erasure", arXiv 1612.08220.
    """
    query, a, b = checked_text(query), checked_text(a, "first text"), checked_text(b, "second text")
    places = word_places(query)
    asked = [query, *(_without(query, start, end) for start, end in places)]
    kept = [text for text in dict.fromkeys(asked) if word_places(text) or text == query]
    if a == b:
        retrieval = rerank = dict.fromkeys(kept, 0.0)
        cut = 0
    else:
        retrieval = _cosine_margins(kept, a, b, encoder)
        rerank, cut = _rerank_margins(kept, a, b, reranker)
    words = tuple(
        WordEffect(
            query[start:end],
            start,
            end,
            retrieval[query] - retrieval.get(shorter, 0.0),
            rerank[query] - rerank.get(shorter, 0.0),
        )
        for (start, end), shorter in zip(places, asked[1:], strict=True)
    )
    return Explanation(query, retrieval[query], rerank[query], words, cut)


def word_places(text: str) -> list[tuple[int, int]]:
    """Start and end of each word of `text`, in order; none where it holds no word."""
    found = []
    for run in _RUN.finditer(text):
        start, end = run.span()
        while start < end and _punctuation(text[start]):
            start += 1
        while end > start and _punctuation(text[end - 1]):
            end -= 1
        if start < end:
            found.append((start, end))
    return found


def _punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P")


def _without(query: str, start: int, end: int) -> str:
    """The query without these characters, and without the double space that they leave."""
    before, after = query[:start], query[end:]
    if before[-1:].isspace():
        after = after.lstrip()
    return (before + after).strip()


def _cosine_margins(queries: Sequence[str], a: str, b: str, encoder: Encoder) -> dict[str, float]:
    passages = encoder.encode_passages([a, b])
    margins = encoder.encode_queries(queries).astype(np.float64) @ (passages[0].astype(np.float64) - passages[1])
    return {query: float(margin) for query, margin in zip(queries, margins, strict=True)}


def _rerank_margins(queries: Sequence[str], a: str, b: str, reranker: Reranker) -> tuple[dict[str, float], int]:
    """Query -> margin, and how many of the two texts were cut with the first query, the longest one."""
    margins: dict[str, float] = {}
    most_cut = 0
    for query in queries:
        scores = score_texts(reranker, query, [a, b])
        margins[query] = scores[0] - scores[1]
        most_cut = max(most_cut, sum(scores.truncated))
    return margins, most_cut
