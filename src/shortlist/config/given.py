"""The configuration that a caller gives in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shortlist.config.search_config import SearchConfig
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
