"""The parts of `shortlist.integrations` that need no framework. `tests/clients` runs the classes."""

import copy
import importlib
import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import shortlist as sl
from fakes import ListRetriever, WordReranker
from shortlist.errors import InvalidInput, MissingExtra
from shortlist.integrations.calls import SharedReranker, SharedSearch
from shortlist.integrations.filters import where_of
from shortlist.integrations.metadata import ADDED, metadata_of, metadata_of_ranked
from shortlist.search.search import Search
from shortlist.types import Hit, RerankerInfo

FRAMEWORKS = {"langchain": "langchain_core", "llamaindex": "llama_index", "haystack": "haystack", "dspy": "dspy"}


def test_the_package_imports_no_framework():
    code = "import shortlist.integrations, sys; print(' '.join(sys.modules))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {name.partition(".")[0] for name in output.split()} & {*FRAMEWORKS.values(), "pydantic"}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_framework_that_is_not_installed_is_named(name, monkeypatch):
    monkeypatch.setitem(sys.modules, FRAMEWORKS[name], None)
    monkeypatch.delitem(sys.modules, f"shortlist.integrations.{name}", raising=False)
    with pytest.raises(MissingExtra, match=rf"shortlist.integrations.{name} needs .*pip install 'shortlist\[{name}\]'"):
        importlib.import_module(f"shortlist.integrations.{name}")


def test_a_search_by_name_is_opened_once_and_closed():
    config = sl.SearchConfig(reranker="attribute_parts:OwnReranker")
    shared = SharedSearch("attribute_parts:matches", config)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(shared.search, ["the red house"] * 8))
    assert {answer[0].id for answer in answers} == {"d"}
    opened = shared._opened
    shared.close()
    with pytest.raises(InvalidInput, match="is closed"):
        opened.search("red")
    assert shared.search("the red house", top_k=1)[0].id == "d"
    shared.close()


def test_an_open_search_is_not_closed():
    search = Search(ListRetriever(["a text"]))
    shared = SharedSearch(search)
    shared.close()
    assert shared.search("text")[0].text == "a text"
    assert copy.deepcopy(shared).given is search
    with pytest.raises(InvalidInput, match="search is 7: give an open index, a Search, or a name"):
        SharedSearch(7)


class Counting(WordReranker):
    """Counts the calls at the same time."""

    def __init__(self, most):
        super().__init__()
        self.info = RerankerInfo("counting", pointwise=True, max_concurrent=most)
        self.lock, self.running, self.highest = threading.Lock(), 0, 0
        self.both = threading.Barrier(most, timeout=10)

    def score(self, query, texts):
        with self.lock:
            self.running += 1
            self.highest = max(self.highest, self.running)
        self.both.wait()
        scores = super().score(query, texts)
        with self.lock:
            self.running -= 1
        return scores


@pytest.mark.parametrize("most", [1, 2])
def test_as_many_threads_score_as_the_reranker_allows(most):
    for make in (lambda part: SharedSearch(Search(ListRetriever(["a", "b"]), part)).search, None):
        reranker = Counting(most)
        shared = SharedReranker(reranker)
        call = make(reranker) if make else lambda query, shared=shared: shared.rank(query, ["a", "b"])
        with ThreadPoolExecutor(4) as threads:
            assert len(list(threads.map(call, ["q"] * 8))) == 8
        assert reranker.highest == most


def test_a_reranker_by_name_is_loaded_once():
    shared = SharedReranker("attribute_parts:OwnReranker")
    assert [item.document for item in shared.rank("red", ["blue", "red"])] == ["red", "blue"]
    assert shared._loaded[0] is shared._loaded[0]
    with pytest.raises(InvalidInput, match="the reranker is 7"):
        SharedReranker(7)


def test_notes_of_an_answer_are_logged(caplog):
    rows = [("a", "text"), ("a", "again")]
    with caplog.at_level(logging.INFO, logger="shortlist.integrations"):
        SharedSearch(Search(lambda query, k: rows)).search("q")
    assert caplog.messages == ["1 row of the retriever left out: an earlier row has the same id"]


def test_metadata_have_the_scores_and_ranks_of_both_stages():
    def retriever(query, k):
        return [
            {"id": "a", "text": "one"},
            {"id": "b", "text": "two", "title": "T", "meta": {"y": 1}},
        ]

    hit = Search(retriever, WordReranker()).search("two")[0]
    assert metadata_of(hit) == {
        "y": 1, "score": 1.0, "rank": 1, "rerank_score": 1.0, "retrieval_score": 0.5, "retrieval_rank": 2,
        "document_id": "b", "title": "T",
    }  # fmt: skip
    assert set(metadata_of(hit)) - {"y"} <= set(ADDED)
    plain = metadata_of(Hit.of("a", "text"))
    assert plain == {"score": 0.0, "rank": 1, "retrieval_score": 0.0, "retrieval_rank": 1, "document_id": "a"}
    (item,) = sl.rerank("two", ["two"], reranker=WordReranker())
    given = {"own": 1}
    assert metadata_of_ranked(item, given, 0.25) == {
        "own": 1, "score": 1.0, "rank": 1, "rerank_score": 1.0, "retrieval_score": 0.25, "retrieval_rank": 1,
    }  # fmt: skip
    assert given == {"own": 1}


YEAR = {"field": "meta.year", "operator": "==", "value": 2024}
TAGS = {"field": "tag", "operator": "in", "value": ["a", "b"]}


@pytest.mark.parametrize(
    ("filters", "where"),
    [
        (None, None),
        ({}, None),
        (YEAR, {"year": 2024}),
        ({"operator": "AND", "conditions": [YEAR, TAGS]}, {"year": 2024, "tag": ["a", "b"]}),
        ({"field": "meta.year", "operator": ">", "value": 2024}, {"year": {"gt": 2024}}),
        ({"field": "tag", "operator": "!=", "value": "a"}, {"tag": {"ne": "a"}}),
        ({"operator": "AND", "conditions": [YEAR, {"operator": "AND", "conditions": [TAGS]}]},
         {"year": 2024, "tag": ["a", "b"]}),
    ],
)  # fmt: skip
def test_filters_of_haystack_become_ours(filters, where):
    assert where_of(filters) == where


@pytest.mark.parametrize(
    "filters",
    [
        {"operator": "OR", "conditions": [YEAR]},
        {"operator": "NOT", "conditions": [YEAR]},
        {"field": "meta.year", "operator": "~", "value": 2024},
        {"field": "meta.year", "operator": "in", "value": 2024},
        {"field": "meta.year", "operator": "==", "value": [2024]},
        {"operator": "AND", "conditions": [YEAR, YEAR]},
        {"year": 2024},
    ],
)
def test_a_filter_that_cannot_be_applied_is_refused(filters):
    with pytest.raises(InvalidInput, match="cannot be applied") as caught:
        where_of(filters)
    assert caught.value.field == "filters"
