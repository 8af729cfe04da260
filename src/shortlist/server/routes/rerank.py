"""`/rerank`: a body with `texts` is a request of TEI, a body with `documents` a request of Infinity."""

from __future__ import annotations

from fastapi import APIRouter, Request

from shortlist.server.answers import Json
from shortlist.server.bodies import described, json_of, parsed
from shortlist.server.components import components_of
from shortlist.server.dialects import INFINITY, set_dialect
from shortlist.server.problems import Kind, Problem
from shortlist.server.routes import infinity, tei

router = APIRouter()


@router.post("/rerank", openapi_extra=described(tei.TeiRequest, infinity.InfinityRequest))
async def answer(request: Request) -> Json:
    """Rerank texts (TEI) or documents (Infinity)."""
    components = components_of(request)
    body = await json_of(request, components.limits.max_body)
    texts, documents = (body.get(name) is not None for name in ("texts", "documents"))
    if texts and documents:
        raise Problem(
            Kind.INVALID,
            "texts and documents are both given, and an empty list counts as given: give texts (TEI) or documents "
            "(Infinity), not both",
            field="texts",
        )
    if texts or "documents" not in body:
        return await tei.answer(components, parsed(tei.TeiRequest, body))
    set_dialect(request, INFINITY)
    return await infinity.answer(components, parsed(infinity.InfinityRequest, body))
