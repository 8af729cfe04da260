"""OpenSearch: `opensearch:INDEX@https://USER:PASSWORD@host:9200`, or OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD.

Vectors by a `knn` query over a field `knn_vector`, words by `match`, and both in one `_msearch`. For a service with
other signatures, such as that of AWS, give an httpx.Client of your own.

Sources: https://docs.opensearch.org/latest/mappings/supported-field-types/knn-spaces/ for the formulas of `_score`, and
https://docs.opensearch.org/latest/query-dsl/specialized/k-nn/ (read in November 2026).
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx
import numpy as np

from shortlist.errors import InvalidInput
from shortlist.stores.address import StoreAddress
from shortlist.stores.lucene import Dialect, LuceneBackend, VectorField, distance_of, product_of
from shortlist.stores.metrics import cosines

USER, PASSWORD = "OPENSEARCH_USERNAME", "OPENSEARCH_PASSWORD"
COSINE = "cosinesimil"
LUCENE = "lucene"
COMPARED = 10
"""The hits that are compared with their vectors to see which formula made their scores."""


class OpenSearchBackend(LuceneBackend):
    """An index of OpenSearch. Finds out which of two formulas makes the scores of cosines.

    The documentation gives (2 - d) / 2 with the distance d = 1 - cosine. Versions before 3 give 1 / (1 + d) with the
    engines nmslib and faiss, as https://docs.opensearch.org/1.3/search-plugins/knn/approximate-knn/ says.
    """

    def __init__(self, address: StoreAddress, given: Mapping[str, str], client: httpx.Client | None) -> None:
        super().__init__(DIALECT, address, given, client)
        if self._vector is not None and self._vector.raw is _cosine_of_newer and not _is_lucene(self._options()):
            try:
                self._vector = replace(self._vector, raw=self._formula())
            except BaseException:
                self.close()
                raise

    def _options(self) -> Mapping[str, Any]:
        return self._properties[self._vector_field().name].options

    def _formula(self) -> Callable[[float], float]:
        """Return the formula that fits the scores of some hits and the cosines of their vectors."""
        sample = next(iter(self.samples(1)), None)
        if sample is None:
            return _cosine_of_newer
        vector, name = sample[1], self._vector_field().name
        body = {**_knn(name, vector.tolist(), COMPARED, []), "size": COMPARED}
        near = self._with_vectors(body, name)
        scores = [row.score for row, _ in near]
        truth = cosines(vector, np.array([own for _, own in near], dtype=np.float32))
        return min(_cosine_of_newer, _cosine_of_older, key=lambda formula: _error(formula, scores, truth))


def open_backend(address: StoreAddress, fields: Mapping[str, str], client: Any) -> OpenSearchBackend:
    """Return the backend of an index. `client` is an httpx.Client with the address of the server.

    Raises:
        InvalidInput: No such index, fields that cannot be used, or vectors in an unsupported space.
        StoreUnreachable: The server does not answer.
        StoreRefused: The user or the password is missing or not accepted.
    """
    return OpenSearchBackend(address, fields, client)


def _headers() -> dict[str, str]:
    user, password = os.environ.get(USER, ""), os.environ.get(PASSWORD, "")
    if not user:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def _vector_field(name: str, options: Mapping[str, Any]) -> VectorField | None:
    if options.get("data_type", "float") != "float":
        return None
    space = options.get("space_type") or options.get("method", {}).get("space_type") or "l2"
    dimension = options.get("dimension")
    if space == "l2":
        return VectorField(name, dimension, "l2", distance_of)
    if space == "innerproduct":
        return VectorField(name, dimension, "dot", product_of)
    if space == COSINE:
        return VectorField(name, dimension, "cosine", _cosine_of_newer)
    raise InvalidInput(f"the vectors {name!r} are compared in the space {space}, which is not supported")


def _is_lucene(options: Mapping[str, Any]) -> bool:
    return bool(options.get("method", {}).get("engine") == LUCENE)


def _cosine_of_newer(score: float) -> float:
    return 2.0 * score - 1.0


def _cosine_of_older(score: float) -> float:
    return 2.0 - 1.0 / score if score else -1.0


def _error(formula: Callable[[float], float], scores: Sequence[float], truth: Sequence[float]) -> float:
    return sum(abs(formula(score) - cosine) for score, cosine in zip(scores, truth, strict=True))


def _knn(field: str, vector: list[float], k: int, filters: list[Any]) -> dict[str, Any]:
    knn: dict[str, Any] = {"vector": vector, "k": k}
    if filters:
        knn["filter"] = {"bool": {"filter": filters}}
    return {"query": {"knn": {field: knn}}}


def _stored(field: str) -> dict[str, Any]:
    return {"_source": True}


DIALECT = Dialect(
    "opensearch",
    "knn_vector",
    f"write https://USER:PASSWORD@host:9200, or set {USER} and {PASSWORD}",
    _headers,
    _vector_field,
    _knn,
    _stored,
)
