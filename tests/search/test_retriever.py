"""Any function as stage one."""

import math
import sqlite3
from collections import namedtuple
from datetime import datetime
from types import SimpleNamespace
from uuid import UUID

import pytest

from fakes import WordReranker
from shortlist.errors import InvalidInput, RetrieverFailed, StoreRefused
from shortlist.search.pool import Retrieved
from shortlist.search.retriever import as_retriever, from_function
from shortlist.search.search import Search
from shortlist.types import Document, Hit, Note, Passage
from shortlist.wording import describe


def retriever_of(*rows):
    return from_function(lambda query, k: list(rows), name="mine:search")


def test_the_order_of_the_rows_is_the_ranking():
    hits = retriever_of(("b", "second letter", 0.1), ("a", "first letter", 9), ("c", "third letter")).retrieve("q", 10)
    assert [(hit.id, hit.rank, hit.retrieval_rank) for hit in hits] == [("b", 1, 1), ("a", 2, 2), ("c", 3, 3)]
    assert [hit.score for hit in hits] == [hit.retrieval_score for hit in hits] == [0.1, 9.0, pytest.approx(1 / 3)]


def test_dicts_may_have_a_title_a_document_and_metadata():
    row = {"id": 7, "text": "a text", "score": 2, "title": "Guide", "document_id": "d", "metadata": {"year": 2024}}
    hit = retriever_of(row, {"id": "x", "text": "another"}, Hit.of("h", "a hit", 3.0)).retrieve("q", 10)[0]
    assert (hit.id, hit.text, hit.title, hit.document_id, hit.metadata) == ("7", "a text", "Guide", "d", {"year": 2024})
    assert hit.score == 2.0


SHA = "982d9e3eb996f559"
"""The start of the SHA-256 of "text"."""


def test_ids_become_strings():
    key = UUID("12345678123456781234567812345678")
    hits = retriever_of((7, "seven"), (key, "uuid"), ("é", "accent"), {"_id": 8, "text": "eight"}).retrieve("q", 10)
    assert [hit.id for hit in hits] == ["7", str(key), "é", "8"]
    assert [hit.document_id for hit in hits] == [hit.id for hit in hits]


def test_a_missing_id_is_made_from_the_text():
    rows = ["text", {"text": "text"}, {"id": None, "body": "other"}, (None, "text"), SimpleNamespace(content="new")]
    hits = retriever_of(*rows).retrieve("q", 10)
    assert [hit.id for hit in hits] == [SHA, "d9298a10d1b07358", "11507a0e2f5e69d5"]
    assert hits.notes == (Note("repeated_rows", count=2),)
    assert retriever_of("text").retrieve("another query", 3)[0].id == SHA


Named = namedtuple("Named", ["score", "text", "id"])  # not in the order of a tuple


@pytest.mark.parametrize(
    "row",
    [
        ("a", "the text", 0.5),
        ["a", "the text", 0.5],
        {"id": "a", "text": "the text", "score": 0.5},
        {"id": "a", "page_content": "the text", "score": 0.5},
        SimpleNamespace(id="a", content="the text", score=0.5),
        (SimpleNamespace(id="a", page_content="the text"), 0.5),
        ({"id": "a", "text": "the text"}, 0.5),
        Named(0.5, "the text", "a"),
        Hit.of("a", "the text", 0.5),
    ],
)
def test_a_row_may_have_many_shapes(row):
    (hit,) = retriever_of(row).retrieve("q", 10)
    assert (hit.id, hit.text, hit.score, hit.retrieval_score) == ("a", "the text", 0.5, 0.5)


def test_the_names_of_a_database_row_take_precedence_over_its_order():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    named = connection.execute("select 0.5 as score, 'the text' as text, 3 as id").fetchall()
    unnamed = connection.execute("select 3 as number, 'the text' as words").fetchall()
    connection.close()
    assert [(hit.id, hit.text, hit.score) for hit in retriever_of(*named).retrieve("q", 3)] == [("3", "the text", 0.5)]
    assert [(hit.id, hit.text) for hit in retriever_of(*unnamed).retrieve("q", 3)] == [("3", "the text")]


