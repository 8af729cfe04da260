"""Pinecone in memory. A request of another shape than the documented one is refused.

The shapes: https://docs.pinecone.io/reference/api/2026-07/data-plane/query, search_documents, fetch and
fetch_documents, and https://docs.pinecone.io/reference/api/2026-07/control-plane/describe_index (read in November
2026).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortlist.types import Passage
from standin_store import Refused, Request, words_of

KEY = "pinecone-key"
LARGEST_PAGE = 100


@dataclass
class Index:
    """An index of one namespace: a vector index, or a document index with full-text search."""

    passages: Sequence[Passage]
    vectors: NDArray[np.float32]
    metric: str = "cosine"
    documents: bool = False
    namespace: str = "__default__"


class StandInPinecone:
    """The control plane and the hosts of all indexes. `host` is the address without a scheme."""

    def __init__(self) -> None:
        self.indexes: dict[str, Index] = {}
        self.host = ""

    def __call__(self, request: Request) -> Any:
        if request.headers.get("api-key") != KEY:
            error = {"code": "UNAUTHENTICATED", "message": "Invalid API Key"}
            raise Refused(401, {"error": error, "status": 401})
        check(request.headers.get("x-pinecone-api-version") == "2026-07", "unknown API version")
        parts = request.path.strip("/").split("/")
        if parts == ["indexes"]:
            return {"indexes": [{"name": name} for name in self.indexes]}
        if parts[0] == "indexes":
            return self._described(parts[1])
        return self._answered(self.indexes[parts[1]], request, parts[2:])

    def _described(self, name: str) -> Any:
        if name not in self.indexes:
            raise Refused(404, {"error": {"code": "NOT_FOUND", "message": f"Resource {name} not found"}, "status": 404})
        index = self.indexes[name]
        dense = {"type": "dense_vector", "dimension": index.vectors.shape[1], "metric": index.metric}
        texts = {"text": {"type": "string", "full_text_search": {"language": "en"}}} if index.documents else {}
        fields = {"embedding": dense, **texts}
        return {
            "name": name,
            "host": f"{self.host}/host/{name}",
            "schema": {"fields": fields},
            "status": {"ready": True},
        }

    def _answered(self, index: Index, request: Request, parts: list[str]) -> Any:
        if parts == ["describe_index_stats"]:
            return {"namespaces": {index.namespace: {"vectorCount": len(index.passages)}}}
        if index.documents:
            check(parts[:1] == ["namespaces"] and parts[2] == "documents", "this index is served by the Documents API")
            check(parts[1] == index.namespace, "Namespace not found")
            actions = {"search": self._search, "fetch": self._fetch, "list": self._list}
            return actions[parts[3]](index, request.body)
        if parts[0] == "namespaces":
            raise Refused(400, {"code": 3, "message": "this index is served by the Vectors API", "details": []})
        if parts == ["query"]:
            return self._query(index, request.body)
        check(request.query["namespace"] == index.namespace, "Namespace not found")
        if parts == ["vectors", "fetch"]:
            keys = set(request.queries["ids"])
            records = {passage.id: self._record(index, place) for place, passage in enumerate(index.passages)}
            return {"vectors": {key: record for key, record in records.items() if key in keys}}
        check(parts == ["vectors", "list"], "not found")
        return paged([{"id": passage.id} for passage in index.passages], "vectors", request.query, "paginationToken")

    def _record(self, index: Index, place: int) -> dict[str, Any]:
        own = metadata(index.passages[place])
        return {"id": index.passages[place].id, "values": index.vectors[place].tolist(), "metadata": own}

    def _query(self, index: Index, body: dict[str, Any]) -> Any:
        keys = {"namespace", "vector", "topK", "includeMetadata"}
        check(set(body) - {"filter"} == keys and body["namespace"] == index.namespace, "unexpected keys")
        rows = []
        for place, score in self._nearest(index, body["vector"], body.get("filter"))[: body["topK"]]:
            rows.append({**self._record(index, place), "score": score, "values": []})
        return {"matches": rows, "namespace": index.namespace, "usage": {"readUnits": 5}}

    def _nearest(self, index: Index, vector: list[float], where: Any) -> list[tuple[int, float]]:
        size = index.vectors.shape[1]
        check(len(vector) == size, f"Vector dimension {len(vector)} does not match the dimension of the index {size}")
        query = np.array(vector)
        scores = index.vectors.astype(float) @ query
        if index.metric == "cosine":
            scores = scores / (np.linalg.norm(index.vectors, axis=1) * np.linalg.norm(query) + 1e-12)
        if index.metric == "euclidean":
            scores = -((index.vectors - query) ** 2).sum(axis=1)
        places = [place for place in np.argsort(-scores, kind="stable") if passes(index.passages[place], where)]
        return [
            (int(place), float(abs(scores[place]) if index.metric == "euclidean" else scores[place]))
            for place in places
        ]

    def _search(self, index: Index, body: dict[str, Any]) -> Any:
        check(set(body) - {"filter"} == {"score_by", "top_k", "include_fields"}, "unexpected keys")
        (score,) = body["score_by"]
        if score["type"] == "dense_vector":
            check(set(score) == {"type", "fields", "values"} and score["fields"] == ["embedding"], "unexpected keys")
            ranked = self._nearest(index, score["values"], body.get("filter"))
        else:
            check(score["type"] == "text" and score["fields"] == ["text"], "unexpected keys")
            words = set(words_of(score["query"]))
            counts = [len(words & set(words_of(passage.text))) for passage in index.passages]
            places = [place for place, passage in enumerate(index.passages) if passes(passage, body.get("filter"))]
            ranked = sorted(
                ((place, float(counts[place])) for place in places if counts[place]), key=lambda row: -row[1]
            )
        check(body["include_fields"] == ["*"], "unexpected fields")
        matches = [{**self._document(index, place), "_score": score} for place, score in ranked[: body["top_k"]]]
        return {"matches": matches, "namespace": index.namespace, "usage": {"read_units": 5}}

    def _document(self, index: Index, place: int) -> dict[str, Any]:
        passage = index.passages[place]
        return {"_id": passage.id, "embedding": index.vectors[place].tolist(), **metadata(passage)}

    def _fetch(self, index: Index, body: dict[str, Any]) -> Any:
        check(set(body) == {"ids"} and len(body["ids"]) <= 1000, "exactly one of ids and filter")
        documents = {passage.id: self._document(index, place) for place, passage in enumerate(index.passages)}
        return {"documents": {key: documents[key] for key in body["ids"] if key in documents}}

    def _list(self, index: Index, body: dict[str, Any]) -> Any:
        return paged([{"_id": passage.id} for passage in index.passages], "documents", body, "pagination_token")


def paged(rows: list[Any], name: str, options: dict[str, Any], token_name: str) -> dict[str, Any]:
    limit, start = int(options["limit"]), int(options.get(token_name, 0))
    check(1 <= limit <= LARGEST_PAGE, "limit must be from 1 to 100")
    more = {"pagination": {"next": str(start + limit)}} if start + limit < len(rows) else {}
    return {name: rows[start : start + limit], **more}


def metadata(passage: Passage) -> dict[str, Any]:
    title = {"title": passage.title} if passage.title else {}
    return {"text": passage.text, "document_id": passage.document_id, **title, **passage.metadata}


def passes(passage: Passage, where: Any) -> bool:
    if where is None:
        return True
    ((name, value),) = where.items()
    if name in ("$and", "$or"):
        check(len(value) > 1, f"{name} must have at least two parts")
        return (all if name == "$and" else any)([passes(passage, part) for part in value])
    ((operator, allowed),) = value.items()
    own = metadata(passage).get(name)
    if operator in ("$lt", "$lte", "$gt", "$gte"):
        check(isinstance(allowed, int | float) and not isinstance(allowed, bool), f"{operator} takes numbers")
        compare = {"$lt": lt, "$lte": le, "$gt": gt, "$gte": ge}[operator]
        return isinstance(own, int | float) and not isinstance(own, bool) and compare(own, allowed)
    if operator == "$exists":
        return (own is not None) is allowed
    check(operator in ("$in", "$eq", "$nin", "$ne"), f"unknown operator {operator}")
    many = operator in ("$in", "$nin")
    values = allowed if many else [allowed]
    check(not many or not any(isinstance(item, bool) for item in values), f"{operator} takes text and numbers")
    typed = {(isinstance(item, bool), item) for item in values}
    equal = any((isinstance(item, bool), item) in typed for item in (own if isinstance(own, list) else [own]))
    return equal if operator in ("$in", "$eq") else own is not None and not equal


def check(condition: bool, reason: str) -> None:
    if not condition:
        raise Refused(400, {"code": 3, "message": reason, "details": []})
