from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass

import pytest

from shortlist.errors import BadScores, InvalidInput


@dataclass
class FakePair:
    ids: range
    query: str
    text: str


def fake_score(query, text):
    """What the fakes give: a number that only this pair has."""
    return float(hash((query, text)) % 1_000_003) / 1000


class FakePairs:
    """Scores pairs of many queries together; a text of "bad" gives NaN and one of "boom" raises."""

    name = "fake"
    pointwise = True
    batch_rows = 8

    def __init__(self, seconds_a_pair=0.0):
        self.seconds = seconds_a_pair
        self.calls: list[list[FakePair]] = []
        self.open = threading.Event()
        self.open.set()

    def pairs(self, query, texts, *, max_tokens=None):
        if not query.strip():
            raise InvalidInput("the query is empty: give at least one word")
        room = max_tokens or 100
        words = [len(text.split()) for text in texts]
        made = [FakePair(range(1 + min(n, room)), query, text) for n, text in zip(words, texts, strict=True)]
        return made, [n > room for n in words]

    def score_pairs(self, pairs):
        self.open.wait(10)
        self.calls.append(list(pairs))
        time.sleep(self.seconds * len(pairs))
        if any(pair.text == "boom" for pair in pairs):
            raise RuntimeError("the model fell over")
        if any(pair.text == "bad" for pair in pairs):
            raise BadScores("nan")
        return [fake_score(pair.query, pair.text) for pair in pairs]

    def score(self, query, texts):
        return self.score_pairs(self.pairs(query, texts)[0])


def value(text, name):
    """The number that `/metrics` gives under `shortlist_` and `name`."""
    return float(next(line for line in text.splitlines() if line.startswith(f"shortlist_{name} ")).split()[-1])


@pytest.fixture
def fake():
    return FakePairs()


async def ask_and_leave(app, path, body, gone):
    """One POST of `body` by a client that leaves once the asyncio event `gone` is set, and reads no answer."""
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive():
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        raise AssertionError("nobody is there to be answered")

    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
    await app({**scope, "http_version": "1.1", "scheme": "http"}, receive, send)