def test_our_own_documents_and_passages_are_rows():
    rows = [Document("d", "text d", "Title", {"year": 2024}), Passage("p#0", "text p", document_id="p", title="Head")]
    hits = retriever_of(*rows).retrieve("q", 10)
    shown = [(hit.id, hit.text, hit.title, hit.document_id, hit.metadata) for hit in hits]
    assert shown == [("d", "text d", "Title", "d", {"year": 2024}), ("p#0", "text p", "Head", "p", {})]


def test_metadata_become_plain_fields():
    metadata = {"none": None, "date": datetime(2024, 5, 1), "author": {"name": "Ada"}, "tags": ("a", 1), 7: b"raw"}
    (hit,) = retriever_of({"id": "a", "text": "text", "meta": metadata}).retrieve("q", 1)
    assert hit.metadata == {"date": "2024-05-01T00:00:00", "author.name": "Ada", "tags": ["a", 1]}


def test_the_document_of_a_passage_is_found():
    rows = [
        SimpleNamespace(id="a", text="one", ref_doc_id="doc 1"),
        SimpleNamespace(id="b", text="two", metadata={"document_id": "doc 2"}),
        SimpleNamespace(id="c", content="three", meta={"source_id": "doc 3"}),
    ]
    assert [hit.document_id for hit in retriever_of(*rows).retrieve("q", 9)] == ["doc 1", "doc 2", "doc 3"]


def test_a_distance_becomes_a_score_that_is_better_if_higher():
    rows = [("a", "near", 0.25), ("b", "far", 1.5), ("c", "unknown")]
    hits = from_function(lambda query, k: rows, lower_is_better=True).retrieve("q", 3)
    assert [(hit.id, hit.rank) for hit in hits] == [("a", 1), ("b", 2), ("c", 3)]
    assert [hit.retrieval_score for hit in hits] == [-0.25, -1.5, pytest.approx(1 / 3)]
    assert [hit.signals for hit in hits] == [{"distance": 0.25}, {"distance": 1.5}, {}]
    pairs = [(SimpleNamespace(page_content="near"), 0.25)]
    assert from_function(lambda query, k: pairs, lower_is_better=True).retrieve("q", 3)[0].score == -0.25


def test_an_error_of_the_retriever_has_its_name():
    def broken(query, k):
        raise ConnectionError("no route to host")

    def breaks_late(query, k):
        yield "a", "text"
        raise ConnectionError("no route to host")

    for function in (broken, breaks_late):
        with pytest.raises(
            RetrieverFailed, match=r"the retriever b.* failed: ConnectionError: no route to host"
        ) as caught:
            Search(function).search("q")
        assert isinstance(caught.value.__cause__, ConnectionError)
    with pytest.raises(RetrieverFailed, match="mine:search failed"):
        from_function(broken, name="mine:search").retrieve("q", 3)


