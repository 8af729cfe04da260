"""Elasticsearch: `elasticsearch:INDEX@https://USER:PASSWORD@host:9200`, or a key in ELASTICSEARCH_API_KEY.

Vectors by the search option `knn` over a field `dense_vector`, words by `match`, and both in one `_msearch`. Nothing
here needs a paid licence.

Sources: https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/dense-vector for the formulas of
`_score`, and https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-search (read in November 2026).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from shortlist.stores.address import StoreAddress
from shortlist.stores.lucene import LARGEST_K, Dialect, LuceneBackend, VectorField, distance_of, product_of

KEY = "ELASTICSEARCH_API_KEY"
CANDIDATES = 100
"""The fewest candidates that each shard compares."""


def open_backend(address: StoreAddress, fields: Mapping[str, str], client: Any) -> LuceneBackend:
    """Return the backend of an index. `client` is an httpx.Client with the address of the server.

    Raises:
        InvalidInput: No such index, or fields that cannot be used.
        StoreUnreachable: The server does not answer.
        StoreRefused: The key is missing or not accepted.
    """
    return LuceneBackend(DIALECT, address, fields, client)


def _headers() -> dict[str, str]:
    key = os.environ.get(KEY, "").strip()
    return {"Authorization": f"ApiKey {key}"} if key else {}


def _vector_field(name: str, options: Mapping[str, Any]) -> VectorField | None:
    """Return the field of a mapping. Without an index, and with other numbers than floats, kNN cannot search it."""
    if options.get("index") is False or options.get("element_type", "float") not in ("float", "bfloat16"):
        return None
    exact = options.get("index_options", {}).get("type") == "flat"
    similarity = options.get("similarity", "cosine")
    if similarity == "l2_norm":
        return VectorField(name, options.get("dims"), "l2", distance_of, exact)
    if similarity == "max_inner_product":
        return VectorField(name, options.get("dims"), "dot", product_of, exact)
    return VectorField(name, options.get("dims"), "cosine", _cosine_of, exact)


def _cosine_of(score: float) -> float:
    """Return the cosine: `cosine` and `dot_product`, which takes unit vectors only, give (1 + cosine) / 2."""
    return 2.0 * score - 1.0


def _knn(field: str, vector: list[float], k: int, filters: list[Any]) -> dict[str, Any]:
    candidates = min(max(2 * k, CANDIDATES), LARGEST_K)
    knn = {"field": field, "query_vector": vector, "k": k, "num_candidates": candidates}
    return {"knn": {**knn, "filter": filters} if filters else knn}


def _stored(field: str) -> dict[str, Any]:
    """Return the options to read vectors. Since version 9.2, `_source` has none."""
    return {"fields": [field], "_source": {"excludes": [field]}}


DIALECT = Dialect(
    "elasticsearch",
    "dense_vector",
    f"write https://USER:PASSWORD@host:9200, or set {KEY}",
    _headers,
    _vector_field,
    _knn,
    _stored,
)
