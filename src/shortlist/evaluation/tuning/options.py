"""The options of a tuning: pool sizes, blends, fusion weights, measures and a time budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from shortlist.config.limits import LARGEST_BLEND, check_largest
from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import CUTOFF
from shortlist.evaluation.metrics.statistics import SEED
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.reprs import short_number
from shortlist.search.search import Search

SIZES = (5, 10, 20, 30, 50, 75, 100)
BLENDS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
FUSIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
MEASURES = ("nDCG@10", "RR@10", "Success@10")


@dataclass(frozen=True, slots=True)
class TuneOptions:
    """The options of a tuning.

    Args:
        sizes: Pool sizes to try.
        blends: Blends to try, in addition to the current one.
        fusions: Fusion weights to try, in addition to the current one.
        measures: Names of measures, each with a cutoff. The first measure decides.
        cutoff: A query is fine if a relevant id is among the first `cutoff` results.
        budget_ms: The time that 95 of 100 searches must stay within, in milliseconds. If fewer than 20 searches are
            timed at a size, it is the limit of their median. None: no limit.
        timed: Queries to time at each size except the largest, which the pass times. None: up to 8 % of the pass, and
            at least one query, or three with `budget_ms`.
        checkpoint: The file for partial results.
        about: Facts that identify this run in the checkpoint, such as the index and its size.
        seed: The seed of the two halves.
    """

    sizes: tuple[int, ...] = SIZES
    blends: tuple[float, ...] = BLENDS
    fusions: tuple[float, ...] = FUSIONS
    measures: tuple[str, ...] = MEASURES
    cutoff: int = CUTOFF
    budget_ms: float | None = None
    timed: int | None = None
    checkpoint: Path | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    seed: int = SEED


def sizes_of(given: Iterable[int]) -> tuple[int, ...]:
    """Return pool sizes as whole numbers, also those of an array. Raises InvalidInput for anything else."""
    return tuple(int(size) for size in _listed("sizes", given, Integral, "whole numbers, such as [5, 10, 20]"))


def numbers_of(name: str, given: Iterable[float]) -> tuple[float, ...]:
    """Return the values of the option `name` as floats, also those of an array.

    Raises:
        InvalidInput: It is no list, or a value is no number.
    """
    return tuple(float(value) for value in _listed(name, given, Real, "numbers, such as [0, 0.5, 1]"))


def _listed(name: str, given: Any, kind: type, expected: str) -> list[Any]:
    values = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [None]
    if any(isinstance(value, bool) or not isinstance(value, kind) for value in values):
        raise InvalidInput(f"{name} is {given!r:.80}: give a list of {expected}", field=name)
    return values


def checked_options(search: Search, judged: Judged, options: TuneOptions) -> TuneOptions:
    """Return the options with the sizes in order, each once.

    Raises:
        InvalidInput: No reranker, fewer than two queries, or a bad size, blend, fusion weight, budget or number of
            timed queries.
    """
    if search.reranker is None:
        raise InvalidInput("the search has no reranker, so there is nothing to tune", field="reranker")
    check_values(options)
    if len(judged.queries) < 2:
        raise InvalidInput("tuning needs at least two judged queries")
    if options.timed is not None and not 1 <= options.timed <= len(judged.queries):
        raise InvalidInput(f"timed must be from 1 to {len(judged.queries)} queries, not {options.timed}", field="timed")
    return replace(options, sizes=tuple(sorted(set(options.sizes))))


def check_values(options: TuneOptions) -> None:
    """Check the values that depend neither on a search nor on queries.

    Raises:
        InvalidInput: A bad size, blend, fusion weight or budget.
    """
    if not options.sizes or min(options.sizes) < 1:
        raise InvalidInput(f"sizes must be pool sizes of at least 1, not {list(options.sizes)}", field="sizes")
    check_largest("sizes", max(options.sizes))
    if not all(0 <= blend <= LARGEST_BLEND for blend in options.blends):
        shown = ", ".join(map(short_number, options.blends))
        raise InvalidInput(f"blends must be from 0 to {LARGEST_BLEND:,}, not {shown}", field="blends")
    if not all(0 <= fusion <= 1 for fusion in options.fusions):
        raise InvalidInput(f"fusions must be from 0 to 1, not {list(options.fusions)}", field="fusions")
    if options.budget_ms is not None and not (isinstance(options.budget_ms, Real) and options.budget_ms >= 0):
        raise InvalidInput(f"budget_ms must be 0 or more, not {options.budget_ms!r:.80}", field="budget_ms")
