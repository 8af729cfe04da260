"""One set-up over a query set, and several set-ups beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.failures import KINDS
from shortlist.evaluation.metrics.measures import Measure, parse_cut
from shortlist.evaluation.metrics.outcomes import STAGES, Outcome, depth_of, from_json, measured, to_json
from shortlist.evaluation.metrics.statistics import Estimate, Paired, estimate, holm, paired, quantile
from shortlist.evaluation.query_sets.holdout import FEWEST_TO_SPLIT
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.search.pipeline import POOL_SIZE, Shortlist
from shortlist.search.stopping import StopRule
from shortlist.types import Ranking

MEASURES = ("nDCG@10", "RR@10", "Success@10", "R@10", "Judged@10")
K = 10


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A set-up measured: one outcome a query, in the query set's order.

    `fingerprint` is that of the query set as it was given; only evaluations with the same one can be compared. `about`
    says what the set-up was, for whoever reads a saved file.
    """

    name: str
    query_set: str
    fingerprint: str
    pool_size: int
    k: int
    measures: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    about: Mapping[str, str] = field(default_factory=dict)

    def values(self, stage: str, measure: str) -> list[float]:
        """A measure's value for each query.

        Raises:
            InvalidInput: It was not measured.
        """
        if measure not in self.measures:
            raise InvalidInput(f"{measure} was not measured for {self.name}: it has {', '.join(self.measures)}")
        return [outcome.of(stage)[measure] for outcome in self.outcomes]

    def estimate(self, stage: str, measure: str) -> Estimate:
        """A measure's mean over all queries with its 95 % interval; `stage` is one of `STAGES`."""
        return estimate(self.values(stage, measure))

    def gain(self, measure: str) -> Paired:
        """Reranked minus stage one, query by query."""
        return paired(self.values("reranked", measure), self.values("stage one", measure))

    @property
    def recall(self) -> Estimate:
        """R@pool, the recall ceiling."""
        return estimate([outcome.recall for outcome in self.outcomes])

    @property
    def failures(self) -> dict[str, int]:
        """Kind -> how many queries, every kind named."""
        counted = Counter(outcome.failure.kind for outcome in self.outcomes)
        return {kind: counted.get(kind, 0) for kind in KINDS}

    @property
    def warning(self) -> str:
        """That these queries are too few to lean on the intervals, in words; "" from 20 on."""
        if (queries := len(self.outcomes)) >= FEWEST_TO_SPLIT:
            return ""
        return (
            f"{queries} queries are few: their 95 % intervals come out too narrow, and say nothing where all values "
            f"are the same. Judge at least {FEWEST_TO_SPLIT}"
        )

    def seconds(self, stage: str, share: float) -> float:
        """Wall-clock seconds of "retrieve" or "rerank" that `share` of the queries stay below; 0.5 is the median."""
        return quantile([outcome.seconds.get(stage, 0.0) for outcome in self.outcomes], share)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two set-ups on one measure: `second` minus `first`. `adjusted_p` is corrected for the number of comparisons."""

    first: str
    second: str
    measure: str
    paired: Paired
    adjusted_p: float


def evaluate(  # noqa: PLR0913 - only the first two are needed
    shortlist: Shortlist,
    judged: Judged,
    *,
    pool_size: int | StopRule = POOL_SIZE,
    measures: Sequence[str] = MEASURES,
    k: int = K,
    name: str = "default",
    about: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Evaluation:
    """Both stages, and the ceiling between them, for every judged query.

    Each query is searched once. Below the pool the ranking goes on in stage one's order, as `search --tail` shows it,
    to the depth that the measures read. `k` is where the failure split draws the line. `progress` is told how many
    queries of how many are done. Queries that `checkpoint` holds are not searched again; its caller finishes it.

    Raises:
        InvalidInput: A measure that is unknown or has no cutoff, a size or `k` below 1, or a query that a stage can't
            take; the message says which.
        BadScores: The reranker returned NaN, infinity or a wrong count.
    """
    asked = measures_of(measures)
    depth = depth_of(asked, k, judged.level)
    size = pool_size.pool_size if isinstance(pool_size, StopRule) else pool_size
    outcomes: list[Outcome] = []
    kept = checkpoint or Checkpoint(None, {})
    if k < 1:
        raise InvalidInput(f"the failure split needs a cut of 1 or more, not {k}")
    for done, (query_id, query) in enumerate(judged.queries.items(), start=1):
        if kept.get(query_id) is None:
            ranking = _searched(shortlist, query_id, query, pool_size, max(size, depth))
            kept.put(query_id, to_json(measured(query_id, ranking, judged, asked, k)))
        outcomes.append(from_json(kept.get(query_id)))
        if progress is not None:
            progress(done, len(judged.queries))
    said = {"reranker": shortlist.reranker.name if shortlist.reranker is not None else "none", **(about or {})}
    names = tuple(map(str, asked))
    return Evaluation(name, judged.name, judged.fingerprint, size, k, names, tuple(outcomes), said)


def _searched(shortlist: Shortlist, query_id: str, query: str, pool_size: int | StopRule, depth: int) -> Ranking:
    try:
        return shortlist.search(query, pool_size=pool_size, k=depth, tail=True)
    except InvalidInput as error:
        raise InvalidInput(f"query {query_id!r}: {error}") from error


def measures_of(names: Sequence[str]) -> list[Measure]:
    """The measures by name, each once.

    Raises:
        InvalidInput: No name, an unknown one, or one without a cutoff.
    """
    asked = list(dict.fromkeys(parse_cut(name) for name in names))
    if not asked:
        raise InvalidInput("no measure was asked for")
    return asked


def compare(evaluations: Sequence[Evaluation], measure: str = "nDCG@10") -> list[Comparison]:
    """Every pair of set-ups on one measure, with Holm's correction over the pairs; fewer than two give none.

    Raises:
        InvalidInput: They were measured on other queries or judgments, share a name, or lack the measure.
    """
    names = [one.name for one in evaluations]
    if len(set(names)) != len(names):
        raise InvalidInput(f"set-ups need names of their own, not {', '.join(names)}")
    pairs = [(a, b) for place, a in enumerate(evaluations) for b in evaluations[place + 1 :]]
    found = [difference(b, a, measure) for a, b in pairs]
    adjusted = holm([one.p for one in found])
    return [Comparison(a.name, b.name, measure, one, p) for (a, b), one, p in zip(pairs, found, adjusted, strict=True)]


def difference(these: Evaluation, those: Evaluation, measure: str, *, stage: str = "reranked") -> Paired:
    """These final rankings minus those, paired by query id.

    Raises:
        InvalidInput: They were measured on other queries or judgments, or lack the measure.
    """
    if these.fingerprint != those.fingerprint:
        raise InvalidInput(
            f"{these.name} was measured on {these.query_set} ({len(these.outcomes)} queries) and {those.name} on "
            f"{those.query_set} ({len(those.outcomes)}), and their queries or judgments differ: measure both anew"
        )
    places = {outcome.query_id: place for place, outcome in enumerate(those.outcomes)}
    before = those.values(stage, measure)
    return paired(these.values(stage, measure), [before[places[outcome.query_id]] for outcome in these.outcomes])


__all__ = ["STAGES", "Comparison", "Evaluation", "compare", "difference", "evaluate", "measures_of"]
