"""Pinecone: `pinecone:INDEX` or `pinecone:INDEX/NAMESPACE`, with the key in PINECONE_API_KEY.

`@HOST` names the host of the index, which is looked up otherwise. PINECONE_CONTROLLER_HOST replaces the address where
indexes are described, as in Pinecone's own client. `pinecone_apis` has the two kinds of indexes.

Source: https://docs.pinecone.io/reference/api/2026-07/control-plane/describe_index (read in November 2026).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx

from shortlist.errors import StoreNotFound, StoreRefused
from shortlist.stores.address import StoreAddress
from shortlist.stores.fields import choose, find_fields, kinds_of
from shortlist.stores.filters import EQUALITY, ORDER, Condition
from shortlist.stores.http_api import TIMEOUT, HttpApi, NotFound
from shortlist.stores.metrics import MetricName
from shortlist.stores.pinecone_apis import Api, DocumentsApi, VectorsApi
from shortlist.stores.store import Facts, Row, Vector

KEY, CONTROLLER = "PINECONE_API_KEY", "PINECONE_CONTROLLER_HOST"
CONTROL_PLANE = "https://api.pinecone.io"
VERSION = "2026-07"
METRICS: Mapping[str, MetricName] = {"cosine": "cosine", "dotproduct": "dot", "euclidean": "l2"}
SEARCHED = frozenset({"full_text_search", "embed", "sparse_embed"})
"""The options of a text field whose words can be searched."""
DEFAULT_NAMESPACE = "__default__"
LARGEST_K = 10_000
PAGE = 100
SAMPLE_ROWS = 20


def open_backend(address: StoreAddress, fields: Mapping[str, str], client: Any) -> PineconeBackend:
    """Return the backend of an index. `client` is an httpx.Client, which sends the requests with its own headers.

    Raises:
        InvalidInput: Fields that cannot be used.
        StoreNotFound: No such index.
        StoreUnreachable: Pinecone does not answer.
        StoreRefused: The key is missing or not accepted.
    """
    return PineconeBackend(address, fields, client)


class PineconeBackend:
    """A namespace of an index. Satisfies `stores.store.Backend`."""

    def __init__(self, address: StoreAddress, given: Mapping[str, str], client: httpx.Client | None) -> None:
        self._name = address.name
        self._owns = client is None
        self._client = client or httpx.Client(timeout=TIMEOUT, headers=_headers(self._name))
        try:
            index, _, namespace = address.collection.partition("/")
            description = self._describe(index)
            self._namespace = namespace or DEFAULT_NAMESPACE
            self._host = _api(self._name, self._client, address.where or description["host"])
            schema = description["schema"]["fields"]
            self._api = self._choose_api(schema, given)
            self.facts = self._facts(schema, given)
        except BaseException:
            self.close()
            raise

    def nearest(self, vector: Vector, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows. The score is a cosine, an inner product, or a squared distance."""
        return self._api.nearest(vector.tolist(), k, where)

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` rows with the highest BM25 score."""
        return self._api.matching(text, k, where)

    def vectors(self, ids: Sequence[str]) -> dict[str, Sequence[float]]:
        """Return the vectors of the rows with these ids."""
        return {str(row.id): vector for row, vector in self._fetched(ids) if vector}

    def samples(self, count: int) -> list[tuple[Row, Sequence[float]]]:
        """Return at most `count` rows with their vectors."""
        ids, _ = self._api.listed(count, "")
        return [(row, vector) for row, vector in self._fetched(ids[:count]) if vector]

    def rows(self) -> Iterator[Row]:
        """Yield every row. Pinecone lists the ids, and the rows are fetched by their ids."""
        token = ""
        while True:
            ids, token = self._api.listed(PAGE, token)
            yield from (row for row, _ in self._fetched(ids))
            if not token:
                return

    def close(self) -> None:
        """Close the connections, unless the client was given."""
        if self._owns:
            self._client.close()

    def __len__(self) -> int:
        namespaces = self._host.send("POST", "/describe_index_stats", {})["namespaces"]
        names = (self._namespace, "") if self._namespace == DEFAULT_NAMESPACE else (self._namespace,)
        return sum(int(namespaces[name]["vectorCount"]) for name in names if name in namespaces)

    def _describe(self, index: str) -> Any:
        controller = _api(self._name, self._client, os.environ.get(CONTROLLER) or CONTROL_PLANE)
        try:
            return controller.send("GET", f"/indexes/{quote(index, safe='')}")
        except NotFound as error:
            names = ", ".join(sorted(row["name"] for row in controller.send("GET", "/indexes")["indexes"]))
            raise StoreNotFound(
                f"{self._name}: there is no index {index!r}; the indexes are {names or 'none'}"
            ) from error

    def _choose_api(self, schema: Mapping[str, Any], given: Mapping[str, str]) -> Api:
        """Return the API of the index. Pinecone refuses requests of the other one."""
        vectors = [name for name, field in schema.items() if field["type"] == "dense_vector"]
        column = choose("vector", vectors, given, self._name) if vectors else ""
        texts = [name for name, field in schema.items() if SEARCHED & field.keys()]
        searched = frozenset(
            name for name, field in schema.items() if field["type"].endswith("_vector") or name in texts
        )
        documents = DocumentsApi(self._host, self._namespace, column, texts, searched)
        if texts:
            return documents
        try:
            documents.listed(1, "")
        except StoreRefused:
            return VectorsApi(self._host, self._namespace)
        return documents

    def _facts(self, schema: Mapping[str, Any], given: Mapping[str, str]) -> Facts:
        ids, _ = self._api.listed(SAMPLE_ROWS, "")
        names = {role: name for role, name in given.items() if role != "vector"}
        kinds = kinds_of([row.record for row, _ in self._fetched(ids[:SAMPLE_ROWS])])
        fields = find_fields(self._name, names, kinds, own_ids=True)
        self._api.narrow([fields.title, fields.text])
        column = self._api.column
        dense = schema.get(column) or next((own for own in schema.values() if own["type"] == "dense_vector"), None)
        return Facts(
            self._name,
            replace(fields, vector=column),
            metric=METRICS[dense["metric"]] if dense else None,
            dimension=dense["dimension"] if dense else None,
            words=self._api.has_words,
            largest_k=LARGEST_K,
            operators=EQUALITY | ORDER,
        )

    def _fetched(self, ids: Sequence[str]) -> list[tuple[Row, Sequence[float]]]:
        pages = (ids[start : start + PAGE] for start in range(0, len(ids), PAGE))
        return [pair for page in pages for pair in self._api.fetched(page)]


def _headers(name: str) -> dict[str, str]:
    key = os.environ.get(KEY, "").strip()
    if not key:
        raise StoreRefused(f"{name} needs a key: set {KEY}")
    if not (key.isascii() and key.isprintable()):
        raise StoreRefused(f"{KEY} is not a valid key: it contains unusual characters")
    return {"Api-Key": key, "X-Pinecone-Api-Version": VERSION}


def _api(name: str, client: httpx.Client, host: str) -> HttpApi:
    """Return the requests to a host. Pinecone Local, on this machine, has no TLS."""
    local = host.startswith(("localhost", "127.0.0.1"))
    address = host if "://" in host else f"{'http' if local else 'https'}://{host}"
    return HttpApi(name, client, f"set {KEY}", base=address.rstrip("/"))
