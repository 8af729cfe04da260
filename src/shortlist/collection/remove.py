"""Sources and documents out of an index, by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from shortlist.errors import InvalidInput
from shortlist.indexes.embedded import EmbeddedIndex, Entry, Ledger, drop

SHOWN = 3


def remove(names: str | Iterable[str], index: str | Path) -> int:
    """Removes sources and documents from the index, and returns how many documents that were.

    A name is that of a source, as `contents` shows it, for all of its documents, or the id of one document. Where it
    is both, it is the source. ":memory:" is all that `add_documents` brought. A file that still exists comes back when
    it is next added, whole, also where only one of its documents was removed. Safe to kill: either all of it is
    removed, or the same call goes on from there. No names remove nothing.

    Raises:
        InvalidInput: The index knows no such name; nothing is removed then.
        NotAnIndex, IndexMismatch, IndexLocked: As `shortlist.open`.
        IndexWriteFailed: The disk is full or failing; the same call goes on from there.
    """
    asked = [names] if isinstance(names, str) else list(names)
    with EmbeddedIndex.open(Path(index)) as opened:
        sources, entries = _found(asked, opened.ledger, Path(index))
        for source in sorted(sources):
            opened.ledger.unfinish(source)
        if entries:
            drop(opened, list(entries.values()))
    return len(entries)


def _found(asked: Sequence[str], ledger: Ledger, index: Path) -> tuple[set[str], dict[str, Entry]]:
    """The sources that lose something, and the documents to remove by id."""
    known = ledger.known_sources()
    sources: set[str] = set()
    entries: dict[str, Entry] = {}
    unknown: list[str] = []
    for name in asked:
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


def _unknown(names: Sequence[str], sources: Sequence[str], ids: Sequence[str], index: Path) -> str:
    every = list(dict.fromkeys([*sources, *ids]))
    said = []
    for name in names[:SHOWN]:
        close = _near(name, every)
        said.append(f"{name!r}" + (f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (
        f"{index} holds no source or document {', '.join(said)}{more}: nothing was removed. "
        f"See its sources with: shortlist list --index {index}"
    )


def _near(name: str, known: Sequence[str]) -> list[str]:
    """Names that hold this one or stand in it, the closest in length first; else those spelled like it."""
    folded = name.casefold().removeprefix("./")
    inside = [one for one in known if folded and (folded in one.casefold() or one.casefold() in folded)]
    return sorted(inside, key=lambda one: abs(len(one) - len(name)))[:SHOWN] or get_close_matches(name, known, SHOWN)
