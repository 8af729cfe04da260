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
        ({"source": "no such file"}, "filter_unknown_value", "no passage has source with a value of the filter"),
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
