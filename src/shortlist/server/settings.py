"""What a server allows."""

from __future__ import annotations

from dataclasses import dataclass

from shortlist.search.pipeline import POOL_SIZE, K

ANY_MODEL = "*"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Limits of one request, and the names that the models answer to.

    `max_body` counts bytes, `max_documents` the passages of one rerank request or one pool, `max_inputs` the texts
    of one embeddings request, `max_characters` those of one text or query. The models answer to their own names;
    `model_names` adds others, and "*" lets any name through. `auto_truncate` is what TEI's option of that name is:
    whether a request that says nothing of truncation may be cut. `pool_size` and `k` are those of a search that says
    nothing of them, as far as `max_documents` lets them.
    """

    max_body: int = 16 * 1024 * 1024
    max_documents: int = 2048
    max_inputs: int = 2048
    max_characters: int = 200_000
    model_names: tuple[str, ...] = ()
    auto_truncate: bool = False
    pool_size: int = POOL_SIZE
    k: int = K
