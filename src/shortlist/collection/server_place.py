"""An index on a server: the passages, the manifest, the ledger, the fits and the lock are all there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from shortlist.collection.collection import Collection
from shortlist.collection.ledger_tables import COLUMNS
from shortlist.collection.manifest import SERVER_VERSION, Manifest, of_server
from shortlist.collection.place import TextFiles, size_of
from shortlist.collection.server_ledger import Records, ServerLedger
from shortlist.errors import IndexMismatch, NotAnIndex, StoreError
from shortlist.protocols import Index

FILES, SETTINGS = "files", "settings"
"""The tables of the fits, and of what the engine keeps for itself."""


class Lock(Protocol):
    """One writer at a time, on any machine. A process that dies loses the lock."""

    def acquire(self) -> None:
        """Take the lock, after some seconds of waiting if necessary.

        Raises:
            IndexLocked: A living process has the lock.
        """

    def check(self) -> None:
        """Raise an error if this process had the lock and lost it.

        Raises:
            IndexLocked: Another process has the lock.
        """

    def release(self) -> None:
        """Let others write. A second call does nothing."""


class Site(Protocol):
    """What a server has of one index. Every method raises StoreError if the server does not answer or refuses.

    `name` is the name for messages, without secrets. `folder` is the folder of a server that is part of this process;
    None for another server.
    """

    name: str

    @property
    def folder(self) -> Path | None: ...  # noqa: D102

    @property
    def records(self) -> Records: ...  # noqa: D102

    @property
    def lock(self) -> Lock: ...  # noqa: D102

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest, or None if there is no index.

        Raises:
            NotAnIndex: There is something else under this name.
        """

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace the manifest of an index."""

    def prepare(self) -> None:
        """Make what the records and the lock need. A second call does nothing."""

    def create(self, manifest: Mapping[str, Any], *, dimension: int) -> Index:
        """Return a new, empty index. In one step, the index exists and has its manifest."""

    def open(self, *, dimension: int) -> Index:
        """Return the index.

        Raises:
            NotAnIndex: The index is missing or damaged.
        """

    def check_options(self) -> None:
        """Raise an error if the index was made with other options than those of this site.

        Raises:
            InvalidInput: An option differs.
        """

    def close(self) -> None:
        """Release the connection. A second call does nothing."""


class Server(Protocol):
    """An engine whose indexes are on a server. `option_names` are the names of the options that it knows."""

    option_names: frozenset[str]

    def connect(self, name: str, collection: str, where: str, options: Mapping[str, Any]) -> Site:
        """Return the site of the index `collection` on the server at `where`. `name` is its name without secrets.

        Raises:
            InvalidInput: An option that cannot be used.
            MissingExtra: The client is not installed.
        """


class RecordFiles:
    """Texts as records on the server. Satisfies `place.TextFiles`."""

    def __init__(self, records: Records, name: str) -> None:
        self._records, self._name = records, name

    def shown(self, name: str) -> str:
        """Return the name of the index, and that of the text."""
        return f"{self._name} {name}".strip()

    def read(self, name: str) -> str | None:
        """Return the text, or None if there is none."""
        row = self._records.get(FILES, name)
        return None if row is None else str(row["text"])

    def write(self, name: str, text: str) -> str:
        """Replace the text, and return its name."""
        self._records.put({FILES: {name: {"text": text}}})
        return self.shown(name)


class ServerPlace:
    """The place of an open index on a server. Satisfies `place.Place`.

    Searches need no lock: several processes may search while one changes the index. `root` is the current folder. Names
    of sources below it do not depend on the machine: several machines add the same documents from their copies of one
    project.
    """

    def __init__(self, site: Site) -> None:
        self.name = site.name
        self.folder: Path | None = None
        self.root = Path.cwd().resolve()
        self.ledger = ServerLedger(site.records, site.name, site.lock.check)
        self.files: TextFiles = RecordFiles(site.records, site.name)
        self.process: int | None = None
        self._site = site
        self._writing = False

    @contextmanager
    def writing(self) -> Iterator[Manifest | None]:
        """Hold the lock, and begin with the present manifest and records. Inside such a context, another does nothing.

        Raises:
            IndexLocked: Another process changes the index.
            NotAnIndex: The index was removed in the meantime.
        """
        if self._writing:
            yield None
            return
        self._site.prepare()
        self._site.lock.acquire()
        self._writing = True
        try:
            self.ledger.refresh()
            yield _manifest_of(self._site)
        finally:
            self._writing = False
            self.ledger.refresh()
            with suppress(StoreError):  # the lock ends without its holder's signs of life
                self._site.lock.release()

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the description of the index."""
        self._site.lock.check()
        self._site.write_manifest(asdict(manifest))

    def prunes(self, name: str, below: list[Path]) -> bool:
        """Return whether the file is below one of the paths. The other files may be on other machines."""
        return any((self.root / name).is_relative_to(path) for path in below)

    def bytes_on_disk(self) -> int | None:
        """Return the bytes of the folder of a server in this process, or None."""
        return None if self._site.folder is None else size_of(self._site.folder)

    def close(self) -> None:
        """Release the connection. A second call does nothing."""
        self.ledger.close()
        self._site.close()


def create_on(site: Site, engine: str, encoder_name: str, dimension: int) -> Collection:
    """Return a new, empty index on a server.

    Raises:
        NotAnIndex: There is an index or something else under this name.
        IndexLocked: Another process makes the index.
        IndexWriteFailed: The server cannot write.
        InvalidInput: The server cannot have the options of the site.
    """
    _check_free(site)
    site.prepare()
    site.lock.acquire()
    try:
        _check_free(site)  # another process may have made an index while this one waited for the lock
        # An index that was removed by hand leaves its records.
        site.records.clear((*COLUMNS, FILES, SETTINGS))
        manifest = Manifest(encoder_name, dimension, engine, format_version=SERVER_VERSION)
        index = site.create(asdict(manifest), dimension=dimension)
    finally:
        with suppress(StoreError):
            site.lock.release()
    return Collection(ServerPlace(site), manifest, index)


def open_on(site: Site, encoder_name: str | None = None) -> Collection:
    """Return the index on a server. It needs no lock.

    Raises:
        NotAnIndex: There is no index under this name, or one that lost all its passages.
        IndexMismatch: The index was made with another bi-encoder than `encoder_name`, or in another format.
    """
    manifest = _manifest_of(site)
    if encoder_name is not None and encoder_name != manifest.encoder:
        raise IndexMismatch(
            f"{site.name} was made with the bi-encoder {manifest.encoder}, not {encoder_name}: use its own bi-encoder, "
            "or make a new index"
        )
    collection = Collection(ServerPlace(site), manifest, site.open(dimension=manifest.dimension))
    if not len(collection.index) and collection.ledger.has_passages():
        collection.close()
        raise NotAnIndex(
            f"the index {site.name} is damaged: its passages are lost, although its records list documents. Remove its "
            "collections and rebuild it"
        )
    return collection


def _manifest_of(site: Site) -> Manifest:
    fields = site.manifest()
    if fields is None:
        raise NotAnIndex(f"there is no index {site.name}: make one with: shortlist add PATH --index {site.name}")
    return of_server(fields, site.name)


def _check_free(site: Site) -> None:
    if site.manifest() is not None:
        raise NotAnIndex(f"{site.name} is an index already: open it, or give another name")
