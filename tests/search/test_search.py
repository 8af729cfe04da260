"""Both stages through `Search`, with stand-ins whose behaviour follows from the texts."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import ListRetriever, WordReranker
from shortlist.config import SearchConfig
from shortlist.errors import BadScores, InvalidInput
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER, fitted_weights
from shortlist.search.retriever import from_function
from shortlist.search.search import Search
from shortlist.types import Note, RerankerInfo, Scores

TEXTS = ["server farm", "a local file", "red cat", "a local cat file", "blue"]


def ids(ranking):
    return [hit.id for hit in ranking]


def search_over(texts=TEXTS, reranker=None, **arguments):
    return Search(ListRetriever(texts), WordReranker() if reranker is None else reranker, **arguments)


def test_the_reranker_decides_the_order_and_both_stages_stay_visible():
    ranking = search_over().search("local cat file", pool_size=5, top_k=3)
    assert ids(ranking) == ["p4", "p2", "p3"]
    first = ranking[0]
    assert (first.rank, first.retrieval_rank, first.rerank_score, first.retrieval_score) == (1, 4, 1.0, 0.25)
    assert (ranking.scored, ranking.status, ranking.truncated, ranking.dropped) == (5, "ok", 0, 0)
    assert set(ranking.seconds) == {"retrieve", "rerank"}


def test_a_ranking_is_a_sequence_of_hits():
    ranking = search_over().search("local cat file", pool_size=5, top_k=3)
    assert (len(ranking), ranking[0], list(ranking[1:])) == (3, ranking.hits[0], list(ranking.hits[1:]))
    assert ranking[0].text == "a local cat file"
    assert bool(search_over([]).search("q")) is False


def test_ties_keep_stage_one_order():
    assert ids(search_over(["x"] * 5).search("q", pool_size=5, top_k=5)) == ["p1", "p2", "p3", "p4", "p5"]


@pytest.mark.parametrize("top_k", [1, 2, 5])
def test_the_pool_never_depends_on_top_k(top_k):
    reranker = WordReranker()
    search_over(reranker=reranker).search("local cat", pool_size=5, top_k=top_k)
    assert reranker.calls == [("local cat", TEXTS)]


def test_a_smaller_top_k_is_a_prefix_of_a_larger_one():
    search = search_over()
    long = ids(search.search("local cat file", pool_size=5, top_k=5))
    assert ids(search.search("local cat file", pool_size=5, top_k=2)) == long[:2]


def test_top_k_above_the_pool_is_an_error_that_names_both():
    with pytest.raises(
        InvalidInput, match="top_k is 6 and pool_size is 3: the answer cannot be longer than the pool"
    ) as error:
        search_over().search("q", pool_size=3, top_k=6)
    assert error.value.field == "top_k"


def test_top_k_above_the_pool_of_an_effort_is_an_error_that_names_the_effort():
    with pytest.raises(InvalidInput, match=r"effort 'low' has a pool of 3: .* smaller top_k, another effort, or tail"):
        SearchConfig(effort="low", efforts={"low": {"pool_size": 3}}, top_k=5)


def test_a_size_that_is_not_given_fits_the_other():
    search = search_over(["x"] * 90)
    assert len(search.search("q", pool_size=3)) == 3
    assert (len(search.search("q")), search.search("q").pool_size) == (5, 50)
    longer = search.search("q", top_k=60)
    assert (len(longer), longer.pool_size, longer.scored) == (60, 60, 60)
    configured = replace(search, config=SearchConfig(pool_size=20, top_k=10))
    assert len(configured.search("q", pool_size=4)) == 4
    assert configured.search("q", top_k=30).scored == 50


def test_the_tail_follows_in_stage_one_order():
    ranking = search_over().search("local file", pool_size=2, top_k=4, tail=True)
    assert ids(ranking) == ["p2", "p1", "p3", "p4"]
    assert [hit.rerank_score is None for hit in ranking] == [False, False, True, True]
    assert ranking.scored == 2


def test_the_pool_is_the_retrievers_own_answer_and_a_short_one_has_no_tail():
    retriever = ListRetriever(TEXTS)
    search = Search(retriever, WordReranker())
    sizes = []
    retrieve = retriever.retrieve
    retriever.retrieve = lambda query, k, where=None: sizes.append(k) or retrieve(query, k, where)
    search.search("local file", pool_size=2, top_k=4, tail=True)
    search.search("local file", pool_size=9, top_k=12, tail=True)
    assert sizes == [2, 4, 9]


def test_a_pool_larger_than_the_corpus_is_scored_whole():
    ranking = search_over().search("q", pool_size=50, top_k=10)
    assert (ranking.scored, len(ranking), ranking.pool_size) == (5, 5, 50)


def test_no_hits_give_an_empty_ranking_and_the_diagnosis():
    reranker = WordReranker()
    ranking = search_over([], reranker, diagnose=lambda where: [Note("index_empty")]).search("q")
    assert (ranking.hits, ranking.scored, reranker.calls, ranking.notes) == ((), 0, [], (Note("index_empty"),))


def test_without_a_reranker_stage_one_decides():
    ranking = Search(ListRetriever(TEXTS)).search("blue", pool_size=5, top_k=2)
    assert (ids(ranking), ranking.status, ranking.reranked, ranking.scored) == (["p1", "p2"], "off", False, 0)
    off = search_over().search("blue", pool_size=5, top_k=2, rerank=False)
    assert (off.hits, off.status) == (ranking.hits, "off")


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.0], "words returned 1 scores for 5 texts"),
        ([1.0] * 6, "words returned 6 scores for 5 texts"),
        ([1.0, math.nan, 0, 0, 0], "words returned nan for text 2 of 5: 'a local file'"),
        ([math.inf, 0, 0, 0, 0], "words returned inf for text 1 of 5:"),
    ],
)
def test_a_broken_reranker_raises(scores, message):
    with pytest.raises(BadScores, match=message):
        search_over(reranker=WordReranker(scores)).search("q")


def test_weights_add_stage_one_signals_to_the_score_and_leave_the_raw_one():
    signals = [{"dense": 0.9}, {"dense": 0.1, "bm25_share": 1.0}, {"dense": 0.2}, {}, {}]
    reranker = WordReranker([0.0, 0.0, 0.5, 0.1, 0.0])
    search = Search(ListRetriever(TEXTS, signals), reranker, weights={"dense": 2.0, "bm25_share": 3.0})
    ranking = search.search("q", pool_size=5, top_k=5)
    assert [(hit.id, pytest.approx(hit.score)) for hit in ranking] == [
        ("p2", 3.2),
        ("p1", 1.8),
        ("p3", 0.9),
        ("p4", 0.1),
        ("p5", 0.0),
    ]
    assert [hit.rerank_score for hit in ranking] == [0.0, 0.0, 0.5, 0.1, 0.0]
    assert ranking.weights == {"dense": 2.0, "bm25_share": 3.0}
    alone = search.search("q", pool_size=5, top_k=5, blend=0)
    assert (ids(alone), alone.weights) == (["p3", "p4", "p1", "p2", "p5"], {})
    assert ids(search.run("q", config=SearchConfig(weights={"dense": 1.0})))[0] == "p1"


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf, "2"])
def test_bad_weights_are_refused(weight):
    with pytest.raises(InvalidInput, match=r"weights\.dense must be a number from 0 to 1e12"):
        search_over(weights={"dense": weight})


@given(st.lists(st.from_regex("[ab ]*[ab]", fullmatch=True), min_size=1, max_size=12), st.integers(1, 12))
def test_a_score_does_not_depend_on_the_rest_of_the_pool(texts, size):
    retriever = ListRetriever(texts, [{"dense": i / 20} for i in range(len(texts))])
    search = Search(retriever, WordReranker(), weights={"dense": 1.0})
    whole = {hit.id: hit.score for hit in search.search("a b", pool_size=12, top_k=12, duplicates=True)}
    part = {hit.id: hit.score for hit in search.search("a b", pool_size=size, top_k=size, duplicates=True)}
    assert part.items() <= whole.items()


def test_truncation_is_counted_over_the_pool():
    class Cutting(WordReranker):
        def score(self, query, texts):
            return Scores(super().score(query, texts), [len(text) > 6 for text in texts])

    ranking = search_over(reranker=Cutting()).search("q", pool_size=5, top_k=5)
    assert ranking.truncated == 4
    assert sum(hit.truncated for hit in ranking) == 4


def test_a_skipped_query_keeps_stage_one_order_and_gives_the_reason():
    class Skipping(WordReranker):
        def skip_reason(self, query):
            return Note("rerank_skipped", reason="query_too_long", tokens=9, longest=8, reranker="words")

    reranker = Skipping()
    ranking = search_over(reranker=reranker).search("blue", min_score=3.0)
    assert (ranking.status, ids(ranking), reranker.calls) == ("skipped", ["p1", "p2", "p3", "p4", "p5"], [])
    assert [note.code for note in ranking.notes] == ["rerank_skipped", "limits_not_applied"]


def test_a_cut_query_is_noted():
    class Encoder:
        name, dimension, window = "short", 1, 2

        def token_counts(self, texts, *, query=False):
            return [2 for _ in texts], [query and len(text.split()) > 2 for text in texts]

    search = search_over(encoder=Encoder())
    assert search.search("a b c").note("query_truncated") == Note("query_truncated", window=2)
    assert search.search("a b").note("query_truncated") is None


@pytest.mark.parametrize(
    ("query", "settings", "message"),
    [
        (None, {}, "the query is of type NoneType: give a string"),
        (7, {}, "the query is of type int"),
        (" ", {}, "the query is empty"),
        ("q", {"pool_size": "foo"}, 'pool_size must be a whole number of at least 1, or "auto", not .foo.'),
        ("q", {"pool_size": 10.0}, r"pool_size must be a whole number of at least 1.*not 10\.0"),
        ("q", {"pool_size": True}, "pool_size must be a whole number.*not True"),
        ("q", {"pool_size": 0}, "pool_size must be a whole number of at least 1"),
        ("q", {"top_k": 0}, "top_k must be a whole number of at least 1, not 0"),
        ("q", {"top_k": 10**12}, "top_k is 1000000000000: use at most 10,000,000"),
        ("q", {"pool_size": 10**12}, "pool_size is 1000000000000: use at most"),
        ("q", {"per_document": 10**12}, "per_document is 1000000000000: use at most"),
        ("q", {"top_k": 2.5}, r"top_k must be a whole number of at least 1, not 2\.5"),
        ("q", {"min_score": "high"}, "min_score must be a number, not 'high'"),
        ("q", {"min_score": math.inf}, "min_score must be a number, not inf"),
        ("q", {"min_score": math.nan}, "min_score must be a number, not nan"),
        ("q", {"min_probability": 1.5}, "min_probability must be a number from 0 to 1"),
        ("q", {"blend": -1}, "blend must be a number from 0 to 1,000,000, not -1"),
        ("q", {"rerank": "no"}, "rerank must be true or false, not 'no'"),
        ("q", {"progressive": True}, "words has no early exits with a drop rule"),
        (
            "q",
            {"min_probability": 0.2},
            "no probabilities are stored for this search: calibrate an index, or a retriever opened",
        ),
    ],
)
def test_bad_arguments_are_named(query, settings, message):
    with pytest.raises(InvalidInput, match=message):
        search_over().search(query, **settings)


def test_whole_numbers_of_numpy_are_sizes():
    assert len(search_over().search("q", pool_size=np.int64(3), top_k=np.int32(2))) == 2


def test_half_a_surrogate_pair_in_a_query_reaches_neither_stage():
    reranker = WordReranker()
    assert search_over(reranker=reranker).search("a \ud800").query == "a \ufffd"
    assert reranker.calls[0][0] == "a \ufffd"


def test_progressive_uses_the_progressive_reranker_and_counts_what_it_dropped():
    class Progressive:
        info = RerankerInfo("fast")

        def score(self, query, texts):
            raise AssertionError("not called")

        def score_progressively(self, query, texts, prior):
            self.prior = list(prior)
            return Scores([1.0, 9.0, 2.0, 0.0, 0.0], [False] * 5, [0, 1, 0, 2, 2])

    progressive = Progressive()
    signals = [{"dense": 0.5}, {}, {}, {}, {}]
    search = Search(
        ListRetriever(TEXTS, signals), WordReranker(), weights={"dense": 4.0}, progressive=lambda: progressive
    )
    ranking = search.search("q", progressive=True, pool_size=5, top_k=5)
    assert ids(ranking) == ["p1", "p3", "p2", "p4", "p5"]
    assert (ranking.scored, ranking.dropped, progressive.prior) == (2, 3, [2.0, 0.0, 0.0, 0.0, 0.0])
    assert [hit.rerank_score for hit in ranking] == [1.0, 2.0, None, None, None]


def test_what_cannot_score_is_no_reranker():
    for reranker in ("shortlist-reranker-v1", WordReranker, 7):
        with pytest.raises(InvalidInput, match=r"the reranker is .*no method score\(query, texts\)"):
            Search(ListRetriever(["a"]), reranker)


def test_to_dict_is_json_and_holds_every_field():
    import json

    ranking = search_over().search("local cat file", pool_size=5, top_k=2, min_score=0.7)
    body = json.loads(json.dumps(ranking.to_dict()))
    assert set(body) == {*ranking.__dataclass_fields__, "order"}
    assert body["hits"][0]["text"] == "a local cat file"
    assert body["notes"] == [{"code": "left_out", "count": 1, "hits": 2, "min_score": 0.7, "min_probability": None}]


def test_a_function_is_a_retriever():
    rows = [("tax", "income tax is due", 3.0), ("cats", "cats sleep", 1.0)]
    search = Search(lambda query, k: rows[:k], WordReranker())
    assert [(hit.id, hit.retrieval_score) for hit in search.search("cats", pool_size=2)] == [
        ("cats", 1.0),
        ("tax", 3.0),
    ]


def test_anything_else_is_no_retriever():
    with pytest.raises(InvalidInput, match="the retriever is 3"):
        Search(3)


class Cosines(ListRetriever):
    """A retriever that names the bi-encoder of its signal."""

    bi_encoder = BI_ENCODER


def test_fitted_weights_apply_without_being_named():
    class Packaged(WordReranker):
        info = RerankerInfo(CROSS_ENCODER, pointwise=True)

    class Probabilities(WordReranker):
        info = RerankerInfo(CROSS_ENCODER, pointwise=True, unit="score")

    texts, signals = ["red", "blue"], [{"dense": 0.5}, {"dense": 0.25}]
    search = Search(Cosines(texts, signals), Packaged())
    assert search.weights == fitted_weights(BI_ENCODER, CROSS_ENCODER) != {}
    ranking = search.search("red")
    assert (ranking.order, ranking.to_dict()["order"]) == ("blend", "blend")
    assert ranking[0].score == 1 + 0.5 * search.weights["dense"]
    assert Search(Cosines(texts, signals), Packaged(), weights={}).search("red").order == "reranker"
    assert Search(ListRetriever(texts, signals), Packaged()).search("red").order == "reranker"
    assert Search(Cosines(texts, signals), Probabilities()).search("red").order == "reranker"
    assert search.search("red", rerank=False).order == "retrieval"


def test_a_configuration_of_another_type_is_an_error():
    with pytest.raises(InvalidInput, match=r"give SearchConfig\(\*\*config\)"):
        search_over(config={"pool_size": 3})


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"pool_encoder": "all-MiniLM-L6-v2"}, r"give EncodedPool\(retriever, load_encoder\('all-MiniLM-L6-v2'\)\)"),
        ({"reranker": "cohere:rerank-v3.5"}, r"give load_reranker\('cohere:rerank-v3.5'\) as the reranker"),
        ({"fusion": 0.3}, "give a config without fusion"),
        ({"words": True}, "give a config without words"),
        ({"fields": {"text": "body"}}, "give a config without fields"),
    ],
    ids=lambda case: "-".join(case) if isinstance(case, dict) else "",
)
def test_a_setting_that_a_search_over_a_function_would_ignore_is_an_error(settings, advice):
    def rows(query, k):
        return TEXTS[:k]

    for retriever in (rows, from_function(rows)):
        with pytest.raises(InvalidInput, match=advice) as error:
            Search(retriever, config=SearchConfig(**settings))
        assert error.value.field == next(iter(settings))
    config = SearchConfig(reranker="cohere:rerank-v3.5", precision="exact", retriever="my_search:rows")
    assert Search(rows, WordReranker(), config).search("red cat").status == "ok"
    assert Search(rows, config=config.override({"rerank": False})).search("red cat").status == "off"
