"""Evaluations whose pools are scored by workers."""

from __future__ import annotations

from shortlist.collection.precompute import notes_on_states
from shortlist.errors import InvalidInput
from shortlist.evaluation.whole_pool import Finish, finish_in_turn
from shortlist.index import OpenIndex
from shortlist.search.opened import Opened
from shortlist.search.search import Search
from shortlist.workers import choose_workers
from shortlist.workers.searching import ByWorkers


def finish_by(searched: Opened | Search, workers: int | None = None, ray: str | None = None) -> Finish:
    """Return the function that scores the pools of an evaluation: in this process, or by workers if these are given.

    This process retrieves the pools, because one process at a time can open an index folder.

    Raises:
        InvalidInput: `workers` is below 1, `ray` is empty, the reranker is an object and has no name for the workers,
            or it uses the stored states of the index.
        MissingExtra: `ray` is given, and the ray extra is not installed.
    """
    if workers is None and ray is None:
        return finish_in_turn
    field = "ray" if workers is None else "workers"
    crew = choose_workers(workers, ray, threads=searched.config.threads, device=searched.config.device)
    if not isinstance(searched, Opened) or searched.has_own_reranker:
        raise InvalidInput(
            f"{field} needs an open index or retriever whose configuration names the reranker, because workers load it "
            "by its name",
            field=field,
        )
    if _uses_states(searched):
        raise InvalidInput(
            f"{searched.name} has stored states, which {field} cannot use: leave out {field}, or remove the states",
            field=field,
        )
    return finish_in_turn if searched.config.reranker_name is None else ByWorkers(crew, searched.config)


def _uses_states(searched: Opened) -> bool:
    """Whether the reranker scores from stored states."""
    if not isinstance(searched, OpenIndex) or searched.collection.states is None:
        return False
    reranker = searched.searcher.reranker
    return reranker is not None and not notes_on_states(searched.collection, reranker)
