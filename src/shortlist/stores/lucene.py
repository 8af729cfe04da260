"""What Elasticsearch and OpenSearch have in common: an index with a mapping, found by kNN and by `match`.

The requests are plain HTTP. The client of Elasticsearch refuses servers of OpenSearch and of older versions, and both
clients would add two packages for six requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import numpy as np

from shortlist.errors import InvalidInput, StoreError, StoreNotFound, StoreRefused
from shortlist.stores.address import StoreAddress
from shortlist.stores.fields import Fields, choose, find_fields
from shortlist.stores.filters import EVERY, Condition
from shortlist.stores.http_api import SHOWN, TIMEOUT, HttpApi, NotFound, error_text
from shortlist.stores.lucene_mapping import OWN_ID, Mapped, filter_query, kinds_of_mapping, read_properties
from shortlist.stores.metrics import MetricName
from shortlist.stores.store import Facts, Row, Vector

LARGEST_K = 10_000
"""The default limit of rows of one query (`index.max_result_window`)."""
PAGE = 1000


@dataclass(frozen=True, slots=True)
class VectorField:
    """A field with vectors. `raw` turns the `_score` of a kNN query into a cosine, product or squared distance."""

    name: str
    dimension: int | None
    metric: MetricName
    raw: Callable[[float], float]
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the two engines.

    Args:
        kind: The name of the engine.
        vector_type: The type of a field with vectors.
        key_hint: How the user sets the key, for messages.
        headers: A function that returns the headers with the key from the environment.
        vector_field: A function that reads a field with vectors from the mapping. None: it cannot be searched.
        knn: A function that returns the body of a kNN query: field, vector, k, filters.
        stored: A function that returns the options with which a search returns the vectors.
    """

    kind: str
    vector_type: str
    key_hint: str
    headers: Callable[[], dict[str, str]]
    vector_field: Callable[[str, Mapping[str, Any]], VectorField | None]
    knn: Callable[[str, list[float], int, list[Any]], dict[str, Any]]
    stored: Callable[[str], dict[str, Any]]


