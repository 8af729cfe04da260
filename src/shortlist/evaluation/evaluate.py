"""The measures of one search over a query set, and comparisons of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.measures import Measure, parse_with_cutoff
from shortlist.evaluation.metrics.outcomes import (
    KINDS,
    STAGES,
    Outcome,
    depth_of,
    from_json,
    measured,
    nothing_retrieved,
    retriever_notes,
    to_json,
)
from shortlist.evaluation.metrics.statistics import Estimate, Paired, estimate, holm, paired, quantile
from shortlist.evaluation.query_sets.holdout import FEWEST_TO_SPLIT
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.whole_pool import Finish, begin_whole, finish_in_turn, name_query, whole_pool_config
from shortlist.reprs import short_repr
from shortlist.search.pending import Pending
from shortlist.search.pool import is_approximate
from shortlist.search.query_texts import QueryTexts
from shortlist.search.scores import info_of
from shortlist.search.search import Search
from shortlist.types import Note, PoolSize
from shortlist.wording.counting import counted

MEASURES = ("nDCG@10", "RR@10", "Success@10", "R@10", "Judged@10")
CUTOFF = 10
NO_RERANKER = "none"
"""The name of the reranker in `about`, if there is none."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures of one search: one outcome for each query, in the order of the query set.

    `fingerprint` identifies the query set: two evaluations with the same fingerprint can be compared. `pool_size` is
    the largest requested pool. A query is fine if a relevant id is among the first `cutoff` results. `about` holds
    facts about the search, for readers of a saved evaluation.
    """

    name: str
    query_set: str
    fingerprint: str
    pool_size: int
    cutoff: int
    measures: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    about: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        queries = len(self.outcomes)
        facts: dict[str, object] = {"query_set": self.query_set, "queries": queries, "pool_size": self.pool_size}
        if queries and self.measures:
            facts["measure"] = self.measures[0]
            means = {stage: sum(self.values(stage, self.measures[0])) / queries for stage in STAGES}
            facts |= {stage.replace(" ", "_"): mean for stage, mean in means.items()}
        if self.warnings:
            facts["warnings"] = [note.code for note in self.warnings]
        return short_repr(self, self.name, facts)

    def values(self, stage: str, measure: str) -> list[float]:
        """Return a measure's value for each query.

        Raises:
            InvalidInput: The stage is not among `STAGES`, or the measure is not among `measures`.
        """
        if stage not in STAGES:
            raise InvalidInput(f"stage is {stage!r}: give one of {', '.join(map(repr, STAGES))}", field="stage")
        if measure not in self.measures:
            raise InvalidInput(f"{measure} was not measured for {self.name}, which has {', '.join(self.measures)}")
        return [outcome.of(stage)[measure] for outcome in self.outcomes]

    def estimate(self, stage: str, measure: str) -> Estimate:
        """Return a measure's mean over all queries with its 95 % interval. Raises as `values` does."""
        return estimate(self.values(stage, measure))

    def gain(self, measure: str) -> Paired:
        """Return reranked minus stage one, query by query."""
        return paired(self.values("reranked", measure), self.values("stage one", measure))

    @property
    def reranks(self) -> bool:
        """False if the search has no reranker: "reranked" then repeats "stage one"."""
        return self.about.get("reranker") != NO_RERANKER

    @property
    def recall(self) -> Estimate:
        """The recall of the pool: the recall ceiling of any reranker."""
        return estimate([outcome.recall for outcome in self.outcomes])

    @property
    def failures(self) -> dict[str, int]:
        """Kind -> number of queries, with every kind of `outcomes.KINDS`."""
        counts = Counter(outcome.failure.kind for outcome in self.outcomes)
        return {kind: counts.get(kind, 0) for kind in KINDS}

    @property
    def warnings(self) -> tuple[Note, ...]:
        """Notes if no pool has a relevant id, if the retriever has a limit or repeats ids, and if queries are few."""
        notes = nothing_retrieved(self.outcomes, self.pool_size)
        notes += retriever_notes(
            (outcome.limited for outcome in self.outcomes), (outcome.repeated for outcome in self.outcomes)
        )
        if (queries := len(self.outcomes)) < FEWEST_TO_SPLIT:
            notes.append(Note("few_queries", queries=queries, fewest=FEWEST_TO_SPLIT))
        return tuple(notes)

    def seconds(self, stage: str, share: float) -> float:
        """Return a quantile of the seconds of "retrieve" or "rerank". A `share` of 0.5 gives the median."""
        return quantile([outcome.seconds.get(stage, 0.0) for outcome in self.outcomes], share)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two evaluations on one measure: `second` minus `first`. `adjusted_p` is corrected for the number of pairs."""

    first: str
    second: str
    measure: str
    paired: Paired
    adjusted_p: float


def evaluate(  # noqa: PLR0913 - only the first two are needed
    search: Search,
    judged: Judged,
    *,
    pool_size: PoolSize | None = None,
    measures: Sequence[str] = MEASURES,
    cutoff: int = CUTOFF,
    name: str = "default",
    about: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    checkpoint: Checkpoint | None = None,
    finish: Finish = finish_in_turn,
) -> Evaluation:
    """Return the measures of both stages, and of the ceiling, for every judged query. Each query is searched once.

    Below the pool, a ranking continues in stage one's order, as with `tail`, to the depth that the measures read.
    Limits on score and probability do not apply.

    Args:
        search: The search to measure, with its configuration.
        judged: The queries with their judgments.
        pool_size: Passages to score, or "auto". None: the pool size of the configuration.
        measures: Names of measures, each with a cutoff.
        cutoff: A query is fine if a relevant id is among the first `cutoff` results.
        name: The name of this evaluation in tables.
        about: Facts about the search, for readers of a saved evaluation.
        progress: A function that receives the number of finished queries and the number of all queries.
        checkpoint: Stores each outcome. Stored outcomes are not measured again. The caller calls its `finish`.
        finish: Scores the pools. Another function than the default one scores them in other processes.

    Raises:
        InvalidInput: An unknown measure, a measure without a cutoff, a bad size or cutoff, or a query that a stage
            cannot process. The message names the query.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    parsed = measures_of(measures)
    if cutoff < 1:
        raise InvalidInput(f"cutoff must be at least 1, not {cutoff}", field="cutoff")
    config = whole_pool_config(search.config, depth=depth_of(parsed, cutoff, judged.level), pool_size=pool_size)
    reranker = search.reranker_at(config)
    stored = checkpoint or Checkpoint(None, {})
    missing = {key: judged.texts(key) for key in judged.queries if stored.get(key) is None}
    total, show = len(judged.queries), progress or (lambda done, total: None)
    if len(missing) < total:
        show(total - len(missing), total)
    for done, (query_id, ranking) in enumerate(finish(_pools(search, missing, config)), start=total - len(missing) + 1):
        stored.put(query_id, to_json(measured(query_id, ranking, judged, parsed, cutoff)))
        show(done, total)
    outcomes = [from_json(stored.get(query_id)) for query_id in judged.queries]
    facts = {"reranker": info_of(reranker).name if reranker is not None else NO_RERANKER, **(about or {})}
    if judged.guessed:
        facts["guessed encoding of the queries"] = ", ".join(dict.fromkeys(judged.guessed.values()))
    facts |= {"stage_one": "approximate"} if is_approximate(search.retriever) else {}
    facts |= {"expand": config.expand} if config.expand is not None else {}
    size = max(outcome.pool_size for outcome in outcomes)
    names = tuple(map(str, parsed))
    return Evaluation(name, judged.name, judged.fingerprint, size, cutoff, names, tuple(outcomes), facts)


