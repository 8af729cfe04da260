from types import SimpleNamespace

import pytest

from fakes import WordReranker
from shortlist import rerank
from shortlist.errors import InvalidInput


class Node:
    def __init__(self, text):
        self.text = text


@pytest.mark.parametrize(
    "make",
    [
        str,
        lambda text: {"text": text, "id": 7},
        lambda text: {"page_content": text},
        lambda text: {"document": {"text": text}},
        lambda text: SimpleNamespace(page_content=text),
        lambda text: SimpleNamespace(content=text),
        Node,
    ],
)
def test_any_shape_comes_back_as_the_same_object(make):
    given = [make(text) for text in ("red dog", "a local file", "local")]
    ranked = rerank("local file", given, WordReranker())
    assert [one.item for one in ranked] == [given[1], given[2], given[0]]
    assert [one.item is given[one.index] for one in ranked] == [True] * 3
    assert [(one.rank, one.index, one.score) for one in ranked] == [(1, 1, 1.0), (2, 2, 0.5), (3, 0, 0.0)]


def test_k_cuts_the_answer_not_the_scoring():
    reranker = WordReranker()
    assert len(rerank("a", ["a", "b", "c"], reranker, k=2)) == 2
    assert reranker.calls == [("a", ["a", "b", "c"])]


def test_no_candidates_give_nothing():
    assert rerank("a", [], WordReranker()) == []


def test_duplicates_are_kept():
    assert [one.index for one in rerank("a", ["a", "a"], WordReranker())] == [0, 1]


@pytest.mark.parametrize(("item", "shown"), [({"id": 3}, r"\['id'\]"), (42, "int"), (None, "NoneType")])
def test_a_candidate_without_text_is_named(item, shown):
    with pytest.raises(InvalidInput, match=f"candidate 1 has no text \\({shown}\\): give strings"):
        rerank("a", ["fine", item], WordReranker())


@pytest.mark.parametrize(
    ("query", "k", "message"), [(" ", None, "query is empty"), ("a", 0, r"k \(--top\) must be at least 1")]
)
def test_bad_arguments(query, k, message):
    with pytest.raises(InvalidInput, match=message):
        rerank(query, ["a"], WordReranker(), k=k)
