"""The interface of a reranker for the routes: asynchronous, with a count of tokens and a cap for passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from shortlist.errors import InvalidInput
from shortlist.inference.batches import Tokens
from shortlist.protocols import Reranker
from shortlist.types import Note


@dataclass(frozen=True, slots=True)
class Scored:
    """Raw scores in the order of the texts, the texts that were cut, and the tokens that the reranker read.

    Scores are in the reranker's own unit, higher is better. `tokens` counts the tokens of all pairs, with special
    tokens and the repeated query. It is 0 if the reranker does not report tokens. `lengths` holds the tokens of each
    pair, or is empty. `notes` are facts about the scoring.
    """

    scores: list[float]
    truncated: list[bool]
    tokens: int
    lengths: Sequence[int] = ()
    notes: Sequence[Note] = ()


class Scorer(Protocol):
    """An asynchronous reranker. `name` is the model's id."""

    @property
    def name(self) -> str:
        """The model's id."""

    @property
    def reranker(self) -> Reranker:
        """The reranker that computes the scores. Read its `info`, but score through this object."""

    async def score(self, query: str, texts: Sequence[str], *, max_tokens: int | None = None) -> Scored:
        """Return one raw score for each text; no texts give none. `max_tokens` caps each text.

        The call never blocks the event loop.

        Raises:
            InvalidInput: An empty query, or a `max_tokens` that the reranker cannot apply.
            QueryTooLong: The query leaves no room for a passage.
            QueueFull: Too many texts are waiting.
            BadScores: The reranker returned NaN, infinity or a wrong count.
        """


@runtime_checkable
class ReadsPairs(Protocol):
    """A reranker that tokenises and scores in two steps, as `CrossEncoder` does."""

    def pairs(
        self, query: str, texts: Sequence[str], *, max_tokens: int | None = None
    ) -> tuple[list[Tokens], list[bool]]:
        """Return the tokens of each pair, and which texts were cut."""

    def score_pairs(self, pairs: Sequence[Tokens]) -> list[float]:
        """Return one raw score for each pair. Pairs of different queries may be mixed."""


def check_cap(texts: Sequence[str], max_tokens: int | None) -> None:
    """Check that a cap would not cut any text, for rerankers that cannot apply a cap.

    Raises:
        InvalidInput: A text may be longer than `max_tokens`. No tokenizer makes more tokens than a text has bytes.
    """
    if max_tokens is not None and any(len(text.encode("utf-8", "surrogatepass")) > max_tokens for text in texts):
        raise InvalidInput(f"this reranker cannot cap passages at {max_tokens} tokens: leave the cap out")
