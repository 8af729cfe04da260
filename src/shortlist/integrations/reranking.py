"""What the rerankers of frameworks whose classes are models of pydantic share."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, PrivateAttr

from shortlist.integrations.calls import SharedReranker
from shortlist.models.packaged import CROSS_ENCODER


class RerankerModel(BaseModel):
    """The fields of a class that reranks: `reranker`, and `top_n`, the number of documents (None: all)."""

    reranker: Any = CROSS_ENCODER
    top_n: int | None = 5
    _shared: SharedReranker = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Check the reranker."""
        super().model_post_init(context)
        self._shared = SharedReranker(self.reranker)
