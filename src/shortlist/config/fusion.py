"""The fusion weight, and the retrievers on which it has no effect."""

from __future__ import annotations

from shortlist.config.search_config import FUSION
from shortlist.errors import InvalidInput

ONE_LIST = ("dense", "bm25")
"""The retrievers over an index that fuse no lists."""


def check_effect(fusion: float, fuses: bool, name: str) -> None:
    """Check that a fusion weight has an effect on `name`. `fuses`: whether it searches by vectors and by words.

    Raises:
        InvalidInput: The weight is not the default, and nothing fuses.
    """
    if fusion != FUSION and not fuses:
        raise InvalidInput(
            f"fusion is {fusion:g}: it weighs vectors against words, and {name} cannot search by both: leave out "
            "fusion",
            field="fusion",
        )


def check_fused(retriever: str) -> None:
    """Check that a fusion weight has an effect on this retriever, as far as its name tells.

    Raises:
        InvalidInput: The retriever is one of `ONE_LIST`.
    """
    if retriever in ONE_LIST:
        raise InvalidInput(
            f"fusion weighs the vectors against BM25, and the retriever is {retriever!r}, which uses one of them: "
            "leave out fusion, or search with hybrid",
            field="fusion",
        )
