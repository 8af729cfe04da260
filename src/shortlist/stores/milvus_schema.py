"""The fields of a Milvus collection, and filters over them in Milvus's expressions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.search.filters.conditions import SYMBOLS
from shortlist.stores.fields import FieldKind
from shortlist.stores.filters import EQUALITY, Condition, cannot
from shortlist.types import Value

BOOL, TEXT, ARRAY, JSON, FLOAT_VECTOR = 1, 21, 22, 23, 101
INTEGERS, FLOATS = frozenset({2, 3, 4, 5}), frozenset({10, 11})
OTHER_VECTORS = frozenset({100, 102, 103, 104, 105})
"""The numbers of Milvus's types."""
BM25_FUNCTION = 1
DYNAMIC = "$meta"
PATTERN = "%_\\"
"""The characters that have a meaning in a pattern."""


@dataclass(frozen=True)
class Schema:
    """A collection. `types` are the types of its fields, `shown` the fields to read, and `words` the BM25 field."""

    key: str
    types: Mapping[str, int]
    items: Mapping[str, int]
    vectors: Mapping[str, int]
    words: str
    dynamic: bool
    nullable: frozenset[str] = frozenset()

    @cached_property
    def hidden(self) -> frozenset[str]:
        """The fields that no passage shows."""
        return frozenset(name for name, kind in self.types.items() if kind in OTHER_VECTORS | {FLOAT_VECTOR})

    @cached_property
    def shown(self) -> list[str]:
        """The fields to read for a passage."""
        names = [name for name in self.types if name not in self.hidden]
        return [*names, DYNAMIC] if self.dynamic else names

    @property
    def kinds(self) -> dict[str, FieldKind]:
        """What the fields hold."""
        return {name: _kind(kind) for name, kind in self.types.items()}


def read_schema(description: Mapping[str, Any]) -> Schema:
    """Return the schema from Milvus's description of a collection."""
    fields = description["fields"]
    types = {field["name"]: int(field["type"]) for field in fields}
    functions = description.get("functions") or []
    words = [function["output_field_names"][0] for function in functions if int(function["type"]) == BM25_FUNCTION]
    return Schema(
        next(field["name"] for field in fields if field.get("is_primary")),
        types,
        {field["name"]: int(field.get("element_type") or 0) for field in fields},
        {field["name"]: int(field["params"]["dim"]) for field in fields if int(field["type"]) == FLOAT_VECTOR},
        words[0] if words else "",
        bool(description.get("enable_dynamic_field")),
        frozenset(field["name"] for field in fields if field.get("nullable")),
    )


def expression(where: Sequence[Condition], schema: Schema, metadata: str, store: str = "") -> str | None:
    """Return the expression of a filter; "" for no filter, and None if no row can pass it.

    Args:
        where: The conditions.
        schema: The fields of the collection.
        metadata: The JSON field that contains the other fields, or "".
        store: The name of the store, for messages.

    Raises:
        InvalidInput: The collection has no such field, or the field has no values that the condition compares.
    """
    parts = []
    for condition in where:
        tests = _tests(condition, schema, metadata, store)
        if condition.operator == "nin":
            missing = _missing(condition.field, schema, metadata)
            parts += [f"({missing}not ({' or '.join(tests)}))"] if tests else []
        elif tests:
            parts.append(f"({' or '.join(tests)})")
        else:
            return None
    return " and ".join(parts)


def _missing(field: str, schema: Schema, metadata: str) -> str:
    """Return the test of a row without the field, and "or". Milvus leaves out such a row if the field is compared."""
    if field in schema.types:
        return f"{field} is null or " if field in schema.nullable else ""
    return f"not exists {_json_name(field, metadata)} or "


def _json_name(field: str, metadata: str) -> str:
    if metadata:
        return metadata + "".join(f"[{literal(part)}]" for part in field.split("."))
    return f"{DYNAMIC}[{literal(field)}]"


def _tests(condition: Condition, schema: Schema, metadata: str, store: str) -> list[str]:
    field = condition.field
    kind = schema.types.get(field)
    if kind is None:
        return _json_tests(condition, schema, metadata, store)
    if condition.operator not in EQUALITY:
        return _compared(field, kind, condition, store)
    if kind == JSON:
        return [f"{field} == {literal(value)}" for value in condition.values]
    values = _comparable(condition, schema.items[field] if kind == ARRAY else kind)
    if not values:
        return []
    listed = f"[{', '.join(map(literal, values))}]"
    if kind == ARRAY:
        return [f"array_contains_any({field}, {listed})"]
    return [f"{field} == {literal(value)}" for value in values] if kind == BOOL else [f"{field} in {listed}"]


def _compared(name: str, kind: int, condition: Condition, store: str) -> list[str]:
    """Return the tests of an order, or of the start of a text. Milvus orders numbers, and no dates."""
    if condition.is_order and condition.number is not None and kind in INTEGERS | FLOATS | {JSON}:
        return [f"{name} {SYMBOLS[condition.number.operator]} {literal(condition.number.value)}"]
    if condition.operator == "prefix" and kind in (TEXT, JSON):
        if any(character in text for text in condition.texts for character in PATTERN):
            raise cannot(store, condition, f"a text with one of {' '.join(PATTERN)} is a pattern in Milvus")
        return [f"{name} like {literal(f'{text}%')}" for text in condition.texts]
    raise cannot(store, condition, "Milvus compares numbers, and the starts of texts, and no dates")


def _json_tests(condition: Condition, schema: Schema, metadata: str, store: str) -> list[str]:
    """Return the tests of a key of the metadata or of the dynamic field, whose value may be a list."""
    field, name = condition.field, _json_name(condition.field, metadata)
    in_list = field if not metadata and field.isidentifier() else name
    if not metadata and not schema.dynamic:
        names = ", ".join(sorted(set(schema.types) - schema.hidden))
        raise InvalidInput(f"where: {store} has no field {field!r}; its fields are {names}", field="where")
    if condition.operator not in EQUALITY:
        return _compared(name, JSON, condition, store)
    values = list(map(literal, condition.values))
    return [f"{name} == {value}" for value in values] + [f"json_contains({in_list}, {value})" for value in values]


def _comparable(condition: Condition, kind: int) -> list[Value]:
    """Return the values that a field of this type can hold. Milvus refuses any other."""
    if kind == TEXT:
        return list(condition.texts)
    if kind == BOOL:
        return list(condition.flags)
    if kind in INTEGERS:
        return [int(number) for number in condition.numbers if abs(number) < 2**63 and number == int(number)]
    return [float(number) for number in condition.numbers if abs(number) < 1e308] if kind in FLOATS else []


def literal(value: Value) -> str:
    """Return a value in an expression of Milvus. Its strings are those of JSON."""
    return json.dumps(value, ensure_ascii=False)


def _kind(kind: int) -> FieldKind:
    if kind in INTEGERS | FLOATS:
        return "number"
    names: Mapping[int, FieldKind] = {TEXT: "text", JSON: "object", FLOAT_VECTOR: "vector"}
    return names.get(kind, "other")
