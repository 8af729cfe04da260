"""A Qdrant server: the requests become the vendor's own models, and a local client in memory answers them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from standin_store import Refused, Request

if TYPE_CHECKING:
    from qdrant_client import QdrantClient


def jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return [jsonable(item) for item in value] if isinstance(value, list | tuple) else value


def answers(client: QdrantClient) -> Any:
    """Return the function that answers the requests to the collections of a client in memory."""
    from qdrant_client import models

    def points(action: str, body: Any, name: str) -> Any:
        if action == "query/batch":
            request = TypeAdapter(models.QueryRequestBatch).validate_python(body)
            return client.query_batch_points(name, request.searches)
        if action == "scroll":
            scroll = models.ScrollRequest(**body)
            found, offset = client.scroll(
                name,
                scroll.filter,
                limit=scroll.limit or 10,
                offset=scroll.offset,
                with_payload=scroll.with_payload,
                with_vectors=scroll.with_vector or False,
            )
            return {"points": jsonable(found), "next_page_offset": offset}
        if action == "count":
            return client.count(name, exact=models.CountRequest(**body).exact)
        request = models.PointRequest(**body)
        return client.retrieve(name, request.ids, request.with_payload, request.with_vector or False)

    def answer(request: Request) -> Any:
        if request.path == "/collections":
            return _ok(client.get_collections())
        if request.path == "/aliases":
            return _ok({"aliases": []})
        match = re.fullmatch(r"/collections/([^/]+)(?:/points/?(.*))?", request.path)
        if match is None:
            raise Refused(404, {"status": {"error": "Not found"}})
        if match[2] is None:
            return _ok(client.get_collection(match[1]))
        return _ok(points(match[2], request.body, match[1]))

    return answer


def _ok(result: Any) -> Any:
    return {"result": jsonable(result), "status": "ok", "time": 0.001}
