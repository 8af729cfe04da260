"""`/search` over an index on disk: the pipeline's own answers, many at a time, and none of this host's folders."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

import tiny
from shortlist.collection.ingest import Ingest
from shortlist.documents import discover
from shortlist.encoders.hashed import HashedEncoder
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.redaction import Names
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.retrievers.engine import Hybrid
from shortlist.search.pipeline import Shortlist
from shortlist.server.app import Parts, create_app
from shortlist.server.batching.scorer import InlineScorer
from shortlist.text import Splitter

WORDS = ["red cat", "blue dog", "green file", "local server", "the dog runs", "a red passage"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A client, the pipeline behind it, and the folder that must not show."""
    folder = tmp_path_factory.mktemp("someone")
    for place, words in enumerate(WORDS):
        file = folder / "notes" / f"year{place % 2}" / f"{place}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {words}\n\n{words} {place}")
    encoder = HashedEncoder(32)
    with EmbeddedIndex.create(folder / "apart" / "index", encoder_name=encoder.name, dimension=32) as index:
        sources, _ = discover([folder / "notes"])
        Ingest(index, encoder, Splitter(lambda text: len(text.split()), 40)).run(sources)
        reranker = CrossEncoder(str(tiny.cross_encoder(folder / "mine")), precision="exact")
        pipeline = Shortlist(Hybrid(index, encoder), reranker, weights={"dense": 1.5})
        names = Names.of(index.ledger.known_sources())
        with TestClient(create_app(Parts(InlineScorer(reranker), pipeline, encoder, names=names))) as client:
            yield client, pipeline, folder


def answers(client, query, **fields):
    answer = client.post("/search", json={"query": query, "pool_size": 6, "k": 6, **fields})
    assert answer.status_code == 200, answer.text
    return answer


def test_the_answer_is_the_pipelines_and_names_no_folder(served):
    client, pipeline, folder = served
    answer = answers(client, "red dog")
    wanted = pipeline.search("red dog", pool_size=6, k=6)
    assert [hit["text"] for hit in answer.json()["hits"]] == [hit.passage.text for hit in wanted.hits]
    assert [hit["score"] for hit in answer.json()["hits"]] == pytest.approx(
        [hit.score for hit in wanted.hits], abs=1e-5
    )
    assert {hit["source"] for hit in answer.json()["hits"]} >= {"year0/0.md", "year1/1.md"}
    assert folder.name not in answer.text
    assert folder.parent.name not in answer.text


def test_searches_at_the_same_time_stay_apart(served):
    client, _, _ = served
    alone = {query: answers(client, query).json()["hits"] for query in WORDS}
    with ThreadPoolExecutor(12) as clients:
        asked = WORDS * 6
        together = list(clients.map(lambda query: answers(client, query).json()["hits"], asked))
    for query, hits in zip(asked, together, strict=True):
        assert [hit["id"] for hit in hits] == [hit["id"] for hit in alone[query]]
        assert [hit["score"] for hit in hits] == pytest.approx([hit["score"] for hit in alone[query]], abs=1e-5)


@pytest.mark.parametrize(
    ("where", "found"),
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
def test_filters(served, where, found):
    assert {hit["source"] for hit in answers(served[0], "red dog", where=where).json()["hits"]} == found


def test_a_filter_that_nothing_meets_is_told(served):
    answer = answers(served[0], "red dog", where={"source": "no such file"}).json()
    assert (answer["hits"], answer["why_nothing"]) == ([], "no passage has what the filter asks for")
    assert answers(served[0], "red dog").json()["why_nothing"] == ""


def test_a_filter_that_cannot_be_asked(served):
    answer = served[0].post("/search", json={"query": "red", "where": {"a": []}})
    assert (answer.status_code, answer.json()["field"]) == (422, "where")
    assert "empty" in answer.json()["message"]
