"""The host names that a server answers to."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.server.app import create_app
from shortlist.server.components import Components
from shortlist.server.middleware.hosts import hosts_of
from shortlist.server.middleware.keys import Keys
from shortlist.server.operations import Operations, operated

KEY = "a-key-of-some-length"
BODY = {"model": "hashed-8", "input": "tax"}


def code(host, *, listen="127.0.0.1", keys=(), allowed=(), path="/v1/embeddings"):
    accepted = Keys(keys)
    operations = Operations(keys=accepted, hosts=hosts_of(listen, accepted, allowed))
    app = operated(create_app(Components(encoder=HashedEncoder(8))), operations)
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
def test_a_server_on_this_machine_answers_to_no_other_name(host, listen):
    assert code(host, listen=listen) == 421


def test_the_refusal_is_in_the_dialect_of_the_path():
    app = operated(create_app(Components()), Operations(hosts=hosts_of("127.0.0.1", Keys([]), ())))
    answer = TestClient(app, headers={"Host": "evil.example"}).post("/v1/embeddings", json=BODY)
    assert answer.json()["error"]["message"] == (
        "the Host header of the request has a name that this server does not accept. To accept the name, start the "
        "server with --allow-host NAME"
    )


def test_allowed_names_apply_on_any_address():
    assert code("rerank", allowed=["rerank"]) == 200
    assert code("rerank:8800", listen="0.0.0.0", keys=[KEY], allowed=["rerank"]) == 200
    assert code("evil.example", listen="0.0.0.0", allowed=["rerank"]) == 421


@pytest.mark.parametrize(
    "name",
    ["https://rerank.example.com", "rerank/", "a,b", "a b", "*.example.com", "me@rerank", "[::1", ":80", "", "é"],
)
def test_a_value_that_is_not_a_name_is_refused(name):
    with pytest.raises(InvalidInput, match="give the name alone"):
        hosts_of("127.0.0.1", Keys([]), ["rerank", name])


@pytest.mark.parametrize("name", ["rerank_1.example.com", "rerank:8800", "10.0.0.7", "fd00::7", "[fd00::7]:8800"])
def test_names_and_addresses_can_be_allowed(name):
    assert code(f"[{name}]" if name == "fd00::7" else name, allowed=[name]) == 200


def test_every_name_is_accepted_with_keys_on_another_address_and_for_a_health_check():
    assert code("evil.example", keys=[KEY]) == 200
    assert code("evil.example", listen="0.0.0.0") == 200
    assert code("evil.example", path="/health") == 200


def test_the_address_of_the_server_is_a_name():
    assert code("127.0.0.2:8800", listen="127.0.0.2") == 200
