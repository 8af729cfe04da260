"""The sources of an index whose documents a run should remove."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shortlist.collection.collection import Collection
from shortlist.documents import MEMORY
from shortlist.stores.kinds import is_store


def gone_sources(collection: Collection, below: Sequence[Path]) -> list[str]:
    """Return the sources whose file no longer exists, sorted.

    For an index on a server, these are only sources below the paths `below`: other machines may have the other files.
    """
    gone = [name for name in _files(collection) if not (collection.root / name).is_file()]
    return [name for name in gone if collection.place.prunes(name, list(below))]


def excluded_sources(collection: Collection, excluded: Sequence[Path]) -> list[str]:
    """Return the sources that are excluded files, or that are below excluded folders, sorted."""
    if not excluded:
        return []
    return [name for name in _files(collection) if _is_below(collection.root / name, excluded)]


def _files(collection: Collection) -> list[str]:
    return sorted(name for name in collection.ledger.known_sources() - {MEMORY.name} if not is_store(name))


def _is_below(path: Path, tops: Sequence[Path]) -> bool:
    return any(path == top or top in path.parents for top in tops)
