"""`Search`: both stages. `begin` retrieves the pool, `Pending.finish` ranks the pool, and `search` does both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from shortlist.config import POOL_SIZE, SearchConfig, check_loaded, checked_config
from shortlist.config.weights import Weights, scaled
from shortlist.errors import InvalidInput, QueryTooLong
from shortlist.protocols import CountsTokens, Encoder, Fits, Reranker, Retriever, Scorer, ScoresProgressively
from shortlist.reprs import short_repr
from shortlist.search.blend import known_weights
from shortlist.search.context import ContextParts
from shortlist.search.diversity import Diversity
from shortlist.search.expansion import expanding
from shortlist.search.filters import operators_of, where_of
from shortlist.search.gate import DEPTH, opened_gate, stored_gate
from shortlist.search.limits import limits_of
from shortlist.search.pending import Pending
from shortlist.search.pool import notes_of, pool_and_tail
from shortlist.search.query_texts import QueryTexts, texts_of
from shortlist.search.retriever import RowsRetriever, as_retriever
from shortlist.search.scores import (
    check_pointwise,
    check_scores,
    checked_reranker,
    checked_scores,
    info_of,
    score_texts,
    skip_note,
)
from shortlist.search.searches import Searches
from shortlist.search.several_queries import SeveralQueries
from shortlist.search.stopping import StopRule
from shortlist.types import Filter, Hit, Note, Ranking, Scores, Status, Where


def no_diagnosis(where: Where | None) -> list[Note]:
    """Return the note for a retriever that cannot explain an empty answer."""
    return [Note("no_match")]


def no_facts(pool: Sequence[Hit]) -> list[Note]:
    """Return no notes."""
    return []


@dataclass(slots=True)
class Search(Searches):
    """Two-stage search over any retriever. Python, the command line, HTTP, MCP and the evaluation use this class.

    Args:
        retriever: Stage one: anything that retrieves. A function `(query, k)` that returns rows of id, text and score;
            a retriever of LangChain, LlamaIndex, Haystack or DSPy; an object with `retrieve(query, k, where)`. See
            `search.retriever.as_retriever`.
        reranker: Stage two. None gives stage one's order.
        config: The settings of each search; an argument of `search` takes precedence.
        weights: The weight of each stage-one signal in the final score at blend 1, if `config` has no weights. Fitted
            `Weights` also have a factor for queries with a negation. None: the weights that were fitted for the
            bi-encoder of the retriever and the reranker, if there are any.
        progressive: Returns the reranker of progressive searches. The first progressive search calls the function.
        encoder: The bi-encoder, if there is one; with it, an answer reports a cut query.
        fits: The stored stop rule and probabilities, for `pool_size="auto"` and `min_probability`.
        diagnose: Explains an answer without hits, given the filter.
        facts: Returns notes about the pool and about stored data, such as states that the reranker cannot use. Every
            reranked answer shows them.

    Raises:
        InvalidInput: `retriever` is nothing of these, or `reranker` has no method `score`. Or `config` names a part of
            the search that must be given as an object: see `config.given.check_loaded`.
    """

    retriever: Retriever
    reranker: Reranker | None = None
    config: SearchConfig = field(default_factory=SearchConfig)
    weights: Mapping[str, float] | None = None
    progressive: Callable[[], Reranker] | None = None
    encoder: Encoder | None = None
    fits: Fits | None = None
    diagnose: Callable[[Where | None], list[Note]] = no_diagnosis
    facts: Callable[[Sequence[Hit]], list[Note]] = no_facts

    if TYPE_CHECKING:  # for type checkers: what is given, which `__post_init__` makes the parts of

        def __init__(  # noqa: PLR0913 - one parameter a field
            self,
            retriever: Any,
            reranker: Scorer | None = None,
            config: SearchConfig = ...,
            weights: Mapping[str, float] | None = None,
            progressive: Callable[[], Reranker] | None = None,
            encoder: Encoder | None = None,
            fits: Fits | None = None,
            diagnose: Callable[[Where | None], list[Note]] = ...,
            facts: Callable[[Sequence[Hit]], list[Note]] = ...,
        ) -> None: ...

    def __post_init__(self) -> None:
        self.config = checked_config(self.config)
        self.retriever = as_retriever(self.retriever)
        if isinstance(self.retriever, RowsRetriever):
            check_loaded(self.config, reranker=self.reranker is not None)
        if self.reranker is not None:
            checked_reranker(self.reranker)
        if self.weights is None:
            self.weights = known_weights(self.retriever, self.reranker)
        self.config.override({"weights": dict(self.weights)})

    def __repr__(self) -> str:
        retriever, reranker = self.retriever, self.reranker
        pool_size, top_k = self.config.sizes
        facts = {
            "retriever": retriever.function_name if isinstance(retriever, RowsRetriever) else type(retriever).__name__,
            "reranker": None if reranker is None else info_of(reranker).name,
            "pool_size": pool_size,
            "top_k": top_k,
        }
        return short_repr(self, None, facts)

    @property
    def searcher(self) -> Search:
        """This search."""
        return self

    @property
    def context_parts(self) -> ContextParts:
        """The parts of a context without the passages around hits. The reranker counts tokens, if it can."""
        return ContextParts("this retriever", count_tokens=getattr(self.reranker, "count_tokens", None))

    def configured(self, given: Mapping[str, Any]) -> SearchConfig:
        """Return the configuration with the given values; None means "not given"."""
        return self.config.override({name: value for name, value in given.items() if value is not None})

    def run(
        self, query: str | QueryTexts, *, where: Filter | None = None, config: SearchConfig | None = None
    ) -> Ranking:
        """As `search`, with a configuration for this one search."""
        pending = self.begin(query, where=where, config=config)
        try:
            return pending.finish(scores_of(pending))
        except QueryTooLong as error:
            raise QueryTooLong(f"{error}, or search without reranking") from error

    def begin(
        self, query: str | QueryTexts, *, where: Filter | None = None, config: SearchConfig | None = None
    ) -> Pending:
        """Retrieve the pool, and return it with the texts to score. Raises as `search`; nothing is scored."""
        texts, where = texts_of(query), where_of(where)
        operators_of(where)  # a retriever of your own may ignore an operator that does not exist
        config = config or self.config
        reranker = self.reranker_at(config)
        size, top_k = config.sizes
        weights = self.weights_at(config)
        rule, notes = self._rule(config, reranker, weights, top_k)
        limits, limit_notes = limits_of(config, reranker, weights, self.fits)
        pool_size = rule.pool_size if rule is not None else size if isinstance(size, int) else max(POOL_SIZE, top_k)
        gate, gate_notes = stored_gate(self.fits, config, weights) if reranker is not None else (None, [])
        retriever, depth = self._retriever_of(texts, config), top_k if gate is None else max(top_k, DEPTH)
        began = time.perf_counter()
        pool, below = pool_and_tail(retriever, texts.query, pool_size, depth, where)
        retrieved = time.perf_counter()
        skip = None if reranker is None else skip_note(reranker, texts.scored)
        if gate is not None and skip is None:
            skip, gate_notes = opened_gate(gate, [*pool, *below], pool_size, gate_notes)
        status: Status = "off" if reranker is None else "ok" if skip is None else "skipped"
        return Pending(
            query=texts.query,
            rerank_query=texts.rerank_query,
            queries=texts.queries,
            effort=config.effort,
            pool=pool,
            below=below[: max(0, top_k - len(pool))],
            reranker=reranker if status == "ok" else None,
            status=status,
            pool_size=pool_size,
            top_k=top_k,
            weights=weights,
            limits=limits,
            diversity=Diversity(not config.duplicates, config.per_document, config.mmr),
            rule=rule,
            notes=(*notes, *limit_notes, *gate_notes, *self._pool_notes(texts, pool, where, skip, status)),
            seconds=retrieved - began,
            retrieved_at=retrieved,
        )

    def _pool_notes(
        self, texts: QueryTexts, pool: Sequence[Hit], where: Where | None, skip: Note | None, status: Status
    ) -> list[Note]:
        about = [] if skip is None else [skip]
        about += self.facts(pool) if status == "ok" else []
        return [*about, *self.query_notes(texts.query), *notes_of(pool), *([] if pool else self.diagnose(where))]

    def weights_at(self, config: SearchConfig | None = None) -> Weights:
        """Return the weight of each stage-one signal under this configuration, without weights of 0."""
        config = config or self.config
        base = (self.weights or {}) if config.weights is None else config.weights
        return scaled(base, config.blend)

    def retriever_at(self, config: SearchConfig | None = None) -> Retriever:
        """Return the retriever of searches under this configuration, with its query expansion.

        Raises:
            InvalidInput: The expansion is unknown, or the retriever cannot do it: see `search.expansion.expanding`.
        """
        return expanding(self.retriever, (config or self.config).expand)

    def _retriever_of(self, texts: QueryTexts, config: SearchConfig) -> Retriever:
        retriever = self.retriever_at(config)
        return SeveralQueries(retriever, texts.queries) if texts.queries else retriever

    def expanded(self) -> Search:
        """Return this search with its expansion in the retriever, so that every query is expanded once."""
        return replace(self, retriever=self.retriever_at())

    def reranker_at(self, config: SearchConfig | None = None) -> Reranker | None:
        """Return the reranker of searches under this configuration, or None if nothing is reranked.

        Raises:
            InvalidInput: `config` asks for a progressive search, and the reranker has no drop rule.
        """
        config = config or self.config
        if not config.rerank or self.reranker is None:
            return None
        if not config.progressive or isinstance(self.reranker, ScoresProgressively):
            return self.reranker
        if self.progressive is None:
            raise InvalidInput(
                f"{info_of(self.reranker).name} has no early exits with a drop rule: search without progressive",
                field="progressive",
            )
        return self.progressive()

    def stop_rule(self, config: SearchConfig | None = None) -> tuple[StopRule | None, list[Note]]:
        """Return the stored stop rule of searches under this configuration, None for a fixed pool, and notes about it.

        Raises:
            InvalidInput: The pool is "auto", and the scores of the reranker depend on the whole pool.
            NotFitted: The stored rule was fitted for something else, or its file is damaged.
        """
        config = config or self.config
        return self._rule(config, self.reranker_at(config), self.weights_at(config), 1)

    def _rule(
        self, config: SearchConfig, reranker: Reranker | None, weights: Mapping[str, float], top_k: int
    ) -> tuple[StopRule | None, list[Note]]:
        """The stored stop rule for an adaptive pool, and notes about it."""
        if reranker is not None and weights:
            check_scores(reranker, "weights", "weights of stage one are added to scores")
        if config.pool_size != "auto":
            return None, []
        if reranker is None:
            return None, [Note("no_stop_rule", reason="not_reranked")]
        check_pointwise(reranker, "pool_size", 'pool_size "auto" scores the pool in blocks')
        if self.fits is None:
            return None, [Note("no_stop_rule", reason="not_fitted")]
        stored, notes = self.fits.stop_rule(weights, config.expand)
        rule = cast("StopRule | None", stored)
        if rule is not None and top_k > rule.top_k and not config.tail:
            raise InvalidInput(
                f"top_k is {top_k}, and the stored stop rule was fitted for a top_k of {rule.top_k}: use at most "
                f"{rule.top_k}, calibrate again for more, or give a fixed pool_size",
                field="top_k",
            )
        return rule, notes

    def query_notes(self, query: str) -> list[Note]:
        """Return the note about a query that is longer than the bi-encoder's window, if it is."""
        if isinstance(self.encoder, CountsTokens) and self.encoder.token_counts([query], query=True)[1][0]:
            return [Note("query_truncated", window=self.encoder.window)]
        return []


def scores_of(pending: Pending) -> Scores:
    """Run the reranker on the texts of a pending search, and return the scores.

    Raises:
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    reranker = pending.reranker
    if reranker is None:
        return Scores()
    query = pending.scored_query
    if isinstance(reranker, ScoresProgressively) and (texts := pending.texts):
        return checked_scores(info_of(reranker).name, reranker.score_progressively(query, texts, pending.prior), texts)
    scores = Scores()
    while texts := pending.next_texts(scores):
        scores = scores.join(score_texts(reranker, query, texts))
    return scores
