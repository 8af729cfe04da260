"""The weights that were fitted for the scores of a bi-encoder and a reranker."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.config.weights import Weights
from shortlist.models.packaged import fitted_weights
from shortlist.protocols import Reranker, Retriever
from shortlist.search.scores import info_of
from shortlist.types import DENSE, Hit


def blend_weights(hits: Sequence[Hit], reranker: Reranker) -> Weights:
    """Return the weights that were fitted for the hits and the reranker; none if a final score cannot have them.

    Every hit needs the signal "dense" of one bi-encoder. The reranker must return logits.
    """
    info = info_of(reranker)
    names = {hit.bi_encoder if DENSE in hit.signals else "" for hit in hits}
    return fitted_weights(names.pop(), info.name) if len(names) == 1 and info.unit == "logit" else Weights()


def known_weights(retriever: Retriever, reranker: Reranker | None) -> Weights:
    """Return the weights that were fitted for the bi-encoder of a retriever and a reranker; none if none were fitted.

    A retriever of the package names its bi-encoder. The reranker must return logits.
    """
    name = getattr(retriever, "bi_encoder", None)
    if reranker is None or not isinstance(name, str) or info_of(reranker).unit != "logit":
        return Weights()
    return fitted_weights(name, info_of(reranker).name)
