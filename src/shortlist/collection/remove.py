"""Remove sources and documents from an index by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from shortlist.collection.collection import Collection
from shortlist.collection.ledger import Entry, Ledger
from shortlist.errors import InvalidInput

SHOWN = 3


def remove(names: str | Iterable[str], collection: Collection) -> int:
    """Remove sources and documents from the index, and return the number of removed documents.

    A name is the name of a source, as `contents` shows it, or the id of a document. The name of a source removes all of
    its documents. If a name is both, the function removes the source. ":memory:" is the source of all documents without
    a file. If a file still exists, the next `add` adds the whole file again. The process may be killed at any moment:
    the same call then continues. Without names, the function removes nothing.

    Raises:
        InvalidInput: The index has no such name, or a name is no text; nothing is removed then.
        IndexWriteFailed: The disk is full or failing; the same call continues.
        IndexLocked: Another process changes the index, which is on a server.
    """
    given = _given(names)
    with collection.writing():
        sources, entries = _resolve(given, collection.ledger, collection.name)
        for source in sorted(sources):
            collection.ledger.unfinish(source)
        if entries:
            collection.drop(list(entries.values()))
    return len(entries)


def _given(names: object) -> list[str]:
    """Return the names as a list of texts."""
    listed: list[Any] = list(names) if isinstance(names, Iterable) and not isinstance(names, str) else [names]
    for name in listed:
        if not isinstance(name, str):
            raise InvalidInput(
                f"{name!r:.80} is no name: give the name of a source or the id of a document as a string"
            )
    return listed


def _resolve(names: Sequence[str], ledger: Ledger, index: str) -> tuple[set[str], dict[str, Entry]]:
    """Return the sources that lose documents, and the documents to remove by id."""
    known = ledger.known_sources()
    sources: set[str] = set()
    entries: dict[str, Entry] = {}
    unknown: list[str] = []
    for name in names:
        entry = ledger.entry(name)
        if name in known:
            sources.add(name)
            entries |= ledger.documents(name)
        elif entry is not None:
            sources.add(entry.source)
            entries[name] = entry
        else:
            unknown.append(name)
    if unknown:
        raise InvalidInput(_unknown(unknown, sorted(known), ledger.ids(), index))
    return sources, entries


def _unknown(names: Sequence[str], sources: Sequence[str], ids: Sequence[str], index: str) -> str:
    known = list(dict.fromkeys([*sources, *ids]))
    shown = []
    for name in names[:SHOWN]:
        close = _similar(name, known)
        shown.append(f"{name!r}" + (f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (
        f"{index} has no source or document {', '.join(shown)}{more}: nothing was removed. "
        f"List its sources with: shortlist list --index {index}"
    )


def _similar(name: str, known: Sequence[str]) -> list[str]:
    """Return the known names that contain this one or are part of it, closest in length first; else similar words."""
    folded = name.casefold().removeprefix("./")
    inside = [other for other in known if folded and (folded in other.casefold() or other.casefold() in folded)]
    near = sorted(inside, key=lambda other: abs(len(other) - len(name)))
    return near[:SHOWN] or get_close_matches(name, known, SHOWN)
