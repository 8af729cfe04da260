"""The choice of the fusion weight. The same two lists and the same scores give the result of each weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shortlist.evaluation.metrics.outcomes import judged_ids
from shortlist.evaluation.query_sets.holdout import Halves, Values, choose_setting
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.replay import Recorded, answer_to, slim
from shortlist.evaluation.replay.scoring_pass import PassageCount, retrieval_sizes, score_hits
from shortlist.evaluation.tuning.sweep import Plan
from shortlist.protocols import Fuses, Reranker, Retriever
from shortlist.search.failures import failures
from shortlist.search.pool import name_of
from shortlist.types import Hit, Note

AnswersByWeight = Mapping[str, Mapping[float, Mapping[int, Sequence[Hit]]]]
"""Query id -> fusion weight -> k -> hits."""


@dataclass(frozen=True, slots=True)
class FusionChoice:
    """The fusion weight to use, None if stage one has none, and the reason.

    `values` maps each weight that was tried to the measure of every query, at a pool of `size`; 0 is stage one alone.
    `scored` counts the passages that were scored in addition to the pass. `recorded` holds the pass of each query with
    the chosen `weight` at that pool.
    """

    weight: float | None
    reason: Note
    size: int = 0
    values: Mapping[float, Values] = field(default_factory=dict)
    scored: int = 0
    recorded: Mapping[str, Recorded] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """The inputs of every trial of a weight: the recorded pass, the weights of the final score, and the plan.

    At most `limit` passages may be scored in addition to the pass.
    """

    judged: Judged
    reranker: Reranker
    recorded: Mapping[str, Recorded]
    weights: Mapping[str, float]
    plan: Plan
    parts: Halves
    checkpoint: Checkpoint
    count: PassageCount
    limit: int


def tune_fusion(retriever: Retriever, fusions: Sequence[float], trial: Trial, size: int) -> FusionChoice:
    """Return the current weight, unless another one is better at a pool of `size`. Size 0 tries stage one alone.

    Another weight may bring passages into the pool that have no score yet. These passages are scored once. If there are
    more than `trial.limit` such passages, the function tries a smaller pool. The current weight then stays, and the
    reason reports whether another weight is better at the smaller pool.
    """
    if not isinstance(retriever, Fuses):
        return FusionChoice(None, Note("not_tried", setting="fusion", reason="no_fusion"))
    current = retriever.fusion
    tried = sorted({*fusions, current})
    if len(tried) == 1:
        return FusionChoice(current, Note("only_setting", setting="fusion", current=current))
    for pool in [size, *(smaller for smaller in reversed(trial.plan.sizes) if smaller < size)]:
        answers = _answers(retriever, tried, trial, pool)
        missing = {key: _unscored_hits(answers[key], trial.recorded[key], pool) for key in answers}
        if sum(map(len, missing.values())) <= trial.limit:
            choice = _choose(current, answers, missing, trial, pool)
            return choice if choice.size == size or choice.weight == current else _keep_current(size, choice, current)
    return FusionChoice(current, Note("too_many_passages", setting="fusion", current=current))


def _answers(retriever: Fuses, tried: Sequence[float], trial: Trial, pool: int) -> AnswersByWeight:
    """The hits that searches with this pool retrieve, at every weight."""
    sizes = retrieval_sizes(retriever, [pool] if pool else [], trial.plan.depth)

    def at(query: str) -> dict[float, dict[int, list[Hit]]]:
        with failures(name_of(retriever)):
            by_size = {k: retriever.retrieve_at(tried, query, k) for k in sizes}
        return {weight: {k: by_size[k][place] for k in sizes} for place, weight in enumerate(tried)}

    return {key: at(query) for key, query in trial.judged.queries.items()}


def _unscored_hits(answers: Mapping[float, Mapping[int, Sequence[Hit]]], recorded: Recorded, pool: int) -> list[Hit]:
    """The hits of any weight's pool that the pass did not score; none if the reranker skipped the query."""
    if recorded.skipped is not None or not pool:
        return []
    union = {hit.passage.id: hit for by_size in answers.values() for hit in answer_to(by_size, pool)}
    return [hit for key, hit in union.items() if key not in recorded.scores]


def _choose(
    current: float, answers: AnswersByWeight, missing: Mapping[str, list[Hit]], trial: Trial, pool: int
) -> FusionChoice:
    complete = _with_scores(missing, trial, pool)
    weights = list(next(iter(answers.values())))
    by_weight = {
        weight: {key: _with_answers(complete[key], answers[key][weight]) for key in answers} for weight in weights
    }
    measure = trial.plan.measures[0]
    values = {}
    for weight, recorded in by_weight.items():
        ids = {
            key: judged_ids(_search(each, pool, trial)[: trial.plan.depth], trial.judged)
            for key, each in recorded.items()
        }
        values[weight] = np.array([measure.of(ids[key], trial.judged.qrels[key]) for key in ids])
    chosen = list(trial.parts.chosen)
    best = max(values, key=lambda weight: (float(values[weight][chosen].mean()), weight == current))
    weight, reason = choose_setting("fusion", values, best, current, trial.parts, str(measure))
    return FusionChoice(weight, reason, pool, values, sum(map(len, missing.values())), by_weight[weight])


def _keep_current(size: int, choice: FusionChoice, current: float) -> FusionChoice:
    """The choice of the current weight, because another weight is better only at a smaller pool."""
    values = {**choice.reason.values, "pool": size, "smaller_pool": choice.size}
    return replace(choice, weight=current, reason=Note("setting_better_elsewhere", **values), recorded={})


def _with_scores(missing: Mapping[str, list[Hit]], trial: Trial, pool: int) -> dict[str, Recorded]:
    """Each query's pass, with the scores that it lacked."""
    trial.count.expect(sum(map(len, missing.values())))
    complete = dict(trial.recorded)
    for key, hits in missing.items():
        if not hits:
            continue
        name = f"fusion {pool} {key}"
        if trial.checkpoint.get(name) is None:
            scores, truncated = score_hits(trial.reranker, key, complete[key].scored_query, hits)
            trial.checkpoint.put(name, {"scores": scores, "truncated": sorted(truncated)})
        piece = trial.checkpoint.get(name)
        before = complete[key]
        complete[key] = replace(
            before,
            scores={**before.scores, **piece["scores"]},
            truncated=before.truncated | frozenset(piece["truncated"]),
        )
        trial.count.add(len(hits), expected=len(hits))
    return complete


def _with_answers(recorded: Recorded, answers: Mapping[int, Sequence[Hit]]) -> Recorded:
    return replace(recorded, answers={k: tuple(slim(hit) for hit in hits) for k, hits in answers.items()})


def _search(recorded: Recorded, pool: int, trial: Trial) -> Sequence[Hit]:
    depth = trial.plan.depth
    if not pool:
        return recorded.search(depth, depth, {}, rerank=False).hits
    return recorded.search(pool, depth, trial.weights).hits
