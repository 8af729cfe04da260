"""The fusion weight, and the retrievers on which it has no effect."""

from __future__ import annotations

from shortlist.errors import InvalidInput

ONE_LIST = ("dense", "bm25")
"""The retrievers over an index that fuse no lists."""


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
