"""Progressive searches: the answers of Python, and a queue that leaves room for the others."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from standins import SECONDS, Gate, until
from starlette.testclient import TestClient

import tiny
from fakes import ListRetriever
from inline_scorer import InlineScorer
from shortlist import CrossEncoder, Search, SearchConfig, asgi
from shortlist.errors import BadScores, InvalidInput, QueueFull
from shortlist.rerankers.progressive import DropRule, ProgressiveReranker
from shortlist.server.app import create_app
from shortlist.server.batching.progressive import ProgressiveQueue
from shortlist.server.build import assemble
from shortlist.server.options import ServeOptions
from shortlist.types import Scores

WORDS = ["red cat", "blue dog", "green file", "local server", "the dog runs", "a red passage", "a cat", "the file"]


class HalfScored:
    """Scores the first half of the pool to the end. Calls wait at the gate."""

    name = "half"
    pointwise = True

    def __init__(self):
        self.gate, self.pools = Gate(), []

    def score(self, query, texts):
        return [float(len(text)) for text in texts]

    def score_progressively(self, query, texts, prior):
        self.gate.enter()
        self.pools.append((query, list(texts)))
        half = len(texts) // 2
        return Scores([float(len(text)) for text in texts], (), [0] * half + [1] * (len(texts) - half))


def pending(reranker, query="dog", texts=WORDS):
    return Search(ListRetriever(texts), reranker).begin(query)


def test_the_scores_are_those_of_one_search():
    reranker = HalfScored()
    queue = ProgressiveQueue()
    scores = asyncio.run(queue.score(pending(reranker)))
    queue.close()
    alone = reranker.score_progressively("dog", WORDS, [])
    assert (scores, scores.exits_left) == (alone, alone.exits_left)


def test_the_queue_runs_one_search_at_a_time_and_is_bounded():
    reranker = HalfScored()

    async def run(queue):
        reranker.gate.close()
        first = asyncio.ensure_future(queue.score(pending(reranker, "first")))
        await until(lambda: reranker.gate.entered == 1)
        second = asyncio.ensure_future(queue.score(pending(reranker, "second")))
        leaving = asyncio.ensure_future(queue.score(pending(reranker, "leaving", WORDS[:2])))
        await until(lambda: queue.waiting == 2)
        with pytest.raises(QueueFull):
            await queue.score(pending(reranker))
        leaving.cancel()
        await until(lambda: queue.waiting == 1)
        reranker.gate.open()
        await asyncio.gather(first, second)

    queue = ProgressiveQueue(queue_pairs=20)
    asyncio.run(run(queue))
    assert queue.depth == 0
    queue.close()
    assert [query for query, _ in reranker.pools] == ["first", "second"]
    assert not queue.alive


@pytest.mark.parametrize(
    ("fails", "kind"), [(lambda: [float("nan")] * 8, BadScores), (lambda: 1 / 0, ZeroDivisionError)]
)
def test_a_failure_stays_with_its_search(fails, kind):
    class Failing(HalfScored):
        def score_progressively(self, query, texts, prior):
            return fails() if query == "bad" else super().score_progressively(query, texts, prior)

    reranker = Failing()

    async def run(queue):
        calls = [queue.score(pending(reranker, query)) for query in ("bad", "good")]
        return await asyncio.gather(*calls, return_exceptions=True)

    queue = ProgressiveQueue()
    bad, good = asyncio.run(run(queue))
    queue.close()
    assert isinstance(bad, kind)
    assert len(good) == len(WORDS)


def test_a_pool_larger_than_the_queue_is_refused():
    queue = ProgressiveQueue(queue_pairs=3)
    with pytest.raises(InvalidInput, match="8 passages"):
        asyncio.run(queue.score(pending(HalfScored())))
    queue.close()


def test_reranking_goes_on_while_a_progressive_search_runs():
    """The progressive search stands at the gate until another request of the same model has its answer."""
    reranker = HalfScored()
    components = assemble(Search(ListRetriever(WORDS), reranker))
    app = create_app(components)

    async def run():
        reranker.gate.close()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            search = asyncio.ensure_future(client.post("/search", json={"query": "dog"}))
            await until(lambda: reranker.gate.entered == 1)
            body = {"query": "dog", "documents": ["a", "bb"], "model": "half"}
            other = await asyncio.wait_for(client.post("/v2/rerank", json=body), SECONDS)
            reranker.gate.open()
            return other, await search

    other, answer = asyncio.run(run())
    components.close()
    assert [row["index"] for row in other.json()["results"]] == [1, 0]
    assert answer.json()["status"] == "ok"
    assert (answer.json()["scored"], answer.json()["dropped"]) == (4, 4)


def test_a_budget_gives_a_progressive_search_all_scores_or_none(serve):
    reranker = HalfScored()
    reranker.gate.close()
    client = serve(reranker, scorer=InlineScorer(reranker), search=Search(ListRetriever(WORDS), reranker))
    answer = client.post("/search", json={"query": "dog", "budget_ms": 30}).json()
    reranker.gate.open()
    assert (answer["status"], answer["scored"]) == ("partial", 0)
    assert [hit["retrieval_rank"] for hit in answer["hits"]] == [1, 2, 3, 4, 5]


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    return CrossEncoder(str(tiny.staged(tmp_path_factory.mktemp("staged"))))


def test_answers_over_http_are_those_of_python_also_many_at_a_time(staged):
    signals = [{"dense": (place * 5 % 8) / 8} for place in range(8)]
    searcher = Search(
        ListRetriever(WORDS, signals),
        staged,
        SearchConfig(pool_size=8, top_k=8, progressive=True),
        weights={"dense": 0.1},
        progressive=lambda: ProgressiveReranker(staged, DropRule((0.7, 0.4), 2)),
    )
    expected = {query: searcher.search(query) for query in WORDS}
    with TestClient(asgi(searcher)) as client, ThreadPoolExecutor(8) as clients:
        requests = [{"query": query, "progressive": number % 2 == 0} for number in range(4) for query in WORDS]
        answers = list(clients.map(lambda body: client.post("/search", json=body).json(), requests))
    for body, answer in zip(requests, answers, strict=True):
        assert answer["status"] == "ok"
        if body["progressive"]:
            ranking = expected[body["query"]]
            assert [hit["id"] for hit in answer["hits"]] == [hit.id for hit in ranking]
            assert (answer["scored"], answer["dropped"]) == (ranking.scored, ranking.dropped)
            assert answer["dropped"] > 0
        else:
            assert (answer["scored"], answer["dropped"]) == (8, 0)


def test_serve_bounds_the_progressive_queue_like_the_other(staged):
    components = assemble(Search(ListRetriever(WORDS), staged), ServeOptions(queue_pairs=4))
    reranker = HalfScored()
    with pytest.raises(InvalidInput, match="this server's queue holds 4"):
        asyncio.run(components.progressive.score(pending(reranker)))
    components.close()
