"""What every rerank dialect has in common: the checks, the scores, the order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shortlist.models.known import find
from shortlist.protocols import Reranker, SaysUnit, SaysWindow
from shortlist.redaction import public_name
from shortlist.rerankers.cross_encoder import sigmoid
from shortlist.rerankers.vendors import is_hosted, parse
from shortlist.server.batching.scorer import Scored, Scorer
from shortlist.server.components import Parts
from shortlist.server.problems import Kind, Problem
from shortlist.server.settings import ANY_MODEL


@dataclass(frozen=True, slots=True)
class Call:
    """A rerank request, whatever its dialect. `field` is what that dialect calls `texts`.

    `truncate` False makes a text that would be cut a problem instead; `raw` leaves scores as the reranker gives them.
    """

    query: str
    texts: Sequence[str]
    field: str = "documents"
    top_n: int | None = None
    max_tokens: int | None = None
    truncate: bool = True
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """`places` are positions in the request's texts, best first, at most `top_n`; `scores` go with them.

    Logits are brought into [0, 1] by a sigmoid unless raw scores were asked for; scores in another unit stay as they
    are. `warnings` says in words what was cut.
    """

    places: list[int]
    scores: list[float]
    tokens: int
    truncated: int
    warnings: list[str]


async def rerank(parts: Parts, call: Call) -> Order:
    """The request's texts in the reranker's order; ties keep the order given.

    Raises:
        Problem: An empty query, no texts, too many or too long ones, a cut that is not allowed, or no reranker.
        ShortlistError: As `Scorer.score`.
    """
    scorer = scorer_of(parts)
    check_query(parts, call.query)
    check_texts(parts, call.texts, call.field, parts.settings.max_documents)
    with parts.spans.rerank(scorer.name, call.query, call.texts, call.top_n) as tell:
        found = await scorer.score(call.query, call.texts, max_tokens=call.max_tokens)
        places = sorted(range(len(found.scores)), key=lambda place: -found.scores[place])[: call.top_n]
        tell({place: found.scores[place] for place in places})
    if not call.truncate and any(found.truncated):
        place = found.truncated.index(True)
        limit = _limit(found, place, call, scorer.reranker)
        said = f"{call.field}.{place} is longer than {limit}: shorten it, or allow truncation"
        raise Problem(Kind.TOO_LONG, said, field=call.field)
    return _ordered(found, places, call, gives_logits(scorer.reranker))


def _limit(found: Scored, place: int, call: Call, reranker: Reranker) -> str:
    """What the text at `place` was cut to: the request's own cap where its pair leaves room in the model's window."""
    length = found.lengths[place] if found.lengths else 0
    full = isinstance(reranker, SaysWindow) and length >= reranker.max_length
    if call.max_tokens is None or not length or full:
        return "the model reads"
    return f"the {call.max_tokens} tokens that the request allows a document"


def gives_logits(reranker: Reranker) -> bool:
    """Whether its scores are logits."""
    return reranker.logits if isinstance(reranker, SaysUnit) else True


def _ordered(found: Scored, places: list[int], call: Call, logits: bool) -> Order:
    scores = [found.scores[place] for place in places]
    if logits and not call.raw:
        scores = [sigmoid(score) for score in scores]
    cut = sum(found.truncated)
    cap = f" or to {call.max_tokens} tokens" if call.max_tokens is not None else ""
    warnings = [f"{cut} of {len(call.texts)} documents were cut to the model's window{cap}"] if cut else []
    return Order(places, scores, found.tokens, cut, warnings)


def scorer_of(parts: Parts) -> Scorer:
    """The reranker.

    Raises:
        Problem: This server has none.
    """
    if parts.scorer is None:
        raise Problem(Kind.UNAVAILABLE, "this server has no reranker")
    return parts.scorer


def check_query(parts: Parts, query: str) -> None:
    """Raises a `Problem` where the query is empty or too long."""
    if not query.strip():
        raise Problem(Kind.EMPTY, "the query is empty: give at least one word", field="query")
    most = parts.settings.max_characters
    if len(query) > most:
        raise Problem(
            Kind.TOO_LONG, f"the query has {len(query)} characters and at most {most} are allowed", field="query"
        )


def check_texts(parts: Parts, texts: Sequence[str], field: str, most: int) -> None:
    """Raises a `Problem` where there are no texts, more than `most`, or one that is too long."""
    if not texts:
        raise Problem(Kind.EMPTY, f"{field} is empty: give at least one", field=field)
    if len(texts) > most:
        raise Problem(Kind.TOO_MANY, f"{field} holds {len(texts)} and at most {most} are allowed", field=field)
    longest = parts.settings.max_characters
    for place, text in enumerate(texts):
        if len(text) > longest:
            raise Problem(
                Kind.TOO_LONG,
                f"{field}.{place} has {len(text)} characters and at most {longest} are allowed",
                field=field,
            )


def check_model(parts: Parts, asked: str | None, name: str) -> str:
    """The model's public name, if `asked` means it; None means it.

    Raises:
        Problem: `asked` is another model.
    """
    shown = public_name(name)
    record = find(shown)
    aliases = (record.id, *record.aliases) if record is not None else ()
    model = parse(shown).model if is_hosted(shown) else shown
    known = {name, shown, model, model.rsplit("/", 1)[-1], *aliases, *parts.settings.model_names} - {""}
    if asked is None or asked in known or ANY_MODEL in known:
        return shown
    raise Problem(Kind.NO_MODEL, f"model {asked!r} not found: this server has {_listed(parts, shown)}", field="model")


def _listed(parts: Parts, shown: str) -> str:
    return ", ".join(repr(one) for one in dict.fromkeys([shown, *parts.settings.model_names]))


def one_size(values: Iterable[tuple[str, int | None]]) -> int | None:
    """How many results are asked for, where a dialect has several names for it.

    Raises:
        Problem: Two names with two values.
    """
    given: list[tuple[str, Any]] = [(name, value) for name, value in values if value is not None]
    if len({value for _, value in given}) > 1:
        said = " and ".join(f"{name}={value}" for name, value in given)
        raise Problem(Kind.INVALID, f"{said} contradict each other: give one", field=given[0][0])
    return given[0][1] if given else None
