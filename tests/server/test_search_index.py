"""`/search` over an index on disk: the answers of the search itself, many at a time, without folders."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

import shortlist
import tiny
from shortlist import CrossEncoder, SearchConfig

WORDS = ["red cat", "blue dog", "green file", "local server", "the dog runs", "a red passage"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A client, the search behind it, and the folder that must not show."""
    folder = tmp_path_factory.mktemp("someone")
    for place, words in enumerate(WORDS):
        file = folder / "notes" / f"year{place % 2}" / f"{place}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {words}\n\n{words} {place}")
    reranker = CrossEncoder(str(tiny.cross_encoder(folder / "mine")), precision="exact")
    config = SearchConfig(bi_encoder="hashed-32", weights={"dense": 1.5}, pool_size=6, top_k=6)
    (folder / "apart").mkdir()
    with shortlist.open(folder / "apart" / "index", create=True, config=config, reranker=reranker) as index:
        index.add(folder / "notes")
        with TestClient(shortlist.asgi(index)) as client:
            yield client, index.searcher, folder


def search(client, query, **fields):
    answer = client.post("/search", json={"query": query, **fields})
    assert answer.status_code == 200, answer.text
    return answer


def hits_of(answer):
    return answer.json()["hits"]


def test_the_answer_is_that_of_the_search_and_names_no_folder(served):
    client, searcher, folder = served
    answer = search(client, "red dog")
    ranking = searcher.search("red dog")
    assert [hit["text"] for hit in hits_of(answer)] == [hit.text for hit in ranking]
    assert [hit["score"] for hit in hits_of(answer)] == pytest.approx([hit.score for hit in ranking], abs=1e-5)
    assert {hit["source"] for hit in hits_of(answer)} >= {"year0/0.md", "year1/1.md"}
    assert folder.name not in answer.text
    assert folder.parent.name not in answer.text


def test_searches_at_the_same_time_stay_apart(served):
    client, _, _ = served
    alone = {query: hits_of(search(client, query)) for query in WORDS}
    with ThreadPoolExecutor(12) as clients:
        queries = WORDS * 6
        together = list(clients.map(lambda query: hits_of(search(client, query)), queries))
    for query, hits in zip(queries, together, strict=True):
        assert [hit["id"] for hit in hits] == [hit["id"] for hit in alone[query]]
        assert [hit["score"] for hit in hits] == pytest.approx([hit["score"] for hit in alone[query]], abs=1e-5)


@pytest.mark.parametrize(
    ("where", "sources"),
    [
        ({"source": "year0/0.md"}, {"year0/0.md"}),
        ({"source": ["year0/0.md", "year1/1.md"]}, {"year0/0.md", "year1/1.md"}),
        ({"format": "md", "source": "year0/2.md"}, {"year0/2.md"}),
        ({"document_id": ["year0/0.md", "no such"]}, {"year0/0.md"}),
        ({'a"': 1}, set()),
        ({"format": "pdf"}, set()),
        ({"a b[": 1}, set()),
        ({"": True}, set()),
        ({"\x00": 1e30}, set()),
    ],
)
def test_filters(served, where, sources):
    assert {hit["source"] for hit in hits_of(search(served[0], "red dog", where=where))} == sources


@pytest.mark.parametrize(
    ("where", "code", "message"),
    [
        (
            {"source": "no such file"},
            "filter_unknown_value",
            "no passage matches the filter source=no such file: some values of source are '",
        ),
        ({"colour": "red"}, "filter_unknown_field", "no passage has the field 'colour': the fields are "),
    ],
)
def test_an_empty_answer_has_its_reason(served, where, code, message):
    answer = search(served[0], "red dog", where=where).json()
    assert answer["hits"] == []
    assert [note["code"] for note in answer["notes"]] == [code]
    assert answer["notes"][0]["message"].startswith(message)
    assert search(served[0], "red dog").json()["notes"] == []


def test_a_filter_that_cannot_be_used(served):
    answer = served[0].post("/search", json={"query": "red", "where": {"a": []}})
    assert (answer.status_code, answer.json()["field"]) == (422, "where")
    assert "empty" in answer.json()["message"]


def test_a_search_without_a_stored_curve_is_refused_without_a_path(served):
    client, _, folder = served
    answer = client.post("/search", json={"query": "red", "min_probability": 0.5})
    assert (answer.status_code, answer.json()["error"]) == (422, "not_fitted")
    assert answer.json()["message"].endswith("Run: shortlist calibrate QUERIES --index DIR")
    assert folder.name not in answer.text
    adaptive = search(client, "red", pool_size="auto").json()
    assert [note["code"] for note in adaptive["notes"]] == ["no_stop_rule"]


def test_the_context_has_the_passages_around_hits_and_names_no_folder(served):
    client, _, folder = served
    answer = search(client, "red dog", neighbours=1, budget_tokens=200, top_k=3)
    context = answer.json()["context"]
    assert context["tokens"] <= 200
    assert [block["number"] for block in context["blocks"]] == [1, 2, 3]
    for block, hit in zip(context["blocks"], hits_of(answer), strict=True):
        assert (block["source"], block["passages"][0]["id"]) == (hit["source"], hit["id"])
        assert block["passages"][0]["rank"] == hit["rank"]
        assert f"[{block['number']}] {block['source']} {block['place']}\n" in context["text"]
    assert folder.name not in answer.text
    small = search(client, "red dog", budget_tokens=25, context=True).json()["context"]
    assert [note["message"] for note in small["notes"]] == [
        "budget_tokens is 25: "
        + ", ".join(
            part
            for part in (
                f"{small['cut']} passage cut" if small["cut"] else "",
                f"{small['left_out_hits']} hits left out",
            )
            if part
        )
    ]
    assert search(client, "red dog", where={"year": 1}, context=True).json()["context"]["blocks"] == []
    assert search(client, "red dog", context=True).json()["context"]["budget_tokens"] is None
    for fields in ({}, {"context": False}, {"section": False}):
        assert "context" not in search(client, "red dog", **fields).json()


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"neighbours": 21}, "neighbours", "use 0 to 20"),
        ({"neighbours": "1"}, "neighbours", "must be a whole number, not the text '1'"),
        ({"budget_tokens": 0}, "budget_tokens", "at least 1, not 0"),
        ({"budget_tokens": 10**12}, "budget_tokens", "use at most 10,000,000"),
        ({"budget_tokens": 1}, "budget_tokens", "too few for the best hit"),
        ({"section": True, "neighbours": 2}, "section", "give one of the two"),
        ({"context": False, "neighbours": 2}, "context", "neighbours asks for a context"),
    ],
)
def test_a_context_that_is_not_possible_is_an_error(served, fields, field, message):
    answer = served[0].post("/search", json={"query": "red dog", **fields})
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert message in answer.json()["message"]
