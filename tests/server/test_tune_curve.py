"""`/tune-curve`: a measure at every pool size, from one scoring pass of each query."""

from __future__ import annotations

import asyncio

import pytest
from standins import SECONDS, FakePairs, ask_and_leave, until

from fakes import ListRetriever, WordReranker
from shortlist import QuerySet, Search, SearchConfig, evaluate, tune
from shortlist.errors import QueueFull
from shortlist.redaction import Names
from shortlist.server.app import create_app
from shortlist.server.batching.batcher import Batcher
from shortlist.server.components import Components
from shortlist.server.middleware.guard import Guard
from shortlist.server.options import RequestLimits
from shortlist.server.routes.tune_curve import MAX_PAIRS, MAX_QUERIES
from shortlist.types import Hit, Note, Passage, RerankerInfo

WORDS = ["cats", "when", "bread", "is", "sleep", "tax", "red", "due"]
TEXTS = [" ".join(word for bit, word in enumerate(WORDS) if place >> bit & 1) or "nothing" for place in range(60)]
QRELS = {"when is tax due": {"p44": 1, "p12": 2, "p3": 0}, "red bread": {"p5": 1}, "cats sleep": {"p18": 1, "p58": 1}}
BODY = {"queries": [{"query": query, "relevant": grades} for query, grades in QRELS.items()]}
SIZES = [2, 5, 10, 30, 60]


class PassagesById:
    def __init__(self, names):
        self.passages = {name: Passage(name, name) for name in names}

    def get(self, ids):
        return [self.passages[key] for key in ids if key in self.passages]

    def __len__(self):
        return len(self.passages)


def search(**config):
    return Search(ListRetriever(TEXTS), WordReranker(), SearchConfig(**config))


@pytest.mark.parametrize("measure", ["nDCG@10", "RR@10", "R@5"])
def test_the_curve_is_that_of_tune_and_evaluate(serve, measure):
    body = {**BODY, "sizes": SIZES, "measure": measure}
    answer = serve(search=search()).post("/tune-curve", json=body)
    assert answer.status_code == 200, answer.text
    curve = answer.json()
    queries = QuerySet("mine", {f"q{place}": query for place, query in enumerate(QRELS)}, dict(enumerate_qrels()))
    tuned = tune(search(), queries, sizes=SIZES, measures=[measure]).curve
    assert curve["reranked"] == tuned.means(measure).tolist()
    assert curve["recall"] == tuned.recall.mean(axis=1).tolist()
    assert curve["ceiling"] == tuned.ceiling[measure].mean(axis=1).tolist()
    assert curve["stage_one"] == tuned.stage_one[measure].mean()
    for size, value in zip(SIZES, curve["reranked"], strict=True):
        evaluation = evaluate(search(), queries, pool_size=size, measures=[measure])
        assert value == pytest.approx(evaluation.estimate("reranked", measure).mean)
    assert curve["sizes"] == SIZES
    assert curve["best"] == SIZES[curve["reranked"].index(max(curve["reranked"]))]
    assert (curve["queries"], curve["level"], curve["unknown"], curve["without_relevant"]) == (3, "passage", 0, 0)
    assert curve["recall"] == sorted(curve["recall"])


def enumerate_qrels():
    return ((f"q{place}", grades) for place, grades in enumerate(QRELS.values()))


def test_sizes_above_the_passages_of_every_pool_are_one_search(serve):
    curve = serve(search=search()).post("/tune-curve", json={**BODY, "sizes": [5, 75, 80, 100]}).json()
    assert (curve["sizes"], len(curve["reranked"]), len(curve["recall"])) == ([5, 75], 2, 2)
    assert [note["code"] for note in curve["notes"]] == ["same_pools"]


def test_each_query_is_scored_once_whatever_the_sizes(serve):
    reranker = WordReranker()
    client = serve(reranker, search=Search(ListRetriever(TEXTS), reranker))
    assert client.post("/tune-curve", json={**BODY, "sizes": SIZES}).status_code == 200
    assert [(query, len(texts)) for query, texts in reranker.calls] == [(query, 60) for query in QRELS]


