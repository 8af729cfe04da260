"""The public functions that take parts by name, and load what is needed when they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from shortlist import registry
from shortlist.errors import InvalidInput
from shortlist.protocols import Encoder, Scorer
from shortlist.search.ranked import Reranked
from shortlist.search.rerank import rank
from shortlist.types import PoolSize

if TYPE_CHECKING:
    from fastapi import FastAPI

    from shortlist.evaluation.calibration.calibrate import FittedRules
    from shortlist.evaluation.evaluate import Evaluation
    from shortlist.evaluation.query_sets import QuerySet
    from shortlist.evaluation.tuning.tune import Tuning
    from shortlist.search.opened import Opened
    from shortlist.search.search import Search


def rerank(
    query: str,
    documents: Iterable[Any],
    *,
    top_k: int | None = None,
    reranker: Scorer | str | None = None,
    pool_encoder: Encoder | str | None = None,
) -> Reranked:
    """Rerank the result of any retriever: return the documents, best first, at most `top_k`.

    Args:
        query: What to rank for.
        documents: Strings, (id, text) or (id, text, score) tuples, or dicts or objects with a text field ("text",
            "page_content", "content" and others). Hits of a search may be given, too.
        top_k: Length of the result. None: all documents.
        reranker: A reranker, or a name for `load_reranker`. None: the packaged model. A name is loaded at every call,
            so load a reranker once if you rerank more than once.
        pool_encoder: A bi-encoder, or a name for `load_encoder`, that encodes the query and the documents. The cosine
            is then a signal of stage one. It takes about as long as the reranker. None: no bi-encoder reads them.

    Returns:
        Each document as it was given, with its score, its rank and its place in `documents`. No documents give an
        empty list. For every score, higher is better. `order` is "reranker" if the score is the reranker's own, a logit
        for a cross-encoder. `order` is "blend" if the documents are hits of a search, and weights were fitted for their
        bi-encoder and the reranker. The score then also has the weighted signals of stage one. A `pool_encoder` gives
        any documents the signal "dense". The list has `notes`: about a query that a search would not rerank, and
        about numbers of the documents that are no part of the result, such as the `score` of a tuple or a dict.

    Raises:
        InvalidInput: An empty query, a `top_k` below 1, one string in place of documents, or a bad document or score.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    if reranker is None or isinstance(reranker, str):
        reranker = registry.load_reranker(reranker or registry.RERANKER)
    encoder = registry.load_encoder(pool_encoder) if isinstance(pool_encoder, str) else pool_encoder
    return rank(query, documents, reranker, top_k=top_k, pool_encoder=encoder)


