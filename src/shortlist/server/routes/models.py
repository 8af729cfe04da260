"""`/v1/models` as OpenAI has it: https://platform.openai.com/docs/api-reference/models."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from shortlist.redaction import public_name
from shortlist.server.answers import Json
from shortlist.server.components import Parts, parts_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.settings import ANY_MODEL

router = APIRouter()


@router.get("/v1/models")
async def listed(request: Request) -> Json:
    """The models that this server answers for."""
    return Json({"object": "list", "data": [_model(name, request) for name in _names(parts_of(request))]})


@router.get("/v1/models/{name:path}")
async def one(request: Request, name: str) -> Json:
    """One of them."""
    if name not in _names(parts_of(request)):
        raise Problem(Kind.NO_MODEL, f"model {name!r} not found", field="model")
    return Json(_model(name, request))


def _names(parts: Parts) -> list[str]:
    own = [public_name(part.name) for part in (parts.scorer, parts.encoder) if part is not None]
    return [name for name in dict.fromkeys([*own, *parts.settings.model_names]) if name != ANY_MODEL]


def _model(name: str, request: Request) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": request.app.state.started, "owned_by": "shortlist"}
