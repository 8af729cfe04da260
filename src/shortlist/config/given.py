"""The configuration that a caller gives in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shortlist.config.search_config import FUSION, RERANKER, SearchConfig
from shortlist.errors import InvalidInput


def checked_config(config: Any) -> SearchConfig:
    """Return the configuration, or the default settings for None.

    Raises:
        InvalidInput: It is no `SearchConfig`.
    """
    if config is None:
        return SearchConfig()
    if not isinstance(config, SearchConfig):
        advice = "SearchConfig(**config)" if isinstance(config, Mapping) else "a SearchConfig"
        raise InvalidInput(f"config is {config!r:.80}: give {advice}", field="config")
    return config


def check_loaded(config: SearchConfig, *, reranker: bool) -> None:
    """Check that a `Search` over a function or a retriever of a framework ignores no setting that changes its order.

    Such a search gets its parts as objects, and loads nothing by name. `reranker` tells whether it has a reranker.

    Raises:
        InvalidInput: The configuration names a part that must be given as an object, or a setting of an index or a
            store.
    """
    if config.pool_encoder is not None:
        advice = f"EncodedPool(retriever, load_encoder({config.pool_encoder!r})) as the retriever"
        raise _ignored("pool_encoder", config.pool_encoder, advice)
    if not reranker and config.reranker_name not in (None, RERANKER):
        raise _ignored("reranker", config.reranker, f"load_reranker({config.reranker!r}) as the reranker")
    for setting, default in (("fusion", FUSION), ("words", False), ("fields", None)):
        value = getattr(config, setting)
        if value != default:
            raise _ignored(setting, value, f"a config without {setting}, which an index or a store uses")


def _ignored(setting: str, value: Any, advice: str) -> InvalidInput:
    return InvalidInput(
        f"config has {setting}={value!r:.80}, and a Search over a retriever of your own loads no part by name: give "
        f"{advice}",
        field=setting,
    )