def evaluate(  # noqa: PLR0913 - only the first two are needed
    search: Search | Opened,
    queries: QuerySet | str | Path,
    *,
    pool_size: PoolSize | None = None,
    measures: Sequence[str] = ("nDCG@10", "RR@10", "Success@10", "R@10", "Judged@10"),
    cutoff: int = 10,
    name: str = "default",
    ignore_identical_ids: bool = False,
    allow_unknown: bool = False,
    workers: int | None = None,
    ray: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure both stages, and the ceiling between them, on judged queries.

    Args:
        search: An open index, an open retriever, or a `Search` over any retriever. Its configuration is measured,
            without its limits on score and probability.
        queries: A query set, or a path for `QuerySet.read`.
        pool_size: Passages to score, or "auto". None: the configuration's.
        measures: Names of measures, each with a cutoff. The first one is the main one.
        cutoff: A query is fine if a relevant id is among so many first results.
        name: The name of this evaluation, for comparisons.
        ignore_identical_ids: Leave out a passage if its id, or its document's id, is the query's own.
        allow_unknown: Count judged ids and snippets that the index lacks as never found, instead of raising an error.
        workers: Score the pools in so many processes, which divide the CPU cores; with `ray`, in so many actors.
        ray: Score the pools on a Ray cluster: "auto", or an address such as "ray://host:10001".
        progress: Is called with the number of queries that are done, and the number of all queries.

    Returns:
        One outcome for each query. `estimate("reranked", "nDCG@10")` is a mean with its 95 % interval,
        `gain("nDCG@10")` compares both stages query by query, and `failures` counts which stage lost the answer.

    Raises:
        InvalidInput: A query set that cannot be used, an unknown measure, a query that a stage cannot take, or workers
            for a search whose reranker has no name.
        WorkersFailed: No worker can start, or the Ray cluster does not answer.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    from shortlist.bulk.evaluating import finish_by
    from shortlist.evaluation.evaluate import evaluate as run
    from shortlist.evaluation.subject import subject_of

    subject = subject_of(search, queries, allow_unknown=allow_unknown, ignore_identical_ids=ignore_identical_ids)
    finish = finish_by(search, workers, ray)
    return run(
        subject.search,
        subject.judged,
        pool_size=pool_size,
        measures=measures,
        cutoff=cutoff,
        name=name,
        progress=progress,
        finish=finish,
    )


def tune(  # noqa: PLR0913 - only the first two are needed
    search: Search | Opened,
    queries: QuerySet | str | Path,
    *,
    budget_ms: float | None = None,
    sizes: Sequence[int] = (5, 10, 20, 30, 50, 75, 100),
    blends: Sequence[float] = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0),
    fusions: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    measures: Sequence[str] = ("nDCG@10", "RR@10", "Success@10"),
    timed: int | None = None,
    checkpoint: str | Path | None = None,
    ignore_identical_ids: bool = False,
    allow_unknown: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Tuning:
    """Find the pool size, blend, fusion weight and smallest score for your queries, from one scoring pass.

    Args:
        search: An open index, an open retriever, or a `Search` over any retriever. Its configuration is the one in use.
        queries: A query set, or a path for `QuerySet.read`.
        budget_ms: The time that 95 of 100 searches must stay within, in milliseconds. If fewer than 20 searches are
            timed at a size, it is the limit of their median. None: no limit.
        sizes: Pool sizes to try.
        blends: Blends to try, in addition to the current one.
        fusions: Fusion weights to try, in addition to the current one.
        measures: Names of measures, each with a cutoff. The first one decides.
        timed: Queries to time at each smaller pool. None: up to 8 % of the pass, and at least one.
        checkpoint: A file for partial results. The same call continues after an interruption.
        ignore_identical_ids: Leave out a passage if its id, or its document's id, is the query's own.
        allow_unknown: Count judged ids and snippets that the index lacks as never found, instead of raising an error.
        progress: Is called with the number of scored passages, and the number of passages to score.

    Returns:
        What was found: `settings`, `recommended`, `warnings`, and the curves over pool sizes. `write()` puts the
        settings into `shortlist.toml`.

    Raises:
        InvalidInput: A query set or an option that cannot be used, or no reranker.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    from shortlist.evaluation.evaluate import measures_of
    from shortlist.evaluation.subject import subject_of
    from shortlist.evaluation.tuning.options import TuneOptions, numbers_of, sizes_of
    from shortlist.evaluation.tuning.tune import tune as run

    subject = subject_of(search, queries, allow_unknown=allow_unknown, ignore_identical_ids=ignore_identical_ids)
    options = TuneOptions(
        sizes=sizes_of(sizes),
        blends=numbers_of("blends", blends),
        fusions=numbers_of("fusions", fusions),
        measures=tuple(map(str, measures_of(measures))),
        budget_ms=budget_ms,
        timed=timed,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        about=subject.about,
    )
    return run(subject.search, subject.judged, options, progress=progress)


def calibrate(  # noqa: PLR0913 - only the first two are needed
    search: Search | Opened,
    queries: QuerySet | str | Path,
    *,
    pool_size: int = 100,
    top_k: int = 10,
    measure: str = "nDCG@10",
    alpha: float = 0.05,
    delta: float = 0.05,
    gate_alpha: float = 0.01,
    method: Literal["platt", "isotonic"] | None = None,
    judged_only: bool = False,
    checkpoint: str | Path | None = None,
    ignore_identical_ids: bool = False,
    allow_unknown: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> FittedRules:
    """Fit the stop rule for `pool_size="auto"` and the curve for `min_probability`, from one scoring pass.

    Args:
        search: An open index, an open retriever, or a `Search` over any retriever.
        queries: A query set, or a path for `QuerySet.read`.
        pool_size: The largest pool.
        top_k: The length of the answers that an adaptive pool must get right.
        measure: The measure of the loss by an early stop, or "overlap", which needs no judgments.
        alpha: The mean loss that is allowed, between 0 and 1.
        delta: The probability that the fit may be wrong, between 0 and 1.
        gate_alpha: The mean loss that the gate may cost, between 0 and 1.
        method: The curve. None: the one with the smaller log loss on unseen queries.
        judged_only: Leave out passages without a judgment. Otherwise they count as not relevant.
        checkpoint: A file for partial results. The same call continues after an interruption.
        ignore_identical_ids: Leave out a passage if its id, or its document's id, is the query's own.
        allow_unknown: Count judged ids and snippets that the index lacks as never found, instead of raising an error.
        progress: Is called with the number of scored passages, and the number of passages to score.

    Returns:
        The fits `stop_rule`, `gate` and `probabilities`. `save()` stores them with the index.

    Raises:
        InvalidInput: A query set or an option that cannot be used, no reranker, or one whose scores depend on the pool.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    from shortlist.evaluation.calibration.calibrate import CalibrateOptions
    from shortlist.evaluation.calibration.calibrate import calibrate as run
    from shortlist.evaluation.subject import subject_of

    subject = subject_of(search, queries, allow_unknown=allow_unknown, ignore_identical_ids=ignore_identical_ids)
    options = CalibrateOptions(
        pool_size=pool_size,
        top_k=top_k,
        measure=measure,
        alpha=alpha,
        delta=delta,
        gate_alpha=gate_alpha,
        method=method,
        judged_only=judged_only,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        about=subject.about,
    )
    return run(subject.search, subject.judged, options, progress=progress)


def html_report(
    tuning: Tuning,
    search: Search | Opened,
    queries: QuerySet | str | Path,
    *,
    ignore_identical_ids: bool = False,
    allow_unknown: bool = False,
) -> str:
    """Return the report of a tuning as one HTML page without scripts, as `shortlist tune --report` writes it.

    Args:
        tuning: What `tune` returned.
        search: The search that was tuned.
        queries: The queries of the tuning.
        ignore_identical_ids: As for the tuning.
        allow_unknown: As for the tuning.

    Raises:
        InvalidInput: No tuning, other queries than those of the tuning, or a query set that cannot be used.
        MissingExtra: The report extra is not installed.
    """
    from shortlist.evaluation.subject import known_passages, subject_of
    from shortlist.evaluation.tuning.tune import evaluation_at
    from shortlist.report import check_plots, facts_of, shown_size, source_of, tuning_page, written

    check_plots()
    size = shown_size(tuning)
    subject = subject_of(search, queries, allow_unknown=allow_unknown, ignore_identical_ids=ignore_identical_ids)
    if set(subject.judged.queries) != set(tuning.curve.query_ids):
        raise InvalidInput(
            f"{subject.judged.name} has other queries than the tuning: give the queries that you tuned on"
        )
    evaluation = evaluation_at(tuning, subject.judged, size, about=facts_of(tuning, subject.search))
    source = source_of(evaluation, subject.judged, known_passages(search, subject))
    return tuning_page(tuning, evaluation, source, written(), tuning.lines())


def asgi(search: Search | Opened, *, mcp: bool = False) -> FastAPI:
    """Return an ASGI application that serves reranking, embeddings and, over `search`, searches and the page.

    The routes are those of `shortlist serve`, without `/health`, `/ready` and `/metrics`. API keys, host checks and
    limits for all requests together belong to that command: put a proxy in front of the application if strangers can
    reach it. Requests share a queue, which ends with the application's lifespan. The caller closes an index.

    Args:
        search: A `Search`, an open index or an open retriever. Its configuration holds the defaults of `/search`.
        mcp: Also offer the tools for agents at `/mcp`.

    Raises:
        MissingExtra: The server extra is not installed; or `mcp` is set, and the mcp extra is not.
        InvalidInput: `search` is something else.
    """
    from shortlist.server import server_extra

    with server_extra("asgi"):
        from shortlist.server.app import asgi as make_app
    return make_app(search, mcp=mcp)
