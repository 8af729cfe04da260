"""Effort levels: pool sizes with a name, which `tune --write` finds and stores."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

from shortlist.config.limits import check_largest
from shortlist.errors import InvalidInput

EFFORTS = ("low", "mid", "high")
"""The names of the levels, smallest pool first."""
TUNE = "shortlist tune QUERIES --index DIR --write"


def check_efforts(efforts: Mapping[str, Any]) -> None:
    """Check the levels of a configuration: name -> a table with `pool_size`. Other keys of a table are for readers.

    Raises:
        InvalidInput: An unknown name, or a level without a usable pool size.
    """
    for name, level in efforts.items():
        if name not in EFFORTS:
            raise InvalidInput(f"efforts: {name!r} is unknown; the levels are {', '.join(EFFORTS)}", field="efforts")
        size = level.get("pool_size") if isinstance(level, Mapping) else None
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise InvalidInput(
                f"efforts.{name} must be a table with a pool_size of at least 1, not {level!r:.80}", field="efforts"
            )
        check_largest(f"efforts.{name}.pool_size", size)


def pool_of(effort: str, efforts: Mapping[str, Any] | None, *, rerank: bool = True) -> int:
    """Return the pool size of an effort level.

    Raises:
        InvalidInput: The name is unknown, or no such level is stored.
    """
    if effort not in EFFORTS:
        raise InvalidInput(f"effort must be {', '.join(EFFORTS)}, not {effort!r:.80}", field="effort")
    if not efforts and not rerank:
        raise InvalidInput(
            f"effort is {effort!r}, and no such level is stored. An effort is a pool size for the reranker, and this "
            "search does not rerank: leave out the effort, or turn reranking on and give a pool_size",
            field="effort",
        )
    if not efforts or effort not in efforts:
        raise InvalidInput(
            f"effort is {effort!r}, and no such level is stored: find and store the levels with `{TUNE}`. There are "
            "none if no pool gains over stage one",
            field="effort",
        )
    return int(efforts[effort]["pool_size"])


def changes_of_effort(
    given: Mapping[str, Any], effort: str | None, efforts: Mapping[str, Any] | None, *, rerank: bool = True
) -> dict[str, Any]:
    """Return what the given values change of the pool size and the effort, one of which follows the other.

    `effort` and `efforts` are those before the change, and `rerank` is the value after it. A given effort sets the pool
    size. A given pool size ends the effort. If both are given, nothing follows, and the configuration checks that they
    agree.
    """
    if "pool_size" in given:
        return {"effort": None} if "effort" not in given and given["pool_size"] is not None else {}
    if "effort" not in given and "efforts" not in given:
        return {}
    after = given.get("effort", effort)
    if after is None:
        return {}
    return {"pool_size": pool_of(after, given.get("efforts", efforts), rerank=rerank)}


def without_clash(file: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the settings of a file without the pool size or the effort that does not apply.

    A given pool size or effort replaces both of the file. In the file, the effort replaces the pool size.
    """
    given = given or {}
    settings = dict(file)
    if "pool_size" in given:
        settings.pop("effort", None)
    elif "effort" in given or "effort" in settings:
        settings.pop("pool_size", None)
    return settings
