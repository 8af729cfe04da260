"""The mapping of an index of Elasticsearch or OpenSearch, and filters over its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.search.filters import Bound
from shortlist.search.filters.moments import iso_of, number_of
from shortlist.stores.fields import FieldKind
from shortlist.stores.filters import EQUALITY, TEXT, Condition, cannot, check_known
from shortlist.types import Value

TEXT_TYPES = frozenset({"text", "match_only_text"})
KEYWORD_TYPES = frozenset({"keyword", "constant_keyword", "wildcard", "flattened", "flat_object"})
WHOLE_TYPES = frozenset({"long", "integer", "short", "byte", "unsigned_long"})
FLOAT_TYPES = frozenset({"double", "float", "half_float", "scaled_float"})
DATE_TYPES = frozenset({"date", "date_nanos"})
DATE_FORMAT = "strict_date_optional_time"
OBJECT = "object"
OWN_ID = "_id"
"""The engine's own id of a row."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A field of the mapping: its type, its options, and the field with its exact value ("" if there is none)."""

    type: str
    options: Mapping[str, Any]
    exact: str

    @property
    def is_text(self) -> bool:
        """Whether the field is searched by its words."""
        return self.type in TEXT_TYPES


def read_properties(properties: Mapping[str, Any], prefix: str = "") -> dict[str, Mapped]:
    """Return the fields of a mapping by their full names, such as "metadata.year"."""
    return dict(_fields(properties, prefix))


def _fields(properties: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapped]]:
    for name, options in properties.items():
        path = f"{prefix}{name}"
        kind = options.get("type", OBJECT)
        inner = next((key for key, own in options.get("fields", {}).items() if own.get("type") in KEYWORD_TYPES), "")
        exact = path if kind not in TEXT_TYPES else f"{path}.{inner}" if inner else ""
        yield path, Mapped(kind, options, exact)
        yield from _fields(options.get("properties", {}), f"{path}.")


def kinds_of_mapping(properties: Mapping[str, Mapped]) -> dict[str, FieldKind]:
    """Return what the fields at the top hold."""
    return {name: _kind(field.type) for name, field in properties.items() if "." not in name}


def _kind(kind: str) -> FieldKind:
    if kind in TEXT_TYPES | KEYWORD_TYPES:
        return "text"
    if kind in WHOLE_TYPES | FLOAT_TYPES:
        return "number"
    return "object" if kind == OBJECT else "other"


def filter_query(condition: Condition, properties: Mapping[str, Mapped], metadata: str, store: str) -> dict[str, Any]:
    """Return the query of a condition.

    Args:
        condition: A field, which may be below `metadata`, and the values that it may have.
        properties: The fields of the mapping.
        metadata: The object that contains the other fields, or "".
        store: The name of the store, for messages.

    Raises:
        InvalidInput: The index has no such field, the field has words only and no exact value, or it has no values
            that the condition compares.
    """
    name = condition.field
    if name == OWN_ID:
        return _ids(condition, store)
    if name not in properties and metadata and f"{metadata}.{name}" in properties:
        name = f"{metadata}.{name}"
    check_known([Condition(name, ())], properties, store)
    field = properties[name]
    if condition.is_order:
        query = _order(name, field, condition, store)
    elif not field.exact:
        raise InvalidInput(
            f"where: the field {name!r} of {store} is searched by words only: add a sub-field of the type keyword to "
            "the mapping",
            field="where",
        )
    elif condition.operator in TEXT:
        query = _text(field, condition, store)
    else:
        query = _equal(name, field, condition)
    for path in _nested(name, properties):
        query = {"nested": {"path": path, "query": query}}
    return {"bool": {"must_not": [query]}} if condition.operator == "nin" else query


def _ids(condition: Condition, store: str) -> dict[str, Any]:
    if condition.operator not in EQUALITY:
        raise cannot(store, condition, "the engine's own id is compared as a whole")
    query = {"ids": {"values": condition.texts}}
    return {"bool": {"must_not": [query]}} if condition.operator == "nin" else query


def _nested(name: str, properties: Mapping[str, Mapped]) -> list[str]:
    """Return the nested objects that contain a field, the inner one first."""
    parts = name.split(".")
    paths = [".".join(parts[:depth]) for depth in range(len(parts) - 1, 0, -1)]
    return [path for path in paths if path in properties and properties[path].type == "nested"]


def _order(name: str, field: Mapped, condition: Condition, store: str) -> dict[str, Any]:
    if condition.number is not None and field.type in WHOLE_TYPES | FLOAT_TYPES:
        return {"range": {name: {condition.number.operator: condition.number.value}}}
    if condition.moment is not None and field.type in DATE_TYPES:
        return _range(name, [condition.moment])
    raise cannot(store, condition, f"the field is of the type {field.type}, which has no order with this value")


def _text(field: Mapped, condition: Condition, store: str) -> dict[str, Any]:
    if field.type not in TEXT_TYPES | KEYWORD_TYPES:
        raise cannot(store, condition, f"the field is of the type {field.type}, and not text")
    kind = "term" if condition.operator == "ieq" else "prefix"
    alike = {} if condition.operator == "prefix" else {"case_insensitive": True}
    tests = [{kind: {field.exact: {"value": text, **alike}}} for text in condition.texts]
    return _either(tests)


def _equal(name: str, field: Mapped, condition: Condition) -> dict[str, Any]:
    values = _comparable(condition, field.type)
    if field.type in DATE_TYPES:  # a year is a period, and the engines read no date in "2024.0"
        values = [value for value in values if number_of(str(value)) is None]
    tests: list[dict[str, Any]] = [{"terms": {field.exact: values}}] if values else []
    if field.type in DATE_TYPES:
        tests += [_range(name, period) for period in condition.periods]
    return _either(tests) if tests else {"match_none": {}}


def _range(name: str, limits: Sequence[Bound]) -> dict[str, Any]:
    """Return the query of a field of dates within limits."""
    return {"range": {name: {**{limit.operator: iso_of(limit.value) for limit in limits}, "format": DATE_FORMAT}}}


def _either(tests: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the query of which one test must hold."""
    return tests[0] if len(tests) == 1 else {"bool": {"should": tests, "minimum_should_match": 1}}


def _comparable(condition: Condition, kind: str) -> list[Value]:
    """Return the values that a field of this type can hold. The engines refuse any other."""
    if kind == "boolean":
        return list(condition.flags)
    if kind in WHOLE_TYPES:
        return [int(number) for number in condition.numbers if abs(number) < 2**63 and number == int(number)]
    if kind in FLOAT_TYPES:
        return [number for number in condition.numbers if abs(number) < 1e308]
    return list(condition.texts)
