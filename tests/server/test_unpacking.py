"""Bodies in gzip, with their limits."""

from __future__ import annotations

import gzip
import json
import random

import pytest
from test_errors import BODIES, check, path_of

from shortlist.server.middleware.guard import GuardLimits
from shortlist.server.options import RequestLimits

BODY = {"query": "tax", "texts": ["a tax", "cats"]}
PACKED = {"content-type": "application/json", "content-encoding": "gzip"}


def post(client, content, path="/rerank", **headers):
    return client.post(path, content=content, headers=PACKED | headers)


@pytest.mark.parametrize("route", BODIES)
def test_a_packed_body_is_read_on_every_route(client, route):
    plain = client.post(path_of(route), json=BODIES[route])
    packed = post(client, gzip.compress(json.dumps(BODIES[route]).encode()), path_of(route))
    assert packed.status_code == plain.status_code == 200
    assert set(packed.json()) == set(plain.json()) if isinstance(plain.json(), dict) else packed.json() == plain.json()


@pytest.mark.parametrize("encoding", ["GZIP", " gzip ", "x-gzip"])
def test_other_spellings(client, encoding):
    headers = {"content-encoding": encoding}
    assert post(client, gzip.compress(json.dumps(BODY).encode()), **headers).status_code == 200


def test_several_members_are_one_body(client):
    text = json.dumps(BODY).encode()
    assert post(client, gzip.compress(text[:20]) + gzip.compress(text[20:])).status_code == 200


def test_a_large_body_arrives_whole(client):
    draw = random.Random(0)
    texts = [" ".join(str(draw.random()) for _ in range(300)) for _ in range(60)]
    answer = post(client, gzip.compress(json.dumps(BODY | {"texts": texts, "return_text": True}).encode()))
    assert sorted(row["text"] for row in answer.json()) == sorted(texts)


@pytest.mark.parametrize("route", [route for route in BODIES if "#" not in route])
@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, br"])
def test_another_encoding_is_415_in_the_dialect_of_the_route(client, route, encoding):
    answer = post(client, b"anything", path_of(route), **{"content-encoding": encoding})
    check(answer, route, 415, "send it with Content-Encoding gzip")
    assert answer.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    "content",
    [b"", b"plain", gzip.compress(json.dumps(BODY).encode())[:-12], b"\x1f\x8b\x08"],
    ids=["empty", "plain", "cut", "magic"],
)
def test_a_body_that_is_not_gzip_is_malformed(client, content):
    answer = post(client, content)
    assert answer.status_code == 422
    assert "gzip" in answer.json()["error"]


def test_a_small_file_of_a_large_body_is_refused(serve):
    client = serve(limits=RequestLimits(max_body=100_000))
    bomb = gzip.compress(json.dumps(BODY | {"more": " " * 50_000_000}).encode())
    assert len(bomb) < 100_000
    answer = post(client, bomb)
    assert answer.status_code == 413
    assert "larger than 100000 bytes" in answer.text


def test_unpacked_bytes_count_for_the_bytes_in_flight(operated_server):
    from starlette.testclient import TestClient

    server = operated_server(limits=GuardLimits(body_bytes=200_000))
    client = TestClient(server.app, headers={"Host": "localhost"})
    body = gzip.compress(json.dumps(BODY | {"more": "x" * 1_000_000}).encode())
    answer = post(client, body)
    assert (answer.status_code, "as many bytes as this server allows" in answer.text) == (429, True)
    assert post(client, gzip.compress(json.dumps(BODY).encode())).status_code == 200
