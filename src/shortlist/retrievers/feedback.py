"""RM3: BM25 with the terms of the first hits (pseudo-relevance feedback)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shortlist.errors import InvalidInput
from shortlist.protocols import MatchesTerms, Searched
from shortlist.search.pool import Matches
from shortlist.types import Note, Where

METHOD = "rm3"
SHORTEST, LONGEST = 2, 20
"""Characters. Shorter and longer terms, and terms with other characters than letters and digits, are not added."""


@dataclass(frozen=True, slots=True)
class Rm3:
    """The parameters of RM3: passages and terms of the feedback, and the weight of the query, 0 to 1."""

    fb_docs: int = 10
    fb_terms: int = 10
    original_weight: float = 0.5


DEFAULT = Rm3()


def check_feedback(index: Searched) -> None:
    """Check that the index searches by weighted terms.

    Raises:
        InvalidInput: It does not.
    """
    if not isinstance(index, MatchesTerms):
        name = getattr(index, "name", type(index).__name__)
        raise InvalidInput(
            f"expand: RM3 adds weighted terms to BM25, and {name} accepts none: search an index of shortlist, or give "
            "a function as package.module:attribute",
            field="expand",
        )


def matching_with_feedback(
    index: Searched, query: str, k: int, where: Where | None = None, rm3: Rm3 = DEFAULT
) -> Matches:
    """Return at most `k` passages by BM25 for the query and the terms that RM3 adds, best first.

    A note has the added terms, heaviest first. The weights of all terms sum to those of the query, so scores keep their
    scale. The added terms depend on the first `fb_docs` passages alone, and not on `k`: a shorter answer is the start
    of a longer one. Without a match, there are no passages and no terms.

    Raises:
        InvalidInput: As `check_feedback`.
    """
    check_feedback(index)
    assert isinstance(index, MatchesTerms)
    first = index.matching(query, rm3.fb_docs, where)
    if not first:
        return Matches()
    original = index.terms_of(query)
    feedback = [(index.terms_of(passage.content), score) for passage, score in first]
    terms = expanded(original, feedback, rm3)
    added = sorted((term for term in terms if term not in original), key=lambda term: (-terms[term], term))
    note = Note("query_expanded", method=METHOD, terms=added)
    return Matches(index.matching_terms(terms, k, where), [note])


def expanded(
    query: Mapping[str, float], feedback: Sequence[tuple[Mapping[str, float], float]], rm3: Rm3 = DEFAULT
) -> dict[str, float]:
    """Return the terms of the query and of its feedback with their weights, whose sum is that of the query's weights.

    `feedback` has the terms of each first passage, and its score. As in Anserini, each passage first keeps its
    `fb_terms` heaviest terms. The weight of a term is the sum over the passages of its share in the passage times the
    score of the passage. The `fb_terms` heaviest terms stay. Anserini also leaves out terms that are in more than 10 %
    of the passages. An engine does not report this number, so the stop words of the language are left out instead.

    Source:
        Lavrenko and Croft, "Relevance-Based Language Models", SIGIR 2001; RM3 of Abdul-Jaleel et al., "UMass at TREC
        2004: Novelty and HARD", 2004. The defaults are those of Anserini (fbDocs 10, fbTerms 10, originalQueryWeight
        0.5).
    """
    model: dict[str, float] = {}
    for terms, score in feedback:
        usable = {term: weight for term, weight in terms.items() if _is_usable(term) or term in query}
        kept = _heaviest(usable, rm3.fb_terms)
        total = sum(kept.values())
        for term, weight in kept.items():
            model[term] = model.get(term, 0.0) + score * weight / total
    model = _heaviest(model, rm3.fb_terms)
    whole, total = sum(query.values()), sum(model.values())
    if not total:
        return dict(query)
    weights = {term: rm3.original_weight * weight for term, weight in query.items()}
    for term, weight in model.items():
        weights[term] = weights.get(term, 0.0) + (1 - rm3.original_weight) * whole * weight / total
    return {term: weight for term, weight in weights.items() if weight > 0}


def _is_usable(term: str) -> bool:
    return SHORTEST <= len(term) <= LONGEST and term.isalnum()


def _heaviest(terms: Mapping[str, float], count: int) -> dict[str, float]:
    """Return so many terms with the highest weights. Of equal weights, the first in the alphabet come first."""
    return dict(sorted(terms.items(), key=lambda pair: (-pair[1], pair[0]))[:count])
