"""Pages of other origins: nothing by default, and CORS for the origins that are allowed."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.server.app import create_app
from shortlist.server.components import Components
from shortlist.server.middleware.keys import Keys
from shortlist.server.middleware.origins import origins_of
from shortlist.server.operations import Operations, operated

KEY = "a-key-of-some-length"
APP = "https://app.example.com"
BODY = {"model": "hashed-8", "input": "tax"}
PREFLIGHT = {
    "Origin": APP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


def client_of(*origins, keys=()):
    operations = Operations(keys=Keys(keys), origins=origins_of(origins, Keys(keys)))
    return TestClient(operated(create_app(Components(encoder=HashedEncoder(8))), operations))


def allowed(answer):
    return answer.headers.get("access-control-allow-origin")


def test_by_default_no_other_origin_may_read():
    client = client_of()
    assert allowed(client.post("/v1/embeddings", json=BODY, headers={"Origin": APP})) is None
    answer = client.options("/v1/embeddings", headers=PREFLIGHT)
    assert (answer.status_code, allowed(answer)) == (405, None)
    assert "does not accept the method OPTIONS" in answer.text


@pytest.mark.parametrize("origin", [APP, f"{APP}/", "http://localhost:3000"])
def test_an_allowed_origin_gets_its_preflight_and_its_answers(origin):
    client = client_of(origin, keys=[KEY])
    own = origin.rstrip("/")
    answer = client.options("/v1/embeddings", headers=PREFLIGHT | {"Origin": own})
    assert (answer.status_code, allowed(answer)) == (200, own)
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    answer = client.post("/v1/embeddings", json=BODY, headers={"Origin": own, "Authorization": f"Bearer {KEY}"})
    assert (answer.status_code, allowed(answer)) == (200, own)
    assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers


def test_an_error_can_be_read_by_an_allowed_origin():
    answer = client_of(APP, keys=[KEY]).post("/v1/embeddings", json=BODY, headers={"Origin": APP})
    assert (answer.status_code, allowed(answer)) == (401, APP)


def test_another_origin_is_refused():
    client = client_of(APP)
    answer = client.options("/v1/embeddings", headers=PREFLIGHT | {"Origin": "https://evil.example"})
    assert (answer.status_code, allowed(answer)) == (400, None)
    assert allowed(client.post("/v1/embeddings", json=BODY, headers={"Origin": "https://evil.example"})) is None


def test_every_origin_needs_keys():
    with pytest.raises(InvalidInput, match="every origin, and the server has no keys") as caught:
        origins_of(["*"], Keys([]))
    assert caught.value.field == "allow_origins"
    assert allowed(client_of("*", keys=[KEY]).options("/v1/embeddings", headers=PREFLIGHT)) == "*"


@pytest.mark.parametrize("origin", ["app.example.com", "https://", "https://a.example/path", "ftp://a.example", ""])
def test_an_origin_of_another_form_is_an_error(origin):
    with pytest.raises(InvalidInput, match=r"write an origin such as https://app\.example\.com"):
        origins_of([origin], Keys([KEY]))
