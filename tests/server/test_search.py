"""`/search`: both stages, budgets, failures."""

from __future__ import annotations

import threading
import time

import pytest

from fakes import ListRetriever, WordReranker
from shortlist.errors import QueueFull
from shortlist.redaction import Names
from shortlist.search.pipeline import Shortlist
from shortlist.server.batching.scorer import InlineScorer, Scored
from shortlist.server.settings import ServerSettings
from shortlist.types import Hit, Passage

QUERY = "when is tax due"


def search(client, **fields):
    answer = client.post("/search", json={"query": QUERY, "k": 3, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_both_stages_are_shown(client):
    found = search(client)
    assert found["rerank_status"] == "ok"
    assert found["why_not"] == ""
    assert found["scored"] == 5
    assert [hit["id"] for hit in found["hits"]] == ["p5", "p2", "p3"]
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    assert found["hits"][0]["retrieval_rank"] == 5
    assert found["hits"][0]["rerank_score"] == 1.0
    assert found["labels"] is None
    assert set(found["seconds"]) == {"retrieve", "rerank", "total"}


def test_the_answer_is_that_of_the_pipeline(serve):
    texts = [f"tax {'due ' * (i % 3)}{i}" for i in range(20)]
    signals = [{"dense": (i * 7 % 11) / 11} for i in range(20)]
    pipeline = Shortlist(ListRetriever(texts, signals), WordReranker(), weights={"dense": 2.0})
    found = search(serve(shortlist=pipeline), pool_size=15, k=10)
    wanted = pipeline.search(QUERY, pool_size=15, k=10)
    assert [(hit["id"], hit["score"], hit["rank"]) for hit in found["hits"]] == [
        (hit.passage.id, hit.score, hit.rank) for hit in wanted.hits
    ]


def test_stage_one_alone(client):
    found = search(client, rerank=False)
    assert found["rerank_status"] == "off"
    assert found["why_not"] == "reranking was not asked for"
    assert [hit["id"] for hit in found["hits"]] == ["p1", "p2", "p3"]
    assert all(hit["rerank_score"] is None for hit in found["hits"])
    assert found["scored"] == 0


def test_an_index_without_a_reranker(serve):
    found = search(serve(shortlist=Shortlist(ListRetriever(["a"]))))
    assert found["rerank_status"] == "off"
    assert found["why_not"] == "this server has no reranker"


class Declining(WordReranker):
    name = "/home/someone/mine"

    def declines(self, query):
        return f"{self.name} leaves it"


def test_a_query_that_the_reranker_declines(serve):
    found = search(serve(Declining()))
    assert found["rerank_status"] == "declined"
    assert found["why_not"] == "mine leaves it"
    assert found["scored"] == 0


class Broken:
    name = "broken"

    def __init__(self, error):
        self.error = error

    async def score(self, query, texts, *, max_tokens=None):
        raise self.error


@pytest.mark.parametrize(
    ("error", "why"),
    [(QueueFull(3), "come again in 3 s"), (RuntimeError("at /home/someone"), "the reranker failed (ModelError)")],
)
def test_fail_open_and_closed(serve, error, why):
    client = serve(scorer=Broken(error))
    found = search(client)
    assert found["rerank_status"] == "failed"
    assert why in found["why_not"]
    assert [hit["id"] for hit in found["hits"]] == ["p1", "p2", "p3"]
    closed = client.post("/search", json={"query": QUERY, "fail": "closed"})
    assert closed.status_code == 503
    assert why in closed.json()["message"]
    assert closed.headers.get("retry-after") == ("3" if isinstance(error, QueueFull) else None)


def test_a_failure_closed_does_not_matter_without_reranking(serve):
    assert search(serve(scorer=Broken(QueueFull(3))), rerank=False, fail="closed")["rerank_status"] == "off"


class Sticking:
    """Scores the first `calls` calls, then never comes back."""

    name = "sticking"
    reranker = WordReranker()

    def __init__(self, calls):
        self.calls = calls
        self.inner = InlineScorer(WordReranker())
        self.cancelled = False

    async def score(self, query, texts, *, max_tokens=None) -> Scored:
        import anyio

        self.calls -= 1
        if self.calls < 0:
            try:
                await anyio.sleep_forever()
            except BaseException:
                self.cancelled = True
                raise
        return await self.inner.score(query, texts, max_tokens=max_tokens)


def with_time_for(calls, texts, serve):
    """The answer of a scorer that sticks after `calls` calls, within a budget that this machine reaches it in."""
    for budget_ms in (200, 2_000, 20_000):
        scorer = Sticking(calls)
        client = serve(scorer=scorer, shortlist=Shortlist(ListRetriever(texts), WordReranker()))
        found = search(client, budget_ms=budget_ms, k=len(texts), pool_size=len(texts))
        if scorer.calls < 0:
            break
    return found, scorer


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_budget_ends_with_what_was_scored(serve, calls):
    found, scorer = with_time_for(calls, [f"{'tax ' * (i % 2)}{i}" for i in range(20)], serve)
    scored = [hit for hit in found["hits"] if hit["rerank_score"] is not None]
    assert found["rerank_status"] == "partial"
    assert found["why_not"] == f"the budget ran out after {8 * calls} of 20 passages"
    assert found["scored"] == len(scored) == 8 * calls
    assert sorted(hit["retrieval_rank"] for hit in scored) == list(range(1, 8 * calls + 1))
    assert found["hits"][: len(scored)] == scored
    assert [hit["retrieval_rank"] for hit in found["hits"][len(scored) :]] == list(range(8 * calls + 1, 21))
    assert [hit["rank"] for hit in found["hits"]] == list(range(1, 21))
    assert scorer.cancelled


class Listwise(WordReranker):
    """A text's score is its place in the sorted list that it came in: scores of two lists do not compare."""

    pointwise = False

    def score(self, query, texts):
        order = sorted(texts)
        self.calls.append((query, list(texts)))
        return [float(order.index(text)) for text in texts]


def test_a_listwise_reranker_scores_all_in_one_call_within_a_budget(serve):
    texts = [f"{i:02}" for i in range(20)]
    reranker = Listwise()
    client = serve(reranker, shortlist=Shortlist(ListRetriever(texts), reranker))
    found = search(client, budget_ms=60_000, k=20, pool_size=20)
    assert found["rerank_status"] == "ok"
    assert [hit["text"] for hit in found["hits"]] == texts[::-1]
    assert len(reranker.calls) == 1


def test_a_listwise_reranker_has_nothing_when_the_budget_runs_out(serve):
    scorer = Sticking(0)
    scorer.reranker = Listwise()
    texts = [f"{i:02}" for i in range(20)]
    found = search(serve(scorer=scorer, shortlist=Shortlist(ListRetriever(texts), scorer.reranker)), budget_ms=50)
    assert found["why_not"] == "the budget ran out after 0 of 20 passages"
    assert [hit["text"] for hit in found["hits"]] == texts[:3]


class Elsewhere(WordReranker):
    at_once = 2


def test_a_reranker_elsewhere_gets_one_call_within_a_budget(serve):
    texts = [f"{'tax ' * (i % 2)}{i}" for i in range(20)]
    reranker = Elsewhere()
    client = serve(reranker, shortlist=Shortlist(ListRetriever(texts), reranker))
    assert search(client, budget_ms=60_000, k=20, pool_size=20)["scored"] == 20
    assert len(reranker.calls) == 1


class Filling:
    """Scores the first `calls` calls; then there is no room left."""

    name = "filling"
    reranker = WordReranker()

    def __init__(self, calls):
        self.calls = calls
        self.inner = InlineScorer(WordReranker())

    async def score(self, query, texts, *, max_tokens=None) -> Scored:
        self.calls -= 1
        if self.calls < 0:
            raise QueueFull(3)
        return await self.inner.score(query, texts, max_tokens=max_tokens)


def test_a_queue_that_fills_up_on_the_way_leaves_what_was_scored(serve):
    texts = [f"{'tax ' * (i % 2)}{i}" for i in range(20)]
    stand = Shortlist(ListRetriever(texts), WordReranker())
    found = search(serve(scorer=Filling(1), shortlist=stand), budget_ms=60_000, k=20, pool_size=20)
    assert found["rerank_status"] == "partial"
    assert found["why_not"] == "the queue filled up after 8 of 20 passages"
    assert [hit["rerank_score"] is not None for hit in found["hits"]] == [True] * 8 + [False] * 12
    assert search(serve(scorer=Filling(0), shortlist=stand), budget_ms=60_000)["rerank_status"] == "failed"


def test_sizes_that_are_not_sent_are_those_of_the_server(serve):
    client = serve(settings=ServerSettings(pool_size=4, k=3))
    assert (search(client, k=None)["pool_size"], len(search(client, k=None)["hits"])) == (4, 3)
    assert len(search(client, k=None, pool_size=2)["hits"]) == 2
    assert len(search(client, k=4)["hits"]) == 4
    small = serve(settings=ServerSettings(pool_size=4, k=3, max_documents=2))
    assert (search(small, k=None)["pool_size"], len(search(small, k=None)["hits"])) == (2, 2)


def test_a_budget_of_nothing_is_stage_one(client):
    assert search(client, budget_ms=0)["scored"] == 0


def test_a_budget_that_is_enough_changes_nothing(client):
    found, wanted = search(client, budget_ms=60_000), search(client)
    assert found["rerank_status"] == "ok"
    assert found["hits"] == wanted["hits"]


class Waiting(WordReranker):
    """Stays in its thread until it is let go."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()

    def score(self, query, texts):
        self.go.wait(20)
        return super().score(query, texts)


def test_a_thread_that_does_not_come_back_does_not_hold_a_budget(serve):
    reranker = Waiting()
    found = search(serve(reranker), budget_ms=50)
    reranker.go.set()
    assert found["rerank_status"] == "partial"
    assert found["scored"] == 0


class Slow(ListRetriever):
    def __init__(self, asked, go):
        super().__init__(["a tax"])
        self.began, self.go = asked, go

    def retrieve(self, query, k, where=None):
        self.began.set()
        assert self.go.wait(20)
        return super().retrieve(query, k, where)


def test_the_event_loop_is_not_blocked_by_the_index(serve):
    began, go = threading.Event(), threading.Event()
    client = serve(shortlist=Shortlist(Slow(began, go), WordReranker()))
    answers = []
    with client:
        searching = threading.Thread(target=lambda: answers.append(search(client)))
        searching.start()
        assert began.wait(20)
        assert client.get("/v1/models").status_code == 200
        assert not answers
        go.set()
        searching.join()
    assert answers[0]["rerank_status"] == "ok"


def test_labels_of_a_judged_query(serve):
    client = serve(labels={QUERY: {"p5": 2, "p1": 0}})
    assert search(client)["labels"] == {"relevant": {"p5": 2, "p1": 0}}
    assert search(client, query="tax")["labels"] is None


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"k": 9, "pool_size": 5}, 422, "k is 9 but the pool holds 5"),
        ({"pool_size": 99}, 422, "at most 40"),
        ({"k": 0}, 422, "k: "),
        ({"budget_ms": -1}, 422, "budget_ms"),
        ({"budget_ms": True}, 422, "budget_ms"),
        ({"fail": "ajar"}, 422, "fail"),
        ({"where": {"a": None}}, 422, "where.a"),
        ({"where": {"a": {"b": 1}}}, 422, "where.a"),
        ({"where": [1]}, 422, "where"),
        ({"where": {f"x{i}": 1 for i in range(65)}}, 422, "where: 65 fields, at most 64"),
        ({"where": {"a": [1] * 1000, "b": [2] * 25}}, 422, "where: 1025 values in all, at most 1024"),
    ],
)
def test_errors(serve, fields, code, said):
    answer = serve(settings=ServerSettings(max_documents=40)).post("/search", json={"query": QUERY, **fields})
    assert answer.status_code == code
    assert said in answer.json()["message"]


@pytest.mark.parametrize(
    ("fields", "pool", "k"),
    [({"pool_size": 3}, 3, 3), ({"pool_size": 4, "k": 2}, 4, 2), ({}, 4, 4), ({"k": 1}, 4, 1)],
)
def test_sizes_that_were_not_sent_fit_the_others(serve, fields, pool, k):
    answer = serve(settings=ServerSettings(max_documents=4)).post("/search", json={"query": QUERY, **fields})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["pool_size"], len(answer.json()["hits"])) == (pool, k)


def test_null_counts_as_not_sent(serve):
    client = serve(settings=ServerSettings(max_documents=4))
    found = search(client, **dict.fromkeys(["pool_size", "k", "rerank", "fail", "budget_ms", "where"]))
    assert (found["pool_size"], len(found["hits"]), found["rerank_status"]) == (4, 4, "ok")


def test_the_largest_filter(client):
    search(client, where={"a": [1] * 961} | {f"x{i}": 1 for i in range(63)})


class OnDisk(ListRetriever):
    def __init__(self):
        super().__init__(["x"])
        self.where = None

    def retrieve(self, query, k, where=None):
        self.where = where
        held = {"source": "/home/someone/docs/tax/a.md", "year": 2024}
        passage = Passage("/home/someone/docs/tax/a.md#0", "tax", "/home/someone/docs/tax/a.md", metadata=held)
        return [Hit(passage, 1.0, 1, 1.0, 1)]


def test_no_folder_of_the_host_in_answers(serve):
    retriever = OnDisk()
    client = serve(
        shortlist=Shortlist(retriever, WordReranker()),
        names=Names.of(["/home/someone/docs/tax/a.md", "/home/someone/docs/b.md"]),
        labels={QUERY: {"/home/someone/docs/tax/a.md#0": 1}},
    )
    found = search(client, where={"source": "tax/a.md", "year": [2024, 2025]})
    assert "someone" not in str(found)
    (hit,) = found["hits"]
    assert hit["id"] == "tax/a.md#0"
    assert hit["document_id"] == hit["source"] == hit["metadata"]["source"] == "tax/a.md"
    assert found["labels"] == {"relevant": {"tax/a.md#0": 1}}
    assert retriever.where == {"source": ["tax/a.md", "/home/someone/docs/tax/a.md"], "year": [2024, 2025]}


@pytest.mark.parametrize(
    ("sources", "name", "shown"),
    [
        (["/a/b/c.md", "/a/b/d/e.md"], "/a/b/d/e.md#3", "d/e.md#3"),
        (["/a/b/c.md"], "/a/b/c.md", "c.md"),
        (["/a/bc.md", "/a/b/d.md"], "/a/b/d.md", "b/d.md"),
        (["/a/b.md"], "/elsewhere/b.md", "b.md"),
        (["/a/b.md"], "an id/of its own", "an id/of its own"),
        (["C:/docs/a.md", "C:/docs/b.md"], "C:/docs/a.md#0", "a.md#0"),
        ([], "/a/b.md", "b.md"),
        (["x1", "x2"], "x1", "x1"),
        (["/data/a/b.md", "/home/u/b.md"], "/data/a/b.md#0", "1/b.md#0"),
        (["/b.md"], "/b.md", "b.md"),
        (["C:/docs/a.md", "D:/docs/a.md"], "D:/docs/a.md#0", "2/a.md#0"),
        (["/data/a/b.md", "/home/u/b.md"], "x1", "x1"),
    ],
)
def test_names(sources, name, shown):
    assert Names.of(sources).shown(name) == shown


def test_the_source_that_was_shown_can_be_asked_for_in_several_top_folders():
    names = Names.of(["/data/a/b.md", "/home/u/b.md"])
    assert names.where({"source": "2/b.md"}) == {"source": ["2/b.md", "/home/u/b.md"]}
    assert names.where({"source": "3/b.md"}) == {"source": ["3/b.md"]}


def test_seconds_add_up(client):
    began = time.perf_counter()
    seconds = search(client)["seconds"]
    assert seconds["retrieve"] + seconds["rerank"] == pytest.approx(seconds["total"])
    assert seconds["total"] <= time.perf_counter() - began
