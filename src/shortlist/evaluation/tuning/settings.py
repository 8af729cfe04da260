"""The settings that a tuning writes into `shortlist.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shortlist.config import SearchConfig

DEFAULT = SearchConfig()


OF_STORES = ("bi_encoder", "fields", "language", "pool_encoder", "words")
"""The settings that an index keeps itself, and a store does not."""


def file_values(
    tuned: Mapping[str, Any], config: SearchConfig, own_weights: Mapping[str, float] | None, file: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values to write into a file with the settings `file`. None removes a key.

    `tuned` are the settings that a tuning found with the configuration `config`. The function removes the blend, the
    weights and the smallest score of the file if the tuning did not find them, and the pool size if the tuning
    recommends no reranking, because it then recommends no size either. `own_weights` are weights that the new
    blend scales. They are written if they are given. The retriever, the reranker, the fusion weight and the query
    expansion of `config` are written if the file has other values. The `min_probability` of the file stays only if
    searches keep their pools and final scores, because the stored curve was fitted for these pools and scores. The
    settings of a store are written, too: without them, the next search would be another one.
    """
    values: dict[str, Any] = {"blend": None, "weights": dict(own_weights) if own_weights else None, "min_score": None}
    values |= {"pool_size": None} if "pool_size" in file and not tuned.get("rerank", True) else {}
    values |= {"efforts": None} if "efforts" in file and "efforts" not in tuned else {}
    values |= {"effort": None} if values.get("efforts", ...) is None and "effort" in file else {}
    values = {**tuned, **{name: tuned.get(name, value) for name, value in values.items()}}
    for name in ("fusion", "expand", "retriever", "reranker", *(OF_STORES if config.is_foreign else ())):
        used = getattr(config, name)
        if used is not None and used != file.get(name, getattr(DEFAULT, name)):
            values.setdefault(name, used)
    if config.reranker != DEFAULT.reranker and config.reranker is not None:
        values["reranker"] = config.reranker
    top_k, pool_size = file.get("top_k"), values.get("pool_size")
    if isinstance(top_k, int) and isinstance(pool_size, int) and top_k > pool_size and not file.get("tail"):
        values["top_k"] = pool_size
    if not values.get("rerank", True) or not _same_scores(file, values):
        values["min_probability"] = None
    return values


def _same_scores(file: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether the values leave pools and final scores as they are with the file."""
    return all(
        _value(values, name, file) == _value(file, name)
        for name in ("weights", "blend", "fusion", "expand", "retriever", "reranker", "pool_encoder")
    )


def _value(settings: Mapping[str, Any], name: str, fallback: Mapping[str, Any] | None = None) -> Any:
    """The value of a setting.

    A missing key has the value in `fallback`, if that is given. Otherwise, and for None: the default.
    """
    if name not in settings and fallback is not None:
        return _value(fallback, name)
    value = settings.get(name)
    return getattr(DEFAULT, name) if value is None else value