def test_the_blend_of_the_request_applies(serve):
    signals = [{"dense": float(place)} for place in range(60)]
    made = Search(ListRetriever(TEXTS, signals), WordReranker(), weights={"dense": 1.0})
    client = serve(search=made)
    plain = client.post("/tune-curve", json={**BODY, "blend": 0}).json()
    blended = client.post("/tune-curve", json=BODY).json()
    assert plain["reranked"] != blended["reranked"]
    assert plain["reranked"] == serve(search=search()).post("/tune-curve", json=BODY).json()["reranked"]


def test_the_reranker_reads_the_rerank_query(serve):
    reranker = WordReranker()
    body = {"queries": [{"query": "red bread", "rerank_query": "is bread red", "relevant": {"p5": 1}}]}
    assert serve(reranker, search=Search(ListRetriever(TEXTS), reranker)).post("/tune-curve", json=body).is_success
    assert [query for query, _ in reranker.calls] == ["is bread red"]


def test_ids_that_the_index_lacks_are_counted_and_count_as_never_found(serve):
    body = {"queries": [{"query": "red bread", "relevant": {"p5": 1, "gone": 1, "p59": 1}}], "sizes": [10]}
    curve = serve(search=search(), index=PassagesById(["p5", "p59"])).post("/tune-curve", json=body).json()
    assert (curve["unknown"], curve["unknown_ids"]) == (1, ["gone"])
    assert curve["recall"] == [1 / 3]
    without = serve(search=search()).post("/tune-curve", json=body).json()
    assert (without["unknown"], without["recall"]) == (0, [1 / 3])


class InFolders:
    def retrieve(self, query, k, where=None):
        passages = [Passage(f"/home/me/notes/{name}.md#0", text, f"/home/me/notes/{name}.md") for name, text in NOTES]
        return [Hit.of(passage.id, passage.text, document_id=passage.document_id) for passage in passages[:k]]


NOTES = (("a", "cats"), ("b", "tax is due"))


@pytest.mark.parametrize(("key", "level"), [("b.md#0", "passage"), ("b.md", "document")])
def test_shown_ids_of_passages_and_documents(serve, key, level):
    index = PassagesById([f"/home/me/notes/{name}.md#0" for name, _ in NOTES])
    made = Search(InFolders(), WordReranker())
    client = serve(search=made, index=index, names=Names(("/home/me/notes",)))
    body = {"queries": [{"query": "tax", "relevant": {key: 1}}], "sizes": [1, 2], "measure": "RR@10"}
    curve = client.post("/tune-curve", json=body).json()
    assert (curve["level"], curve["unknown"], curve["recall"]) == (level, 0, [0.0, 1.0])
    assert (curve["stage_one"], curve["reranked"]) == (0.5, [0.5, 1.0])


class Skipping(WordReranker):
    def skip_reason(self, query):
        if query != "red bread":
            return None
        return Note("rerank_skipped", reason="query_too_long", tokens=99, longest=9, reranker="words")


def test_skipped_queries_keep_stage_ones_order_and_are_counted(serve):
    reranker = Skipping()
    client = serve(reranker, search=Search(ListRetriever(TEXTS), reranker))
    curve = client.post("/tune-curve", json={**BODY, "queries": BODY["queries"][1:2]}).json()
    assert curve["skipped"] == 1
    assert set(curve["reranked"]) == {curve["stage_one"]}
    assert reranker.calls == []


def test_queries_without_a_relevant_passage_are_counted(serve):
    body = {"queries": [*BODY["queries"], {"query": "cats", "relevant": {"p1": 0}}]}
    curve = serve(search=search()).post("/tune-curve", json=body).json()
    assert (curve["queries"], curve["without_relevant"]) == (4, 1)


