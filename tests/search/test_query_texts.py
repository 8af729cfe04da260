"""A query of stage two's own, and several queries in one pool."""

import pytest

from fakes import ListRetriever, WordReranker
from shortlist.config.weights import Weights
from shortlist.errors import InvalidInput
from shortlist.search.pool import notes_of
from shortlist.search.query_texts import MOST_QUERIES, QueryTexts, query_texts
from shortlist.search.search import Search
from shortlist.search.several_queries import SeveralQueries, fused
from shortlist.types import Hit, Note

TEXTS = ["server farm", "a local file", "red cat", "a local cat file", "blue"]
POOLS = {"one": ["a", "b", "c", "d"], "two": ["c", "a", "e"], "three": []}


class ByQuery:
    """Returns the pool of each query, with a signal that depends on the query."""

    def __init__(self, prefix_depth=None):
        self.asked = []
        if prefix_depth is not None:
            self.prefix_depth = prefix_depth

    def retrieve(self, query, k, where=None):
        self.asked.append((query, k))
        signal = len(query) / 10
        return [
            Hit.of(key, f"text {key}", 1.0 / (place + 1), signals={"dense": signal})
            for place, key in enumerate(POOLS[query][:k])
        ]


def ids(hits):
    return [hit.id for hit in hits]


def test_stage_one_gets_the_query_and_the_reranker_the_rerank_query():
    reranker = WordReranker()
    ranking = Search(ListRetriever(TEXTS), reranker).search("server", rerank_query="local cat", pool_size=5)
    assert reranker.calls == [("local cat", TEXTS)]
    assert ids(ranking)[0] == "p4"
    assert (ranking.query, ranking.rerank_query) == ("server", "local cat")
    assert ranking.to_dict()["rerank_query"] == "local cat"


def test_without_a_rerank_query_both_stages_read_the_query():
    reranker = WordReranker()
    ranking = Search(ListRetriever(TEXTS), reranker).search("server", rerank_query="server")
    assert reranker.calls[0][0] == "server"
    assert ranking.rerank_query is None
    assert ranking.to_dict()["queries"] == []


def test_the_weights_follow_the_query_of_stage_one():
    """A negation in the query lowers the weights of stage one, and a negation in the rerank query does not."""
    search = Search(ListRetriever(TEXTS, [{"dense": 0.5}] * 5), WordReranker(), weights=Weights({"dense": 2.0}, 0.1))
    assert search.search("a file", rerank_query="a file without a server").weights == {"dense": 2.0}
    assert search.search("a file without a server", rerank_query="a file").weights == {"dense": 0.2}


def test_the_reranker_skips_by_the_text_that_it_reads():
    class Short(WordReranker):
        def skip_reason(self, query):
            return Note("rerank_skipped", reason="long") if len(query) > 10 else None

    search = Search(ListRetriever(TEXTS), Short())
    assert search.search("a very long query", rerank_query="short").status == "ok"
    assert search.search("short", rerank_query="a very long query").status == "skipped"


def test_several_queries_are_fused_by_reciprocal_rank():
    hits = SeveralQueries(ByQuery(), ["two", "three"]).retrieve("one", 10)
    assert ids(hits) == ["a", "c", "b", "e", "d"]
    assert hits[0].score == pytest.approx(1 / 61 + 1 / 62)
    assert [hit.rank for hit in hits] == [hit.retrieval_rank for hit in hits] == [1, 2, 3, 4, 5]


def test_each_signal_is_the_highest_of_the_queries_that_found_the_hit():
    first = [Hit.of("a", "x", signals={"dense": 0.2, "bm25": 3.0}), Hit.of("b", "y", signals={"dense": 0.1})]
    second = [Hit.of("a", "x", signals={"dense": 0.5})]
    signals = {hit.id: hit.signals for hit in fused([first, second], 5)}
    assert signals == {"a": {"dense": 0.5, "bm25": 3.0}, "b": {"dense": 0.1}}


def test_notes_of_several_answers_are_given_once():
    from shortlist.search.pool import Retrieved

    answers = [Retrieved([Hit.of("a", "x")], [Note("stage_one_approximate")])] * 2
    assert notes_of(fused(answers, 5)) == (Note("stage_one_approximate"),)
    assert list(fused([[], []], 5)) == []


def test_a_shorter_answer_is_the_start_of_a_longer_one_if_the_retriever_keeps_its_prefix():
    retriever = ByQuery(prefix_depth=4)
    several = SeveralQueries(retriever, ["two"])
    assert several.prefix_depth == 4
    whole = ids(several.retrieve("one", 4))
    assert [ids(several.retrieve("one", k)) for k in (1, 2, 3)] == [whole[:1], whole[:2], whole[:3]]
    assert {k for _, k in retriever.asked} == {4}
    assert SeveralQueries(ByQuery(), ["two"]).prefix_depth == 0
    assert SeveralQueries(ByQuery(prefix_depth=10**9), []).prefix_depth == 100


def test_a_search_fuses_the_pools_and_reports_the_queries():
    ranking = Search(ByQuery(), None).search("one", queries=["two", "two", "one"], top_k=5)
    assert ids(ranking) == ["a", "c", "b", "e", "d"]
    assert ranking.queries == ("two",)
    assert ranking.to_dict()["queries"] == ["two"]


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"rerank_query": "  "}, "rerank_query", "rerank_query is empty"),
        ({"rerank_query": 3}, "rerank_query", "rerank_query is of type int"),
        ({"queries": "two"}, "queries", "queries is the text 'two': give a list"),
        ({"queries": ["two", ""]}, "queries", "text in queries is empty"),
        ({"queries": [f"q{n}" for n in range(MOST_QUERIES + 1)]}, "queries", "at most 16 are allowed"),
    ],
)
def test_texts_that_cannot_be_used(given, field, message):
    with pytest.raises(InvalidInput, match=message) as error:
        query_texts("one", **given)
    assert error.value.field == field


def test_an_empty_query_is_an_error_whatever_else_is_given():
    with pytest.raises(InvalidInput, match="the query is empty"):
        Search(ByQuery(), None).search(" ", rerank_query="one")


def test_the_fields_name_each_text():
    assert QueryTexts("a", ("b", "c"), "d").fields == {
        "query": "a",
        "queries.0": "b",
        "queries.1": "c",
        "rerank_query": "d",
    }
