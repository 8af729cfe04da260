"""`/why` among others: clients that leave it, and many at a time."""

from __future__ import annotations

import asyncio
import threading

import httpx
from standins import FakePairs, ask_and_leave
from starlette.testclient import TestClient

from shortlist.encoders.hashed import HashedEncoder
from shortlist.server.app import Parts, create_app
from shortlist.server.batching.batcher import Batcher
from shortlist.server.batching.embedder import Embedder
from shortlist.server.batching.scorer import InlineScorer
from shortlist.server.middleware.guard import Guard

ASKED = {"query": " ".join(f"word{place}" for place in range(30)), "text_a": "tax is due", "text_b": "cats"}


def test_it_ends_with_the_client_that_asked():
    fake = FakePairs()
    batcher = Batcher(fake)
    guard = Guard(create_app(Parts(batcher, encoder=HashedEncoder(8))))
    called, go_on = threading.Event(), threading.Event()
    score = fake.score_pairs

    def score_pairs(pairs):
        called.set()
        go_on.wait(10)
        return score(pairs)

    fake.score_pairs = score_pairs

    async def run():
        gone = asyncio.Event()
        task = asyncio.ensure_future(ask_and_leave(guard, "/why", ASKED, gone))
        while not called.is_set():
            await asyncio.sleep(0.005)
        gone.set()
        await asyncio.sleep(0.05)
        go_on.set()
        await asyncio.wait_for(task, 5)
        await asyncio.sleep(0.3)  # would be long enough for the other words

    asyncio.run(run())
    batcher.close()
    assert guard.requests == 0
    assert len(fake.calls) == 1


def test_more_at_a_time_than_there_are_threads():
    app = create_app(Parts(InlineScorer(FakePairs()), encoder=HashedEncoder(8)))

    async def run():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asked:
            body = {**ASKED, "query": "when is tax due"}
            tasks = [asked.post("/why", json=body) for _ in range(60)]
            return await asyncio.wait_for(asyncio.gather(*tasks), 20)

    assert [answer.status_code for answer in asyncio.run(run())] == [200] * 60


class Counting(HashedEncoder):
    """Notes how many texts each call holds."""

    def __init__(self):
        super().__init__(8)
        self.calls = []

    def encode_queries(self, texts):
        self.calls.append(len(texts))
        return super().encode_queries(texts)


def test_its_words_wait_in_the_queue_of_the_bi_encoder():
    encoder = Counting()
    embedder = Embedder(encoder, queue_texts=2)
    fake = FakePairs()
    through = create_app(Parts(InlineScorer(fake), encoder=encoder, embedder=embedder))
    with TestClient(through) as client:
        found = client.post("/why", json=ASKED).json()
        plain = TestClient(create_app(Parts(InlineScorer(fake), encoder=HashedEncoder(8)))).post("/why", json=ASKED)
    assert found == plain.json()
    assert set(encoder.calls) == {1}
    embedder.close()
    refused = TestClient(through, raise_server_exceptions=False).post("/why", json=ASKED)
    assert refused.status_code == 429
