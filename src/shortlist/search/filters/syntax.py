"""The conditions of a filter as texts, such as `price<100`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from shortlist.errors import InvalidInput
from shortlist.search.filters.conditions import SYMBOLS
from shortlist.search.filters.values import value_of_text
from shortlist.types import Filter, Where

QUOTED = r'"(?:[^"\\]|\\.)*"|' + r"'[^']*'"
CONDITION = re.compile(
    rf"\s*(?P<field>{QUOTED}|[^<>=]*?)\s*(?P<symbol>!=|\^~=|~=|\^=|<=|>=|=|<|>)(?P<value>.*)", re.DOTALL
)
"""The field ends at the first symbol. In quotes, it may contain symbols."""
OPERATORS = {symbol: operator for operator, symbol in SYMBOLS.items()}


def where_of(given: Filter | None) -> Where | None:
    """Return a filter as a mapping. Several conditions must all hold; equal values of one field are alternatives.

    A text has a field, a symbol and a value: `year=2024`, `status!=retired`, `price<100`, `price>=10`, `sku^=AB-` (the
    text starts so), `city~=bern` and `city^~=ber` (small and capital letters are equal). Numbers, true and false become
    values of these types. A field or a value in quotes is read as it stands. A mapping is returned unchanged.

    Raises:
        InvalidInput: A text has no symbol, no field or no value, or something is no text.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        for field in given:
            if not isinstance(field, str):
                raise InvalidInput(f"where: the field {field!r} is no text: give the name of a field", field="where")
        return cast("Where", given)
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, Sequence):
        raise InvalidInput(
            f"where is {given!r}; give a mapping of fields to values, such as {{'year': 2024}}, or conditions as text, "
            "such as 'price<100'"
        )
    where: dict[str, dict[str, list[Any]]] = {}
    for text in texts:
        field, operator, value = _condition(text)
        where.setdefault(field, {}).setdefault(operator, []).append(value)
    return {field: _content(operators) for field, operators in where.items()} or None


def _condition(text: Any) -> tuple[str, str, Any]:
    match = CONDITION.fullmatch(text) if isinstance(text, str) else None
    field = "" if match is None else _unquoted(match["field"])
    value = "" if match is None else match["value"].strip()
    if match is None or not field or not value:
        raise InvalidInput(
            f"where: {text!r} is no condition: write a field, one of {' '.join(OPERATORS)}, and a value, such as "
            "year=2024 or price<100",
            field="where",
        )
    if value[0] in "=<>":
        raise _two_symbols(text, match["symbol"], value)
    if text.lstrip()[0] in "\"'" and field == match["field"]:
        raise _open_quote(text, "field", field[0])
    if value[0] == '"' and value == _unquoted(value):
        raise _open_quote(text, "value", value[0])
    operator = OPERATORS[match["symbol"]]
    if operator in ("prefix", "ieq", "iprefix") or value != _unquoted(value):
        return field, operator, _unquoted(value)
    return field, operator, value_of_text(value)


def _two_symbols(text: str, symbol: str, value: str) -> InvalidInput:
    """Return the error for `==`, `=>` and `=<`. In quotes, such a value is a text."""
    meant = {"==": "=", "=>": ">=", "=<": "<="}.get(symbol + value[0])
    remedy = f"write {meant}" if meant else f"write one of {' '.join(OPERATORS)}"
    return InvalidInput(
        f"where: {text!r} has {symbol}{value[0]}: {remedy}. If the value begins with {value[0]}, put it in quotes",
        field="where",
    )


def _open_quote(text: str, part: str, quote: str) -> InvalidInput:
    return InvalidInput(
        f"where: {text!r}: the {part} begins with {quote} and does not end with it: close the quote at the end of the "
        f"{part}. A quote that belongs to the text needs the other kind of quotes around the whole {part}",
        field="where",
    )


def _content(operators: Mapping[str, list[Any]]) -> Any:
    """Return the values of a field. Alone, equality needs no operator."""
    values = {name: given[0] if len(given) == 1 else given for name, given in operators.items()}
    return values["in"] if list(values) == ["in"] else values


def _unquoted(text: str) -> str:
    """Return a text without its quotes. Between double quotes, a backslash has the meaning of JSON."""
    if not re.fullmatch(QUOTED, text):
        return text
    if text.startswith("'"):
        return text[1:-1]
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        return text[1:-1]
