from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass

from shortlist.errors import BadScores, InvalidInput

SECONDS = 600
"""How long a test waits for what must happen. It is a limit for a program that hangs, and not a time that passes: on a
busy machine, 50 requests can take more than a minute."""


async def until(condition, tasks=()):
    """Let other tasks and threads run until the condition holds. No task in `tasks` may end before."""

    async def poll():
        while not condition():
            ended = [task for task in tasks if task.done()]
            assert not ended, f"a task ended too early: {ended[0]}"
            await asyncio.sleep(0.001)

    await asyncio.wait_for(poll(), SECONDS)


@dataclass
class FakePair:
    ids: range
    query: str
    text: str

    @property
    def length(self):
        return len(self.ids)


def fake_score(query, text):
    """A number that only this pair has."""
    return float(hash((query, text)) % 1_000_003) / 1000


class Gate:
    """Holds the calls that pass it while it is closed. `entered` counts the calls that have reached it."""

    def __init__(self):
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()
        self.entered = 0

    def close(self):
        self._open.clear()

    def open(self):
        self._open.set()

    def enter(self):
        with self._lock:
            self.entered += 1
        assert self._open.wait(SECONDS)


class FakePairs:
    """Scores pairs of many queries together. A text of "bad" gives NaN, and a text of "boom" raises."""

    name = "fake"
    pointwise = True
    batch_rows = 8

    def __init__(self):
        self.calls: list[list[FakePair]] = []
        self.gate = Gate()

    def pairs(self, query, texts, *, max_tokens=None):
        if not query.strip():
            raise InvalidInput("the query is empty: give at least one word")
        room = max_tokens or 100
        words = [len(text.split()) for text in texts]
        pairs = [FakePair(range(1 + min(count, room)), query, text) for count, text in zip(words, texts, strict=True)]
        return pairs, [count > room for count in words]

    def score_pairs(self, pairs):
        self.gate.enter()
        self.calls.append(list(pairs))
        if any(pair.text == "boom" for pair in pairs):
            raise RuntimeError("the model fell over")
        if any(pair.text == "bad" for pair in pairs):
            raise BadScores("nan")
        return [fake_score(pair.query, pair.text) for pair in pairs]

    def score(self, query, texts):
        return self.score_pairs(self.pairs(query, texts)[0])


def value(text, name):
    """The number that `/metrics` shows under `shortlist_` and `name`."""
    return float(next(line for line in text.splitlines() if line.startswith(f"shortlist_{name} ")).split()[-1])


async def ask_and_leave(app, path, body, gone):
    """Send one POST of `body`. The client leaves when the asyncio event `gone` is set, and reads no answer."""
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive():
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        raise AssertionError("the client has left and reads no answer")

    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
    await app({**scope, "http_version": "1.1", "scheme": "http"}, receive, send)