class LuceneBackend:
    """An index of Elasticsearch or OpenSearch. Satisfies `stores.store.Backend`. `client` is an httpx.Client."""

    def __init__(
        self, dialect: Dialect, address: StoreAddress, given: Mapping[str, str], client: httpx.Client | None
    ) -> None:
        self._dialect, self._name = dialect, address.name
        self._path = f"/{quote(address.collection, safe='')}"
        self._owns = client is None
        self._api = HttpApi(address.name, client or _client(dialect, address), dialect.key_hint)
        try:
            self._properties = self._read_mapping(address.collection)
            self._vector = self._choose_vector(given)
            fields = self._find_fields(given)
            self.facts = _facts(address.name, fields, self._vector, self._properties)
        except BaseException:
            self.close()
            raise

    def nearest(self, vector: Vector, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows. The score is a cosine, an inner product, or a squared distance."""
        return self._near_rows(self._search(self._near_body(vector, k, where)))

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` rows with the highest BM25 score."""
        return _rows(self._search(self._words_body(text, k, where)))

    def both(self, vector: Vector, text: str, k: int, where: Sequence[Condition]) -> tuple[list[Row], list[Row]]:
        """Return what `nearest` and `matching` return, from one request."""
        lines = [{}, self._near_body(vector, k, where), {}, self._words_body(text, k, where)]
        near, words = self._api.send("POST", f"{self._path}/_msearch", lines=lines)["responses"]
        return self._near_rows(self._checked(near)), _rows(self._checked(words))

    def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """Return the vectors of the rows with these ids."""
        field = self._vector_field()
        key = self.facts.fields.id
        stored: dict[str, Vector] = {}
        for start in range(0, len(ids), PAGE):
            page = list(ids[start : start + PAGE])
            query = filter_query(Condition(key, tuple(page)), self._properties, "", self._name) if key else None
            body = {"query": query or {"ids": {"values": page}}, "size": LARGEST_K if key else len(page)}
            for row, vector in self._with_vectors(body, field.name):
                stored.setdefault(str(row.record[key] if key else row.id), vector)
        return stored

    def samples(self, count: int) -> list[tuple[Row, Vector]]:
        """Return at most `count` rows with their vectors."""
        name = self._vector_field().name
        return self._with_vectors({"query": {"exists": {"field": name}}, "size": count}, name)

    def rows(self) -> Iterator[Row]:
        """Yield every row, by a scroll."""
        body = {"query": {"match_all": {}}, "size": PAGE, "sort": ["_doc"], "_source": self._source()}
        answer = self._api.send("POST", f"{self._path}/_search?scroll=2m", body)
        try:
            while answer["hits"]["hits"]:
                yield from _rows(answer)
                again = {"scroll": "2m", "scroll_id": answer["_scroll_id"]}
                answer = self._api.send("POST", "/_search/scroll", again)
        finally:
            self._api.send("DELETE", "/_search/scroll", {"scroll_id": answer["_scroll_id"]})

    def close(self) -> None:
        """Close the connections, unless the client was given."""
        if self._owns:
            self._api.close()

    def __len__(self) -> int:
        return int(self._api.send("GET", f"{self._path}/_count")["count"])

    def _read_mapping(self, index: str) -> dict[str, Mapped]:
        try:
            answer = self._api.send("GET", f"{self._path}/_mapping")
        except NotFound as error:
            raise StoreNotFound(f"{self._name}: there is no index {index!r}; {self._existing()}") from error
        properties: dict[str, Mapped] = {}
        for content in answer.values():
            properties |= read_properties(content["mappings"].get("properties", {}))
        return properties

    def _existing(self) -> str:
        """Return the names of the indexes. A key for one index may not list them."""
        try:
            lines = self._api.send("GET", "/_cat/indices?format=json&h=index")
        except StoreError:
            return "the server does not list the others"
        names = sorted(line["index"] for line in lines if not line["index"].startswith("."))
        return f"the indexes are {', '.join(names)}" if names else "the server has no index"

    def _choose_vector(self, given: Mapping[str, str]) -> VectorField | None:
        vectors = {name: field for name, field in self._properties.items() if field.type == self._dialect.vector_type}
        read = {name: self._dialect.vector_field(name, field.options) for name, field in vectors.items()}
        usable = {name: field for name, field in read.items() if field is not None}
        return usable[choose("vector", list(usable), given, self._name)] if usable else None

    def _find_fields(self, given: Mapping[str, str]) -> Fields:
        names = {role: name for role, name in given.items() if role != "vector"}
        kinds = kinds_of_mapping(self._properties)
        fields = find_fields(self._name, names, kinds, schema=True, own_ids=True)
        return replace(fields, vector=self._vector.name if self._vector else "")

    def _vector_field(self) -> VectorField:
        assert self._vector is not None
        return self._vector

    def _source(self) -> dict[str, Any]:
        vectors = [name for name, field in self._properties.items() if field.type == self._dialect.vector_type]
        return {"excludes": vectors}

    def _filters(self, where: Sequence[Condition]) -> list[Any]:
        metadata = self.facts.fields.metadata
        return [filter_query(condition, self._properties, metadata, self._name) for condition in where]

    def _near_body(self, vector: Vector, k: int, where: Sequence[Condition]) -> dict[str, Any]:
        body = self._dialect.knn(self._vector_field().name, vector.tolist(), k, self._filters(where))
        return {**body, "size": k, "_source": self._source()}

    def _words_body(self, text: str, k: int, where: Sequence[Condition]) -> dict[str, Any]:
        fields = self.facts.fields
        is_text = fields.title and self._properties[fields.title].is_text
        match: dict[str, Any] = {"match": {fields.text: {"query": text}}}
        if is_text:
            match = {"multi_match": {"query": text, "fields": [fields.title, fields.text], "type": "most_fields"}}
        query = {"bool": {"must": [match], "filter": self._filters(where)}}
        return {"query": query, "size": k, "_source": self._source()}

    def _near_rows(self, answer: Any) -> list[Row]:
        raw = self._vector_field().raw
        return [row._replace(score=raw(row.score)) for row in _rows(answer)]

    def _with_vectors(self, body: dict[str, Any], name: str) -> list[tuple[Row, Vector]]:
        answer = self._search({**body, **self._dialect.stored(name)})
        hits = zip(_rows(answer), answer["hits"]["hits"], strict=True)
        rows = [(row, hit.get("fields", {}).get(name) or row.record.get(name)) for row, hit in hits]
        return [(row, np.asarray(vector, dtype=np.float32)) for row, vector in rows if vector]

    def _search(self, body: Any) -> Any:
        return self._checked(self._api.send("POST", f"{self._path}/_search", body))

    def _checked(self, answer: Any) -> Any:
        """Return an answer of a search. An answer that lacks shards is refused, because it lacks passages too."""
        failed = answer.get("_shards", {}).get("failed", 0)
        if "error" in answer or failed or answer.get("timed_out"):
            reason = error_text(answer.get("error") or answer.get("_shards", {}).get("failures", [{}])[0])
            raise StoreRefused(f"{self._name} refused the request: {reason[:SHOWN]}")
        return answer


def _client(dialect: Dialect, address: StoreAddress) -> httpx.Client:
    """Return a client for the address. The user and the password of the URL win over the environment."""
    if urlsplit(address.where).scheme not in ("http", "https"):
        raise InvalidInput(
            f"{address.name}: write the URL of the server, such as {dialect.kind}:notes@http://host:9200"
        )
    own = bool(urlsplit(address.where).username)
    try:
        return httpx.Client(base_url=address.where, timeout=TIMEOUT, headers={} if own else dialect.headers())
    except httpx.InvalidURL as error:
        raise InvalidInput(f"{address.name}: the URL cannot be read") from error


def _rows(answer: Any) -> list[Row]:
    hits = answer["hits"]["hits"]
    return [Row(hit["_id"], hit.get("_source") or {}, float(hit.get("_score") or 0.0)) for hit in hits]


def _facts(name: str, fields: Fields, vector: VectorField | None, properties: Mapping[str, Mapped]) -> Facts:
    return Facts(
        name,
        fields,
        metric=vector.metric if vector else None,
        dimension=vector.dimension if vector else None,
        words=properties[fields.text].is_text,
        exact=vector.exact if vector else False,
        largest_k=LARGEST_K,
        key=OWN_ID,
        operators=EVERY,
    )


def product_of(score: float) -> float:
    """Return the inner product for a score that both engines make from it: never negative, and higher is better."""
    return score - 1.0 if score >= 1.0 else 1.0 - 1.0 / score


def distance_of(score: float) -> float:
    """Return the squared distance for a score of 1 / (1 + distance), as both engines make it."""
    return 1.0 / score - 1.0 if score else float("inf")
