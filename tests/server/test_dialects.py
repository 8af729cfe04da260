"""The requests, answers and errors of each dialect, with the same scores in all."""

from __future__ import annotations

import math

import pytest

import tiny
from fakes import WordReranker
from shortlist import CrossEncoder
from shortlist.registry import load_encoder
from shortlist.server.options import RequestLimits
from shortlist.types import RerankerInfo, Scores

QUERY = "when is tax due"
TEXTS = ["cats sleep", "when is tax due", "a tax"]
LOGITS = [0.0, 1.0, 0.25]

COHERE = {"model": "words", "query": QUERY, "documents": TEXTS}
BODIES = {
    "/v2/rerank": COHERE,
    "/v1/rerank": COHERE,
    "/voyage/v1/rerank": COHERE,
    "/rerank": {"query": QUERY, "texts": TEXTS},
    "/rerank#infinity": COHERE,
}


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def path_of(route: str) -> str:
    return route.split("#")[0]


def ranked(answer) -> list[tuple[int, float]]:
    body = answer.json()
    assert answer.status_code == 200, body
    rows = body if isinstance(body, list) else body.get("results", body.get("data"))
    return [(row["index"], row["score"] if "score" in row else row["relevance_score"]) for row in rows]


@pytest.mark.parametrize("route", BODIES)
def test_every_dialect_gives_the_same_order_and_scores(client, route):
    order = ranked(client.post(path_of(route), json=BODIES[route]))
    assert order == [(place, pytest.approx(sigmoid(LOGITS[place]))) for place in (1, 2, 0)]


class Hosted(WordReranker):
    """Its scores are numbers in 0 to 1 and not logits, like those of most vendors."""

    def __init__(self, name="cohere:rerank-v3.5"):
        super().__init__()
        self.info = RerankerInfo(name, pointwise=True, unit="score")


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("model", ["cohere:rerank-v3.5", "rerank-v3.5"])
def test_scores_that_are_not_logits_stay(serve, route, raw, model):
    body = BODIES[route] if route == "/rerank" else {**BODIES[route], "model": model}
    raw_scores = {"raw_scores": raw} if route.startswith("/rerank") else {}
    order = ranked(serve(Hosted()).post(path_of(route), json=body | raw_scores))
    assert order == [(place, LOGITS[place]) for place in (1, 2, 0)]


@pytest.mark.parametrize(
    ("name", "also"),
    [
        ("mixedbread:mixedbread-ai/mxbai", ["mixedbread-ai/mxbai", "mxbai"]),
        ("vllm:a/b@http://host:8000/v1/rerank", ["a/b", "b"]),
        ("tei:http://host:8080/rerank", []),
    ],
)
def test_a_hosted_model_answers_to_its_name_without_the_vendor(serve, name, also):
    client = serve(Hosted(name))
    codes = {model: client.post("/v2/rerank", json={**COHERE, "model": model}).status_code for model in (name, *also)}
    assert set(codes.values()) == {200}
    for model in ("", "rerank", "host:8080/rerank", "rerank-v3.5"):
        assert client.post("/v2/rerank", json={**COHERE, "model": model}).status_code == 404


@pytest.mark.parametrize(
    ("route", "size"), [(r, "top_k" if "voyage" in r else "top_n") for r in BODIES if r != "/rerank"]
)
@pytest.mark.parametrize(("requested", "count"), [(1, 1), (2, 2), (99, 3), (None, 3)])
def test_top_n(client, route, size, requested, count):
    assert len(ranked(client.post(path_of(route), json={**BODIES[route], size: requested}))) == count


def test_tei_returns_all_texts_and_raw_scores(client):
    body = {**BODIES["/rerank"], "raw_scores": True, "return_text": True}
    assert client.post("/rerank", json=body).json() == [
        {"index": place, "score": LOGITS[place], "text": TEXTS[place]} for place in (1, 2, 0)
    ]


def test_infinity_raw_scores_and_documents(client):
    answer = client.post("/rerank", json={**COHERE, "raw_scores": True, "return_documents": True, "top_n": 1}).json()
    assert answer["object"] == "rerank"
    assert answer["results"] == [{"relevance_score": 1.0, "index": 1, "document": TEXTS[1]}]
    assert set(answer) == {"object", "results", "model", "usage", "id", "created"}


