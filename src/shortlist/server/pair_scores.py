"""Scores of pairs in the order of the request, for dialects that score pairs and do not rank texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from shortlist.errors import ShortlistError
from shortlist.server.components import Components
from shortlist.server.problems import Problem
from shortlist.server.reranking import RerankRequest, RerankResult, check_texts, rerank
from shortlist.wording.requests import ValuePath


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and a text, with their places in the request. Messages about the pair name these places."""

    query: str
    text: str
    query_place: ValuePath
    text_place: ValuePath


@dataclass(frozen=True, slots=True)
class PairScores:
    """One score for each pair, in order, and the tokens that the model read."""

    scores: list[float]
    tokens: int


async def score_pairs(
    components: Components, pairs: Sequence[Pair], field: str, *, truncate: bool, raw: bool
) -> PairScores:
    """Return the score of each pair. Pairs with the same query are scored together.

    `field`, `truncate` and `raw` are those of `RerankRequest`.

    Raises:
        Problem, ShortlistError: As `rerank`. There may be as many pairs as documents.
    """
    text_places = [pair.text_place for pair in pairs]
    check_texts(components, [pair.text for pair in pairs], field, components.limits.max_documents, text_places)
    places: dict[str, list[int]] = {}
    for place, pair in enumerate(pairs):
        places.setdefault(pair.query, []).append(place)
    results: dict[str, RerankResult] = {}
    errors: list[Exception] = []

    async def score(query: str) -> None:
        group_pairs = [pairs[place] for place in places[query]]
        request = RerankRequest(
            query,
            [pair.text for pair in group_pairs],
            field,
            truncate=truncate,
            raw=raw,
            query_place=group_pairs[0].query_place,
            text_places=[pair.text_place for pair in group_pairs],
        )
        try:
            results[query] = await rerank(components, request)
        except (Problem, ShortlistError) as error:
            errors.append(error)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for query in places:
            group.start_soon(score, query)
    if errors:
        raise errors[0]
    scores = [0.0] * len(pairs)
    for query, result in results.items():
        for place, value in zip(result.places, result.scores, strict=True):
            scores[places[query][place]] = value
    return PairScores(scores, sum(result.tokens for result in results.values()))
