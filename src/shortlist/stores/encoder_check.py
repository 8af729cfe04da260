"""The check that a collection was made with the bi-encoder that searches it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from shortlist.errors import InvalidInput
from shortlist.protocols import Encoder
from shortlist.stores.metrics import cosines
from shortlist.stores.store import Store, Vector
from shortlist.types import Passage

SMALLEST_COSINE = 0.98
"""Of a stored vector to our vector of its text. Other precisions of one model are above it, and other models below."""

SMALLEST_ROUNDED = 0.7
"""The same for a store whose vectors are rounded, such as a FAISS index with product quantisation."""

Form: TypeAlias = Literal["text", "title and text"]
"""What the stored vectors were made from."""

REMEDY = (
    "give bi_encoder the right name: a model, openai:MODEL or openai:MODEL@URL for an embeddings endpoint, or "
    "package.module:attribute for an encoder of your own"
)


def check_encoder(store: Store, encoder: Encoder) -> Form | None:
    """Compare one stored vector with the encoder's vector of its text. Return what the vectors were made from.

    The text alone is tried, and the title followed by the text. An empty collection gives None.

    Raises:
        InvalidInput: The lengths of the vectors differ, or their cosine is below 0.98, or below 0.7 if the store rounds
            its vectors.
    """
    sample = store.sample()
    if sample is None:
        return None
    passage, vector = sample
    if len(vector) != encoder.dimension:
        raise InvalidInput(
            f"{store.name} was not made with the bi-encoder {encoder.name}: its vectors have {len(vector)} numbers, "
            f"and those of the bi-encoder {encoder.dimension}; {REMEDY}",
            field="bi_encoder",
        )
    cosine, form = _nearest_form(passage, vector, encoder)
    smallest = _smallest(store)
    if cosine < smallest:
        raise InvalidInput(
            f"{store.name} seems not to be made with the bi-encoder {encoder.name}: the stored vector of passage "
            f"{passage.id!r} has the cosine {cosine:.2f} to the bi-encoder's vector of its text, and at least "
            f"{smallest} is expected; {REMEDY}",
            field="bi_encoder",
        )
    return form


def form_of(store: Store, passage: Passage, encoder: Encoder) -> Form | None:
    """Return what the stored vector of this passage was made from, or None if the encoder did not make it.

    Raises:
        InvalidInput: The store has no vector for the passage.
    """
    cosine, form = _nearest_form(passage, store.vectors([passage.id])[0], encoder)
    return form if cosine >= _smallest(store) else None


def _smallest(store: Store) -> float:
    return SMALLEST_ROUNDED if store.lossy else SMALLEST_COSINE


def _nearest_form(passage: Passage, vector: Vector, encoder: Encoder) -> tuple[float, Form]:
    """Return the form whose vector has the largest cosine to the stored one, after this cosine."""
    forms = _forms(passage)
    scores = cosines(vector, np.asarray(encoder.encode_passages(list(forms)), dtype=np.float32))
    return max(zip(scores, forms.values(), strict=True), key=lambda pair: pair[0])


def _forms(passage: Passage) -> dict[str, Form]:
    """Return the texts that the vector may be made from. The text comes first, and wins if both are equal."""
    forms: dict[str, Form] = {passage.text: "text"}
    forms.setdefault(passage.content, "title and text")
    return forms
