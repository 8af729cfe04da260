"""`Engines`: open, make and describe an index by its name, a folder or `kind:NAME@WHERE` on a server."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shortlist.collection.collection import Collection, Engine
from shortlist.collection.contents import Contents, contents
from shortlist.collection.place import exists
from shortlist.collection.server_place import Server, Site, create_on, open_on
from shortlist.errors import IndexLocked, IndexWriteFailed, InvalidInput, NotAnIndex, StoreRefused
from shortlist.stores.address import StoreAddress, parse_address

OPTIONS = "index_options"
EXACT = "exact"
"""The option of a folder, which an index on a server has, too."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines by name: those of folders, of which the first one makes new indexes, and those of servers."""

    folders: Mapping[str, Engine]
    servers: Mapping[str, Server]

    def place(self, index: str | Path) -> Path | StoreAddress:
        """Return the folder or the address that a name means. The name of an existing folder means the folder.

        Raises:
            InvalidInput: The name is empty, or the address has no name of an index.
        """
        if not str(index).strip():
            raise InvalidInput("the name of the index is empty: name a folder, or an index on a server", field="index")
        if isinstance(index, Path) or not self.is_server(index):
            return Path(index)
        kind = index.partition(":")[0]
        return parse_address(index, f"{kind}:notes@http://127.0.0.1:6333")

    def is_server(self, index: str) -> bool:
        """Return whether the name is that of an index on a server."""
        kind, colon, _ = index.partition(":")
        return bool(colon) and kind in self.servers and not Path(index).exists()

    def exists(self, index: str | Path, options: Mapping[str, Any] | None = None) -> bool:
        """Return whether there is an index.

        Raises:
            NotAnIndex: The server has something else under this name.
            StoreError: The server does not answer, or refuses the request.
            InvalidInput, MissingExtra: As `create`.
        """
        place = self.place(index)
        if isinstance(place, Path):
            return exists(place)
        with closing(self._site(place, options)) as site:
            return site.manifest() is not None

    def is_own(self, index: str, options: Mapping[str, Any] | None = None) -> bool:
        """Return whether there is an index, and not something else under this name.

        A server that is too old for an index has none. Raises as `exists` does.
        """
        try:
            return self.exists(index, options)
        except (NotAnIndex, StoreRefused):
            return False

    def open(
        self,
        index: str | Path,
        encoder_name: str | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        check: bool = False,
    ) -> Collection:
        """Return the open index. With `check`, the index must have been made with these options.

        Raises:
            NotAnIndex, IndexMismatch, IndexLocked: As `Collection.open` and `server_place.open_on`.
            StoreError: The server does not answer, or refuses the request.
            InvalidInput, MissingExtra: As `create`.
        """
        place = self.place(index)
        if isinstance(place, Path):
            exact = self._is_exact(place, options, check=check)
            return Collection.open(place, self.folders, encoder_name=encoder_name, exact=exact)
        site = self._site(place, options)
        try:
            if check:
                site.check_options()
            return open_on(site, encoder_name)
        except BaseException:
            site.close()
            raise

    def create(
        self, index: str | Path, encoder_name: str, dimension: int, options: Mapping[str, Any] | None = None
    ) -> Collection:
        """Return a new, empty index for vectors of this length, made by the bi-encoder of this name.

        Raises:
            NotAnIndex, IndexWriteFailed, IndexLocked: As `Collection.create` and `server_place.create_on`.
            StoreError: The server does not answer, or refuses the request.
            InvalidInput: An option that cannot be used, or an option of a server for a folder.
            MissingExtra: The client of the server is not installed.
        """
        place = self.place(index)
        if isinstance(place, Path):
            exact, engine = self._is_exact(place, options, check=True), next(iter(self.folders))
            return Collection.create(
                place, self.folders, engine=engine, encoder_name=encoder_name, dimension=dimension, exact=exact
            )
        site = self._site(place, options)
        try:
            return create_on(site, place.kind, encoder_name, dimension)
        except BaseException:
            site.close()
            raise

    def create_or_open(
        self, index: str | Path, encoder_name: str, dimension: int, options: Mapping[str, Any] | None = None
    ) -> Collection:
        """Return a new index as `create` does. If another process made it in the meantime, return that index."""
        try:
            return self.create(index, encoder_name, dimension, options)
        except NotAnIndex:
            if not self.exists(index, options):
                raise
            return self.open(index, encoder_name, options, check=True)

    def contents(self, index: str | Path) -> Contents:
        """Return the contents of an index. The index of a folder may be open in another process.

        Raises:
            NotAnIndex, IndexMismatch: There is no index, or a damaged one, or one of another format.
            StoreError: The server does not answer, or refuses the request.
        """
        place = self.place(index)
        if isinstance(place, Path):
            # Opening raises the error for lost files. An index that is open already, or read-only, is only read.
            with suppress(IndexLocked, IndexWriteFailed):
                Collection.open(place, self.folders, wait=0.0).close()
            return contents(place)
        with self.open(index) as collection:
            return collection.contents()

    def _site(self, address: StoreAddress, options: Mapping[str, Any] | None) -> Site:
        server = self.servers[address.kind]
        return server.connect(address.name, address.collection, address.where, options or {})

    def _is_exact(self, folder: Path, options: Mapping[str, Any] | None, *, check: bool) -> bool:
        """Return the option of a folder. With `check`, options of a server are an error; otherwise they do nothing."""
        given = options or {}
        known = {EXACT}.union(*(server.option_names for server in self.servers.values()))
        for name in given:
            if name not in known:
                raise InvalidInput(
                    f"{OPTIONS}: {name!r} is unknown; the options are {', '.join(sorted(known))}", field=OPTIONS
                )
            if name != EXACT and check:
                raise InvalidInput(
                    f"{OPTIONS}: {name!r} is for an index on a server, and {folder} is a folder: leave it out",
                    field=OPTIONS,
                )
        exact = given.get(EXACT, False)
        if not isinstance(exact, bool):
            raise InvalidInput(f"{OPTIONS}: {EXACT} must be true or false, not {exact!r:.80}", field=OPTIONS)
        return exact
