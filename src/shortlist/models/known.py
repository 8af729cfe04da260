"""Models that have a short name here, with the facts for a choice. Any other hub id or folder works, too."""

from __future__ import annotations

from dataclasses import dataclass

from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A known model.

    `parameters` are in millions, and `max_length` in tokens. A `packaged` model needs no download. `languages` are
    those that its authors name.
    """

    id: str
    role: str
    licence: str
    parameters: float
    max_length: int
    note: str
    aliases: tuple[str, ...] = ()
    packaged: bool = False
    languages: tuple[str, ...] = ("english",)

    @property
    def short_name(self) -> str:
        """The last part of the id."""
        return self.id.rsplit("/", 1)[-1]


KNOWN = (
    ModelRecord(
        BI_ENCODER,
        "bi-encoder",
        "Apache-2.0",
        22.7,
        256,
        "the default; sentence-transformers/all-MiniLM-L6-v2 with its weights in fp16",
        ("sentence-transformers/all-MiniLM-L6-v2",),
        packaged=True,
    ),
    ModelRecord(
        CROSS_ENCODER,
        "cross-encoder",
        "Apache-2.0",
        22.7,
        512,
        "the default; trained from all-MiniLM-L6-v2, see docs/model-card.md",
        packaged=True,
    ),
    ModelRecord("BAAI/bge-small-en-v1.5", "bi-encoder", "MIT", 33.4, 512, "stronger on English retrieval"),
    ModelRecord("intfloat/e5-small-v2", "bi-encoder", "MIT", 33.4, 512, "needs prompts, which are added automatically"),
    ModelRecord(
        "cross-encoder/ms-marco-MiniLM-L6-v2",
        "cross-encoder",
        "Apache-2.0",
        22.7,
        512,
        "trained on MS MARCO; its authors report an nDCG@10 of 0.743 on TREC DL 2019",
        ("cross-encoder/ms-marco-MiniLM-L-6-v2", "ms-marco-MiniLM-L-6-v2"),
    ),
    ModelRecord("cross-encoder/ettin-reranker-17m-v1", "cross-encoder", "Apache-2.0", 17.0, 8192, "a ModernBERT model"),
    ModelRecord(
        "BAAI/bge-reranker-base",
        "cross-encoder",
        "MIT",
        278.0,
        512,
        "English and Chinese",
        languages=("english", "chinese"),
    ),
)


def find(name: str) -> ModelRecord | None:
    """Return the known model whose id, alias or short name is `name`, or None."""
    return next((known for known in KNOWN if name in (known.id, known.short_name, *known.aliases)), None)
