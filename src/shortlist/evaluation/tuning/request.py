"""What to tune: sizes, blends, measures, a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import K
from shortlist.evaluation.metrics.statistics import SEED
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.search.pipeline import Shortlist

SIZES = (5, 10, 20, 30, 50, 75, 100)
BLENDS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
FUSIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
MEASURES = ("nDCG@10", "RR@10", "Success@10")


@dataclass(frozen=True, slots=True)
class Request:
    """What to tune.

    `measures[0]` decides. `blend` is the one in use, `shortlist.weights` being those at blend 1.
    `fusions` are the shares of the vectors to try beside the one in use; none tries none.

    `budget` is in seconds for one search. `timed` is how many queries are timed at each size but the largest, whose
    times the pass takes down; up to 8 % of the pass's cost where None, and at least 1. `checkpoint` names a file for
    partial results; `about` is what else tells this run from others, such as the index and its size.
    """

    sizes: tuple[int, ...] = SIZES
    blends: tuple[float, ...] = BLENDS
    fusions: tuple[float, ...] = FUSIONS
    blend: float = 1.0
    measures: tuple[str, ...] = MEASURES
    k: int = K
    budget: float | None = None
    timed: int | None = None
    checkpoint: Path | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    seed: int = SEED


def checked(shortlist: Shortlist, judged: Judged, asked: Request) -> Request:
    """The request with sizes in order, each once.

    Raises:
        InvalidInput: No reranker, fewer than two queries, or a bad size, blend, fusion or number of timed queries.
    """
    if shortlist.reranker is None:
        raise InvalidInput("there is no reranker to tune the pool for: name a cross-encoder")
    if not asked.sizes or min(asked.sizes) < 1:
        raise InvalidInput(f"pool sizes must be at least 1, not {list(asked.sizes)}")
    if len(judged.queries) < 2:
        raise InvalidInput("at least two judged queries are needed to tune anything")
    if asked.timed is not None and not 1 <= asked.timed <= len(judged.queries):
        raise InvalidInput(f"between 1 and {len(judged.queries)} queries can be timed, not {asked.timed}")
    if not all(0 <= blend < float("inf") for blend in (*asked.blends, asked.blend)):
        raise InvalidInput(f"blends must be 0 or more, not {[*asked.blends, asked.blend]}")
    if not all(0 <= fusion <= 1 for fusion in asked.fusions):
        raise InvalidInput(f"fusion weights must be from 0 to 1, not {list(asked.fusions)}")
    return replace(asked, sizes=tuple(sorted(set(asked.sizes))))
