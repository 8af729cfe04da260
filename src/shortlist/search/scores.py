"""The `info`, the checked scores and the skipped queries of a reranker. No other module calls `Reranker.score`."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Sequence
from typing import cast

from shortlist.errors import BadScores, InvalidInput, ModelError
from shortlist.protocols import Reranker, Scorer, SkipsQueries
from shortlist.search.failures import failures
from shortlist.text.validation import item_name
from shortlist.types import Note, RerankerInfo, Scores


def info_of(reranker: Reranker) -> RerankerInfo:
    """Return the reranker's `info`.

    A reranker of your own needs no `info`. If it has the attributes `name` and `pointwise`, the function uses these.
    Otherwise the name is that of its class, and the scores are assumed to depend on the whole pool.
    """
    info = getattr(reranker, "info", None)
    if isinstance(info, RerankerInfo):
        return info
    name = getattr(reranker, "name", None)
    return RerankerInfo(
        name if isinstance(name, str) else type(reranker).__name__,
        pointwise=getattr(reranker, "pointwise", False) is True,
    )


def checked_reranker(reranker: Scorer) -> Reranker:
    """Return the reranker. It may lack `info`: see `info_of`.

    Raises:
        InvalidInput: It is a class, a name, or anything else without a method `score`.
    """
    if isinstance(reranker, type) or not callable(getattr(reranker, "score", None)):
        raise InvalidInput(
            f"the reranker is {reranker!r:.80}, which has no method score(query, texts). Give an object with one, "
            "such as load_reranker(name)"
        )
    return cast("Reranker", reranker)


def skip_note(reranker: Reranker, query: str) -> Note | None:
    """Return the note that a search keeps stage one's order for this query, or None if the reranker scores it."""
    return reranker.skip_reason(query) if isinstance(reranker, SkipsQueries) else None


def score_texts(reranker: Reranker, query: str, texts: Sequence[str]) -> Scores:
    """Return one finite score for each text, and which texts were cut. Without texts, the reranker is not called.

    Raises:
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
        ModelError: The reranker raised another error, which is `__cause__`.
    """
    if not texts:
        return Scores()
    name = info_of(reranker).name
    with failures(name, ModelError):
        return checked_scores(name, reranker.score(query, texts), texts)


def checked_scores(name: str, scores: Iterable[float], texts: Sequence[str]) -> Scores:
    """Return the scores as floats. Raises as `score_texts` does; `name` is the reranker's."""
    try:
        given = list(scores)
        values = [float(score) for score in given]
    except (TypeError, ValueError, OverflowError) as error:
        raise BadScores(f"{name} returned {_shown(scores)} instead of one number for each text") from error
    if any(isinstance(score, str) for score in given):
        raise BadScores(f"{name} returned strings instead of numbers, such as {given[0]!r:.80}")
    if len(values) != len(texts):
        raise BadScores(f"{name} returned {len(values)} scores for {len(texts)} texts")
    for place, score in enumerate(values):
        if not math.isfinite(score):
            raise BadScores(
                f"{name} returned {score} for {item_name('text', place, len(texts))}: {texts[place][:80]!r}"
            )
    if isinstance(scores, Scores):
        return Scores(values, scores.truncated, scores.exits_left, scores.notes)
    return Scores(values)


def _shown(scores: object) -> str:
    """Return what a reranker returned, for an error: the reason why it is no list of numbers, if that is known."""
    if inspect.iscoroutine(scores):
        scores.close()  # Python warns of a coroutine that nobody awaits or closes
        return "a coroutine (its method score is async; a reranker has a usual method)"
    shape = getattr(scores, "shape", None)
    return f"{scores!r:.80}" if shape is None else f"an array of shape {shape}"


def check_pointwise(reranker: Reranker, field: str, what: str) -> None:
    """Check that the scores of the reranker do not depend on the pool. `what` begins the message.

    Raises:
        InvalidInput: They do. `field` is the setting that needs such scores.
    """
    info = info_of(reranker)
    if not info.pointwise:
        raise InvalidInput(f"{what}, and the scores of {info.name} depend on the whole pool", field=field)


def check_scores(reranker: Reranker, field: str, what: str) -> None:
    """Check that the reranker returns more than an order. `what` begins the message.

    Raises:
        InvalidInput: It returns an order without scores. `field` is the setting that needs scores.
    """
    info = info_of(reranker)
    if info.unit == "reciprocal rank":
        raise InvalidInput(f"{what}, and {info.name} returns an order without scores", field=field)
