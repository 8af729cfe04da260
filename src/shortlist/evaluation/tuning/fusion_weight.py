"""How much the vectors weigh against BM25 in stage one: every weight read off the same two lists and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shortlist.evaluation.metrics.counting import Count
from shortlist.evaluation.metrics.failures import keys_of
from shortlist.evaluation.query_sets.holdout import Halves, Values, better
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.replay import Recorded, answer, slim
from shortlist.evaluation.replay.scoring_pass import retrieval_sizes, score_hits
from shortlist.evaluation.tuning.sweep import Plan
from shortlist.protocols import Fuses
from shortlist.search.pipeline import Shortlist
from shortlist.types import Hit

Found = Mapping[str, Mapping[float, Mapping[int, Sequence[Hit]]]]
"""Query id -> fusion weight -> k -> hits."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """The fusion weight to use, None where stage one has none, and why.

    `values` maps each weight that was tried to the measure of every query, at a pool of `size`; 0 is stage one alone.
    `scored` passages were scored for it beyond the pass. `recorded` answers searches under a new `weight` at that pool.
    """

    weight: float | None
    why: str
    size: int = 0
    values: Mapping[float, Values] = field(default_factory=dict)
    scored: int = 0
    recorded: Mapping[str, Recorded] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """What every weight is tried with: the recorded pass, the weights of the final score, and what is asked.

    `most` is how many passages may be scored beyond the pass.
    """

    judged: Judged
    recorded: Mapping[str, Recorded]
    weights: Mapping[str, float]
    plan: Plan
    parts: Halves
    kept: Checkpoint
    count: Count
    most: int


def tune_fusion(shortlist: Shortlist, fusions: Sequence[float], trial: Trial, size: int) -> Fusion:
    """The weight in use, unless another one is better at a pool of `size`; `size` 0 tries stage one alone.

    Passages that another weight brings into the pool and that have no score yet are scored once. Where those are more
    than `trial.most`, a smaller pool is tried: that tells whether to look again, and the weight in use stays.
    """
    retriever = shortlist.retriever
    if not isinstance(retriever, Fuses):
        return Fusion(None, "stage one fuses no lists")
    tried = sorted({*fusions, retriever.fusion})
    if len(tried) == 1:
        return Fusion(retriever.fusion, f"{retriever.fusion:g} stays: there is no other to try")
    for pool in [size, *(one for one in reversed(trial.plan.sizes) if one < size)]:
        found = _found(retriever, tried, trial, pool)
        missing = {key: _missing(found[key], trial.recorded[key], pool) for key in found}
        if sum(map(len, missing.values())) <= trial.most:
            return _only_at(size, _chosen(shortlist, retriever.fusion, found, missing, trial, pool), retriever.fusion)
    return Fusion(
        retriever.fusion, f"{retriever.fusion:g} stays: other weights would need too many more passages scored"
    )


def _found(retriever: Fuses, tried: Sequence[float], trial: Trial, pool: int) -> Found:
    """Exactly what searches at this pool would ask of stage one, at every weight."""
    sizes = retrieval_sizes(retriever, [pool] if pool else [], trial.plan.depth)

    def at(query: str) -> dict[float, dict[int, list[Hit]]]:
        by_size = {k: retriever.retrieve_at(tried, query, k) for k in sizes}
        return {weight: {k: by_size[k][place] for k in sizes} for place, weight in enumerate(tried)}

    return {key: at(query) for key, query in trial.judged.queries.items()}


def _missing(found: Mapping[float, Mapping[int, Sequence[Hit]]], recorded: Recorded, pool: int) -> list[Hit]:
    """Hits of any weight's pool that the pass did not score; none where the reranker declined the query."""
    if recorded.why_not or not pool:
        return []
    union = {hit.passage.id: hit for held in found.values() for hit in answer(held, pool)}
    return [hit for key, hit in union.items() if key not in recorded.scores]


def _chosen(
    shortlist: Shortlist, current: float, found: Found, missing: Mapping[str, list[Hit]], trial: Trial, pool: int
) -> Fusion:
    whole = _scored(shortlist, missing, trial, pool)
    by_weight = {
        weight: {key: _at(whole[key], found[key][weight]) for key in found} for weight in next(iter(found.values()))
    }
    measure = trial.plan.measures[0]
    values = {}
    for weight, recorded in by_weight.items():
        rankings = {key: _search(one, pool, trial) for key, one in recorded.items()}
        row = [
            measure.of(keys_of(hits[: trial.plan.depth], trial.judged), trial.judged.qrels[key])
            for key, hits in rankings.items()
        ]
        values[weight] = np.array(row)
    weight, why = choose(values, current, trial.parts, str(measure))
    extra = sum(map(len, missing.values()))
    return Fusion(weight, why, pool, values, extra, by_weight[weight])


def _only_at(size: int, found: Fusion, current: float) -> Fusion:
    """The same, with the current weight where another one was found at a smaller pool than it is to be used at."""
    if found.size == size or found.weight == current:
        return found
    why = (
        f"{current:g} stays, as pool {size} would need too many more passages scored. At pool {found.size} it is "
        f"{found.why}. Tune with {found.weight:g} in use to measure it at pool {size}"
    )
    return replace(found, weight=current, why=why, recorded={})


def choose(values: Mapping[float, Values], current: float, parts: Halves, measure: str) -> tuple[float, str]:
    """The weight to use, and why: the current one, unless the best other one is better beyond chance."""
    chosen = list(parts.chosen)
    best = max(values, key=lambda weight: (float(values[weight][chosen].mean()), weight == current))
    if best == current or np.array_equal(values[best][chosen], values[current][chosen]):
        return current, f"{current:g} stays: no other weight scores higher"
    others = [weight for weight in values if weight != current]
    tried = [values[weight] for weight in others]
    won, said = better(tried, others.index(best), values[current], parts, measure)
    if won:
        return best, f"{best:g} instead of {current:g}: {said}"
    return current, f"{current:g} stays: {best:g} scores {said}"


def _scored(shortlist: Shortlist, missing: Mapping[str, list[Hit]], trial: Trial, pool: int) -> dict[str, Recorded]:
    """Each query's pass, with the scores that it lacked."""
    assert shortlist.reranker is not None
    trial.count.expect(sum(map(len, missing.values())))
    out = dict(trial.recorded)
    for key, hits in missing.items():
        if not hits:
            continue
        mark = f"fusion {pool} {key}"
        if trial.kept.get(mark) is None:
            scores, cut = score_hits(shortlist.reranker, key, trial.judged.queries[key], hits)
            trial.kept.put(mark, {"scores": scores, "cut": sorted(cut)})
        held = trial.kept.get(mark)
        old = out[key]
        out[key] = replace(
            old, scores={**old.scores, **held["scores"]}, truncated=old.truncated | frozenset(held["cut"])
        )
        trial.count.add(len(hits))
    return out


def _at(recorded: Recorded, found: Mapping[int, Sequence[Hit]]) -> Recorded:
    return replace(recorded, found={k: tuple(slim(hit) for hit in hits) for k, hits in found.items()})


def _search(recorded: Recorded, pool: int, trial: Trial) -> Sequence[Hit]:
    depth = trial.plan.depth
    if not pool:
        return recorded.search(depth, depth, {}, rerank=False).hits
    return recorded.search(pool, depth, trial.weights).hits
