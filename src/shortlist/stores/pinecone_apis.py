"""The two kinds of indexes of Pinecone: vector indexes, and document indexes, which can search words.

A vector index has the text in the metadata. Pinecone scores `euclidean` by the squared distance, lower for better rows.

Sources: https://docs.pinecone.io/reference/api/2026-07/data-plane/query and
https://docs.pinecone.io/reference/api/2026-07/data-plane/search_documents (read in November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from shortlist.errors import InvalidInput
from shortlist.stores.filters import Condition, cannot
from shortlist.stores.http_api import HttpApi
from shortlist.stores.store import Row
from shortlist.types import Value


class Api(Protocol):
    """The requests to an index of one kind. `column` is the field of the vectors, "" if they have no name."""

    column: str

    @property
    def has_words(self) -> bool:
        """Whether the index can search words."""

    def narrow(self, fields: Sequence[str]) -> None:
        """Search words in these fields only, if the index searches them."""

    def nearest(self, vector: list[float], k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows with Pinecone's score."""

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` rows with the highest BM25 score."""

    def fetched(self, ids: Sequence[str]) -> list[tuple[Row, Sequence[float]]]:
        """Return the rows with these ids and their vectors. Unknown ids are left out."""

    def listed(self, limit: int, token: str) -> tuple[list[str], str]:
        """Return a page of ids, and the token of the next page ("" if there is none)."""


class VectorsApi:
    """An index that was made with a dimension and a metric. Satisfies `Api`."""

    def __init__(self, host: HttpApi, namespace: str) -> None:
        self._host, self._namespace = host, namespace
        self.column = ""

    @property
    def has_words(self) -> bool:
        """Whether the index can search words: never."""
        return False

    def narrow(self, fields: Sequence[str]) -> None:
        """Do nothing: the index searches no words."""

    def nearest(self, vector: list[float], k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows with Pinecone's score."""
        body = {"namespace": self._namespace, "vector": vector, "topK": k, "includeMetadata": True}
        answer = self._host.send("POST", "/query", {**body, **_filter(where)})
        return [Row(match["id"], match.get("metadata") or {}, match["score"]) for match in answer["matches"]]

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Raise InvalidInput: the index searches no words."""
        raise InvalidInput("a vector index of Pinecone cannot be searched by words")

    def fetched(self, ids: Sequence[str]) -> list[tuple[Row, Sequence[float]]]:
        """Return the rows with these ids and their vectors."""
        if not ids:
            return []
        query = urlencode([("namespace", self._namespace), *(("ids", key) for key in ids)])
        records = self._host.send("GET", f"/vectors/fetch?{query}")["vectors"]
        return [
            (Row(key, record.get("metadata") or {}), record.get("values") or [])
            for key in ids
            if (record := records.get(key))
        ]

    def listed(self, limit: int, token: str) -> tuple[list[str], str]:
        """Return a page of ids, and the token of the next page."""
        query = {"namespace": self._namespace, "limit": limit, **({"paginationToken": token} if token else {})}
        answer = self._host.send("GET", f"/vectors/list?{urlencode(query)}")
        return [row["id"] for row in answer.get("vectors", [])], _next(answer)


class DocumentsApi:
    """An index that was made with a schema. Satisfies `Api`. `searched` are the fields for search."""

    def __init__(
        self, host: HttpApi, namespace: str, column: str, texts: Sequence[str], searched: frozenset[str]
    ) -> None:
        self._host, self._path = host, f"/namespaces/{quote(namespace, safe='')}/documents"
        self.column, self._texts, self._searched = column, list(texts), searched

    @property
    def has_words(self) -> bool:
        """Whether the schema has a field for full-text search."""
        return bool(self._texts)

    def narrow(self, fields: Sequence[str]) -> None:
        """Search words in these fields only, if the index searches them."""
        self._texts = [name for name in self._texts if name in fields]

    def nearest(self, vector: list[float], k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows with Pinecone's score."""
        return self._search({"type": "dense_vector", "fields": [self.column], "values": vector}, k, where)

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` rows with the highest BM25 score."""
        return self._search({"type": "text", "fields": self._texts, "query": text}, k, where)

    def fetched(self, ids: Sequence[str]) -> list[tuple[Row, Sequence[float]]]:
        """Return the rows with these ids and their vectors."""
        if not ids:
            return []
        documents = self._host.send("POST", f"{self._path}/fetch", {"ids": list(ids)})["documents"]
        return [(self._row(documents[key]), documents[key].get(self.column, [])) for key in ids if key in documents]

    def listed(self, limit: int, token: str) -> tuple[list[str], str]:
        """Return a page of ids, and the token of the next page."""
        body = {"limit": limit, **({"pagination_token": token} if token else {})}
        answer = self._host.send("POST", f"{self._path}/list", body)
        return [row["_id"] for row in answer.get("documents", [])], _next(answer)

    def _search(self, score: Mapping[str, Any], k: int, where: Sequence[Condition]) -> list[Row]:
        refused = [condition.field for condition in where if condition.field in self._searched]
        if refused:
            raise InvalidInput(
                f"where: Pinecone cannot filter the field {refused[0]!r}, because the schema declares it for search",
                field="where",
            )
        body = {"score_by": [score], "top_k": k, "include_fields": ["*"], **_filter(where)}
        return [self._row(match) for match in self._host.send("POST", f"{self._path}/search", body)["matches"]]

    def _row(self, document: Mapping[str, Any]) -> Row:
        left_out = ("_id", "_score", self.column)
        record = {name: value for name, value in document.items() if name not in left_out}
        return Row(document["_id"], record, float(document.get("_score", 0.0)))


def _next(answer: Mapping[str, Any]) -> str:
    return str((answer.get("pagination") or {}).get("next") or "")


def _filter(where: Sequence[Condition]) -> dict[str, Any]:
    """Return the filter of a request. `$in` takes text and numbers, and also finds a list by one of its values."""
    parts = [part for condition in where for part in _parts(condition)]
    return {"filter": {"$and": parts} if len(parts) > 1 else parts[0]} if parts else {}


def _parts(condition: Condition) -> list[Any]:
    """Return the tests of a condition, all of which must hold. Pinecone orders numbers alone."""
    field = condition.field
    if condition.is_order:
        if condition.number is None:
            raise cannot("Pinecone", condition, "it orders numbers, and no dates: store the date as a number too")
        return [{field: {f"${condition.operator}": condition.number.value}}]
    lists: list[Sequence[Value]] = [condition.texts, condition.numbers]
    if condition.operator == "nin":
        tests: list[Any] = [{field: {"$nin": values}} for values in lists if values]
        tests += [{field: {"$ne": flag}} for flag in condition.flags]
        present = {"$and": tests} if len(tests) > 1 else tests[0]
        return [{"$or": [{field: {"$exists": False}}, present]}]
    tests = [{field: {"$in": values}} for values in lists if values]
    tests += [{field: {"$eq": flag}} for flag in condition.flags]
    return [{"$or": tests} if len(tests) > 1 else tests[0]]
