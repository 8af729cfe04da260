"""The queue of the bi-encoder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time

import numpy as np
import pytest
from starlette.concurrency import run_in_threadpool

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, QueueFull
from shortlist.server.batching.embedder import Embedder, ToEmbed, embed_now
from shortlist.server.middleware.guard import Guard
from shortlist.server.middleware.observer import NoWatch
from shortlist.server.problems import Problem


class Slow(HashedEncoder):
    """Waits for `open`, and keeps what it was asked; counts words as tokens, reads 100, and fails at "boom"."""

    def __init__(self):
        super().__init__(8)
        self.calls, self.open = [], threading.Event()
        self.open.set()

    def tokens_of(self, texts, *, query=False):
        counts = [len(text.split()) for text in texts]
        return [min(count, 100) for count in counts], [count > 100 for count in counts]

    def encode_passages(self, texts):
        self.open.wait(10)
        self.calls.append(list(texts))
        if "boom" in texts:
            raise RuntimeError("the model fell over")
        return HashedEncoder.encode_queries(self, texts)

    def encode_queries(self, texts):
        self.calls.append(list(texts))
        return -super().encode_queries(texts)


@contextlib.contextmanager
def embedder(encoder, **bounds):
    made = Embedder(encoder, **bounds)
    try:
        yield made
    finally:
        made.close()


def texts(name, count):
    return [f"{name} {place} " + "word " * (place % 40) for place in range(count)]


async def until(true):
    while not true():
        await asyncio.sleep(0.001)


def test_vectors_tokens_and_cuts_are_those_of_the_encoder_alone():
    asked = [ToEmbed(texts(name, 30), "input", query=name % 2 == 1) for name in range(6)]
    asked.append(ToEmbed(["word " * 200], "input", truncate=True))

    async def run(held):
        return await asyncio.gather(*map(held.embed, asked))

    with embedder(Slow()) as held:
        found = asyncio.run(run(held))
        assert held.depth == 0
    for one, made in zip(asked, found, strict=True):
        alone = embed_now(Slow(), one)
        assert np.array_equal(made.vectors, alone.vectors)
        assert (made.tokens, made.truncated) == (alone.tokens, alone.truncated)


def test_one_text_does_not_wait_for_a_long_request():
    encoder = Slow()
    encoder.open.clear()

    async def run(held):
        long = asyncio.ensure_future(held.embed(ToEmbed(["word " * 90] * 300, "input")))
        await until(lambda: held.depth == 300 and held._tickets and next(iter(held._tickets.values())).started)
        short = asyncio.ensure_future(held.embed(ToEmbed(["tax"], "input")))
        await until(lambda: len(held._queue) == 2)
        encoder.open.set()
        await asyncio.gather(short, long)

    with embedder(encoder) as held:
        asyncio.run(run(held))
    assert "tax" in encoder.calls[1]
    assert len(encoder.calls) > 10


def test_a_request_that_leaves_is_not_embedded_any_further():
    encoder = Slow()
    encoder.open.clear()

    async def run(held):
        task = asyncio.ensure_future(held.embed(ToEmbed(["word " * 90] * 300, "input")))
        await until(lambda: held._tickets and next(iter(held._tickets.values())).started)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert held.depth == 0
        encoder.open.set()
        await held.embed(ToEmbed(["tax"], "input"))

    with embedder(encoder) as held:
        asyncio.run(run(held))
    assert len(encoder.calls) == 2
    assert len(encoder.calls[0]) < 64


def test_a_full_queue_refuses_and_a_failure_stays_with_its_request():
    encoder = Slow()
    encoder.open.clear()

    async def run(held):
        first = asyncio.ensure_future(held.embed(ToEmbed(["a"], "input")))
        await until(lambda: held._tickets and next(iter(held._tickets.values())).started)
        others = [asyncio.ensure_future(held.embed(ToEmbed([text], "input"))) for text in ("boom", "fine")]
        await until(lambda: held.depth == 3)
        with pytest.raises(QueueFull):
            await held.embed(ToEmbed(["b", "c"], "input"))
        with pytest.raises(InvalidInput, match="5 texts in one request"):
            await held.embed(ToEmbed(["b"] * 5, "input"))
        with pytest.raises(Problem, match=r"input\.0 is longer than the 100 tokens"):
            await held.embed(ToEmbed(["word " * 200], "input"))
        encoder.open.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    with embedder(encoder, queue_texts=4) as held:
        first, boom, fine = asyncio.run(run(held))
    assert str(boom) == "the model fell over"
    assert (len(first.vectors), len(fine.vectors)) == (1, 1)


def test_a_full_queue_is_429_over_http(serve):
    encoder = Slow()
    with embedder(encoder, queue_texts=2) as held:
        client = serve(encoder=encoder, embedder=held)
        body = {"model": encoder.name, "input": ["tax is due", "cats"]}
        assert len(client.post("/v1/embeddings", json=body).json()["data"]) == 2
        held._depth = 1
        answer = client.post("/v1/embeddings", json=body)
        held._depth = 0
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_a_request_counts_until_its_thread_has_come_back():
    """A client that leaves frees no thread, so it may not free the request's place either."""
    threads, done = [], threading.Event()

    async def app(scope, receive, send):
        await receive()
        await run_in_threadpool(lambda: (threads.append(threading.get_ident()), done.wait(10)))

    async def run():
        guard, gone = Guard(app), asyncio.Event()
        messages = [{"type": "http.request", "body": json.dumps({}).encode(), "more_body": False}]

        async def receive():
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        task = asyncio.ensure_future(guard({"type": "http", "path": "/embed"}, receive, None))
        await until(lambda: threads)
        gone.set()
        until_then = time.monotonic() + 0.1
        await until(lambda: task.done() or time.monotonic() > until_then)
        held = guard.requests
        done.set()
        await asyncio.wait_for(task, 5)
        return held, guard.requests

    assert asyncio.run(run()) == (1, 0)


def test_no_batches_are_told_of_a_bi_encoder():
    """Those that /metrics counts are the reranker's."""

    class Told(NoWatch):
        def __init__(self):
            self.stages, self.rounds = [], []

        def took(self, stage, seconds):
            self.stages.append(stage)

        def ran(self, one):
            self.rounds.append(one)

    told = Told()
    with embedder(Slow(), watch=told) as held:
        asyncio.run(held.embed(ToEmbed(texts("a", 3), "input")))
    assert told.stages == ["tokenise", "wait", "score"]
    assert told.rounds == []
