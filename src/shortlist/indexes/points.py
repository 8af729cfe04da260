"""Passages to Qdrant points and back, and the words of filters. The engines of this vendor share it.

Everything that a filter may ask for is stored a second time, as a list of words such as `"year":2024` under one indexed
key. So a filter with a thousand values costs the same as a filter with one. A comparison with the metadata itself would
read every passage once per value, and would use the engine's rules of equality (True and 1, 2.0 and 2).

A text with capital letters has a second word without them, after "~". A word that is too long is stored as its hash,
and its start as a second word, after "^". Numbers and dates, also those in texts, are stored as numbers, one key for
each field.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from operator import itemgetter
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.search.filters import Bound, Predicate, fold, predicates_of
from shortlist.search.filters.holding import orders_of
from shortlist.text.normal import normalised
from shortlist.types import PATH, Passage, Value, Where

NAMESPACE = uuid.UUID("6f1c2f6e-54a3-4f0c-9d0e-0d2b6f0f4c11")
READ_AS = "read_as"
"""The key of the text that models read. Most payloads lack it."""
FIELDS = tuple(field.name for field in fields(Passage) if field.name != READ_AS)
FIELDS_OF = itemgetter(*FIELDS)
OWN_FIELDS = ("document_id", "title")
WORDS = "words"
"""The payload key with the words for filters."""
NUMBERS, DATES = "numbers", "dates"
"""The payload keys with the numbers and dates for filters: `key_of` a field -> numbers, or seconds from 1970 in UTC."""
FORM = 3
"""The form of this payload. Form 1 had the words of equality alone. Form 2 had each heading with all headings above."""
LONGEST_WORD = 100
"""Characters. A longer word is stored as its hash."""
LARGEST_INT = 2**63


def point_id(passage_id: str) -> str:
    """Return the engine's id of a passage. It depends on the passage id alone."""
    return str(uuid.uuid5(NAMESPACE, passage_id))


def payload(passage: Passage) -> dict[str, Any]:
    """Return what is stored with the vectors of a passage."""
    stored = {name: getattr(passage, name) for name in FIELDS}
    if passage.read_as:
        stored[READ_AS] = passage.read_as
    words, orders = set[str](), {"number": dict[str, list[float]](), "moment": dict[str, list[float]]()}
    for field, value in _entries(passage):
        words.update(_words_of(field, value))
        for kind, number in orders_of(value):
            orders[kind].setdefault(key_of(field), []).append(number)
    metadata = {"metadata": dict(passage.metadata), WORDS: sorted(words)}
    return {**stored, **metadata, NUMBERS: orders["number"], DATES: orders["moment"]}


def passage(stored: Mapping[str, Any]) -> Passage:
    """Return the passage that `payload` turned into `stored`."""
    item = Passage(*FIELDS_OF(stored))
    return replace(item, read_as=stored[READ_AS]) if stored.get(READ_AS) else item


@dataclass(frozen=True, slots=True)
class Part:
    """One condition of a filter for the engine. A passage needs one of the words, prefixes and ranges.

    `prefixes` are starts of words, and `ranges` are payload keys with one or two limits. A passage must have none of
    them if the part is `negated`.
    """

    words: list[str]
    prefixes: list[str]
    ranges: Sequence[tuple[str, Sequence[Bound]]]
    negated: bool = False


def parts_of(where: Where | None, form: int = FORM) -> list[Part]:
    """Return the conditions of `where`, all of which must hold. See `types.Where`. `form` is that of the index.

    Raises:
        InvalidInput: `where` cannot be used: see `search.filters.predicates_of`. Or the index was made before it could
            answer such a condition, or the start of a text is too long.
    """
    parts = []
    for test in predicates_of(where):
        if form < 3 and test.field == "title" and not all(PATH in str(value) for value in test.values):
            raise InvalidInput(
                f"where: the index cannot answer {test.label}, because an earlier version made it, which stored each "
                f"heading with all headings above it alone: give these, too, such as 'title=Guide{PATH}Setup', or make "
                "the index again",
                field="where",
            )
        if form < 2 and test.operator not in ("in", "nin"):
            raise InvalidInput(
                f"where: the index cannot answer {test.label}, because an earlier version made it, which stored values "
                "for = and != alone: make the index again",
                field="where",
            )
        parts.append(_part(test))
    return parts


def key_of(field: str) -> str:
    """Return the payload key of the numbers of a field. A name may have characters that a key may not have."""
    return f"f{blake2b(normalised(field).encode(), digest_size=8).hexdigest()}"


def _part(test: Predicate) -> Part:
    field, texts = test.field, [value for value in test.values if isinstance(value, str)]
    if test.is_order:
        limits = ((NUMBERS, test.number), (DATES, test.moment))
        return Part([], [], [(f"{key}.{key_of(field)}", [limit]) for key, limit in limits if limit is not None])
    words = {_word(field, value) for value in test.values}
    if test.operator in ("in", "nin"):
        days = [(f"{DATES}.{key_of(field)}", period) for period in test.periods]
        return Part(sorted(words), [], days, negated=test.operator == "nin")
    if test.operator == "ieq":
        folded = {_word(field, fold(text)) for text in texts}
        return Part(sorted({*words, *folded, *(f"~{word}" for word in folded)}), [], [])
    marks = ("", "^") if test.operator == "prefix" else ("", "^", "~", "~^")
    starts = [_start(test, field, text if test.operator == "prefix" else fold(text)) for text in texts]
    return Part([], [f"{mark}{start}" for start in starts for mark in marks], [])


def _start(test: Predicate, field: str, text: str) -> str:
    start = _whole(field, text)[:-1]
    if len(start) > LONGEST_WORD:
        raise InvalidInput(
            f"where: {test.label} is too long for the index: field and text may have about {LONGEST_WORD} characters",
            field="where",
        )
    return start


def _entries(passage: Passage) -> Iterator[tuple[str, Value]]:
    """Yield the fields and values that filters read: the document's id, the title, the headings above, the metadata.

    A metadata field "title" or "document_id" adds its values to those of the passage.
    """
    yield "document_id", passage.document_id
    parts = passage.title.split(PATH)
    paths = [PATH.join(parts[: depth + 1]) for depth in range(len(parts))]
    yield from (("title", title) for title in dict.fromkeys([*paths, *parts]))
    for field, content in passage.metadata.items():
        yield from ((field, value) for value in (content if isinstance(content, list) else [content]))


def _words_of(field: str, value: Value) -> Iterator[str]:
    """Yield the words of a value: for equality, for text without capital letters, and the starts of long words."""
    yield _word(field, value)
    if not isinstance(value, str):
        return
    text, folded = normalised(value), fold(value)
    yield from _starts("", field, text)
    if folded != text:
        yield f"~{_word(field, folded)}"
        yield from _starts("~", field, folded)


def _starts(mark: str, field: str, text: str) -> Iterator[str]:
    word = _whole(field, text)
    if len(word) > LONGEST_WORD:
        yield f"{mark}^{word[:LONGEST_WORD]}"


def _word(field: str, value: Value) -> str:
    """Return the word of a field and its value, or its hash. Equal numbers give the same word, as do equal texts."""
    word = _whole(field, value)
    return word if len(word) <= LONGEST_WORD else f"#{blake2b(word.encode(), digest_size=16).hexdigest()}"


def _whole(field: str, value: Value) -> str:
    """Return the field and its value as ASCII text."""
    if isinstance(value, str):
        value = normalised(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"{json.dumps(normalised(field))}:{json.dumps(value)}"