def _pools(search: Search, queries: Mapping[str, QueryTexts], config: SearchConfig) -> Iterator[tuple[str, Pending]]:
    """Yield the retrieved pool of each query."""
    for query_id, query in queries.items():
        with name_query(query_id):
            pending = begin_whole(search, query, config)
        yield query_id, pending


def measures_of(names: Sequence[str]) -> list[Measure]:
    """Return the measures with these names, each once.

    Raises:
        InvalidInput: No name, an unknown name, or a name without a cutoff; or one text, which is no list.
    """
    if isinstance(names, str):
        raise InvalidInput(
            f"measures is the text {names!r:.80}: give a list of names, [{names!r:.80}]", field="measures"
        )
    measures = list(dict.fromkeys(parse_with_cutoff(name) for name in names))
    if not measures:
        raise InvalidInput("measures must name at least one measure, such as nDCG@10", field="measures")
    return measures


def compare(evaluations: Sequence[Evaluation], measure: str = "nDCG@10") -> list[Comparison]:
    """Compare every pair of evaluations on one measure, with Holm's correction.

    Fewer than two evaluations give no pairs.

    Raises:
        InvalidInput: The queries or judgments differ, two evaluations have the same name, or an evaluation lacks the
            measure.
    """
    names = [evaluation.name for evaluation in evaluations]
    if len(set(names)) != len(names):
        raise InvalidInput(f"each evaluation needs a name of its own; the names are {', '.join(names)}")
    pairs = [(first, second) for place, first in enumerate(evaluations) for second in evaluations[place + 1 :]]
    differences = [difference(second, first, measure) for first, second in pairs]
    adjusted = holm([each.p for each in differences])
    return [
        Comparison(first.name, second.name, measure, each, p)
        for (first, second), each, p in zip(pairs, differences, adjusted, strict=True)
    ]


def difference(evaluation: Evaluation, other: Evaluation, measure: str, *, stage: str = "reranked") -> Paired:
    """Return the final rankings of `evaluation` minus those of `other`, paired by query id.

    Raises:
        InvalidInput: The queries or judgments differ, or an evaluation lacks the measure.
    """
    if evaluation.fingerprint != other.fingerprint:
        raise InvalidInput(
            f"{evaluation.name} was measured on {evaluation.query_set} ({counted(len(evaluation.outcomes), 'query')}) "
            f"and {other.name} on {other.query_set} ({len(other.outcomes)}), and their queries or judgments differ: "
            "measure both on the same query set"
        )
    places = {outcome.query_id: place for place, outcome in enumerate(other.outcomes)}
    before = other.values(stage, measure)
    paired_values = [before[places[outcome.query_id]] for outcome in evaluation.outcomes]
    return paired(evaluation.values(stage, measure), paired_values)


__all__ = ["CUTOFF", "STAGES", "Comparison", "Evaluation", "compare", "difference", "evaluate", "measures_of"]
