"""The queue of the bi-encoder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading

import numpy as np
import pytest
from standins import SECONDS, Gate, until
from starlette.concurrency import run_in_threadpool

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, QueueFull
from shortlist.server.batching.embedder import Embedder, EmbedRequest, embed_now
from shortlist.server.middleware.guard import Guard
from shortlist.server.middleware.observer import Observer
from shortlist.server.problems import Problem


class GatedEncoder(HashedEncoder):
    """Passages wait at the gate. It counts words as tokens, reads 100 of them, and fails at "boom"."""

    window = 100

    def __init__(self):
        super().__init__(8)
        self.calls, self.gate = [], Gate()

    def token_counts(self, texts, *, query=False):
        counts = [len(text.split()) for text in texts]
        return [min(count, 100) for count in counts], [count > 100 for count in counts]

    def encode_passages(self, texts):
        self.gate.enter()
        self.calls.append(list(texts))
        if "boom" in texts:
            raise RuntimeError("the model fell over")
        return HashedEncoder.encode_queries(self, texts)

    def encode_queries(self, texts):
        self.calls.append(list(texts))
        return -super().encode_queries(texts)


@contextlib.contextmanager
def queue_of(encoder, **bounds):
    embedder = Embedder(encoder, **bounds)
    try:
        yield embedder
    finally:
        if isinstance(encoder, GatedEncoder):
            encoder.gate.open()  # after a failed assertion, close would wait for a round at a closed gate
        embedder.close()


def texts(name, count):
    return [f"{name} {place} " + "word " * (place % 40) for place in range(count)]


def start(embedder, *texts_given):
    return asyncio.ensure_future(embedder.embed(EmbedRequest(texts_given, "input")))


def test_vectors_tokens_and_cuts_are_those_of_the_encoder_alone():
    requests = [EmbedRequest(texts(name, 30), "input", query=name % 2 == 1) for name in range(6)]
    requests.append(EmbedRequest(["word " * 200], "input", truncate=True))

    async def run(embedder):
        return await asyncio.gather(*map(embedder.embed, requests))

    with queue_of(GatedEncoder()) as embedder:
        results = asyncio.run(run(embedder))
        assert embedder.depth == 0
    for request, result in zip(requests, results, strict=True):
        alone = embed_now(GatedEncoder(), request)
        assert np.array_equal(result.vectors, alone.vectors)
        assert (result.tokens, result.truncated) == (alone.tokens, alone.truncated)


def test_a_single_text_does_not_wait_for_a_long_request():
    encoder = GatedEncoder()

    async def run(embedder):
        encoder.gate.close()
        long = start(embedder, *["word " * 90] * 300)
        await until(lambda: encoder.gate.entered == 1)
        short = start(embedder, "tax")
        await until(lambda: embedder.waiting == 2)
        encoder.gate.open()
        await asyncio.gather(short, long)

    with queue_of(encoder) as embedder:
        asyncio.run(run(embedder))
    assert "tax" in encoder.calls[1]
    assert len(encoder.calls) > 10


def test_a_request_that_leaves_is_not_embedded_any_further():
    encoder = GatedEncoder()

    async def run(embedder):
        encoder.gate.close()
        task = start(embedder, *["word " * 90] * 300)
        await until(lambda: encoder.gate.entered == 1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert embedder.depth == 0
        encoder.gate.open()
        await start(embedder, "tax")

    with queue_of(encoder) as embedder:
        asyncio.run(run(embedder))
    assert len(encoder.calls) == 2
    assert len(encoder.calls[0]) < 64


def test_a_full_queue_refuses_and_a_failure_stays_with_its_request():
    encoder = GatedEncoder()

    async def run(embedder):
        encoder.gate.close()
        first = start(embedder, "a")
        await until(lambda: encoder.gate.entered == 1)
        others = [start(embedder, text) for text in ("boom", "fine")]
        await until(lambda: embedder.waiting == 2)
        with pytest.raises(QueueFull):
            await start(embedder, "b", "c")
        with pytest.raises(InvalidInput, match="5 texts in one request"):
            await start(embedder, *["b"] * 5)
        with pytest.raises(Problem, match=r"item 0 .* of the field 'input' is longer than the 100 tokens"):
            await start(embedder, "word " * 200)
        encoder.gate.open()
        return await asyncio.gather(first, *others, return_exceptions=True)

    with queue_of(encoder, queue_texts=4) as embedder:
        first, boom, fine = asyncio.run(run(embedder))
    assert str(boom) == "the model fell over"
    assert (len(first.vectors), len(fine.vectors)) == (1, 1)


def test_a_full_queue_is_429_over_http(serve):
    encoder = GatedEncoder()
    with queue_of(encoder, queue_texts=2) as embedder:
        client = serve(encoder=encoder, embedder=embedder)
        body = {"model": encoder.name, "input": ["tax is due", "cats"]}
        assert len(client.post("/v1/embeddings", json=body).json()["data"]) == 2
    answer = client.post("/v1/embeddings", json=body)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_a_request_counts_until_its_thread_has_returned():
    """A client that leaves frees no thread, so the request keeps its place, too."""
    began, done = threading.Event(), threading.Event()

    async def app(scope, receive, send):
        await receive()
        await run_in_threadpool(lambda: (began.set(), done.wait(SECONDS)))

    async def run():
        guard, gone = Guard(app), asyncio.Event()
        messages = [{"type": "http.request", "body": json.dumps({}).encode(), "more_body": False}]

        async def receive():
            if messages:
                return messages.pop()
            await gone.wait()
            left.set()
            return {"type": "http.disconnect"}

        left = asyncio.Event()
        task = asyncio.ensure_future(guard({"type": "http", "path": "/embed"}, receive, None))
        await until(began.is_set)
        gone.set()
        await asyncio.wait_for(left.wait(), SECONDS)
        for _ in range(10):  # the guard cancels the request in these turns of the loop
            await asyncio.sleep(0)
        requests = guard.requests
        done.set()
        await asyncio.wait_for(task, SECONDS)
        return requests, guard.requests

    assert asyncio.run(run()) == (1, 0)


def test_the_rounds_of_a_bi_encoder_are_not_reported():
    """The batches in /metrics are those of the reranker."""

    class Recorder(Observer):
        def __init__(self):
            self.stages, self.rounds = [], []

        def took(self, stage, seconds):
            self.stages.append(stage)

        def ran(self, round):
            self.rounds.append(round)

    recorder = Recorder()
    with queue_of(GatedEncoder(), observer=recorder) as embedder:
        asyncio.run(embedder.embed(EmbedRequest(texts("a", 3), "input")))
    assert recorder.stages == ["tokenise", "wait", "score"]
    assert recorder.rounds == []
