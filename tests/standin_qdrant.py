"""A Qdrant server: the requests become the vendor's own models, and a local client in memory answers them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from standin_store import Refused, Request

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

OF_SERVER = ("shard_number", "replication_factor", "write_consistency_factor")
"""The parameters of a collection that a local client does not keep."""


def jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return [jsonable(item) for item in value] if isinstance(value, list | tuple) else value


@dataclass
class StandInQdrant:
    """Answers the requests of a client. One request at a time is answered, as one shard does."""

    client: QdrantClient
    version: str = "1.20.0"
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Any:
        with self.lock:
            if request.path == "/":
                return {"title": "qdrant", "version": self.version}
            if request.path == "/collections":
                return _ok(self.client.get_collections())
            if request.path == "/aliases":
                return _ok({"aliases": []})
            match = re.fullmatch(r"/collections/([^/]+)(?:/(.*))?", request.path)
            if match is None:
                raise Refused(404, {"status": {"error": "Not found"}})
            return _ok(self._collection(match[1], match[2] or "", request))

    def _collection(self, name: str, action: str, request: Request) -> Any:
        if not action and request.method == "PUT":
            return self._create(name, request.body)
        if not self.client.collection_exists(name):
            raise Refused(404, {"status": {"error": f"Not found: Collection `{name}` doesn't exist!"}})
        if not action and request.method == "DELETE":
            return self.client.delete_collection(name)
        if not action and request.method == "PATCH":
            return self.client.update_collection(name, metadata=request.body["metadata"])
        if not action:
            described = jsonable(self.client.get_collection(name))
            described["config"]["params"] |= self.parameters.get(name, {})
            described["payload_schema"] = self.schemas.get(name, {})
            return described
        if action == "index":
            self.schemas.setdefault(name, {})[request.body["field_name"]] = {
                "data_type": request.body["field_schema"],
                "points": 0,
            }
            return {"operation_id": 1, "status": "completed"}
        return self._points(f"{request.method} {action.rstrip('/')}")(name, request.body)

    def _points(self, action: str) -> Callable[[str, Any], Any]:
        return {
            "PUT points": self._upsert,
            "POST points/delete": self._delete,
            "POST facet": self._facet,
            "POST points/query/batch": self._query,
            "POST points/scroll": self._scroll,
            "POST points/count": self._count,
            "POST points": self._retrieve,
        }[action]

    def _create(self, name: str, body: Any) -> bool:
        from qdrant_client import models

        if self.client.collection_exists(name):
            raise Refused(409, {"status": {"error": f"Wrong input: Collection `{name}` already exists!"}})
        wanted = models.CreateCollection(**body)
        self.parameters[name] = {key: body[key] for key in OF_SERVER if key in body}
        return self.client.create_collection(
            name, wanted.vectors, sparse_vectors_config=wanted.sparse_vectors, metadata=wanted.metadata
        )

    def _upsert(self, name: str, body: Any) -> Any:
        from qdrant_client import models

        if "batch" in body:
            batch = models.PointsBatch(**body)
            return self.client.upsert(name, batch.batch, update_filter=batch.update_filter)
        listed = models.PointsList(**body)
        return self.client.upsert(name, listed.points, update_filter=listed.update_filter)

    def _delete(self, name: str, body: Any) -> Any:
        from qdrant_client import models

        return self.client.delete(name, TypeAdapter(models.PointsSelector).validate_python(body))

    def _facet(self, name: str, body: Any) -> Any:
        from qdrant_client import models

        request = models.FacetRequest(**body)
        return self.client.facet(
            name, request.key, facet_filter=request.filter, limit=request.limit or 10, exact=bool(request.exact)
        )

    def _query(self, name: str, body: Any) -> Any:
        from qdrant_client import models

        return self.client.query_batch_points(
            name, TypeAdapter(models.QueryRequestBatch).validate_python(body).searches
        )

    def _scroll(self, name: str, body: Any) -> Any:
        from qdrant_client import models

        scroll = models.ScrollRequest(**body)
        found, offset = self.client.scroll(
            name,
            scroll.filter,
            limit=scroll.limit or 10,
            offset=scroll.offset,
            with_payload=scroll.with_payload,
            with_vectors=scroll.with_vector or False,
        )
        return {"points": jsonable(found), "next_page_offset": offset}

    def _count(self, name: str, body: Any) -> Any:
        from qdrant_client import models

        return self.client.count(name, exact=models.CountRequest(**body).exact)

    def _retrieve(self, name: str, body: Any) -> Any:
        from qdrant_client import models

        request = models.PointRequest(**body)
        return self.client.retrieve(name, request.ids, request.with_payload, request.with_vector or False)


def answers(client: QdrantClient) -> Callable[[Request], Any]:
    """Return the function that answers the requests to the collections of a client in memory."""
    return StandInQdrant(client).answer


def _ok(result: Any) -> Any:
    return {"result": jsonable(result), "status": "ok", "time": 0.001}
