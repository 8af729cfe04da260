"""Models that are known by name, with what a chooser wants to know. Any other id works too."""

from __future__ import annotations

from dataclasses import dataclass

from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """`parameters` in millions, `max_length` in tokens; `packaged` models need no download."""

    id: str
    role: str
    licence: str
    parameters: float
    max_length: int
    note: str
    aliases: tuple[str, ...] = ()
    packaged: bool = False


CATALOGUE = (
    ModelRecord(
        BI_ENCODER,
        "bi-encoder",
        "Apache-2.0",
        22.7,
        256,
        "the default; the genuine sentence-transformers/all-MiniLM-L6-v2, weights kept in fp16",
        ("sentence-transformers/all-MiniLM-L6-v2",),
        packaged=True,
    ),
    ModelRecord(
        CROSS_ENCODER,
        "cross-encoder",
        "Apache-2.0",
        22.7,
        512,
        "the default; trained here from all-MiniLM-L6-v2, see docs/model-card.md",
        packaged=True,
    ),
    ModelRecord("BAAI/bge-small-en-v1.5", "bi-encoder", "MIT", 33.4, 512, "stronger on English retrieval"),
    ModelRecord("intfloat/e5-small-v2", "bi-encoder", "MIT", 33.4, 512, "wants its prompts, which are added"),
    ModelRecord(
        "cross-encoder/ms-marco-MiniLM-L6-v2",
        "cross-encoder",
        "Apache-2.0",
        22.7,
        512,
        "trained on MS MARCO; nDCG@10 .743 on TREC DL 2019 by its authors",
        ("cross-encoder/ms-marco-MiniLM-L-6-v2", "ms-marco-MiniLM-L-6-v2"),
    ),
    ModelRecord("cross-encoder/ettin-reranker-17m-v1", "cross-encoder", "Apache-2.0", 17.0, 8192, "ModernBERT shape"),
    ModelRecord("BAAI/bge-reranker-base", "cross-encoder", "MIT", 278.0, 512, "English and Chinese"),
)


def find(name: str) -> ModelRecord | None:
    """The record whose id, alias or last part of the id is `name`; None when it is not in the catalogue."""
    for record in CATALOGUE:
        if name in (record.id, *record.aliases) or name == record.id.rsplit("/", 1)[-1]:
            return record
    return None
