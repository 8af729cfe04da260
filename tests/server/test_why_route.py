"""`/why` under load: clients that leave, and many requests at a time."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from standins import SECONDS, FakePairs, ask_and_leave, until
from starlette.testclient import TestClient

from inline_scorer import InlineScorer
from shortlist import Search
from shortlist.encoders.hashed import HashedEncoder
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.retrievers import Hybrid
from shortlist.server.app import create_app
from shortlist.server.batching.batcher import Batcher
from shortlist.server.batching.embedder import Embedder
from shortlist.server.components import Components
from shortlist.server.middleware.guard import Guard
from shortlist.types import Passage

BODY = {"query": " ".join(f"word{place}" for place in range(30)), "text_a": "tax is due", "text_b": "cats"}


def test_the_explanation_ends_when_its_client_leaves():
    fake = FakePairs()
    batcher = Batcher(fake)
    guard = Guard(create_app(Components(scorer=batcher, encoder=HashedEncoder(8))))

    async def run():
        fake.gate.close()
        gone = asyncio.Event()
        task = asyncio.ensure_future(ask_and_leave(guard, "/why", BODY, gone))
        await until(lambda: fake.gate.entered == 1)
        gone.set()
        await until(lambda: batcher.depth == 0)  # the request was cancelled, and its pairs left the queue
        fake.gate.open()
        await asyncio.wait_for(task, SECONDS)

    asyncio.run(run())
    batcher.close()  # it first finishes all that was accepted
    assert guard.requests == 0
    assert len(fake.calls) == 1


def test_more_requests_at_a_time_than_there_are_threads():
    app = create_app(Components(scorer=InlineScorer(FakePairs()), encoder=HashedEncoder(8)))

    async def run():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            tasks = [http.post("/why", json={**BODY, "query": "when is tax due"}) for _ in range(60)]
            return await asyncio.wait_for(asyncio.gather(*tasks), SECONDS)

    assert [answer.status_code for answer in asyncio.run(run())] == [200] * 60


def test_passages_of_the_index_are_compared_by_the_score_of_stage_one(tmp_path):
    encoder = HashedEncoder(64)
    passages = [Passage("a", "tax is due"), Passage("b", "cats sleep")]
    index = EmbeddedEngine().create(tmp_path, dimension=64)
    index.add(passages, encoder.encode_passages([passage.content for passage in passages]))
    search = Search(Hybrid(index, encoder), FakePairs())
    parts = Components(scorer=InlineScorer(FakePairs()), encoder=encoder, search=search, index=index)
    client = TestClient(create_app(parts))
    by_id = client.post("/why", json={"query": "tax", "id_a": "a", "id_b": "b"}).json()
    by_text = client.post("/why", json={"query": "tax", "text_a": "tax is due", "text_b": "cats sleep"}).json()
    assert (by_id["retrieval_score"], by_text["retrieval_score"]) == ("cosine + 0.3 x BM25 share", "cosine")
    assert by_id["retrieval_margin"] == pytest.approx(by_text["retrieval_margin"] + 0.3, abs=1e-5)
    index.close()


class CountingEncoder(HashedEncoder):
    """Records how many texts each call has."""

    def __init__(self):
        super().__init__(8)
        self.calls = []

    def encode_queries(self, texts):
        self.calls.append(len(texts))
        return super().encode_queries(texts)


def test_the_words_wait_in_the_queue_of_the_bi_encoder():
    encoder = CountingEncoder()
    embedder = Embedder(encoder, queue_texts=2)
    scorer = InlineScorer(FakePairs())
    queued = create_app(Components(scorer=scorer, encoder=encoder, embedder=embedder))
    with TestClient(queued) as client:
        answer = client.post("/why", json=BODY).json()
        direct = TestClient(create_app(Components(scorer=scorer, encoder=HashedEncoder(8)))).post("/why", json=BODY)
    assert answer == direct.json()
    assert set(encoder.calls) == {1}
    embedder.close()
    refused = TestClient(queued, raise_server_exceptions=False).post("/why", json=BODY)
    assert refused.status_code == 429
