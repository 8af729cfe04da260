"""Weaviate in memory: the schema over HTTP, and searches over gRPC in the messages of Weaviate's own client.

The shapes: https://docs.weaviate.io/weaviate/api/grpc and https://docs.weaviate.io/weaviate/api/rest (read in November
2026).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortlist.types import Passage
from standin_store import Refused, Request, StandInStore, words_of

TYPES = {
    "text": "text",
    "title": "text",
    "passage_id": "text",
    "document_id": "text",
    "year": "int",
    "lang": "text",
    "open": "boolean",
    "size": "number",
    "tags": "text[]",
}
HNSW = {
    "cleanupIntervalSeconds": 300,
    "dynamicEfMin": 100,
    "dynamicEfMax": 500,
    "dynamicEfFactor": 8,
    "ef": -1,
    "efConstruction": 128,
    "flatSearchCutoff": 40000,
    "maxConnections": 32,
    "skip": False,
    "vectorCacheMaxObjects": 1000000000000,
}

SHARDING = {
    "virtualPerPhysical": 128,
    "desiredCount": 1,
    "actualCount": 1,
    "desiredVirtualCount": 128,
    "actualVirtualCount": 128,
    "key": "_id",
    "strategy": "hash",
    "function": "murmur3",
}


@dataclass
class Collection:
    """A collection with vectors of one kind. With `named`, the vectors have the name "content"."""

    passages: Sequence[Passage]
    vectors: NDArray[np.float32]
    metric: str = "cosine"
    named: bool = True

    def key(self, place: int) -> str:
        return str(uuid.UUID(int=place + 1))


class StandInWeaviate:
    """A server with collections. `key` is the key that it requires, if there is one."""

    def __init__(self) -> None:
        self.collections: dict[str, Collection] = {}
        self.key = ""
        self.http = StandInStore(self._rest)
        self.grpc, self.port = self._served()
        self.searches: list[Any] = []
        self.types = TYPES
        self.refuse: tuple[Any, str] | None = None

    @property
    def url(self) -> str:
        return f"{self.http.url}?grpc_port={self.port}"

    def start(self) -> None:
        self.http.start()
        self.grpc.start()

    def stop(self) -> None:
        self.grpc.stop(None)
        self.http.shutdown()
        self.http.server_close()

    def _rest(self, request: Request) -> Any:
        if request.path == "/v1/.well-known/openid-configuration":
            raise Refused(404, b"")
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            raise Refused(401, {"code": 401, "message": "anonymous access not enabled, please provide an auth scheme"})
        if request.path == "/v1/meta":
            return {"version": "1.39.2", "hostname": "http://[::]:8080", "modules": {}}
        classes = {name: self._class(name, collection) for name, collection in self.collections.items()}
        if request.path == "/v1/schema":
            return {"classes": list(classes.values())}
        name = request.path.removeprefix("/v1/schema/")
        if name not in classes:
            raise Refused(404, b"")
        return classes[name]

    def _class(self, name: str, collection: Collection) -> dict[str, Any]:
        index = {**HNSW, "distance": collection.metric}
        own = {"vectorIndexType": "hnsw", "vectorIndexConfig": index}
        vectors: dict[str, Any] = {"vectorConfig": {"content": {"vectorizer": {"none": {}}, **own}}}
        if not collection.named:
            vectors = {"vectorizer": "none", **own}
        stopwords = {"preset": "en", "additions": None, "removals": None}
        return {
            "class": name,
            "properties": [property_of(name, type_name) for name, type_name in self.types.items()],
            "invertedIndexConfig": {
                "bm25": {"b": 0.75, "k1": 1.2},
                "cleanupIntervalSeconds": 60,
                "stopwords": stopwords,
            },
            "multiTenancyConfig": {"enabled": False},
            "replicationConfig": {"factor": 1, "asyncEnabled": False},
            "shardingConfig": SHARDING,
            **vectors,
        }

    def _served(self) -> tuple[Any, int]:
        import grpc
        from weaviate.proto.v1 import aggregate_pb2, weaviate_pb2_grpc

        standin = self

        class Servicer(weaviate_pb2_grpc.WeaviateServicer):
            def Search(self, request: Any, context: Any) -> Any:
                standin.searches.append(request)
                try:
                    standin._authorise(context)
                    return standin._search(request)
                except (AssertionError, KeyError, ValueError) as error:
                    context.abort(grpc.StatusCode.UNKNOWN, f"unexpected request: {error!r}")

            def Aggregate(self, request: Any, context: Any) -> Any:
                assert request.objects_count
                result = aggregate_pb2.AggregateReply.Single()
                result.objects_count = len(standin.collections[request.collection].passages)
                return aggregate_pb2.AggregateReply(single_result=result)

        server = grpc.server(ThreadPoolExecutor(4))
        weaviate_pb2_grpc.add_WeaviateServicer_to_server(Servicer(), server)
        return server, server.add_insecure_port("127.0.0.1:0")

    def _authorise(self, context: Any) -> None:
        import grpc

        if self.refuse is not None:
            context.abort(*self.refuse)
        if self.key and dict(context.invocation_metadata()).get("authorization") != f"Bearer {self.key}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "unauthorized: invalid api key")

    def _search(self, request: Any) -> Any:
        from weaviate.proto.v1 import search_get_pb2

        collection = self.collections[request.collection]
        places = [place for place in range(len(collection.passages)) if self._passes(collection, place, request)]
        if request.HasField("near_vector"):
            ranked = self._nearest(collection, places, request.near_vector)
        elif request.HasField("bm25_search"):
            ranked = self._words(collection, places, request.bm25_search)
        else:
            ranked = [(place, 0.0) for place in places if collection.key(place) > request.after]
        results = [self._result(collection, place, score, request) for place, score in ranked[: request.limit or 10]]
        return search_get_pb2.SearchReply(results=results)

    def _nearest(self, collection: Collection, places: list[int], near: Any) -> list[tuple[int, float]]:
        vectors = near.vectors or (near.vector_for_targets and near.vector_for_targets[0].vectors)
        raw = vectors[0].vector_bytes if vectors else near.vector_bytes or near.vector_for_targets[0].vector_bytes
        assert list(near.targets.target_vectors) == (["content"] if collection.named else []), "the name of the vectors"
        query = np.frombuffer(raw, dtype="<f4").astype(float)
        assert len(query) == collection.vectors.shape[1], "vector lengths don't match"
        rows = collection.vectors.astype(float)
        lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query) + 1e-12
        distances = {
            "cosine": 1 - rows @ query / lengths,
            "dot": -(rows @ query),
            "l2-squared": ((rows - query) ** 2).sum(axis=1),
        }[collection.metric]
        return sorted(((place, float(distances[place])) for place in places), key=lambda pair: pair[1])

    def _words(self, collection: Collection, places: list[int], bm25: Any) -> list[tuple[int, float]]:
        assert list(bm25.properties) == ["title", "text"], "the properties of the words"
        words = set(words_of(bm25.query))
        texts = [collection.passages[place] for place in places]
        scores = [len(words & {*words_of(note.title), *words_of(note.text)}) for note in texts]
        rows = [(place, float(score)) for place, score in zip(places, scores, strict=True) if score]
        return sorted(rows, key=lambda pair: -pair[1])

    def _passes(self, collection: Collection, place: int, request: Any) -> bool:
        if not request.HasField("filters"):
            return True
        return passes(properties_of(collection.passages[place]), request.filters)

    def _result(self, collection: Collection, place: int, score: float, request: Any) -> Any:
        from weaviate.proto.v1 import base_pb2, search_get_pb2

        key = collection.key(place)
        metadata = search_get_pb2.MetadataResult(id=key, id_as_bytes=uuid.UUID(key).bytes)
        if request.metadata.distance:
            metadata.distance, metadata.distance_present = score, True
        if request.metadata.score:
            metadata.score, metadata.score_present = score, True
        if request.metadata.vector:
            raw = np.ascontiguousarray(collection.vectors[place], dtype="<f4").tobytes()
            if collection.named:
                single = base_pb2.Vectors.VECTOR_TYPE_SINGLE_FP32
                metadata.vectors.append(base_pb2.Vectors(name="content", vector_bytes=raw, type=single))
            else:
                metadata.vector_bytes = raw
        properties = search_get_pb2.PropertiesResult(target_collection=request.collection)
        own = properties_of(collection.passages[place]).items()
        for name, value in ((name, value) for name, value in own if name in self.types):
            fill(properties.non_ref_props.fields[name], value, TYPES[name])
        return search_get_pb2.SearchResult(properties=properties, metadata=metadata)


def property_of(name: str, type_name: str) -> dict[str, Any]:
    text = type_name.startswith("text")
    own = {"tokenization": "word"} if text else {}
    return {"name": name, "dataType": [type_name], "indexFilterable": True, "indexSearchable": text, **own}


def properties_of(passage: Passage) -> dict[str, Any]:
    own = {"passage_id": passage.id, "text": passage.text, "document_id": passage.document_id}
    return {**own, **({"title": passage.title} if passage.title else {}), **passage.metadata}


def fill(field: Any, value: Any, type_name: str) -> None:
    if type_name == "text":
        field.text_value = value
    elif type_name == "int":
        field.int_value = value
    elif type_name == "number":
        field.number_value = value
    elif type_name == "boolean":
        field.bool_value = value
    else:
        field.list_value.text_values.values.extend(value)


def passes(properties: dict[str, Any], filters: Any) -> bool:
    from weaviate.proto.v1 import base_pb2

    if filters.operator == base_pb2.Filters.OPERATOR_AND:
        return all(passes(properties, part) for part in filters.filters)
    if filters.operator == base_pb2.Filters.OPERATOR_OR:
        return any(passes(properties, part) for part in filters.filters)
    name = filters.target.property
    if name == "_id":
        return bool(properties["passage_id"] == filters.value_text)
    value = properties.get(name)
    orders = {
        base_pb2.Filters.OPERATOR_LESS_THAN: lt,
        base_pb2.Filters.OPERATOR_LESS_THAN_EQUAL: le,
        base_pb2.Filters.OPERATOR_GREATER_THAN: gt,
        base_pb2.Filters.OPERATOR_GREATER_THAN_EQUAL: ge,
    }
    if filters.operator in orders:
        limit = getattr(filters, filters.WhichOneof("test_value"))
        return value is not None and orders[filters.operator](value, limit)
    assert filters.operator == base_pb2.Filters.OPERATOR_CONTAINS_ANY, "unexpected operator"
    own = value if isinstance(value, list) else [] if value is None else [value]
    kind = filters.WhichOneof("test_value")
    expected = {"text": "value_text_array", "int": "value_int_array", "number": "value_number_array"}
    assert kind == expected.get(TYPES[name].removesuffix("[]"), "value_boolean_array"), f"{kind} for {name}"
    values = getattr(filters, kind).values
    if kind == "value_text_array":  # the tokens of the value are compared, as the tokenization "word" does
        return any(set(words_of(wanted)) <= set(words_of(item)) for item in own for wanted in values)
    return any(item in values for item in own)
