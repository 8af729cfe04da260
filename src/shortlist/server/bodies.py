"""From the bytes of a request to a checked model, or to the problem with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import from_json
from starlette.requests import ClientDisconnect

from shortlist.server.problems import Kind, Problem

Model = TypeVar("Model", bound=BaseModel)

Query = Annotated[str, Field(json_schema_extra={"minLength": 1})]
"""A text that must not be empty, as the OpenAPI document describes it; that is checked where the dialect is known."""

Strings = Annotated[list[str], Field(fail_fast=True)]
"""Texts; like every list here it is read up to the first thing wrong with it, since only that is ever told."""

Texts = Annotated[Strings, Field(json_schema_extra={"minItems": 1})]
"""Documents to rerank, as the OpenAPI document describes them in the same way as `Query`."""


async def json_of(request: Request, most: int) -> dict[str, Any]:
    """The body as a JSON object of at most `most` bytes.

    Raises:
        Problem: Too large; not UTF-8; no JSON, which has no NaN and no infinity; nested too deep; no object.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > most:
        raise _too_large(most)
    try:
        found = from_json(await _bytes_of(request, most), allow_inf_nan=False)
    except ValueError as error:
        raise Problem(Kind.MALFORMED, f"the body is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Problem(Kind.MALFORMED, f"the body must be a JSON object, not {_json_name(found)}")
    return found


async def _bytes_of(request: Request, most: int) -> bytes:
    held = bytearray()
    try:
        async for part in request.stream():
            held += part
            if len(held) > most:
                raise _too_large(most)
    except ClientDisconnect as error:
        raise Problem(Kind.MALFORMED, "the body ended early") from error
    return bytes(held)


def parsed(model: type[Model], body: Mapping[str, Any]) -> Model:
    """The body as `model`; the first thing wrong with it is the problem. A field that is null counts as not given.

    Of unknown fields only the first is looked at, so that many of them cost no more than one.

    Raises:
        Problem: A field is unknown where the model forbids that, missing, of the wrong type or out of range.
    """
    given = {name: body[name] for name in model.model_fields if body.get(name) is not None}
    unknown = next((name for name, value in body.items() if value is not None and name not in model.model_fields), None)
    if unknown is not None:
        given[unknown] = body[unknown]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _problem(error, given) from error


def _problem(error: ValidationError, given: Mapping[str, Any]) -> Problem:
    """The first thing wrong; of the branches of a union, the one that got furthest says what it is."""
    errors = error.errors(include_url=False, include_context=False)
    found = [(_place(one["loc"], given, one["input"]), one) for one in errors if one["loc"][0] == errors[0]["loc"][0]]
    place, first = max(found, key=lambda one: len(one[0]))
    where = ".".join(place)
    kind = Kind.UNKNOWN_FIELD if first["type"] == "extra_forbidden" else Kind.INVALID
    if first["type"] == "missing":
        message = f"the field {where!r} is required"
    elif kind is Kind.UNKNOWN_FIELD:
        message = f"unknown field: parameter {where!r} is not a valid field"
    else:
        message = f"{where}: {first['msg']}"
    return Problem(kind, message, field=where)


async def read(request: Request, model: type[Model], most: int) -> Model:
    """`json_of` and `parsed` in turn."""
    return parsed(model, await json_of(request, most))


def described(*models: type[BaseModel]) -> dict[str, Any]:
    """What the OpenAPI document says of a route that reads one of these models."""
    schemas = [model.model_json_schema() for model in models]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _too_large(most: int) -> Problem:
    return Problem(Kind.TOO_LARGE, f"the body is larger than {most} bytes: send fewer or shorter documents")


def _json_name(value: object) -> str:
    names: dict[type, str] = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _place(steps: Sequence[str | int], given: Mapping[str, Any], wrong: object) -> list[str]:
    """The way to the value at fault.

    Among the steps of an error's place stand names of a union's branches. They are no keys of the value reached so far,
    or come after the value at fault itself.
    """
    names = [str(steps[0])]
    held: Any = given.get(names[0])
    for step in steps[1:]:
        inside = isinstance(step, int) if isinstance(held, list) else isinstance(held, dict) and step in held
        if inside and held is not wrong:
            names.append(str(step))
            held = held[step]
    return names
