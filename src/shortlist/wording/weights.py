"""Notes about numbers of stage one that the final score does not include."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shortlist.wording.counting import counted


def reranker_alone(values: Mapping[str, Any]) -> str:
    """Return the words of the note about signals without weights."""
    start, retriever = "the reranker alone orders the answer", values["retriever"]
    if not values["signals"]:
        return (
            f"{start}: the hits of {retriever} have no signals, so weights cannot add its scores. A hit has signals if "
            'the retriever returns Hit.of(id, text, score, signals={"dense": score}), or if you name a pool_encoder, '
            "which encodes the pool"
        )
    return (
        f"{start}: no weights are fitted for the scores of {retriever}; to add its scores, give weights of "
        f"{' and '.join(values['signals'])}"
    )


def numbers_unused(values: Mapping[str, Any]) -> str:
    """Return the words of the note about numbers that are no part of a final score."""
    fields, count = " and ".join(values["fields"]), counted(values["count"], "document")
    return (
        f"the final score does not include the {fields} of {count}: weights are known only for signals with the name "
        "of their bi_encoder. A pool_encoder adds its cosine to the score"
    )
