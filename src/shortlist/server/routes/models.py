"""`/v1/models` of OpenAI's API: https://platform.openai.com/docs/api-reference/models."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from shortlist.redaction import public_name
from shortlist.server.answers import Json
from shortlist.server.components import Components, components_of
from shortlist.server.options import ANY_MODEL
from shortlist.server.problems import Kind, Problem

router = APIRouter()


@router.get("/v1/models")
async def listed(request: Request) -> Json:
    """List the models of this server."""
    return Json({"object": "list", "data": [_model(name, request) for name in _names(components_of(request))]})


@router.get("/v1/models/{name:path}")
async def model(request: Request, name: str) -> Json:
    """Describe one model."""
    if name not in _names(components_of(request)):
        raise Problem(Kind.NO_MODEL, f"model {name!r} not found", field="model")
    return Json(_model(name, request))


def _names(components: Components) -> list[str]:
    own = [public_name(part.name) for part in (components.scorer, components.encoder) if part is not None]
    return [name for name in dict.fromkeys([*own, *components.limits.model_names]) if name != ANY_MODEL]


def _model(name: str, request: Request) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": request.app.state.started, "owned_by": "shortlist"}
