"""Passages to Qdrant points and back, and the words of filters. The engines of this vendor share it.

Everything that a filter may ask for is stored a second time, as a list of words such as `"year":2024` under one indexed
key. So a filter with a thousand values costs the same as a filter with one. A comparison with the metadata itself would
read every passage once per value, and would use the engine's rules of equality (True and 1, 2.0 and 2).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import fields
from hashlib import blake2b
from operator import itemgetter
from typing import Any

from shortlist.search.filters import alternatives
from shortlist.text.normal import normalised
from shortlist.types import PATH, Passage, Value, Where

NAMESPACE = uuid.UUID("6f1c2f6e-54a3-4f0c-9d0e-0d2b6f0f4c11")
FIELDS = tuple(field.name for field in fields(Passage))
FIELDS_OF = itemgetter(*FIELDS)
OWN_FIELDS = ("document_id", "title")
WORDS = "words"
"""The payload key with the words for filters."""
LONGEST_WORD = 100
"""Characters. A longer word is stored as its hash."""
LARGEST_INT = 2**63


def point_id(passage_id: str) -> str:
    """Return the engine's id of a passage. It depends on the passage id alone."""
    return str(uuid.uuid5(NAMESPACE, passage_id))


def payload(passage: Passage) -> dict[str, Any]:
    """Return what is stored with the vectors of a passage."""
    stored = {name: getattr(passage, name) for name in FIELDS}
    return {**stored, "metadata": dict(passage.metadata), WORDS: sorted(set(_words_of(passage)))}


def passage(stored: Mapping[str, Any]) -> Passage:
    """Return the passage that `payload` turned into `stored`."""
    return Passage(*FIELDS_OF(stored))


def filter_words(where: Where | None) -> list[list[str]]:
    """Return the stored words that `where` needs: a passage must have a word of each list. See `types.Where`.

    Raises:
        InvalidInput: `where` is not a mapping, or a value is not text, a number, true, false, or a list of these.
    """
    return [sorted({_word(field, value) for value in values}) for field, values in alternatives(where).items()]


def _words_of(passage: Passage) -> Iterator[str]:
    """Yield the words of the document's id, the title, the headings above, and the metadata.

    A metadata field "title" or "document_id" adds its words to those of the passage.
    """
    yield _word("document_id", passage.document_id)
    parts = passage.title.split(PATH)
    yield from (_word("title", PATH.join(parts[: depth + 1])) for depth in range(len(parts)))
    for field, content in passage.metadata.items():
        yield from (_word(field, value) for value in (content if isinstance(content, list) else [content]))


def _word(field: str, value: Value) -> str:
    """Return the field and its value as ASCII text. Equal numbers give the same text, and so do texts in two forms."""
    if isinstance(value, str):
        value = normalised(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    word = f"{json.dumps(normalised(field))}:{json.dumps(value)}"
    return word if len(word) <= LONGEST_WORD else f"#{blake2b(word.encode(), digest_size=16).hexdigest()}"
