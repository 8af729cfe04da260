"""`shortlist.watch`: keep an index up to date with folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

from shortlist.collection import IngestReport
from shortlist.config import SearchConfig
from shortlist.documents import ReadOptions, Source, discover
from shortlist.errors import IndexLocked, InvalidInput, MissingExtra
from shortlist.index import open_index

if TYPE_CHECKING:
    from watchfiles import Change

PAUSE, SHORTEST, LONGEST = 1.0, 0.05, 3600.0
_TICK_MS = 500
"""How often the wait for changes ends without one. An index that was locked is then tried again."""


class Changes(NamedTuple):
    """The real paths that changed: `written` are new or have new content, `deleted` are gone. Both may be empty."""

    written: frozenset[str]
    deleted: frozenset[str]


NOTHING = Changes(frozenset(), frozenset())


def watch(
    paths: str | Path | Iterable[str | Path],
    index: str | Path,
    *,
    config: SearchConfig | None = None,
    options: ReadOptions | None = None,
    pause: float = PAUSE,
    stop: Event | None = None,
    on_wait: Callable[[IndexLocked], None] | None = None,
) -> Iterator[IngestReport]:
    """Bring an index up to date with folders, and again after every change in them. Yield the report of each `add`.

    The first report comes at once, and covers everything that changed since the last run. Later ones come after new,
    changed, moved and deleted files, and their `skipped` has only what the earlier ones did not name. While a folder is
    missing, such as a drive that is not mounted, nothing is read and nothing is removed. The index is open only while
    it changes, so that other processes can search it between two changes. The process may be killed at any moment: the
    same call continues, and nothing is stored twice.

    Args:
        paths: Folders. Changes below them are noticed, also in folders that are made later.
        index: The index folder, or an index on a server. It is made if there is none.
        config: Models and settings, as for `shortlist.open`.
        options: How to read the files.
        pause: Seconds without a change after which the changes are read, 0.05 to 3600. During a long series of changes,
            they are read after ten times as long.
        stop: Ends the iteration when it is set, within half a second.
        on_wait: Is called if another process has the index open: once until the index is free. The changes are kept.

    Raises:
        InvalidInput: A path is not a folder, there is none, or `pause` is out of range.
        MissingExtra: The package watchfiles is not installed.
        FolderError, ModelError, InvalidInput: As `shortlist.open` and `OpenIndex.add`.
    """
    folders = _folders([paths] if isinstance(paths, str | Path) else list(paths))
    if not SHORTEST <= pause <= LONGEST:
        raise InvalidInput(f"pause is {pause:g}: give {SHORTEST:g} to {LONGEST:g} seconds", field="pause")
    changes = _watched(folders, Path(index), pause, stop)

    def add(chosen: Sequence[Path], prune: bool) -> IngestReport:
        with open_index(index, create=True, config=config) as opened:
            return opened.add(chosen, prune=prune, options=options)

    return reports_of(changes, folders, add, on_wait, options.exclude if options else ())


def reports_of(
    changes: Iterable[Changes],
    folders: Sequence[Path],
    add: Callable[[Sequence[Path], bool], IngestReport],
    on_wait: Callable[[IndexLocked], None] | None = None,
    exclude: Sequence[str] = (),
) -> Iterator[IngestReport]:
    """Yield the report of `add(paths, prune)` for all folders, and then for each of the changes that matter.

    If `add` raises IndexLocked, the changes are kept and tried again with the next ones. `skipped` of a report has what
    the earlier reports did not name, and everything of the files that changed. `exclude` has the patterns of what `add`
    leaves out.
    """
    known: set[tuple[str, str, str]] = set()
    first, is_waiting, waiting = True, False, NOTHING
    for new in changes:
        waiting = Changes(waiting.written | new.written, waiting.deleted | new.deleted)
        if not all(map(os.path.isdir, folders)):
            continue
        prune = first or bool(waiting.deleted)
        chosen = list(folders) if prune else changed_sources(folders, waiting.written, exclude)
        if not chosen:
            waiting = NOTHING
            continue
        try:
            report = add(chosen, prune)
        except IndexLocked as error:
            if on_wait is not None and not is_waiting:
                on_wait(error)
            is_waiting = True
            continue
        first, is_waiting, waiting = False, False, NOTHING
        _leave_out_known(report, () if prune else chosen, known)
        yield report


def _leave_out_known(report: IngestReport, changed: Sequence[Path], known: set[tuple[str, str, str]]) -> None:
    """Leave out of a report what is known, and update `known`. A report of all folders has no `changed` files."""
    paths = [path.as_posix() for path in changed]
    known -= {key for key in known if any(path == key[0] or path.endswith(f"/{key[0]}") for path in paths)}
    keys = {(item.path, item.place, item.reason): item for item in report.skipped}
    report.skipped = [item for key, item in keys.items() if key not in known]
    if not changed:
        known.clear()
    known.update(keys)


def changed_sources(folders: Sequence[Path], written: frozenset[str], exclude: Sequence[str] = ()) -> list[Path]:
    """Return the readable files that real paths name, or that are below them, as paths for `add`.

    A BEIR folder is added as a whole.
    """
    sources, _ = discover(folders, exclude) if written else ([], [])
    return [
        _path_for_add(source)
        for source in sources
        if str(source.path) in written or any(str(parent) in written for parent in source.path.parents)
    ]


def _path_for_add(source: Source) -> Path:
    return source.path.parent if source.format == "beir" else source.path


def _folders(paths: Sequence[str | Path]) -> list[Path]:
    if not paths:
        raise InvalidInput("there is no folder to watch: give at least one", field="paths")
    for path in paths:
        if not os.path.isdir(path):
            what = "is a file: give its folder" if os.path.exists(path) else "does not exist: check the path"
            raise InvalidInput(f"watch follows folders, and {str(path)!r} {what}", field="paths")
    return [Path(path).resolve() for path in paths]


def _watched(folders: Sequence[Path], index: Path, pause: float, stop: Event | None) -> Iterator[Changes]:
    """Yield what changed below the folders, without hidden files and the index itself; every half second at least.

    If a folder is gone, or is another one of the same name, all folders are watched anew, and are themselves the first
    change: they are read again as a whole.
    """
    try:
        import watchfiles
    except ImportError as error:
        raise MissingExtra("watching folders", "watch") from error
    own = str(index.resolve())

    def is_wanted(_: Change, path: str) -> bool:
        return not any(part.startswith(".") for part in _below(path, folders)) and not _is_in(path, own)

    def changes() -> Iterator[Changes]:
        ended, whole = stop or Event(), frozenset[str]()
        while not ended.is_set():
            known = _identities(folders)
            if None in known:
                ended.wait(_TICK_MS / 1000)
            else:
                for batch in watchfiles.watch(
                    *folders,
                    watch_filter=is_wanted,
                    step=int(1000 * pause),
                    debounce=int(10_000 * pause),
                    rust_timeout=_TICK_MS,
                    yield_on_timeout=True,
                    stop_event=ended,
                ):
                    written, deleted = _sorted_out(path for _, path in batch)
                    yield Changes(written, deleted | whole)
                    whole = frozenset()
                    if _identities(folders) != known:
                        break
            whole = frozenset(map(str, folders))

    return changes()


def _identities(folders: Sequence[Path]) -> list[tuple[int, int] | None]:
    """Return the device and the number of each folder, or None if it is missing."""
    identities: list[tuple[int, int] | None] = []
    for folder in folders:
        try:
            facts = folder.stat()
        except OSError:
            identities.append(None)
        else:
            identities.append((facts.st_dev, facts.st_ino))
    return identities


def _sorted_out(paths: Iterable[str]) -> Changes:
    """Sort paths by whether they exist now: a file may be deleted and written again within one series of changes."""
    written, deleted = set[str](), set[str]()
    for path in paths:
        if os.path.exists(path):
            written.add(os.path.realpath(path))
        else:
            deleted.add(path)
    return Changes(frozenset(written), frozenset(deleted))


def _below(path: str, folders: Sequence[Path]) -> tuple[str, ...]:
    """Return the parts of a path below the folder that contains it."""
    for folder in folders:
        if _is_in(path, str(folder)):
            return Path(path).relative_to(folder).parts
    return ()


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
