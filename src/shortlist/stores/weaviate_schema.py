"""The properties of a Weaviate collection, and filters over them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shortlist.search.filters.moments import iso_of
from shortlist.stores.fields import FieldKind
from shortlist.stores.filters import Condition, cannot
from shortlist.types import Value

WHOLE, NUMBER, BOOLEAN, DATE = "int", "number", "boolean", "date"
ONLY_VECTORS = "default"
"""The name for the vectors of a collection that has one kind without a name."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A collection: the types of its properties, those with a word index, and the metric of each kind of vectors.

    `named` is True if the vectors have names, and `flat` if each query compares all of them.
    """

    types: Mapping[str, str]
    searchable: frozenset[str]
    metrics: Mapping[str, str]
    named: bool
    flat: bool

    @property
    def kinds(self) -> dict[str, FieldKind]:
        """What the properties hold."""
        kinds: Mapping[str, FieldKind] = {
            "text": "text",
            "uuid": "text",
            WHOLE: "number",
            NUMBER: "number",
            "object": "object",
        }
        return {name: kinds.get(type_name, "other") for name, type_name in self.types.items()}


def read_schema(config: Any) -> Schema:
    """Return the schema from the configuration that Weaviate's client reads."""
    types = {own.name: own.data_type.value for own in config.properties}
    searchable = frozenset(own.name for own in config.properties if own.index_searchable)
    if config.vector_config:
        indexes = {name: own.vector_index_config for name, own in config.vector_config.items()}
    else:
        indexes = {ONLY_VECTORS: config.vector_index_config} if config.vector_index_config else {}
    metrics = {name: index.distance_metric.value for name, index in indexes.items()}
    flat = bool(indexes) and all(type(index).__name__.endswith("FlatConfig") for index in indexes.values())
    return Schema(types, searchable, metrics, bool(config.vector_config), flat)


def allowed(condition: Condition, type_name: str) -> Sequence[Value]:
    """Return the values of a condition that a property of this type can hold. Weaviate refuses any other."""
    kind = type_name.removesuffix("[]")
    if kind == BOOLEAN:
        return condition.flags
    if kind == WHOLE:
        return [int(number) for number in condition.numbers if abs(number) < 2**63 and number == int(number)]
    if kind == NUMBER:
        return [float(number) for number in condition.numbers if abs(number) < 1e308]
    return condition.texts


def filter_of(where: Sequence[Condition], types: Mapping[str, str]) -> Any:
    """Return the filter of Weaviate's client; None for no conditions."""
    from weaviate.classes.query import Filter

    parts = [_part(condition, types[condition.field]) for condition in where]
    return Filter.all_of(parts) if parts else None


def limit_of(condition: Condition, type_name: str, store: str) -> int | float | datetime:
    """Return the limit of an order: a number or a moment.

    Raises:
        InvalidInput: A property of this type has no order with the value.
    """
    if condition.number is not None and type_name == NUMBER:
        return condition.number.value
    if condition.number is not None and type_name == WHOLE:  # Weaviate refuses other numbers for it
        number = condition.number
        return math.ceil(number.value) if number.operator in ("lt", "gte") else math.floor(number.value)
    if condition.moment is not None and type_name == DATE:
        return datetime.fromisoformat(iso_of(condition.moment.value).replace("Z", "+00:00"))
    raise cannot(store, condition, f"the property is of the type {type_name}, which has no order with this value")


def _part(condition: Condition, type_name: str) -> Any:
    from weaviate.classes.query import Filter

    own = Filter.by_property(condition.field)
    if not condition.is_order:
        return own.contains_any(list(allowed(condition, type_name)))
    limit = limit_of(condition, type_name, "")
    bound = condition.moment if isinstance(limit, datetime) else condition.number
    methods = {"lt": own.less_than, "lte": own.less_or_equal, "gt": own.greater_than, "gte": own.greater_or_equal}
    assert bound is not None
    return methods[bound.operator](limit)


def has_one_of(record: Mapping[str, Any], condition: Condition) -> bool:
    """Return whether a row has one of the values. True and 1 are different values."""
    own = record.get(condition.field)
    typed = {(isinstance(value, bool), value) for value in condition.values}
    values = own if isinstance(own, list) else [own]
    return any((isinstance(value, bool), value if _is_plain(value) else str(value)) in typed for value in values)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)