def test_an_error_of_our_own_stays():
    def refused(query, k):
        raise StoreRefused("the key is missing")

    with pytest.raises(StoreRefused, match="the key is missing"):
        Search(refused).search("q")


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

    hits = from_function(endless, name="mine:search").retrieve("q", 3)
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
        (("", "text"), "row 1 of 1 has the id '': an id is text, a whole number or a UUID"),
        (("a", 7), "passage 'a' has the text 7"),
        ("  ", "row 1 of 1 has no text"),
        ({"text": ""}, "row 1 of 1 has no text"),
        (Hit.of("a", ""), "passage 'a' has no text"),
        (SimpleNamespace(id=7, content=None), "passage '7' has no text"),
        ((SimpleNamespace(id="a", page_content=" "), 0.5), "passage 'a' has no text"),
        ((2.5, "text"), "row 1 of 1 has the id 2.5"),
        ((True, "text"), "row 1 of 1 has the id True"),
        (("a", "text", "high"), "the score of passage 'a' is 'high', not a finite number"),
        (("a", "text", math.nan), "the score of passage 'a' is nan"),
        (("a", "text", [1]), r"the score of passage 'a' is \[1\]"),
        ({"id": "a", "text": "t", "metadata": 3}, "the metadata of passage 'a' is 3, not a dict"),
        ({"no": "text"}, "row 1 of 1 is .*give .id, text, score. tuples, or strings, dicts or objects with a text"),
        (b"bytes", "row 1 of 1 is b'bytes'"),
        (("a", "b", 1.0, 2.0), "row 1 of 1 is"),
        (7, "row 1 of 1 is 7"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(row, message):
    with pytest.raises(RetrieverFailed, match=f"mine:search: {message}"):
        retriever_of(row).retrieve("q", 3)


def test_a_row_of_a_generator_has_no_total():
    with pytest.raises(RetrieverFailed, match=r"row 2 \(counted from 1\) is 7"):
        from_function(lambda query, k: iter([("a", "text"), 7]), name="mine:search").retrieve("q", 3)


@pytest.mark.parametrize("answer", [None, "text", {"a": 1}, 7])
def test_an_answer_that_is_not_a_list_is_refused(answer):
    with pytest.raises(RetrieverFailed, match=r"mine:search returned .*: it must return a list of rows"):
        from_function(lambda query, k: answer, name="mine:search").retrieve("q", 3)


def test_a_filter_needs_a_function_with_where():
    filters = []

    def search(query, k, where=None):
        filters.append(where)
        return [("a", "text")]

    retriever = from_function(search, name="mine:search")
    retriever.retrieve("q", 3, {"year": 2024})
    retriever.retrieve("q", 3)
    assert filters == [{"year": 2024}, None]
    with pytest.raises(InvalidInput, match="where: mine:search cannot filter, because the function has") as caught:
        retriever_of(("a", "text")).retrieve("q", 3, {"year": 2024})
    assert caught.value.field == "where"


def test_where_needs_no_default():
    filters = []

    def positional(query, k, where):
        filters.append(where)
        return [("a", "text")]

    def by_name(query, k, *, where):
        return positional(query, k, where)

    for function in (positional, by_name):
        search = Search(function)
        assert [hit.id for hit in search.search("q")] == ["a"]
        search.search("q", where={"year": 2024})
    assert filters == [None, {"year": 2024}] * 2


def test_a_callable_object_is_a_retriever_and_a_class_is_not():
    class Client:
        def __call__(self, query, k):
            return [("a", f"{query} {k}")]

    assert Search(Client()).search("q", pool_size=4)[0].text == "q 4"
    with pytest.raises(InvalidInput, match=r"function is .*: give a function"):
        from_function(Client)
    for part in (Client, 7, None):
        with pytest.raises(InvalidInput, match=r"mine:client is .*: a retriever is an object with a method retrieve"):
            as_retriever(part, "mine:client")


def test_the_name_of_a_store_is_no_retriever():
    with pytest.raises(InvalidInput, match=r"'chroma:notes@./chroma': shortlist.open\(NAME\) opens"):
        Search("chroma:notes@./chroma")


@pytest.mark.parametrize("function", [lambda query: [], lambda: [], lambda query, k, other: []])
def test_a_function_needs_two_parameters(function):
    with pytest.raises(InvalidInput, match=r"does not accept \(query, k\): give a function with two parameters"):
        Search(function)


def test_an_object_with_a_shorter_retrieve_is_a_retriever():
    class NoFilter:
        def retrieve(self, query, k):
            return [Hit.of("a", f"{query} {k}"), "a text"]

    search = Search(NoFilter())
    assert [hit.text for hit in search.search("q", pool_size=4, top_k=2)] == ["q 4", "a text"]
    assert "retriever='NoFilter'" in repr(search)
    with pytest.raises(
        InvalidInput, match="the retriever NoFilter cannot filter, because the function has no parameter"
    ) as caught:
        search.search("q", where={"year": 2024})
    assert caught.value.field == "where"
