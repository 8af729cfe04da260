"""The words that the packaged bi-encoder knows."""

from __future__ import annotations

import json
from functools import cache

from shortlist.models.packaged import BI_ENCODER, ROOT

_SHORTEST = 2


@cache
def known_words() -> frozenset[str]:
    """Return the words of the packaged bi-encoder's vocabulary, in lower case: about 20,000, most of them English."""
    file = ROOT / BI_ENCODER / "tokenizer.json"
    vocabulary = json.loads(file.read_text(encoding="utf-8"))["model"]["vocab"]
    return frozenset(word for word in vocabulary if word.isalpha() and len(word) >= _SHORTEST)
