"""The tool `explain`: the rank of a passage for a query, and the words that put it below or above another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.redaction import Names, unknown_passage
from shortlist.search.explain import Explanation
from shortlist.search.pool import distinct_notes, known_pool_size
from shortlist.search.search import Search
from shortlist.types import Hit, Note, Passage, Ranking
from shortlist.wording import worded_notes

Find: TypeAlias = Callable[[Sequence[str]], Mapping[str, Passage]]
SCORES = ("rank", "score", "rerank_score", "retrieval_rank", "retrieval_score", "signals", "truncated")


def pool_config(search: Search, most: int) -> SearchConfig:
    """Return the configuration of a search that returns its whole pool, of at most `most` passages, each by itself."""
    size = min(known_pool_size(search.config), most)
    limits = {"min_score": None, "min_probability": None, "per_document": None, "mmr": None}
    whole = {"duplicates": True, "tail": False, "progressive": False, "gate": False}
    return search.config.override({"pool_size": size, "top_k": size, **limits, **whole})


@dataclass(frozen=True, slots=True)
class Pair:
    """The two passages to compare, and the ranking of the whole pool."""

    ranking: Ranking
    passage: Passage
    other: Passage


def pair_of(ranking: Ranking, find: Find, names: Names, id: str, other: str | None) -> Pair:
    """Return the passage and the other one: by default the hit above it, the second for the best, or the best hit.

    Args:
        ranking: The ranking of the whole pool.
        find: Returns the passages with these ids, by id.
        names: The names that answers show: `id` and `other` may be such names.
        id: The id of the passage.
        other: The id of the other passage, or None.

    Raises:
        InvalidInput: There is no such passage, no other hit to compare with, or both are the same passage.
    """
    passage = _named(ranking, find, names, ("id", id))
    rank = next((hit.rank for hit in ranking if hit.id == passage.id), None)
    place = 0 if rank is None else 1 if rank == 1 else rank - 2
    if other is None and place >= len(ranking):
        raise InvalidInput("the query has no other hit to compare with: name a passage as other", field="other")
    second = ranking[place].passage if other is None else _named(ranking, find, names, ("other", other))
    if passage.id == second.id:
        raise InvalidInput(f"id and other are both {id!r}: name two passages, or leave out other", field="other")
    return Pair(ranking, passage, second)


def _named(ranking: Ranking, find: Find, names: Names, given: tuple[str, str]) -> Passage:
    """Return the passage that an argument names: a hit, or another passage of the index."""
    field, key = given
    ids = names.originals(key)
    hit = next((hit for hit in ranking if hit.id in ids or names.shown(hit.id) == key), None)
    if hit is not None:
        return hit.passage
    passages = find(ids)
    if not passages:
        raise InvalidInput(unknown_passage(key, names), field=field)
    return next(passages[name] for name in ids if name in passages)


def explained(pair: Pair, explanation: Explanation, names: Names | None, notes: Sequence[Note] = ()) -> dict[str, Any]:
    """Return the answer of the tool `explain`."""
    ranking = pair.ranking
    hit, other_hit = (_hit_of(ranking, passage.id) for passage in (pair.passage, pair.other))
    notes = [*ranking.notes, *notes]
    if hit is None:
        notes.append(Note("not_in_pool", pool=len(ranking)))
    content = asdict(explanation)
    return {
        "query": content.pop("query"),
        "id": pair.passage.id if names is None else names.shown(pair.passage.id),
        "other": pair.other.id if names is None else names.shown(pair.other.id),
        "pool": len(ranking),
        "status": ranking.status,
        "weights": dict(ranking.weights),
        "hit": _scores(hit),
        "other_hit": _scores(other_hit),
        **content,
        "words": list(content["words"]),
        "notes": worded_notes(distinct_notes(note if names is None else names.note(note) for note in notes)),
    }


def _scores(hit: Hit | None) -> dict[str, Any] | None:
    return None if hit is None else {name: content for name, content in hit.to_dict().items() if name in SCORES}


def _hit_of(ranking: Ranking, key: str) -> Hit | None:
    return next((hit for hit in ranking if hit.id == key), None)
