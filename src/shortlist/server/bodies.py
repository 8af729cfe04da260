"""The bytes of a request, read into a checked model."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import from_json
from starlette.requests import ClientDisconnect

from shortlist.server.problems import Kind, Problem
from shortlist.wording.requests import fault_of

Model = TypeVar("Model", bound=BaseModel)

Query = Annotated[str, Field(json_schema_extra={"minLength": 1})]
"""A text that must not be empty, for the OpenAPI document. The check is made later, when the dialect is known."""

Strings = Annotated[list[str], Field(fail_fast=True)]
"""A list of texts. A list is read up to the first error, because only the first error is reported."""

Texts = Annotated[Strings, Field(json_schema_extra={"minItems": 1})]
"""Documents to rerank. As for `Query`, the minimum is only for the OpenAPI document."""


async def json_of(request: Request, max_bytes: int) -> dict[str, Any]:
    """Return the body as a JSON object of at most `max_bytes` bytes. A byte order mark of UTF-8 is ignored.

    Raises:
        Problem: The body is too large, not UTF-8, not JSON (JSON has no NaN and no infinity), nested too deep, or not
            an object.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > max_bytes:
        raise _too_large(max_bytes)
    try:
        body = from_json((await _bytes_of(request, max_bytes)).removeprefix(BOM_UTF8), allow_inf_nan=False)
    except ValueError as error:
        raise Problem(Kind.MALFORMED, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Problem(Kind.MALFORMED, f"the body must be a JSON object, not {_json_name(body)}")
    return body


async def _bytes_of(request: Request, max_bytes: int) -> bytes:
    received = bytearray()
    try:
        async for part in request.stream():
            received += part
            if len(received) > max_bytes:
                raise _too_large(max_bytes)
    except ClientDisconnect as error:
        raise Problem(Kind.MALFORMED, "the body ended early") from error
    return bytes(received)


def parsed(model: type[Model], body: Mapping[str, Any]) -> Model:
    """Return the body as `model`. A field that is null counts as not given.

    Only the first unknown field is read, so many unknown fields cost no more time than one.

    Raises:
        Problem: The first error: a field is missing, of the wrong type or out of range, or it is unknown and the model
            forbids unknown fields.
    """
    given = {name: body[name] for name in model.model_fields if body.get(name) is not None}
    unknown = next((name for name, value in body.items() if value is not None and name not in model.model_fields), None)
    if unknown is not None:
        given[unknown] = body[unknown]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _problem(error, given, model) from error


def _problem(error: ValidationError, given: Mapping[str, Any], model: type[BaseModel]) -> Problem:
    """Return the first error in words: see `fault_of`."""
    fault = fault_of(error.errors(include_url=False), given)
    if fault.kind != "unknown":
        return Problem(Kind.INVALID, fault.message, field=fault.path)
    message = f"unknown field: parameter {fault.path!r} is not a valid field"
    known = f": the fields are {', '.join(model.model_fields)}" if fault.path in given else ": leave it out"
    return Problem(Kind.UNKNOWN_FIELD, message + known, field=fault.path)


async def read(request: Request, model: type[Model], max_bytes: int) -> Model:
    """Return the body as `model`: `json_of`, then `parsed`."""
    return parsed(model, await json_of(request, max_bytes))


def described(*models: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI description of a route that reads one of these models."""
    schemas = [_without_references(model.model_json_schema()) for model in models]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _without_references(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a model with the schemas of its nested models in place. No model contains itself."""
    definitions = schema.pop("$defs", {})

    def placed(part: Any) -> Any:
        if isinstance(part, list):
            return [placed(each) for each in part]
        if not isinstance(part, dict):
            return part
        name = part.get("$ref", "")
        return (
            placed(definitions[name.rpartition("/")[2]]) if name else {key: placed(each) for key, each in part.items()}
        )

    result: dict[str, Any] = placed(schema)
    return result


def _too_large(max_bytes: int) -> Problem:
    return Problem(Kind.TOO_LARGE, f"the body is larger than {max_bytes} bytes: send fewer or shorter documents")


def _json_name(value: object) -> str:
    names: dict[type, str] = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
