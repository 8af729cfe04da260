"""The gate: stage two is skipped if stage one is sure."""

from __future__ import annotations

import math

import pytest

from fakes import ListRetriever, WordReranker
from shortlist.errors import InvalidInput
from shortlist.search.gate import SIGNALS, Gate, certainty
from shortlist.search.search import Search
from shortlist.types import Hit, Note
from shortlist.wording import describe

TEXTS = [f"text {place}" for place in range(30)]
SURE = [{"dense": 0.9 if place == 0 else 0.5, "bm25_share": 1.0 if place == 0 else 0.6} for place in range(30)]
UNSURE = [{"dense": 0.5, "bm25_share": 1.0 if place == 3 else 0.6} for place in range(30)]


class Fits:
    def __init__(self, gate, notes=()):
        self.stored, self.notes = gate, list(notes)

    def gate(self, weights, expand=None):
        return self.stored, self.notes


def searched(rule, signals=SURE, fits=True, reranker=None, **settings):
    search = Search(ListRetriever(TEXTS, signals), reranker or WordReranker(), fits=Fits(rule) if fits else None)
    return search, search.search("text 7", **{"gate": True, "pool_size": 20, **settings})


def hits(*signals):
    return [Hit.of(place, "x", signals=each) for place, each in enumerate(signals)]


@pytest.mark.parametrize(
    ("signal", "first", "second", "expected"),
    [
        ("cosine_margin", {"dense": 0.9}, {"dense": 0.6}, 0.3),
        ("cosine_margin", {"dense": 0.6}, {"dense": 0.9}, 0.3),
        ("agreed_margin", {"dense": 0.9, "bm25_share": 1.0}, {"dense": 0.6, "bm25_share": 0.5}, 0.3),
        ("agreed_margin", {"dense": 0.9, "bm25_share": 0.5}, {"dense": 0.6, "bm25_share": 1.0}, -math.inf),
        ("words_margin", {"dense": 0.9, "bm25_share": 1.0}, {"dense": 0.6, "bm25_share": 0.5}, 0.5),
        ("words_margin", {"dense": 0.9}, {"dense": 0.6}, -math.inf),
        ("cosine_margin", {}, {}, -math.inf),
    ],
)
def test_the_certainty_by_hand(signal, first, second, expected):
    assert certainty(signal, hits(first, second)) == pytest.approx(expected)


@pytest.mark.parametrize("signal", SIGNALS)
def test_one_hit_is_no_certainty(signal):
    assert certainty(signal, hits({"dense": 0.9, "bm25_share": 1.0})) == -math.inf
    assert certainty(signal, []) == -math.inf


def test_only_the_first_ten_hits_count():
    first = hits({"dense": 0.9}, *[{"dense": 0.5}] * 9)
    assert certainty("cosine_margin", [*first, *hits({"dense": 0.89})]) == certainty("cosine_margin", first)


def test_stage_two_is_skipped_if_stage_one_is_sure():
    search, ranking = searched(Gate("cosine_margin", 0.3, 20))
    assert search.reranker.calls == []
    assert (ranking.status, ranking.scored, ranking.order) == ("skipped", 0, "retrieval")
    assert [hit.id for hit in ranking] == ["p1", "p2", "p3", "p4", "p5"]
    (note,) = ranking.notes
    assert note.code == "gate_skipped"
    assert describe(note) == "not reranked: stage one is sure (cosine_margin 0.400, and the gate needs 0.300)"


def test_stage_two_runs_if_stage_one_is_not_sure():
    search, ranking = searched(Gate("cosine_margin", 0.3, 20), UNSURE)
    assert len(search.reranker.calls) == 1
    assert ranking.status == "ok"
    assert [note.code for note in ranking.notes] == ["gate_open"]
    assert ranking.hits == search.search("text 7", pool_size=20).hits
    _, other = searched(Gate("agreed_margin", 0.1, 20), UNSURE)
    assert describe(other.notes[0]) == "reranked: the gate needs agreed_margin 0.100, and stage one has no such signal"


def test_a_pool_below_ten_has_the_same_decision():
    signals = [{"dense": 0.9}, {"dense": 0.2}, {"dense": 0.2}, {"dense": 0.88}] + [{"dense": 0.1}] * 26
    for size in (2, 3, 20):
        _, ranking = searched(Gate("cosine_margin", 0.3, size), signals, pool_size=size)
        assert ranking.status == "ok"
        assert len(ranking) == min(size, 5)


def test_a_pool_of_another_size_is_reported():
    _, ranking = searched(Gate("cosine_margin", 0.3, 100))
    assert ranking.status == "skipped"
    assert (
        describe(ranking.note("gate_other_pool"))
        == "the gate was fitted for a pool of 100, and this pool has 20 passages"
    )


def test_a_gate_without_a_threshold_never_skips():
    search, ranking = searched(Gate("cosine_margin", None, 20))
    assert ranking.notes == (Note("gate_never_skips"),)
    assert len(search.reranker.calls) == 1


@pytest.mark.parametrize("fits", [True, False])
def test_without_a_stored_gate_the_search_reranks_and_reports_it(fits):
    search = Search(
        ListRetriever(TEXTS, SURE),
        WordReranker(),
        fits=Fits(None, [Note("no_gate", reason="not_fitted")]) if fits else None,
    )
    ranking = search.search("text 7", gate=True)
    assert ranking.status == "ok"
    assert ranking.notes == (Note("no_gate", reason="not_fitted"),)
    assert "shortlist calibrate" in describe(ranking.notes[0])


def test_the_gate_is_off_by_default_and_without_reranking():
    _, ranking = searched(Gate("cosine_margin", 0.3, 20), gate=None)
    assert ranking.status == "ok"
    _, off = searched(Gate("cosine_margin", 0.3, 20), rerank=False)
    assert (off.status, off.notes) == ("off", ())


def test_a_query_that_the_reranker_skips_has_that_reason():
    class Skipping(WordReranker):
        def skip_reason(self, query):
            return Note("rerank_skipped", reason="x")

    _, ranking = searched(Gate("cosine_margin", 0.3, 20), reranker=Skipping())
    assert [note.code for note in ranking.notes] == ["rerank_skipped"]


def test_an_empty_pool_is_not_skipped():
    search = Search(ListRetriever([]), WordReranker(), fits=Fits(Gate("cosine_margin", 0.3, 20)))
    assert search.search("a", gate=True, pool_size=20).note("gate_skipped") is None


def test_an_unknown_signal_is_an_error():
    with pytest.raises(InvalidInput, match="the signal of a gate must be one of"):
        Gate("luck", 0.3, 20)
