"""The retrievers of frameworks as stage one, without the frameworks."""

import subprocess
import sys
from pathlib import Path

import pytest

import framework_fakes as fakes
from fakes import WordReranker
from shortlist.errors import InvalidInput, RetrieverFailed
from shortlist.protocols import KeepsPrefix
from shortlist.search.retriever import as_retriever
from shortlist.search.search import Search
from shortlist.types import Note
from shortlist.wording import describe

QUERY = "tax is due"
TESTS = Path(__file__).parent.parent
IDS = list(fakes.TEXTS)

PARTS = {
    "langchain store": (fakes.VectorStore(), 6),
    "langchain store without scores": (fakes.PlainVectorStore(), 6),
    "langchain store, async alone": (fakes.AsyncVectorStore(), 6),
    "langchain retriever": (fakes.VectorStoreRetriever({"k": 6}), 6),
    "langchain retriever, async alone": (fakes.AsyncRetriever({"k": 2}), 2),
    "llamaindex": (fakes.LlamaIndexRetriever(6), 6),
    "haystack component": (fakes.HaystackRetriever(), 6),
    "haystack pipeline": (fakes.Pipeline({"retriever": {"query": True, "top_k": False}}), 6),
    "dspy": (fakes.DspyRetrieve(), 6),
    "dspy embeddings": (fakes.DspyEmbeddings(6), 6),
}


@pytest.fixture(params=PARTS)
def name(request):
    return request.param


def test_the_order_of_the_framework_is_the_ranking(name):
    part, count = PARTS[name]
    hits = as_retriever(part).retrieve(QUERY, 10)
    assert [hit.text for hit in hits] == list(fakes.TEXTS.values())[:count]
    assert [hit.rank for hit in hits] == list(range(1, count + 1))
    assert len(as_retriever(part).retrieve(QUERY, 2)) == 2
    if not name.startswith("dspy"):
        assert [hit.id for hit in hits] == IDS[:count]


def test_a_search_reranks_it(name):
    ranking = Search(PARTS[name][0], WordReranker()).search(QUERY, top_k=1)
    assert ranking[0].text == "tax is due"
    assert ranking[0].retrieval_rank == 2


def test_the_search_shows_its_class(name):
    part = PARTS[name][0]
    assert f"retriever='{type(part).__name__}'" in repr(Search(part))


def test_scores_of_unknown_direction_are_no_scores():
    for part in (fakes.VectorStore(), fakes.HaystackRetriever()):
        hits = as_retriever(part).retrieve(QUERY, 3)
        assert [hit.retrieval_score for hit in hits] == [1, 1 / 2, 1 / 3]
        assert [hit.signals["raw_score"] for hit in hits] == pytest.approx([0, 0.1, 0.2])


def test_similarities_are_scores():
    hits = as_retriever(fakes.LlamaIndexRetriever()).retrieve(QUERY, 2)
    assert [hit.score for hit in hits] == pytest.approx([0.9, 0.8])
    assert (hits[0].document_id, hits[0].metadata) == ("document of a", {"page": 3})
    assert [(hit.id, hit.score) for hit in as_retriever(fakes.DspyEmbeddings()).retrieve(QUERY, 2)] == [
        ("0", 0.5),
        ("1", 0.5),
    ]


def test_documents_keep_their_metadata_and_a_missing_id_is_made():
    hits = as_retriever(fakes.VectorStoreRetriever()).retrieve(QUERY, 4)
    assert hits[0].metadata == {"source": "a.md"}
    (hit,) = as_retriever(lambda query, k: [fakes.Document("cats sleep")]).retrieve(QUERY, 1)
    assert len(hit.id) == 16
    assert as_retriever(fakes.DspyRetrieve()).retrieve(QUERY, 1)[0].id == hit.id


LIMITED = [
    (fakes.VectorStoreRetriever(), 4, 'retriever.search_kwargs["k"] = 50'),
    (fakes.VectorStoreRetriever({"k": 2}), 2, 'retriever.search_kwargs["k"] = 50'),
    (fakes.LlamaIndexRetriever(2), 2, "retriever.similarity_top_k = 50"),
    (fakes.DspyEmbeddings(3), 3, "retriever.k = 50"),
]