def test_infinity_accepts_its_default_model_name(client):
    assert client.post("/rerank", json={**COHERE, "model": "default/not-specified"}).status_code == 200


def test_cohere_answers_without_documents(client):
    answer = client.post("/v2/rerank", json={**COHERE, "priority": 3}).json()
    assert all(set(row) == {"index", "relevance_score"} for row in answer["results"])
    assert answer["meta"]["api_version"] == {"version": "2"}
    assert answer["meta"]["billed_units"] == {"search_units": 1}


def test_cohere_returns_documents_on_request(client):
    answer = client.post("/v2/rerank", json={**COHERE, "return_documents": True, "top_n": 1}).json()
    assert answer["results"][0]["document"] == {"text": TEXTS[1]}


def test_jina_returns_documents_by_default(client):
    assert client.post("/v1/rerank", json=COHERE).json()["results"][0]["document"] == {"text": TEXTS[1]}
    bare = client.post("/v1/rerank", json={**COHERE, "return_documents": False}).json()
    assert all("document" not in row for row in bare["results"])


def test_jina_reads_objects_and_rank_fields(client):
    documents = [{"text": "cats"}, {"title": "tax", "body": "is due", "text": "no"}]
    answer = client.post("/v1/rerank", json={"query": QUERY, "documents": documents})
    assert ranked(answer)[0] == (0, 0.5)
    fields = {"query": QUERY, "documents": documents[1:], "rank_fields": ["title", "body"]}
    answer = client.post("/v1/rerank", json=fields)
    assert ranked(answer) == [(0, pytest.approx(sigmoid(0.75)))]
    assert answer.json()["results"][0]["document"] == documents[1]


def test_jina_rank_fields_of_null_count_as_not_given(client):
    documents = [{"title": None, "text": QUERY}]
    answer = client.post("/v1/rerank", json={"query": QUERY, "documents": documents, "rank_fields": ["title", "text"]})
    assert ranked(answer) == [(0, pytest.approx(sigmoid(1.0)))]
    assert answer.json()["results"][0]["document"] == documents[0]


def test_jina_accepts_top_k_and_refuses_a_contradiction(client):
    assert len(ranked(client.post("/v1/rerank", json={**COHERE, "top_k": 1}))) == 1
    assert client.post("/v1/rerank", json={**COHERE, "top_k": 1, "top_n": 1}).status_code == 200
    both = client.post("/v1/rerank", json={**COHERE, "top_k": 1, "top_n": 2})
    assert both.status_code == 422
    assert "top_n=2 and top_k=1 contradict" in both.json()["detail"]


def test_voyage_returns_plain_documents(client):
    answer = client.post("/voyage/v1/rerank", json={**COHERE, "return_documents": True, "top_k": 1}).json()
    assert answer["object"] == "list"
    assert answer["data"][0]["document"] == TEXTS[1]
    assert "total_tokens" in answer["usage"]


def test_info_has_the_cap_for_tei_clients(serve):
    client = serve(limits=RequestLimits(max_documents=7))
    assert client.get("/info").json()["max_client_batch_size"] == 7


@pytest.mark.parametrize(("missing", "limit"), [({}, 3), ({"encoder": None}, 20), ({"scorer": None}, 3)])
def test_info_has_a_cap_that_every_route_accepts(serve, missing, limit):
    client = serve(limits=RequestLimits(max_documents=20, max_inputs=3), **missing)
    assert client.get("/info").json()["max_client_batch_size"] == limit


def test_info_names_the_models_and_their_windows(serve, tmp_path):
    reranker = CrossEncoder(str(tiny.cross_encoder(tmp_path / "ce")), precision="exact")
    encoder = load_encoder(str(tiny.encoder(tmp_path / "bi")), precision="exact")
    both = serve(reranker, encoder=encoder).get("/info").json()
    assert (both["model_id"], list(both["model_type"]), both["max_input_length"]) == ("ce", ["reranker"], 64)
    embeds = serve(scorer=None, encoder=encoder).get("/info").json()
    assert (embeds["model_id"], list(embeds["model_type"]), embeds["max_input_length"]) == ("bi", ["embedding"], 16)
    assert serve().get("/info").json()["max_input_length"] is None
    assert serve(scorer=None, encoder=None).get("/info").status_code == 503


class Cutting(WordReranker):
    """Counts a text of more than two words as cut."""

    def score(self, query, texts):
        return Scores(super().score(query, texts), [len(text.split()) > 2 for text in texts])


