"""Requests of other dialects of small real inputs. The files are next to the checkout, and not in it."""

from __future__ import annotations

import gzip
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shortlist.server.operations import Operations, operated


def of(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [name], indirect=True, ids=[name])


@of("20-server")
def test_the_requests_of_other_dialects(case, serve):
    client = TestClient(operated(serve().app, Operations(origins=("http://app.local",))))
    answers = {}
    for name, words in commands(case / "curl.sh"):
        method, path, content, headers = request_of(words)
        answers[name] = client.request(method, f"{client.base_url}{path}", content=content, headers=headers)
    refused = {name: answer.text for name, answer in answers.items() if answer.status_code != 200}
    assert len(answers) > 15
    assert set(refused) <= set(WITH_REASON), refused
    for name, reason in WITH_REASON.items():
        assert reason in refused[name]


MODELS = {"shortlist-reranker-v1": "words", "all-MiniLM-L6-v2": "hashed-8"}
"""The models of the requests, and those of the tests."""

WITH_REASON = {
    "cohere_dup": "'top_n' must be at least 1",
    "embed_tokens": "input contains token ids",
    "embed_str": "model 'text-embedding-3-small' not found",
    "slashslash": "there is nothing at //v1/rerank",
    "trailing": "there is nothing at /v1/rerank/",
}
"""Requests that are right to fail, and a part of the answer."""


def commands(script: Path) -> Iterator[tuple[str, list[str]]]:
    """The requests of the script: their names and the words of the command."""
    for line in script.read_text(encoding="utf-8").splitlines():
        if line.startswith("t "):
            packed = re.sub(r"--data-binary @<\(printf ('.*?') \| gzip\)", r"--packed \1", line[2:])
            name, *words = shlex.split(packed)
            yield name, words


def request_of(words: list[str]) -> tuple[str, str, bytes | None, dict[str, str]]:
    """The method, the path, the body and the headers of a command."""
    given = {words[place]: words[place + 1] for place in range(len(words) - 1) if words[place].startswith("-")}
    headers = dict(words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "-H")
    body = given.get("-d", given.get("--packed"))
    for name, model in MODELS.items():
        body = body and body.replace(name, model)
    content = None if body is None else gzip.compress(body.encode()) if "--packed" in given else body.encode()
    if body is not None:
        headers["content-type"] = "application/json" if "$J" in words else "application/x-www-form-urlencoded"
    [address] = [word for word in words if word.startswith("$B")]
    return given.get("-X", "GET" if body is None else "POST"), address.removeprefix("$B"), content, headers