@pytest.mark.parametrize(("part", "limit", "line"), LIMITED)
def test_a_limit_of_the_retriever_is_reported_with_the_line_that_lifts_it(part, limit, line):
    ranking = Search(part, WordReranker()).search(QUERY, pool_size=50)
    note = ranking.note("retriever_limited")
    assert note.values == {"count": limit, "k": 50, "limit": limit, "line": line}
    assert describe(note) == (
        f"the retriever returned {limit} of the 50 requested passages, because its own limit is {limit}: raise the "
        f"limit with {line}"
    )
    exec(line, {"retriever": part})
    assert len(as_retriever(part).retrieve(QUERY, 50)) == 6
    assert Search(part).search(QUERY, pool_size=50).note("retriever_limited") is None


def test_a_retriever_that_accepts_no_number_keeps_its_prefix():
    parts = {kind: as_retriever(part) for kind, (part, _) in PARTS.items()}
    assert {kind for kind, part in parts.items() if isinstance(part, KeepsPrefix)} == {
        "langchain retriever", "langchain retriever, async alone", "llamaindex", "dspy embeddings",
    }  # fmt: skip
    kept = parts["langchain retriever"]
    assert kept.retrieve(QUERY, kept.prefix_depth)[:2] == kept.retrieve(QUERY, 2)
    assert not isinstance(as_retriever(lambda query, k: []), KeepsPrefix)


def test_a_pool_within_the_limit_has_no_note():
    assert Search(fakes.VectorStoreRetriever()).search(QUERY, pool_size=4, top_k=4).notes == ()
    assert Search(fakes.VectorStore()).search(QUERY, pool_size=50).notes == ()
    assert Search(lambda query, k: [("a", "text")]).search(QUERY, pool_size=50).notes == ()


def test_an_unknown_limit_is_reported_as_unknown():
    class Ensemble:
        def invoke(self, query):
            return fakes.DOCUMENTS[:3]

    note = Search(Ensemble()).search(QUERY, pool_size=50).note("retriever_limited")
    assert note == Note("retriever_limited", count=3, k=50, limit=None, line="")
    assert describe(note).endswith("accepts no number of passages: if it has a limit of its own, raise the limit")


def test_a_limit_that_no_attribute_sets_has_the_argument():
    class BM25Retriever:
        _similarity_top_k = 2

        def retrieve(self, query):
            return fakes.NODES[:2]

    note = Search(BM25Retriever()).search(QUERY, pool_size=9).note("retriever_limited")
    assert note.values["line"] == "BM25Retriever(..., similarity_top_k=9)"


def test_a_runnable_of_an_async_function_works():
    class RunnableLambda:
        afunc = None

        def invoke(self, query):
            raise TypeError("Cannot invoke a coroutine function synchronously.")

        async def ainvoke(self, query):
            return fakes.DOCUMENTS

    assert len(Search(RunnableLambda()).search(QUERY, pool_size=6, top_k=6)) == 6


@pytest.mark.parametrize(
    "part", [fakes.VectorStore(), fakes.VectorStoreRetriever(), fakes.LlamaIndexRetriever(), fakes.DspyRetrieve()]
)
def test_a_framework_that_cannot_filter_refuses_a_filter(part):
    with pytest.raises(InvalidInput, match=rf"the retriever {type(part).__name__} cannot filter") as caught:
        Search(part).search(QUERY, where={"year": 2024})
    assert caught.value.field == "where"


def test_what_is_not_implemented_at_all_is_an_error_with_the_name():
    class Abstract:
        def invoke(self, query):
            raise NotImplementedError("abstract")

    with pytest.raises(RetrieverFailed, match="the retriever Abstract failed: NotImplementedError: abstract"):
        Search(Abstract()).search(QUERY)


def test_an_answer_that_is_no_list_is_refused():
    class Chain:
        def invoke(self, query):
            return {"answer": "42"}

    with pytest.raises(RetrieverFailed, match=r"the retriever Chain returned .*: it must return a list of rows"):
        Search(Chain()).search(QUERY)


def test_no_framework_is_imported():
    code = (
        "import sys, shortlist as sl, framework_fakes as f\n"
        "parts = [f.VectorStore(), f.VectorStoreRetriever(), f.LlamaIndexRetriever(), f.HaystackRetriever(),\n"
        "         f.DspyRetrieve()]\n"
        "for part in parts: sl.Search(part).search('q')\n"
        "print({name.partition('.')[0] for name in sys.modules} & "
        "{'langchain_core', 'llama_index', 'haystack', 'dspy', 'pydantic'})"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(TESTS)}
    ).stdout
    assert output.strip() == "set()"
