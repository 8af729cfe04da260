"""The common part of all rerank dialects: the checks, the scores, the order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shortlist.errors import QueryTooLong
from shortlist.models.known import find
from shortlist.protocols import Reranker
from shortlist.redaction import Names, public_name
from shortlist.rerankers.cross_encoder import sigmoid
from shortlist.rerankers.names import is_hosted, model_of
from shortlist.search.order import best_first
from shortlist.search.scores import info_of
from shortlist.server.batching.scorer import Scored, Scorer
from shortlist.server.components import Components
from shortlist.server.options import ANY_MODEL
from shortlist.server.problems import Kind, Problem
from shortlist.wording import describe
from shortlist.wording.requests import ValuePath, path_of, place_of


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """A rerank request of any dialect. `field` is the dialect's name of `texts`.

    If `truncate` is false, a text that would be cut is an error. If `raw` is true, scores stay in the reranker's own
    unit. If a dialect scores pairs, `query_place` is the place of the query in the body, and `text_places` are those
    of the texts. Messages name these places.
    """

    query: str
    texts: Sequence[str]
    field: str = "documents"
    top_n: int | None = None
    max_tokens: int | None = None
    truncate: bool = True
    raw: bool = False
    query_place: ValuePath | None = None
    text_places: Sequence[ValuePath] = ()


@dataclass(frozen=True, slots=True)
class RerankResult:
    """`places` are positions in the request's texts, best first, at most `top_n`, with their `scores`.

    If the request does not ask for raw scores, a sigmoid maps logits to the range from 0 to 1. Scores in another unit
    stay unchanged. `cut` has True for each place whose text was cut. `truncated` counts the cut texts of the request,
    and `warnings` report them, together with the notes of the reranker.
    """

    places: list[int]
    scores: list[float]
    tokens: int
    truncated: int
    warnings: list[str]
    cut: list[bool]

    def rows(self, documents: Sequence[str] | None) -> list[dict[str, object]]:
        """Return an object for each place, as Infinity and Voyage have it, with its document if there are documents."""
        return [
            {"relevance_score": score, "index": place} | ({} if documents is None else {"document": documents[place]})
            for place, score in zip(self.places, self.scores, strict=True)
        ]


async def rerank(components: Components, request: RerankRequest) -> RerankResult:
    """Return the texts in the reranker's order. Equal scores keep the order of the request.

    Raises:
        Problem: An empty query, no texts, too many or too long texts, a forbidden cut, or no reranker.
        ShortlistError: As `Scorer.score`.
    """
    scorer = scorer_of(components)
    check_query(components, request.query, place=request.query_place)
    check_texts(components, request.texts, request.field, components.limits.max_documents, request.text_places)
    with components.spans.rerank(scorer.name, request.query, request.texts, request.top_n) as report:
        try:
            scored = await scorer.score(request.query, request.texts, max_tokens=request.max_tokens)
        except QueryTooLong as error:
            raise _query_too_long(error, request.query_place) from error
        places = best_first(scored.scores)[: request.top_n]
        report({place: scored.scores[place] for place in places})
    if not request.truncate and any(scored.truncated):
        place = scored.truncated.index(True)
        limit = _limit(scored, place, request, scorer.reranker)
        where = request.text_places[place] if request.text_places else (request.field, place)
        message = f"{place_of(*where)} is longer than {limit}: shorten it, or allow truncation"
        raise Problem(Kind.TOO_LONG, message, field=request.field)
    return _result(scored, places, request, gives_logits(scorer.reranker))


def _query_too_long(error: QueryTooLong, place: ValuePath | None) -> Problem:
    """Return the error with the place of the query, if the request has pairs of queries and texts."""
    if place is None:
        return Problem(Kind.TOO_LONG, str(error), field="query")
    return Problem(Kind.TOO_LONG, f"{place_of(*place)} is too long: {error}", field=path_of(*place))


def _limit(scored: Scored, place: int, request: RerankRequest, reranker: Reranker) -> str:
    """Return in words the limit that cut the text: the request's cap if the pair is shorter than the window."""
    length = scored.lengths[place] if scored.lengths else 0
    window = info_of(reranker).window
    full = window is not None and length >= window
    if request.max_tokens is None or not length or full:
        return "the model reads"
    return f"the {request.max_tokens} tokens that the request allows a document"