def test_sizes_shrink_to_the_limit_of_the_server(serve):
    client = serve(search=search(), limits=RequestLimits(max_documents=12))
    assert client.post("/tune-curve", json=BODY).json()["sizes"] == [5, 10]
    tiny = serve(search=search(), limits=RequestLimits(max_documents=3))
    assert tiny.post("/tune-curve", json={**BODY, "measure": "RR@3"}).json()["sizes"] == [3]


QUERY = {"query": "tax", "relevant": {"p1": 1}}


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({}, 422, "'queries' is required"),
        ({"queries": []}, 422, "queries"),
        ({"queries": [QUERY] * (MAX_QUERIES + 1)}, 422, "queries"),
        ({"queries": [{"query": "tax", "relevant": {}}]}, 422, "relevant"),
        ({"queries": [{"query": "tax", "relevant": {"p1": 0.5}}]}, 422, "relevant"),
        ({"queries": [{"query": "tax", "relevant": {"p1": 10**9}}]}, 422, "relevant"),
        (
            {"queries": [QUERY, {"query": " ", "relevant": {"p1": 1}}]},
            400,
            "item 1 (counted from 0) of the field 'queries': the query is empty",
        ),
        ({"queries": [QUERY], "measure": "nDCG"}, 422, "cutoff"),
        ({"queries": [QUERY], "measure": "MRR@10"}, 422, "RR@10"),
        ({"queries": [QUERY], "measure": "R@4000"}, 422, "cutoff"),
        ({"queries": [QUERY], "sizes": [0]}, 422, "sizes"),
        ({"queries": [QUERY], "sizes": [5000]}, 422, "at most 2048"),
        ({"queries": [QUERY] * (MAX_PAIRS // 2000 + 1), "sizes": [2000]}, 422, f"at most {MAX_PAIRS}"),
        ({"queries": [QUERY], "blend": -1}, 422, "blend"),
        ({"queries": [QUERY], "depth": 3}, 422, "depth"),
    ],
)
def test_a_refused_request_names_its_reason(serve, body, code, words):
    answer = serve(search=search()).post("/tune-curve", json=body)
    assert answer.status_code == code, answer.text
    assert words in answer.json()["message"]


def test_a_server_that_lacks_a_part_reports_it(serve):
    assert "no index" in serve(search=None).post("/tune-curve", json=BODY).json()["message"]
    assert serve(search=None).post("/tune-curve", json=BODY).status_code == 503
    assert serve(scorer=None).post("/tune-curve", json=BODY).status_code == 503


@pytest.mark.parametrize(
    "info", [RerankerInfo("words", pointwise=False), RerankerInfo("words", pointwise=False, unit="reciprocal rank")]
)
def test_scores_that_depend_on_the_pool_give_no_curve(serve, info):
    reranker = WordReranker()
    reranker.info = info
    answer = serve(reranker, search=Search(ListRetriever(TEXTS), reranker)).post("/tune-curve", json=BODY)
    assert answer.status_code == 422
    assert "one scoring pass" in answer.json()["message"]


class FullScorer:
    name = "full"

    def __init__(self):
        self.reranker = WordReranker()
        self.reranker.info = RerankerInfo("words", pointwise=True)

    async def score(self, query, texts, *, max_tokens=None):
        raise QueueFull(3)


def test_a_full_queue_is_an_answer(serve):
    answer = serve(scorer=FullScorer(), search=search()).post("/tune-curve", json=BODY)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")


def test_the_pass_ends_when_its_client_leaves():
    fake = FakePairs()
    batcher = Batcher(fake)
    guard = Guard(create_app(Components(scorer=batcher, search=Search(ListRetriever(TEXTS), fake))))

    async def run():
        fake.gate.close()
        gone = asyncio.Event()
        task = asyncio.ensure_future(ask_and_leave(guard, "/tune-curve", BODY, gone))
        await until(lambda: fake.gate.entered == 1)
        gone.set()
        await until(lambda: batcher.depth == 0)
        fake.gate.open()
        await asyncio.wait_for(task, SECONDS)

    asyncio.run(run())
    batcher.close()
    assert guard.requests == 0
    assert {pair.query for call in fake.calls for pair in call} == {"when is tax due"}
