"""`/collections`: what can be searched with the key of the request."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from shortlist.server.answers import Json
from shortlist.server.components import Components, components_of

router = APIRouter()


@router.get("/collections")
async def collections(request: Request) -> Json:
    """Answer with the collections: their names, passages and bi-encoders. A key sees its own alone."""
    return Json({"collections": await run_in_threadpool(_rows, components_of(request))})


def _rows(components: Components) -> list[dict[str, object]]:
    known = components.collections
    if known is None:
        return []
    visible = known.visible()
    return [
        {"name": facts.name, "passages": facts.passages(), "bi_encoder": facts.bi_encoder}
        for facts in known.facts
        if facts.name in visible
    ]
