"""By which names a server answers."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.server.app import Parts, create_app
from shortlist.server.middleware.hosts import hosts_of
from shortlist.server.middleware.keys import Keys
from shortlist.server.operations import Operations, operated

KEY = "a-key-of-some-length"
BODY = {"model": "hashed-8", "input": "tax"}


def code(host, *, listen="127.0.0.1", keys=(), more=(), path="/v1/embeddings"):
    held = Keys(keys)
    operations = Operations(keys=held, hosts=hosts_of(listen, held, more))
    app = operated(create_app(Parts(None, encoder=HashedEncoder(8))), operations)
    headers = {"Host": host, "X-API-Key": KEY}
    client = TestClient(app, headers=headers)
    return (client.get(path) if path == "/health" else client.post(path, json=BODY)).status_code


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8800", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8800"])
def test_a_server_on_this_machine_answers_to_its_names(host):
    assert code(host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8800", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1", "::"]
)
@pytest.mark.parametrize("listen", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_and_to_no_other(host, listen):
    assert code(host, listen=listen) == 421


def test_the_refusal_is_in_the_words_of_the_dialect():
    app = operated(create_app(Parts(None)), Operations(hosts=hosts_of("127.0.0.1", Keys([]), ())))
    answer = TestClient(app, headers={"Host": "evil.example"}).post("/v1/embeddings", json=BODY)
    assert "--allow-host" in answer.json()["error"]["message"]


def test_names_can_be_added_and_then_bind_on_any_address():
    assert code("rerank", more=["rerank"]) == 200
    assert code("rerank:8800", listen="0.0.0.0", keys=[KEY], more=["rerank"]) == 200
    assert code("evil.example", listen="0.0.0.0", more=["rerank"]) == 421


@pytest.mark.parametrize(
    "name",
    ["https://rerank.example.com", "rerank/", "a,b", "a b", "*.example.com", "me@rerank", "[::1", ":80", "", "é"],
)
def test_what_is_no_name_can_not_be_added(name):
    with pytest.raises(InvalidInput, match="give the name alone"):
        hosts_of("127.0.0.1", Keys([]), ["rerank", name])


@pytest.mark.parametrize("name", ["rerank_1.example.com", "rerank:8800", "10.0.0.7", "fd00::7", "[fd00::7]:8800"])
def test_names_and_addresses_can(name):
    assert code(f"[{name}]" if name == "fd00::7" else name, more=[name]) == 200


def test_with_keys_on_another_address_or_for_a_health_check_any_name_will_do():
    assert code("evil.example", keys=[KEY]) == 200
    assert code("evil.example", listen="0.0.0.0") == 200
    assert code("evil.example", path="/health") == 200


def test_the_address_listened_on_is_a_name():
    assert code("127.0.0.2:8800", listen="127.0.0.2") == 200
