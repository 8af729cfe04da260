"""`/rerank`: a body with `texts` is TEI's, one with `documents` Infinity's."""

from __future__ import annotations

from fastapi import APIRouter, Request

from shortlist.server.answers import Json
from shortlist.server.bodies import described, json_of, parsed
from shortlist.server.components import parts_of
from shortlist.server.dialects import INFINITY, speak
from shortlist.server.problems import Kind, Problem
from shortlist.server.routes import infinity, tei

router = APIRouter()


@router.post("/rerank", openapi_extra=described(tei.TeiRequest, infinity.InfinityRequest))
async def answer(request: Request) -> Json:
    """Reranks texts (TEI) or documents (Infinity)."""
    parts = parts_of(request)
    body = await json_of(request, parts.settings.max_body)
    texts, documents = (body.get(name) is not None for name in ("texts", "documents"))
    if texts and documents:
        raise Problem(
            Kind.INVALID,
            "texts and documents are both given, and an empty list counts: give texts (as for TEI) or documents "
            "(as for Infinity), not both",
            field="texts",
        )
    if texts or "documents" not in body:
        return await tei.answer(parts, parsed(tei.TeiRequest, body))
    speak(request, INFINITY)
    return await infinity.answer(parts, parsed(infinity.InfinityRequest, body))
