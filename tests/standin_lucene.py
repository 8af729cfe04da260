"""Elasticsearch and OpenSearch in memory. A request of another shape than the documented one is refused.

The shapes: https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-search,
https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-msearch and
https://docs.opensearch.org/latest/query-dsl/specialized/k-nn/ (read in November 2026).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortlist.types import Passage
from standin_store import Refused, Request, words_of

TYPES = {"year": "long", "lang": "keyword", "open": "boolean", "size": "float", "tags": "keyword"}
SEARCH_KEYS = {"query", "knn", "size", "_source", "fields", "sort"}


@dataclass
class Index:
    """An index. `scores` is the formula of the scores: cosine, l2, product, or the older one of OpenSearch."""

    passages: Sequence[Passage]
    vectors: NDArray[np.float32]
    scores: str = "cosine"


class StandInLucene:
    """A server of either engine with indexes. With a key, a request without it is refused."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.indexes: dict[str, Index] = {}
        self.key = ""

    def __call__(self, request: Request) -> Any:
        if self.key and request.headers.get("authorization") != self.key:
            raise refused(401, "security_exception", "unable to authenticate with provided credentials")
        parts = request.path.strip("/").split("/")
        if parts[0] == "_cat":
            check(request.query == {"format": "json", "h": "index"}, "unexpected parameters")
            return [{"index": name} for name in [*self.indexes, ".internal"]]
        if parts == ["_search", "scroll"]:
            return self._scroll(request)
        if parts[0] not in self.indexes:
            raise refused(404, "index_not_found_exception", f"no such index [{parts[0]}]")
        index = self.indexes[parts[0]]
        if (request.method, parts[1:]) == ("GET", ["_mapping"]):
            return {parts[0]: {"mappings": {"properties": self._properties(index)}}}
        if (request.method, parts[1:]) == ("GET", ["_count"]):
            return {"count": len(index.passages), "_shards": {"total": 1, "failed": 0}}
        if (request.method, parts[1:]) == ("POST", ["_search"]):
            check(request.headers["content-type"] == "application/json", "Content-Type header is not supported")
            answer = self._search(index, request.body)
            return {**answer, "_scroll_id": f"{parts[0]}/1"} if "scroll" in request.query else answer
        if (request.method, parts[1:]) == ("POST", ["_msearch"]):
            check(request.headers["content-type"] == "application/x-ndjson", "Content-Type header is not supported")
            lines = request.lines
            check(all(line == {} for line in lines[::2]), "unexpected header")
            return {"took": 1, "responses": [{**self._search(index, body), "status": 200} for body in lines[1::2]]}
        raise refused(405, "illegal_argument_exception", f"no handler for {request.method} {request.path}")

    def _scroll(self, request: Request) -> Any:
        if request.method == "DELETE":
            check(set(request.body) == {"scroll_id"}, "unexpected body")
            return {"succeeded": True, "num_freed": 1}
        check(set(request.body) == {"scroll", "scroll_id"}, "unexpected body")
        return hits([], request.body["scroll_id"])

    def _properties(self, index: Index) -> dict[str, Any]:
        size = index.vectors.shape[1]
        keyword = {"keyword": {"type": "keyword", "ignore_above": 256}}
        texts = {name: {"type": "text", "fields": keyword} for name in ("text", "title")}
        own = {name: {"type": kind} for name, kind in TYPES.items()}
        return {**texts, "document_id": {"type": "keyword"}, **own, "embedding": self._vector(index.scores, size)}

    def _vector(self, scores: str, size: int) -> dict[str, Any]:
        if self.engine == "elasticsearch":
            names = {"cosine": "cosine", "l2": "l2_norm", "product": "max_inner_product"}
            options = {"type": "int8_hnsw", "m": 16, "ef_construction": 100}
            return {
                "type": "dense_vector",
                "dims": size,
                "index": True,
                "similarity": names[scores],
                "index_options": options,
            }
        names = {"cosine": "cosinesimil", "older": "cosinesimil", "l2": "l2", "product": "innerproduct"}
        method = {"name": "hnsw", "engine": "nmslib" if scores == "older" else "faiss", "space_type": names[scores]}
        return {"type": "knn_vector", "dimension": size, "method": method}

    def _search(self, index: Index, body: dict[str, Any]) -> Any:
        unknown = set(body) - SEARCH_KEYS
        check(not unknown, f"unknown key {unknown}")
        if "knn" in body:
            check(self.engine == "elasticsearch", "unknown key for a START_OBJECT in [knn].")
            ranked = self._knn_option(index, body["knn"])
        else:
            places = range(len(index.passages))
            scored = [
                (place, score) for place in places if (score := self._score(index, place, body["query"])) is not None
            ]
            ranked = sorted(scored, key=lambda pair: -pair[1])
            knn = body["query"].get("knn")
            ranked = ranked[: next(iter(knn.values()))["k"]] if knn else ranked
        return hits([self._hit(index, place, score, body) for place, score in ranked[: body.get("size", 10)]])

    def _hit(self, index: Index, place: int, score: float, body: dict[str, Any]) -> dict[str, Any]:
        passage, vector = index.passages[place], index.vectors[place].tolist()
        source = {"text": passage.text, "document_id": passage.document_id, **passage.metadata}
        source |= {"title": passage.title} if passage.title else {}
        hit = {"_index": "notes", "_id": passage.id, "_score": score, "_source": source}
        if self.engine == "elasticsearch":  # since 9.2, _source has no vectors
            hit |= {"fields": dict.fromkeys(body.get("fields", []), vector)} if "fields" in body else {}
        elif body["_source"] is True:
            source["embedding"] = vector
        else:
            check(body["_source"] == {"excludes": ["embedding"]}, "the vectors must be left out")
        return hit

    def _knn_option(self, index: Index, knn: dict[str, Any]) -> list[tuple[int, float]]:
        check(set(knn) - {"filter"} == {"field", "query_vector", "k", "num_candidates"}, "unknown field in [knn]")
        check(knn["k"] <= knn["num_candidates"] <= 10_000, "[num_candidates] must be in [k, 10000]")
        check(knn["field"] == "embedding", f"field [{knn['field']}] does not exist in the mapping")
        filters = knn.get("filter", [])
        places = [
            place
            for place in range(len(index.passages))
            if all(self._score(index, place, query) is not None for query in filters)
        ]
        scored = [(place, self._similarity(index, place, knn["query_vector"])) for place in places]
        return sorted(scored, key=lambda pair: -pair[1])[: knn["k"]]

    def _similarity(self, index: Index, place: int, vector: list[float]) -> float:
        own, query = index.vectors[place].astype(float), np.array(vector)
        check(len(query) == len(own), f"the query vector has a different dimension [{len(query)}] than [{len(own)}]")
        product = float(own @ query)
        if index.scores == "l2":
            return 1 / (1 + float(((own - query) ** 2).sum()))
        if index.scores == "product":
            return product + 1 if product >= 0 else 1 / (1 - product)
        cosine = product / float(np.linalg.norm(own) * np.linalg.norm(query) or 1)
        return 1 / (2 - cosine) if index.scores == "older" else (1 + cosine) / 2

    def _score(self, index: Index, place: int, query: dict[str, Any]) -> float | None:
        check(len(query) == 1, "[query] malformed query, expected [END_OBJECT]")
        ((name, options),) = query.items()
        passage = index.passages[place]
        if name == "bool":
            check(
                set(options) <= {"must", "filter", "must_not", "should", "minimum_should_match"},
                "[bool] query does not support this option",
            )
            if any(self._score(index, place, inner) is not None for inner in options.get("must_not", [])):
                return None
            if options.get("should"):
                check(options["minimum_should_match"] == 1, "unexpected minimum_should_match")
                if all(self._score(index, place, inner) is None for inner in options["should"]):
                    return None
            parts = [self._score(index, place, inner) for inner in options.get("must", [])]
            rest = [self._score(index, place, inner) for inner in options.get("filter", [])]
            return None if None in (*parts, *rest) else sum(parts, 0.0)
        tests = {
            "match_all": lambda: True,
            "match_none": lambda: False,
            "exists": lambda: options == {"field": "embedding"},
            "ids": lambda: passage.id in options["values"],
            "terms": lambda: self._has(passage, options),
            "term": lambda: self._compares(passage, options, str.__eq__),
            "prefix": lambda: self._compares(passage, options, str.startswith),
            "range": lambda: self._in_range(passage, options),
        }
        if name in tests:
            return 1.0 if tests[name]() else None
        if name == "match":
            ((field, inner),) = options.items()
            return self._bm25(index, place, [field], inner["query"])
        if name == "multi_match":
            check(options.get("type") == "most_fields", "unexpected type")
            return self._bm25(index, place, options["fields"], options["query"])
        if name == "knn" and self.engine == "opensearch":
            ((field, inner),) = options.items()
            check(field == "embedding" and set(inner) <= {"vector", "k", "filter"}, "[knn] unknown token")
            if "filter" in inner and self._score(index, place, inner["filter"]) is None:
                return None
            return self._similarity(index, place, inner["vector"])
        raise refused(400, "parsing_exception", f"unknown query [{name}]")

    def _has(self, passage: Passage, options: dict[str, Any]) -> bool:
        ((field, values),) = options.items()
        exact = {"title.keyword": passage.title, "text.keyword": passage.text, "document_id": passage.document_id}
        check(field in exact or field in TYPES, f"field [{field}] has no exact value")
        kinds = {"long": int, "float": (int, float), "boolean": bool}
        kind = kinds.get(TYPES.get(field, "keyword"), str)
        check(all(isinstance(value, kind) for value in values), "failed to create query: For input string")
        own = {**exact, **passage.metadata}.get(field)
        return any(value in values for value in (own if isinstance(own, list) else [own]))

    def _compares(self, passage: Passage, options: dict[str, Any], compare: Callable[[str, str], bool]) -> bool:
        ((field, inner),) = options.items()
        own = {"title.keyword": passage.title, "document_id": passage.document_id, **passage.metadata}.get(field)
        check(set(inner) <= {"value", "case_insensitive"}, "unknown option")
        values = [value for value in (own if isinstance(own, list) else [own]) if isinstance(value, str)]
        if inner.get("case_insensitive"):
            return any(compare(value.lower(), inner["value"].lower()) for value in values)
        return any(compare(value, inner["value"]) for value in values)

    def _in_range(self, passage: Passage, options: dict[str, Any]) -> bool:
        ((field, inner),) = options.items()
        check(TYPES.get(field) in ("long", "float"), f"the test has no range over {field}")
        own = passage.metadata.get(field)
        compare = {"lt": lt, "lte": le, "gt": gt, "gte": ge}
        return own is not None and all(compare[name](own, limit) for name, limit in inner.items())

    def _bm25(self, index: Index, place: int, fields: list[str], text: str) -> float | None:
        scores = [self._field_score(index, place, field, word) for field in fields for word in set(words_of(text))]
        return sum(scores) if any(scores) else None

    def _field_score(self, index: Index, place: int, field: str, word: str) -> float:
        documents = [words_of(getattr(passage, field)) for passage in index.passages]
        found = sum(word in document for document in documents)
        count, length = documents[place].count(word), len(documents[place])
        mean = sum(map(len, documents)) / len(documents) or 1
        idf = math.log(1 + (len(documents) - found + 0.5) / (found + 0.5))
        return idf * count / (count + 1.2 * (0.25 + 0.75 * length / mean))


def hits(rows: list[dict[str, Any]], scroll: str = "") -> dict[str, Any]:
    shards = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
    answer = {"took": 1, "timed_out": False, "_shards": shards, "hits": {"max_score": None, "hits": rows}}
    return {**answer, "_scroll_id": scroll} if scroll else answer


def check(condition: bool, reason: str) -> None:
    if not condition:
        raise refused(400, "parsing_exception", reason)


def refused(status: int, kind: str, reason: str) -> Refused:
    """Return an error in the form of both engines."""
    cause = {"type": kind, "reason": reason}
    return Refused(status, {"error": {"root_cause": [cause], **cause}, "status": status})
