"""The kinds of stores. A kind is one record here and one file with its name, which has the function `open_backend`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from shortlist.attributes import is_attribute
from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput, MissingExtra
from shortlist.stores.address import parse_address
from shortlist.stores.fields import check_roles
from shortlist.stores.open_store import OpenStore
from shortlist.stores.store import Backend


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of store.

    `example` is a valid name. `packages` are the modules that the client consists of, which the extra with the name of
    the kind installs. `needs_where` is True if the name must have a folder, a file or a URL, and `is_file` is True if
    it must be the path of a file.
    """

    name: str
    example: str
    packages: tuple[str, ...] = ()
    needs_where: bool = True
    is_file: bool = False


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("chroma", "chroma:notes@./chroma", ("chromadb",)),
        Kind("lancedb", "lancedb:notes@./lance", ("lancedb",)),
        Kind("qdrant", "qdrant:notes@http://127.0.0.1:6333", ("qdrant_client",)),
        Kind("faiss", "faiss:texts.jsonl@index.faiss", ("faiss",), is_file=True),
        Kind("sqlite", "sqlite:notes@notes.db", is_file=True),
        Kind("postgres", "postgres:passages@postgresql://user@localhost/database", ("psycopg",)),
        Kind("elasticsearch", "elasticsearch:notes@http://localhost:9200"),
        Kind("opensearch", "opensearch:notes@http://localhost:9200"),
        Kind("pinecone", "pinecone:notes", needs_where=False),
        Kind("weaviate", "weaviate:Notes@http://localhost:8080", ("weaviate",)),
        Kind("milvus", "milvus:notes@./milvus.db", ("pymilvus",)),
    )
}
"""The kinds by name."""


def is_store(name: str) -> bool:
    """Return whether `name` is the name of a store: it starts with a kind, in any case, and a colon."""
    return ":" in name and _kind_of(name) is not None


def _kind_of(name: str) -> Kind | None:
    return KINDS.get(name.partition(":")[0].strip().lower())


def check_fields(config: SearchConfig) -> None:
    """Check that the configuration names fields only for a store, or for an index, to which a store can be added.

    Raises:
        InvalidInput: The retriever is an attribute, and the configuration has fields.
    """
    name = config.retriever
    if config.fields and is_attribute(name) and not is_store(name):
        raise InvalidInput(f"fields: {name} is no store, so it has no fields to name: leave them out", field="fields")


def load_store(name: str, fields: Mapping[str, str] | None = None, client: Any = None) -> OpenStore:
    """Return the open store with this name.

    Args:
        name: `kind:COLLECTION@WHERE`, such as "chroma:notes@./chroma".
        fields: The names of the fields that are not recognised, such as `{"text": "body"}`. The roles are id, text,
            title, vector, document_id and metadata.
        client: The client of the store, if you have made one: a chromadb client, a QdrantClient, a connection, and so
            on. The name then needs no WHERE. The client is not closed.

    Raises:
        InvalidInput: An unknown kind, role or field, or a missing part of the name.
        StoreNotFound: There is no such collection, file or folder.
        MissingExtra: The client of the store is not installed.
        StoreUnreachable: The store does not answer.
        StoreRefused: The key is missing or not accepted, or the request is refused.
    """
    kind = _kind_of(name)
    if kind is None:
        raise InvalidInput(f"{name!r:.80} is no store: the kinds of stores are {', '.join(KINDS)}")
    address = parse_address(name, kind.example)
    if kind.needs_where and not address.where and client is None:
        raise InvalidInput(f"{address.name!r} needs the place of the store: write {kind.example}")
    if kind.is_file and address.is_url:
        raise InvalidInput(f"{address.name} has a URL, and a {kind.name} store is a file: write {kind.example}")
    given = dict(fields or {})
    check_roles(given)
    check_packages(kind, address.name)
    module = import_module(f"shortlist.stores.{kind.name}")
    return OpenStore(cast("Backend", module.open_backend(address, given, client)))


def check_packages(kind: Kind, store: str) -> None:
    """Check that the client of a kind is installed. `store` is a name for the message.

    Raises:
        MissingExtra: A package of the client is missing.
    """
    for package in kind.packages:
        try:
            import_module(package)
        except ImportError as error:
            raise MissingExtra(store, kind.name) from error
