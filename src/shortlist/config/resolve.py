"""The precedence of arguments, file and defaults. Every surface uses this module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shortlist.config.efforts import without_clash
from shortlist.config.fusion import ONE_LIST, check_fused
from shortlist.config.search_config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.types import Note

OF_RERANKER = ("blend", "weights", "min_score", "min_probability")
"""Settings in the unit of a reranker's scores. They are valid for one reranker only."""
OF_RETRIEVER = ("fields", "words", "pool_encoder")
"""Settings of a store or a retriever of the user's own. They are valid for one retriever only."""
WITHOUT_RERANKING = frozenset(
    [
        "retriever",
        "fields",
        "words",
        "rerank",
        "pool_size",
        "effort",
        "top_k",
        "fusion",
        "expand",
        "language",
        "bi_encoder",
        "pool_encoder",
        "precision",
        "device",
        "threads",
        "duplicates",
        "per_document",
        "mmr",
    ]
)
"""Settings that apply with and without reranking."""
OF_BLEND = ("min_score", "min_probability")
"""Settings in the unit of the final score. They are valid for one blend only."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A configuration, the settings that it takes from the file, and a note for each ignored setting of the file."""

    config: SearchConfig
    from_file: Mapping[str, Any]
    notes: tuple[Note, ...] = ()


def resolve(given: Mapping[str, Any], file: Mapping[str, Any], default: SearchConfig | None = None) -> Resolved:
    """Return the configuration of a search: `given` values first, then the values of the file, then the default.

    None among the given values means "not given". The function ignores settings of the file that belong to another
    reranker or another blend than this search has, the `fields`, `words` and `pool_encoder` of another retriever, and a
    `fusion` of another retriever or of one that fuses no lists. The function also ignores a `min_probability` of the
    file if the search has no probabilities: without reranking, with `tail`, or with `progressive`. Each ignored setting
    gives a note. A given effort or pool size replaces both of the file, without a note. In the file, the effort
    replaces the pool size.

    Raises:
        InvalidInput: A value that cannot be used, a weight of an unknown signal, `given` fields or words without a
            store, or a `given` fusion weight without hybrid retrieval.
    """
    default = default or SearchConfig()
    given = {name: value for name, value in given.items() if value is not None}
    from_file = without_clash(file, given)
    requested = default.override(from_file).override(given)
    notes = []
    for name, reason in _ignored(given, file, default, requested):
        if name in from_file:
            del from_file[name]
            if name not in given:
                notes.append(Note("setting_ignored", setting=name, reason=reason))
    config = default.override(from_file).override(given)
    config.check_signals()
    if "fusion" in given:
        check_fused(config.retriever)
    if given.get("words") and not config.is_foreign:
        raise InvalidInput(
            f"words are BM25 beside a store, and the retriever is {config.retriever!r}: name a store", field="words"
        )
    if "fields" in given and not config.is_foreign:
        raise InvalidInput(
            f"fields are the names of a store's fields, and the retriever is {config.retriever!r}: name a store",
            field="fields",
        )
    used = {
        name: value
        for name, value in from_file.items()
        if name not in (*given, "precompute", "index_options", "efforts")
        and (config.rerank or name in WITHOUT_RERANKING)
        and getattr(config, name) == value
    }
    return Resolved(config, used, tuple(notes))


def _ignored(
    given: Mapping[str, Any], file: Mapping[str, Any], default: SearchConfig, requested: SearchConfig
) -> Iterator[tuple[str, str]]:
    """Yield the settings of the file that do not apply, each with the reason."""
    if given.get("reranker", requested.reranker) != file.get("reranker", default.reranker):
        yield from ((name, "other_reranker") for name in OF_RERANKER)
    elif given.get("blend", requested.blend) != file.get("blend", default.blend):
        yield from ((name, "other_blend") for name in OF_BLEND)
    if requested.retriever != file.get("retriever", requested.retriever):
        yield from ((name, "other_retriever") for name in OF_RETRIEVER)
    if requested.retriever != file.get("retriever", default.retriever):
        yield "fusion", "other_retriever"
    elif requested.retriever in ONE_LIST:
        yield "fusion", "no_fusion"
    reasons = ((not requested.rerank, "not_reranked"), (requested.tail, "tail"), (requested.progressive, "progressive"))
    yield from (("min_probability", reason) for applies, reason in reasons if applies)
