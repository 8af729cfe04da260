from types import SimpleNamespace

import pytest

from fakes import ListRetriever, WordReranker
from shortlist import rerank
from shortlist.errors import BadScores, InvalidInput
from shortlist.search.pipeline import Shortlist
from shortlist.types import Document, Passage


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
    ("query", "k", "message"),
    [
        (" ", None, "query is empty"),
        (None, None, "the query is of type NoneType: give a string"),
        ("a", 0, r"k \(--top\) must be at least 1"),
        ("a", 2.0, r"k \(--top\) must be a whole number, not 2\.0"),
    ],
)
def test_bad_arguments(query, k, message):
    with pytest.raises(InvalidInput, match=message):
        rerank(query, ["a"], WordReranker(), k=k)


@pytest.mark.parametrize(
    "given", [iter, set, lambda texts: (text for text in texts), lambda texts: dict(enumerate(texts)).values()]
)
def test_any_iterable_may_hold_the_candidates(given):
    ranked = rerank("local file", given(["red dog", "a local file"]), WordReranker(), k=1)
    assert [one.item for one in ranked] == ["a local file"]


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        ("one string", r"one string was given where a list of texts is meant: put it into one, \['one string'\]"),
        ({"text": "one"}, "one dict was given where a list of texts is meant"),
        (None, "one NoneType was given where a list of texts is meant"),
    ],
)
def test_what_is_no_list_of_candidates_is_refused(candidates, message):
    with pytest.raises(InvalidInput, match=message):
        rerank("a", candidates, WordReranker())


@pytest.mark.parametrize(
    ("item", "read"),
    [
        ({"title": "Tax", "text": "Due in April."}, "Tax\nDue in April."),
        ({"title": "", "text": "Due"}, "Due"),
        ({"title": 7, "text": "Due"}, "Due"),
        ({"title": "Tax", "document": {"text": "Due"}}, "Due"),
        ({"document": {"title": "Tax", "text": "Due"}}, "Tax\nDue"),
        (Document("d", "Due", "Tax"), "Tax\nDue"),
        (Passage("p", "Due", title="Tax"), "Tax\nDue"),
        ({"text": "", "content": "tax"}, "tax"),
        ({"text": " ", "document": {"text": "tax"}}, "tax"),
        ({"text": ""}, ""),
        ({"text": "lone \ud800"}, "lone \ufffd"),
    ],
)
def test_what_a_model_reads_of_a_candidate(item, read):
    reranker = WordReranker()
    rerank("tax", [item], reranker)
    assert reranker.calls == [("tax", [read])]


@pytest.mark.parametrize("reranker", ["shortlist-reranker-v1", None, WordReranker])
def test_what_can_not_score_is_no_reranker(reranker):
    for use in (lambda: rerank("q", ["a"], reranker), lambda: Shortlist(ListRetriever(["a"]), reranker or 7)):
        with pytest.raises(InvalidInput, match=r"the reranker is .*give an object that has, such as CrossEncoder\(\)"):
            use()


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (["1", "2"], "words returned strings where one number a text is meant, such as '1'"),
        ("12", "words returned strings"),
        ([None, 1.0], r"words returned \[None, 1\.0\] where one number a text is meant"),
        (7, "words returned 7 where one number a text is meant"),
    ],
)
def test_scores_that_are_no_numbers_are_named(scores, message):
    with pytest.raises(BadScores, match=message):
        rerank("a", ["a", "b"], WordReranker(scores))


def test_a_reranker_that_returns_nothing_is_named():
    class Silent(WordReranker):
        def score(self, query, texts):
            return None

    with pytest.raises(BadScores, match="words returned None where one number a text is meant"):
        rerank("a", ["a"], Silent())
