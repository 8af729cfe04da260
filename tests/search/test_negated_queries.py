"""Fitted weights have a factor for queries with a negation."""

from __future__ import annotations

import json

import pytest

from fakes import WordReranker
from shortlist.config import SearchConfig
from shortlist.config.weights import Weights, scaled
from shortlist.models.packaged import fitted_weights
from shortlist.search.search import Search
from shortlist.text.negation import is_negated
from shortlist.types import Hit

NEGATED = [
    "a database that does not need a server",
    "phones without a headset jack",
    "tools that don't use the cloud",
    "tools that don\u2019t use the cloud",
    "every month except May",
    "anything other than Java",
    "WITHOUT sugar",
    "non dairy milk",
]
PLAIN = [
    "a database for notes",
    "withouts",
    "Norway in winter",
    "the printer is not found",
    "Why isn't it sold?",
    "lackluster",
    "exceptional service",
]


class Pool:
    """Stage one prefers the passage about the query's words, and the reranker has no opinion."""

    def retrieve(self, query, k, where=None):
        hits = [Hit.of("a", "server", 0.9, signals={"dense": 0.9}), Hit.of("b", "file", 0.1, signals={"dense": 0.1})]
        return hits[:k]


@pytest.mark.parametrize("query", NEGATED)
def test_a_word_or_an_ending_of_negation_counts(query):
    assert is_negated(query)


@pytest.mark.parametrize("query", PLAIN)
def test_words_that_contain_one_do_not_count(query):
    assert not is_negated(query)


def ranking(query, config=None, weights=None):
    fitted = Weights({"dense": 8.0}, negated=0.25) if weights is None else weights
    return Search(Pool(), WordReranker(), config or SearchConfig(), weights=fitted).search(query)


def test_the_factor_applies_to_a_negated_query_alone():
    plain, negated = ranking("a red server"), ranking("a server without red")
    assert plain.weights == {"dense": 8.0}
    assert negated.weights == {"dense": 2.0}
    shares = {hit.id: hit.score - hit.rerank_score for hit in negated}
    assert shares == pytest.approx({"a": 1.8, "b": 0.2})


def test_weights_of_the_configuration_are_used_as_they_are():
    assert ranking("without red", SearchConfig(weights={"dense": 4.0})).weights == {"dense": 4.0}
    assert ranking("without red", weights={"dense": 3.0}).weights == {"dense": 3.0}


def test_the_blend_scales_both():
    assert ranking("without red", SearchConfig(blend=2.0)).weights == {"dense": 4.0}
    assert ranking("without red", SearchConfig(blend=0.0)).weights == {}


def test_a_sweep_over_blends_keeps_the_factor():
    weights = scaled(Weights({"dense": 8.0, "bm25": 0.0}, negated=0.5), 2.0)
    assert weights == {"dense": 16.0}
    assert weights.negated == 0.5
    assert ranking("without red", SearchConfig(weights=weights)).weights == {"dense": 8.0}
    assert scaled({"dense": 8.0}, 2.0).negated == 1.0


def test_the_factor_is_read_from_the_folder_of_the_model(tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "blend.json").write_text(json.dumps({"b": {"dense": 8, "negated": 0.5}}))
    weights = fitted_weights("b", "r", tmp_path)
    assert weights == {"dense": 8.0}
    assert weights.negated == 0.5
    assert fitted_weights("other", "r", tmp_path) == {}
    assert fitted_weights("b", "none", tmp_path).negated == 1.0
