"""Components and pipelines of Haystack as stage one, without Haystack."""

import pytest

import framework_fakes as fakes
from shortlist.errors import InvalidInput, RetrieverFailed
from shortlist.search.foreign.haystack import haystack_filters
from shortlist.search.search import Search

WHERE = {"year": 2024, "tag": ["a", "b"]}
FILTERS = {
    "operator": "AND",
    "conditions": [
        {"field": "meta.year", "operator": "==", "value": 2024},
        {"field": "meta.tag", "operator": "in", "value": ["a", "b"]},
    ],
}


def test_a_component_gets_the_query_the_number_and_the_filter_after_its_warm_up():
    component = fakes.HaystackRetriever()
    search = Search(component)
    search.search("q", pool_size=5)
    search.search("q", pool_size=5, where=WHERE)
    assert component.calls == ["warm_up", ("q", None, 5), ("q", FILTERS, 5)]


def test_the_document_of_a_split_is_found():
    hit = Search(fakes.HaystackRetriever()).search("q")[0]
    assert (hit.id, hit.document_id) == ("a", "a file")


def test_a_component_of_several_retrievers_gives_the_number_to_each():
    class MultiRetriever:
        def run(self, query, filters=None, top_k_per_retriever=None, top_k=None):
            self.given = (top_k_per_retriever, top_k)
            return {"documents": fakes.haystack_documents(2)}

    component = MultiRetriever()
    Search(component).search("q", pool_size=30)
    assert component.given == (30, 30)


def test_a_component_without_a_number_has_a_limit_of_its_own():
    class Fixed:
        top_k = 2

        def run(self, query):
            return {"documents": fakes.haystack_documents(self.top_k)}

    note = Search(Fixed()).search("q", pool_size=30).note("retriever_limited")
    assert note.values == {"count": 2, "k": 30, "limit": 2, "line": "retriever.top_k = 30"}
    with pytest.raises(InvalidInput, match="the retriever Fixed has no input filters, so it cannot filter"):
        Search(Fixed()).search("q", where=WHERE)


def test_a_super_component_has_its_inputs_in_a_mapping():
    class SuperComponent:
        def __init__(self):
            self.input_mapping = {"query": ["embedder.text"], "top_k": ["retriever.top_k"]}

        def run(self, **inputs):
            return {"documents": fakes.haystack_documents(inputs["top_k"])}

    assert len(Search(SuperComponent()).search("q", pool_size=3, top_k=3)) == 3


def test_an_async_component_works():
    class Async:
        def run(self, query, top_k=None):
            raise NotImplementedError

        async def run_async(self, query, top_k=None):
            return {"documents": fakes.haystack_documents(top_k)}

    assert len(Search(Async()).search("q", pool_size=3, top_k=3)) == 3


def test_a_component_that_needs_more_than_a_query_is_refused():
    class Embedding:
        def run(self, query_embedding, filters=None, top_k=None):
            return {}

    class Ranker:
        def run(self, query, documents, top_k=None):
            return {}

    class Writer:
        def run(self, **inputs):
            return {}

    with pytest.raises(InvalidInput, match=r"needs query_embedding: .* Wrap it in a TextEmbeddingRetriever"):
        Search(Embedding())
    with pytest.raises(InvalidInput, match="the retriever Ranker is a component whose run needs documents"):
        Search(Ranker())
    with pytest.raises(InvalidInput, match="needs no query"):
        Search(Writer())


def test_an_embedder_and_a_retriever_in_a_pipeline():
    pipeline = fakes.Pipeline(
        {"embedder": {"text": True}, "retriever": {"filters": False, "top_k": False, "scale_score": False}}
    )
    assert len(Search(pipeline).search("q", pool_size=4, top_k=4)) == 4
    assert pipeline.data == {"embedder": {"text": "q"}, "retriever": {"top_k": 4}}
    Search(pipeline).search("q", pool_size=4, where=WHERE)
    assert pipeline.data["retriever"] == {"filters": FILTERS, "top_k": 4}


def test_a_pipeline_without_filters_refuses_a_filter():
    with pytest.raises(InvalidInput, match="the retriever Pipeline has no input filters"):
        Search(fakes.Pipeline({"retriever": {"query": True}})).search("q", where=WHERE)


def test_a_pipeline_that_needs_more_than_a_query_is_refused():
    inputs = {"retriever": {"query": True}, "prompt": {"question": True}}
    with pytest.raises(InvalidInput, match=r"is a pipeline that needs prompt.question: give a function"):
        Search(fakes.Pipeline(inputs))
    with pytest.raises(InvalidInput, match=r"is a pipeline that needs no query"):
        Search(fakes.Pipeline({"retriever": {"query_embedding": False}}))


def test_a_pipeline_ends_in_one_list_of_documents():
    inputs = {"retriever": {"query": True}}
    several = {"bm25": {"documents": []}, "dense": {"documents": []}}
    with pytest.raises(RetrieverFailed, match=r"ends in several lists of documents \(bm25, dense\): join them"):
        Search(fakes.Pipeline(inputs, several)).search("q")
    with pytest.raises(RetrieverFailed, match="its output must have documents"):
        Search(fakes.Pipeline(inputs, {"llm": {"replies": ["42"]}})).search("q")


def test_conditions_have_the_operators_of_haystack():
    where = {"year": {"gte": 2020, "lt": 2024}, "kind": {"ne": "draft"}, "tag": {"nin": ["a", "b"]}}
    where["lang"] = ["de", "en"]
    conditions = haystack_filters(where)["conditions"]
    assert [(part["field"], part["operator"], part["value"]) for part in conditions] == [
        ("meta.year", ">=", 2020),
        ("meta.year", "<", 2024),
        ("meta.kind", "!=", "draft"),
        ("meta.tag", "not in", ["a", "b"]),
        ("meta.lang", "in", ["de", "en"]),
    ]
    with pytest.raises(InvalidInput, match=r"Haystack cannot answer sku\^=AB"):
        haystack_filters({"sku": {"prefix": "AB"}})