def test_cuts_are_reported(serve):
    client = serve(Cutting())
    warnings = ["1 of 3 documents were cut to the model's window"]
    assert client.post("/v2/rerank", json=COHERE).json()["meta"]["warnings"] == warnings
    assert client.post("/v1/rerank", json=COHERE).json()["meta"]["warnings"] == warnings
    assert client.post("/voyage/v1/rerank", json=COHERE).json()["warnings"] == warnings
    assert client.post("/rerank", json=COHERE).json()["warnings"] == warnings


def test_truncation_off_refuses_texts_that_would_be_cut(serve):
    client = serve(Cutting())
    voyage = client.post("/voyage/v1/rerank", json={**COHERE, "truncation": False})
    assert voyage.status_code == 400
    assert "item 1 (counted from 0) of the field 'documents' is longer" in voyage.json()["detail"]
    tei = client.post("/rerank", json=BODIES["/rerank"])
    assert tei.status_code == 422
    assert tei.json() == {
        "error": "item 1 (counted from 0) of the field 'texts' is longer than the model reads: shorten it, or allow "
        "truncation",
        "error_type": "Tokenizer",
    }
    assert client.post("/rerank", json={**BODIES["/rerank"], "truncate": True}).status_code == 200


@pytest.mark.parametrize(("cap", "words", "limit"), [(2, 3, "the 2 tokens that"), (63, 90, "the model reads")])
def test_a_refusal_for_length_names_the_limit(serve, tmp_path, cap, words, limit):
    client = serve(CrossEncoder(str(tiny.cross_encoder(tmp_path)), precision="exact"))
    body = {"query": "query", "documents": ["cat", "dog " * words], "truncation": False}
    answer = client.post("/v1/rerank", json={**body, "max_doc_length": cap})
    assert answer.status_code == 422
    assert f"item 1 (counted from 0) of the field 'documents' is longer than {limit}" in answer.json()["detail"]


def test_tei_cuts_with_auto_truncate(serve):
    client = serve(Cutting(), limits=RequestLimits(auto_truncate=True))
    assert client.post("/rerank", json=BODIES["/rerank"]).status_code == 200
    assert client.post("/rerank", json={**BODIES["/rerank"], "truncate": False}).status_code == 422


def test_cutting_on_the_left_is_refused(client):
    answer = client.post("/rerank", json={**BODIES["/rerank"], "truncate": True, "truncation_direction": "Left"})
    assert answer.status_code == 422


def test_models_are_listed_by_every_name(serve):
    client = serve(limits=RequestLimits(model_names=("rerank-v3.5",)))
    names = [model["id"] for model in client.get("/v1/models").json()["data"]]
    assert names == ["words", "hashed-8", "rerank-v3.5"]
    assert client.get("/v1/models/words").json()["object"] == "model"
    assert client.get("/v1/models/no/such").status_code == 404
    assert client.get("/v1/models/no/such").json()["error"]["code"] == "model_not_found"
    assert client.post("/v2/rerank", json={**COHERE, "model": "rerank-v3.5"}).status_code == 200


def test_a_known_model_answers_to_its_aliases(serve):
    reranker = WordReranker()
    reranker.name = "cross-encoder/ms-marco-MiniLM-L6-v2"
    client = serve(reranker)
    for name in (reranker.name, "ms-marco-MiniLM-L6-v2", "cross-encoder/ms-marco-MiniLM-L-6-v2"):
        assert client.post("/v2/rerank", json={**COHERE, "model": name}).status_code == 200
    assert client.post("/v2/rerank", json={**COHERE, "model": "BAAI/bge-reranker-base"}).status_code == 404


def test_every_model_name_is_accepted_with_a_star(serve):
    client = serve(limits=RequestLimits(model_names=("*",)))
    assert client.post("/v2/rerank", json={**COHERE, "model": "whatever"}).status_code == 200
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["words", "hashed-8"]


def test_a_model_in_a_folder_has_the_name_of_the_folder(serve):
    reranker = WordReranker()
    reranker.name = "/home/someone/models/mine"
    client = serve(reranker)
    assert client.post("/v1/rerank", json={**COHERE, "model": "mine"}).json()["model"] == "mine"
    assert "someone" not in client.post("/v2/rerank", json={**COHERE, "model": "other"}).text
    assert "someone" not in client.get("/v1/models").text
