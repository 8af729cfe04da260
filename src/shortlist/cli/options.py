"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

from shortlist import config as settings
from shortlist.errors import InvalidInput
from shortlist.models.packaged import CROSS_ENCODER
from shortlist.registry import Settings
from shortlist.retrievers.engine import FUSION
from shortlist.search.pipeline import POOL_SIZE, K
from shortlist.types import PoolSize, Value, Where

DEFAULT_INDEX = Path(".shortlist")

IndexOption = Annotated[Path, typer.Option("--index", help="The index folder.", metavar="DIR")]
BiEncoderOption = Annotated[
    str | None, typer.Option("--bi-encoder", help="Packaged name, folder or hub id.", metavar="ID")
]
CrossEncoderOption = Annotated[
    str, typer.Option("--cross-encoder", help="Packaged name, folder, hub id, or vendor:model.", metavar="ID")
]
ChosenCrossEncoderOption = Annotated[
    str | None,
    typer.Option(
        "--cross-encoder",
        help="Packaged name, folder, hub id, or vendor:model. [default: shortlist.toml, or the packaged one]",
        metavar="ID",
    ),
]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="auto, exact (fp32) or fast.", metavar="auto|exact|fast")
]
RetrieverOption = Annotated[str, typer.Option("--retriever", metavar="hybrid|dense|bm25", help="Stage one.")]
PoolOption = Annotated[
    str | None,
    typer.Option(
        "--pool",
        metavar="N|auto",
        help="Passages that the cross-encoder scores; auto: until the rest can hardly enter the top, by the rule that "
        "calibrate stored. [default: shortlist.toml, or 50]",
    ),
]
BlendOption = Annotated[
    float | None,
    typer.Option(
        "--blend", help="Scales what stage one adds to the logit; 0 turns it off. [default: shortlist.toml, or 1]"
    ),
]
FusionOption = Annotated[
    float | None,
    typer.Option("--fusion", help="Share of the vectors in the fused order, 0 to 1. [default: shortlist.toml, or 0.5]"),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        help="Leave out results whose final score is below it; -inf keeps all. [default: shortlist.toml, or none]",
    ),
]
RerankOption = Annotated[
    bool | None,
    typer.Option("--rerank/--no-rerank", help="Both stages, or stage one alone. [default: shortlist.toml, or both]"),
]


@dataclass(frozen=True, slots=True)
class Knobs:
    """How a search is run: from the command line, else from `shortlist.toml`, else built in."""

    pool: PoolSize
    top: int
    blend: float
    rerank: bool
    weights: Mapping[str, float] | None
    min_probability: float | None
    fusion: float
    threshold: float | None
    cross_encoder: str
    not_used: str = ""
    """What has to be said of a `min-probability` in the file that this search can't follow, "" where it follows."""
    followed: Mapping[str, settings.Value] = field(default_factory=dict)
    """What a search takes from the file, by its keys."""

    def over(self, given: Settings) -> Settings:
        """`given` with what was chosen here; no cross-encoder where reranking is off."""
        return replace(
            given,
            cross_encoder=self.cross_encoder if self.rerank else None,
            blend=self.blend,
            weights=self.weights,
            fusion=self.fusion,
        )


def choose_knobs(  # noqa: PLR0913 - one parameter an option
    pool: str | None = None,
    blend: float | None = None,
    rerank: bool | None = None,
    *,
    top: int | None = None,
    fusion: float | None = None,
    threshold: float | None = None,
    min_probability: float | None = None,
    cross_encoder: str | None = None,
    tail: bool = False,
    progressive: bool = False,
) -> Knobs:
    """The given values, and the file's or the built-in ones for those not given; the built-in `top` fits the pool.

    The file's blend, weights, threshold and smallest probability belong to its cross-encoder: another one gets none
    of them. The last two were found at its blend: another one gets neither. A smallest probability of 0 is none, and
    the file's is left where scores have no probability: without reranking, with a tail, or progressively.
    """
    said = settings.read()
    model = cross_encoder or said.cross_encoder or CROSS_ENCODER
    same_model = model == (said.cross_encoder or CROSS_ENCODER)
    if not same_model:
        said = replace(said, blend=None, weight=None, threshold=None)
    given = None if pool is None else parse_pool(pool, "--pool")
    size = next(one for one in (given, said.pool, POOL_SIZE) if one is not None)
    blended = next(one for one in (said.blend, 1.0) if one is not None)
    same_blend = blend is None or blend == blended
    reranked = next(one for one in (rerank, said.rerank, True) if one is not None)
    why_not = _no_probability(same_model, same_blend, reranked, tail, progressive)
    left = min_probability is None and said.min_probability and why_not
    said = replace(
        said,
        min_probability=None if why_not else said.min_probability,
        threshold=said.threshold if same_blend else None,
    )
    least = said.min_probability if min_probability is None else min_probability
    given_here = {
        "rerank": rerank,
        "pool": given,
        "top": top,
        "blend": blend,
        "min-probability": min_probability,
        "fusion": fusion,
        "threshold": threshold,
        "cross-encoder": cross_encoder,
    }
    return Knobs(
        pool=size,
        top=next(one for one in (top, said.top, K if size == "auto" else min(K, max(size, 1))) if one is not None),
        blend=blended if blend is None else blend,
        rerank=reranked,
        weights=said.weight,
        min_probability=least or None,
        fusion=next(one for one in (fusion, said.fusion, FUSION) if one is not None),
        threshold=said.threshold if threshold is None else threshold,
        cross_encoder=model,
        not_used=f"min-probability of {settings.FILE} is not used: {why_not}" if left else "",
        followed=_followed(said, given_here, reranked=reranked),
    )


def _followed(said: settings.Defaults, given: Mapping[str, object], *, reranked: bool) -> dict[str, settings.Value]:
    """The file's values without those that the command line gives, or that only a reranker would need."""
    keys = settings.KEYS if reranked else ("rerank", "pool", "top", "fusion")
    found = {key: getattr(said, key.replace("-", "_")) for key in keys if given.get(key) is None}
    weights = found.pop("weight", None) or {}
    found |= {f"weight.{name}": weight for name, weight in weights.items()}
    return {key: value for key, value in found.items() if value is not None}


def _no_probability(same_model: bool, same_blend: bool, reranked: bool, tail: bool, progressive: bool) -> str:
    """Why the file's smallest probability can't be followed, "" where it can."""
    reasons = (
        (not same_model, "it was found for another cross-encoder"),
        (not same_blend, "it was found at another blend"),
        (not reranked, "nothing is reranked"),
        (tail, "what lies below the pool has no probability"),
        (progressive, "progressive scores depend on the pool"),
    )
    return next((why for holds, why in reasons if holds), "")


def parse_pool(text: str, what: str) -> PoolSize:
    """A pool size as it is written: a whole number, or auto.

    Raises:
        InvalidInput: It is neither; `what` names it.
    """
    if text == "auto":
        return "auto"
    try:
        return int(text)
    except ValueError as error:
        raise InvalidInput(f"{what} must be a number of passages, or auto, not {text!r}") from error


def parse_where(given: list[str]) -> Where | None:
    """`key=value` options as a filter; the values of a repeated key are alternatives.

    Raises:
        InvalidInput: No "=" in it, or an empty key.
    """
    out: dict[str, list[Value]] = {}
    for one in given:
        key, equals, text = one.partition("=")
        if not equals or not key:
            raise InvalidInput(f"--where {one!r}: write key=value")
        out.setdefault(key, []).append(text)
    return dict(out) or None
