"""The faults of a request in words: which field, which item, and what to send."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from shortlist.reprs import short_number

Step = str | int
"""A name in an object, or a place in an array, from 0."""

ValuePath: TypeAlias = Sequence[Any]
"""The place of a value in a request: the name of a field, and then any number of `Step`."""

EXPECTED: Mapping[str, str] = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
"""The kinds of pydantic's errors on types, and what to send in place of the value."""
LONGEST = 40
"""The most characters of a value that a message quotes."""
TOO_HIGH, TOO_LOW = "a number above 1e+308", "a number below -1e+308"
"""JSON has numbers such as 1e400 that no float holds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a request. `path` names the value at fault, such as "queries[1]"."""

    kind: Literal["missing", "unknown", "invalid"]
    path: str
    message: str


def path_of(field: str, *steps: Step) -> str:
    """Return the path to a value, such as "queries[1]" or "where.year[0]"."""
    return field + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def place_of(field: str, *steps: Step, noun: str = "field") -> str:
    """Return the path in words, such as "item 1 (counted from 0) of the field 'queries'"."""
    words = f"the {noun} {field!r}"
    last = max((number for number, step in enumerate(steps) if isinstance(step, int)), default=-1)
    for number, step in enumerate(steps):
        item = f"{step!r} in" if isinstance(step, str) else f"item {step}{' (counted from 0)' * (number == last)} of"
        words = f"{item} {words}"
    return words


def fault_of(errors: Sequence[Mapping[str, Any]], given: Mapping[str, Any], noun: str = "field") -> Fault:
    """Return the first fault of a request. For a union, this is the fault of the branch with the longest path.

    Args:
        errors: The errors of pydantic, at least one.
        given: The request.
        noun: What the client calls a field.
    """
    same = [detail for detail in errors if detail["loc"][0] == errors[0]["loc"][0]]
    paths = [_path_to_fault(detail, given) for detail in same]
    longest = max(paths, key=len)
    details = [detail for detail, path in zip(same, paths, strict=True) if path == longest]
    field, *steps = longest
    place, path = place_of(str(field), *steps, noun=noun), path_of(str(field), *steps)
    if details[0]["type"] == "missing":
        return Fault("missing", path, f"{place} is required")
    if details[0]["type"] == "extra_forbidden":
        return Fault("unknown", path, place)
    return Fault("invalid", path, f"{place} {_wrong(details)}")


def _wrong(details: Sequence[Mapping[str, Any]]) -> str:
    """Return what is wrong with a value: every allowed type, or the bound that the value misses."""
    other = next((detail for detail in details if _expected(detail) is None), None)
    if other is not None:
        return _bound(other)
    allowed = list(dict.fromkeys(filter(None, map(_expected, details))))
    if "a number" in allowed:
        allowed = [kind for kind in allowed if kind != "a whole number"]
    listed = ", ".join(allowed[:-1]) + (" or " if allowed[:-1] else "") + allowed[-1]
    return f"must be {listed}, not {given_as(details[0]['input'])}"


def _expected(detail: Mapping[str, Any]) -> str | None:
    if detail["type"] == "literal_error":
        return str(detail["ctx"]["expected"])
    return EXPECTED.get(detail["type"])


def _bound(detail: Mapping[str, Any]) -> str:
    """Return the bound that a value misses, or the message of the check, which is a sentence without a subject."""
    context, kind, value = detail.get("ctx", {}), detail["type"], given_as(detail["input"])
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']:g}, not {value}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']:g}, not {value}"
    if kind == "too_long":
        return f"has more than {context['max_length']} entries: send at most {context['max_length']}"
    if kind == "too_short":
        return "is empty: give at least one"
    return f"has {detail['msg']}" if kind == "too_many" else f"cannot be read: {detail['msg']}"


def given_as(value: object) -> str:
    """Return a value of JSON in words. Long texts and numbers are cut."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"the text {value if len(value) <= LONGEST else value[:LONGEST] + '…'!r}"
    if isinstance(value, int | float):
        number = {math.inf: TOO_HIGH, -math.inf: TOO_LOW}.get(value) or short_number(value)
        return number if number.startswith("a number") else f"the number {number}"
    return "an object" if isinstance(value, Mapping) else "an array"


def _path_to_fault(detail: Mapping[str, Any], given: Mapping[str, Any]) -> list[Step]:
    """Return the path to the value at fault, or to the missing one.

    The steps of an error also contain the names of a union's branches. This function skips each step that is not a key
    of the current value, and each step after the value at fault.
    """
    first, *steps = detail["loc"]
    path: list[Step] = [first]
    value: Any = given.get(first)
    for step in steps:
        inside = isinstance(step, int) if isinstance(value, list) else isinstance(value, dict) and step in value
        if inside and value is not detail["input"]:
            path.append(step)
            value = value[step]
    return [*path, steps[-1]] if detail["type"] == "missing" and steps else path
