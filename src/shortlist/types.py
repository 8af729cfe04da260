"""The nouns of shortlist: frozen dataclasses that hold values and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Value: TypeAlias = str | int | float | bool
"""One value of a metadata field."""

Field: TypeAlias = "Value | list[Value]"
"""What a metadata field holds. A filter finds a list by each of its values."""

Where: TypeAlias = Mapping[str, "Value | list[Value]"]
"""A filter on metadata: a field equals the value, or one of the listed values; all fields must hold.

Case counts. A number equals the text that is written like it, and true and false their words, either way round: CSV
files and YAML front matter hold text alone. So 2024, 2024.0 and "2024" find 2024, 2024.0 and "2024"; "007" finds text
only.
"document_id" and "title" are fields of every passage: its document, and the document's title or a heading above it with
those that it stands under ("Guide", "Guide > Setup"). Metadata of these names is found by them too.
"""

Qrels: TypeAlias = Mapping[str, Mapping[str, int]]
"""query id -> passage id -> grade; 0 is judged and not relevant."""

Run: TypeAlias = Mapping[str, Mapping[str, float]]
"""query id -> passage id -> score, higher is better."""


PoolSize: TypeAlias = "int | Literal['auto']"
"""How many passages the reranker scores: so many, or as many as the rule stored beside the index asks for."""


PATH = " > "
"""Stands between a document's title and the headings below it, in a passage's title."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a user adds: a text under an id, with an optional title and metadata."""

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Field] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit that is indexed, retrieved and reranked ("chunk" in RAG talk).

    `start` and `end` are character offsets of `text` in its document's text. `title` is the document's
    title or the nearest heading; models read `content`, which puts it in front.
    """

    id: str
    text: str
    document_id: str = ""
    title: str = ""
    start: int = 0
    end: int = 0
    metadata: Mapping[str, Field] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """Title and text as one string: what the bi-encoder, BM25 and the cross-encoder read."""
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage in an answer, with what both stages said of it. Every score: higher is better.

    `retrieval_rank` is 1-based. `rank` and `score` are the final ones: the reranker's where it ran, else
    stage one's. `rerank_score` is the reranker's raw output (for a cross-encoder a logit, unbounded), None
    where the passage was not scored. `signals` holds the parts of the stage-one score, such as
    `{"dense": 0.62, "bm25": 11.3}`. `probability` is that of being relevant, where one was asked for.
    """

    passage: Passage
    score: float
    rank: int
    retrieval_score: float
    retrieval_rank: int
    rerank_score: float | None = None
    truncated: bool = False
    signals: Mapping[str, float] = field(default_factory=dict)
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """One query's answer: at most `k` hits, best first, and what it cost.

    `pool_size` is the size asked for, `scored` how many passages the reranker scored (the pool is smaller
    than asked when the index holds fewer), `truncated` how many of them were cut to fit its window.
    `dropped` counts passages that a progressive reranker dropped on the way; they have no `rerank_score` and do not
    count as scored.
    `reranked` is False when stage two did not run, and `why_not` says why where the reranker itself declined the
    query; the hits are then in stage one's order. `query_cut` is True when the bi-encoder read only the start of the
    query. `seconds` maps "retrieve" and "rerank" to wall-clock time.

    `why_stopped` says why an adaptive pool was scored as far as it was, "" for a fixed one. `threshold` is the least
    final score that was asked for, `min_probability` the least probability. `left_out` counts the hits below either,
    and `no_good_answer` says so where nothing stayed, or what the index knows of why nothing was found. `doubt` says so
    where probabilities were fitted on another number of passages than the index holds.
    """

    query: str
    hits: tuple[Hit, ...]
    pool_size: int
    scored: int
    truncated: int
    reranked: bool
    seconds: Mapping[str, float]
    query_cut: bool = False
    dropped: int = 0
    why_not: str = ""
    why_stopped: str = ""
    threshold: float | None = None
    min_probability: float | None = None
    left_out: int = 0
    no_good_answer: str = ""
    doubt: str = ""

    @property
    def least(self) -> str:
        """What a hit had to reach not to be left out, in words; "" where nothing was asked for."""
        asked = (("final score", self.threshold), ("probability", self.min_probability))
        return " or ".join(f"{name} {value:g}" for name, value in asked if value is not None)
