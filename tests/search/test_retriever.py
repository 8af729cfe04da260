"""Any function as stage one."""

import math

import pytest

from fakes import WordReranker
from shortlist.errors import InvalidInput
from shortlist.search.pool import Retrieved
from shortlist.search.retriever import RowsRetriever, as_retriever
from shortlist.search.search import Search
from shortlist.types import Hit, Note
from shortlist.wording import describe


def retriever_of(*rows):
    return RowsRetriever(lambda query, k: list(rows), "mine:search")


def test_the_order_of_the_rows_is_the_ranking():
    hits = retriever_of(("b", "second letter", 0.1), ("a", "first letter", 9), ("c", "third letter")).retrieve("q", 10)
    assert [(hit.id, hit.rank, hit.retrieval_rank) for hit in hits] == [("b", 1, 1), ("a", 2, 2), ("c", 3, 3)]
    assert [hit.score for hit in hits] == [hit.retrieval_score for hit in hits] == [0.1, 9.0, pytest.approx(1 / 3)]


def test_dicts_may_have_a_title_a_document_and_metadata():
    row = {"id": 7, "text": "a text", "score": 2, "title": "Guide", "document_id": "d", "metadata": {"year": 2024}}
    hit = retriever_of(row, {"id": "x", "text": "another"}, Hit.of("h", "a hit", 3.0)).retrieve("q", 10)[0]
    assert (hit.id, hit.text, hit.title, hit.document_id, hit.metadata) == ("7", "a text", "Guide", "d", {"year": 2024})
    assert hit.score == 2.0


def test_hits_are_numbered_anew():
    (hit,) = retriever_of(Hit.of("h", "a hit", 3.0)).retrieve("q", 10)
    assert (hit.id, hit.rank, hit.retrieval_rank, hit.score) == ("h", 1, 1, 3.0)


def test_of_several_rows_with_one_id_the_first_is_used():
    hits = retriever_of(("a", "first", 1.0), ("a", "again", 5.0), ("b", "other", 0.5)).retrieve("q", 10)
    assert [(hit.id, hit.text, hit.rank) for hit in hits] == [("a", "first", 1), ("b", "other", 2)]


def test_a_note_counts_the_rows_that_repeat_an_id():
    rows = [("a", "first"), ("a", "again"), ("b", "other"), ("a", "third"), ("c", "last"), ("c", "again")]
    search = Search(lambda query, k: rows, WordReranker())
    assert search.search("q", pool_size=5).note("repeated_rows") == Note("repeated_rows", count=3)
    assert search.search("q", pool_size=2, top_k=2).note("repeated_rows") == Note("repeated_rows", count=1)
    assert search.search("q", pool_size=1, top_k=1).notes == ()
    longer = search.search("q", pool_size=1, top_k=3, tail=True)
    assert ([hit.id for hit in longer], longer.note("repeated_rows").values) == (["a", "b", "c"], {"count": 2})
    assert search.search("q", rerank=False).note("repeated_rows").values == {"count": 3}
    words = [describe(Note("repeated_rows", count=count)) for count in (1, 2)]
    assert words == [
        f"{rows} of the retriever left out: an earlier row has the same id" for rows in ("1 row", "2 rows")
    ]


def test_the_notes_of_a_retriever_of_your_own_reach_the_answer():
    class Noting:
        prefix_depth = 10

        def retrieve(self, query, k, where=None):
            hits = [Hit.of(rank, "a text") for rank in range(1, 6)]
            return Retrieved(hits[:k], [Note("repeated_rows", count=k)])

    search = Search(Noting())
    assert search.search("q", pool_size=2).notes == (Note("repeated_rows", count=2),)
    assert search.search("q", pool_size=2, top_k=4, tail=True).notes == (Note("repeated_rows", count=4),)


def test_at_most_k_rows_are_read():
    def endless(query, k):
        number = 0
        while True:
            yield str(number), f"{query} {number}"
            number += 1

    hits = RowsRetriever(endless, "mine:search").retrieve("q", 3)
    assert [hit.text for hit in hits] == ["q 0", "q 1", "q 2"]


def test_no_rows_give_no_hits():
    assert retriever_of().retrieve("q", 3) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a", ""), "passage 'a' has no text"),
        (("a", None), "passage 'a' has no text"),
        ({"id": "a"}, "passage 'a' has no text"),
        ((3, "  "), "passage '3' has no text"),
        (("", "text"), "row 1 of 1 has the id '': an id is a string or a whole number"),
        ((None, "text"), "row 1 of 1 has the id None"),
        ((True, "text"), "row 1 of 1 has the id True"),
        (("a", "text", "high"), "the score of passage 'a' is 'high', not a finite number"),
        (("a", "text", math.nan), "the score of passage 'a' is nan"),
        (("a", "text", [1]), r"the score of passage 'a' is \[1\]"),
        ({"id": "a", "text": "t", "metadata": 3}, "the metadata of passage 'a' is 3, not a dict"),
        ({"text": "no id"}, "row 1 of 1 is .*give .id, text, score. tuples, or dicts with id"),
        ("a text", "row 1 of 1 is 'a text'"),
        (("a", "b", 1.0, 2.0), "row 1 of 1 is"),
        (7, "row 1 of 1 is 7"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(row, message):
    with pytest.raises(InvalidInput, match=f"mine:search: {message}"):
        retriever_of(row).retrieve("q", 3)


def test_a_row_of_a_generator_has_no_total():
    with pytest.raises(InvalidInput, match=r"row 2 \(counted from 1\) is 7"):
        RowsRetriever(lambda query, k: iter([("a", "text"), 7]), "mine:search").retrieve("q", 3)


@pytest.mark.parametrize("answer", [None, "text", {"a": 1}, 7])
def test_an_answer_that_is_not_a_list_is_refused(answer):
    with pytest.raises(InvalidInput, match=r"mine:search returned .*: it must return a list of rows"):
        RowsRetriever(lambda query, k: answer, "mine:search").retrieve("q", 3)


def test_a_filter_needs_a_function_with_where():
    filters = []

    def search(query, k, where=None):
        filters.append(where)
        return [("a", "text")]

    retriever = RowsRetriever(search, "mine:search")
    retriever.retrieve("q", 3, {"year": 2024})
    retriever.retrieve("q", 3)
    assert filters == [{"year": 2024}, None]
    with pytest.raises(InvalidInput, match="mine:search has no parameter where, so it cannot filter") as caught:
        retriever_of(("a", "text")).retrieve("q", 3, {"year": 2024})
    assert caught.value.field == "where"


def test_a_callable_object_is_a_retriever_and_a_class_is_not():
    class Client:
        def __call__(self, query, k):
            return [("a", f"{query} {k}")]

    assert Search(Client()).search("q", pool_size=4)[0].text == "q 4"
    for part in (Client, 7, "name", None):
        with pytest.raises(InvalidInput, match=r"mine:client is .*: a retriever is an object with a method retrieve"):
            as_retriever(part, "mine:client")