def gives_logits(reranker: Reranker) -> bool:
    """Return whether the scores of the reranker are logits."""
    return info_of(reranker).unit == "logit"


def _result(scored: Scored, places: list[int], request: RerankRequest, logits: bool) -> RerankResult:
    scores = [scored.scores[place] for place in places]
    if logits and not request.raw:
        scores = [sigmoid(score) for score in scores]
    truncated = sum(scored.truncated)
    cap = f" or to {request.max_tokens} tokens" if request.max_tokens is not None else ""
    warnings = [f"{truncated} of {len(request.texts)} documents were cut to the model's window{cap}"]
    cut = [scored.truncated[place] for place in places]
    warnings = [*(warnings if truncated else []), *(describe(Names().note(note)) for note in scored.notes)]
    return RerankResult(places, scores, scored.tokens, truncated, warnings, cut)


def scorer_of(components: Components) -> Scorer:
    """Return the reranker.

    Raises:
        Problem: The server has none.
    """
    if components.scorer is None:
        raise Problem(Kind.UNAVAILABLE, "this server has no reranker: start it with a reranker")
    return components.scorer


def check_query(components: Components, query: str, field: str = "query", place: ValuePath | None = None) -> None:
    """Raise a `Problem` if the query is empty or too long. `field` is its name, `place` its full place."""
    name, path = (f"the {field}", field) if place is None else (place_of(*place), path_of(*place))
    if not query.strip():
        raise Problem(Kind.EMPTY, f"{name} is empty: give at least one word", field=path)
    limit = components.limits.max_characters
    if len(query) > limit:
        raise Problem(Kind.TOO_LONG, f"{name} has {len(query)} characters, and at most {limit} are allowed", field=path)


def check_texts(
    components: Components, texts: Sequence[str], field: str, limit: int, places: Sequence[ValuePath] = ()
) -> None:
    """Raise a `Problem` if there are no texts, more texts than `limit`, or a text that is too long.

    `places` are the places of the texts in the request. Without them, the texts are the items of `field`.
    """
    if not texts:
        raise Problem(Kind.EMPTY, f"{field} is empty: give at least one", field=field)
    if len(texts) > limit:
        raise Problem(Kind.TOO_MANY, f"{field} has {len(texts)} entries, and at most {limit} are allowed", field=field)
    max_characters = components.limits.max_characters
    for number, text in enumerate(texts):
        if len(text) > max_characters:
            place = places[number] if places else (field, number)
            raise Problem(
                Kind.TOO_LONG,
                f"{place_of(*place)} has {len(text)} characters, and at most {max_characters} are allowed",
                field=path_of(*place),
            )


def check_model(components: Components, requested: str | None, name: str) -> str:
    """Return the model's public name if `requested` means this model. None means this model.

    Raises:
        Problem: `requested` is another model.
    """
    shown = public_name(name)
    record = find(shown)
    aliases = (record.id, *record.aliases) if record is not None else ()
    model = model_of(shown) if is_hosted(shown) else shown
    known = {name, shown, model, model.rsplit("/", 1)[-1], *aliases, *components.limits.model_names} - {""}
    if requested is None or requested in known or ANY_MODEL in known:
        return shown
    names = ", ".join(repr(known_name) for known_name in dict.fromkeys([shown, *components.limits.model_names]))
    raise Problem(Kind.NO_MODEL, f"model {requested!r} not found: this server has {names}", field="model")


def single_size(values: Iterable[tuple[str, int | None]]) -> int | None:
    """Return the given size, for a dialect with several names for the size, or None if no size is given.

    Raises:
        Problem: Two names have two values.
    """
    given: list[tuple[str, Any]] = [(name, value) for name, value in values if value is not None]
    if len({value for _, value in given}) > 1:
        pairs = " and ".join(f"{name}={value}" for name, value in given)
        raise Problem(Kind.INVALID, f"{pairs} contradict each other: give one of them", field=given[0][0])
    return given[0][1] if given else None
