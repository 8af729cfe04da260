"""What every store must do. A store joins by one entry in `store_makers.MAKERS` or `server_makers.SERVER_MAKERS`."""

from __future__ import annotations

import re

import numpy as np
import pytest

from server_makers import SERVER_MAKERS
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.registry import store_retriever
from shortlist.retrievers import Dense, Hybrid
from shortlist.search.filters import holds, predicates_of, where_of
from shortlist.search.filters.conditions import SYMBOLS
from shortlist.stores.kinds import KINDS, load_store
from shortlist.types import Passage
from store_makers import MAKERS as EMBEDDED_MAKERS

MAKERS = {**EMBEDDED_MAKERS, **SERVER_MAKERS}
ENCODER = HashedEncoder(64)
WORDS = "cat dog bird red blue green sleeps runs sings house garden river".split()  # noqa: SIM905
NOTES = [
    Passage(
        "a", "the red cat sleeps", "doc1", "Cats", metadata={"year": 2020, "lang": "en", "open": True, "size": 1.5}
    ),
    Passage("b", "a dog chases the red ball", "doc1", "Dogs", metadata={"year": 2021, "lang": "en", "open": False}),
    Passage("7", "Zahlen und Bäume, 数字", "doc2", metadata={"year": 2021, "lang": "de", "open": True}),
    Passage("ü/数 \"1'", "the cat's river: isn't it blue?", "doc3", metadata={"year": 1999, "lang": 'de\'s "x"'}),
]
SERIES = [
    Passage(
        f"s{number:02}", f"{WORDS[number % 12]} and {WORDS[(number * 5 + 1) % 12]} number {number}", f"s{number:02}"
    )
    for number in range(40)
]
QUESTION = "Where's the \"red\" cat (or dog)? AND NOT near* -- 'x'; 50% ^2 a:b {c} [d] \\ /e/ ~f!"


@pytest.fixture(params=MAKERS)
def maker(request):
    maker = MAKERS[request.param]
    for package in maker.packages:
        pytest.importorskip(package)
    return maker


@pytest.fixture
def made(maker, tmp_path):
    """A function that makes an open store of passages. The vectors come from the bi-encoder."""
    stores = []

    def make(passages=NOTES, vectors=None):
        rows = ENCODER.encode_passages([passage.content for passage in passages]) if vectors is None else vectors
        folder = tmp_path / str(len(stores))
        folder.mkdir()
        stores.append(maker.make(folder, passages, rows))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def query(text):
    return ENCODER.encode_queries([text])[0]


def ids(answer):
    return [passage.id for passage, _ in answer]


def test_every_kind_is_tested():
    assert {maker.kind for maker in MAKERS.values()} - {""} == set(KINDS)


def test_passages_come_back_whole(made):
    store = made()
    passages = {passage.id: passage for passage, _ in store.nearest(query("red cat"), 10)}
    assert passages == {note.id: note for note in NOTES}
    listed = store.passages()
    assert listed is None or {passage.id: passage for passage in listed} == passages
    assert len(store) == len(NOTES)


def test_nearest_is_by_cosine_highest_first_as_brute_force(made):
    store = made([*NOTES, *SERIES])
    vectors = ENCODER.encode_passages([note.content for note in [*NOTES, *SERIES]])
    for text in ("red cat", "the blue river number 7", "garden"):
        answer = store.nearest(query(text), 44)
        cosines = {
            note.id: float(vector @ query(text)) for note, vector in zip([*NOTES, *SERIES], vectors, strict=True)
        }
        assert {passage.id: score for passage, score in answer} == pytest.approx(cosines, abs=1e-4)
        assert [score for _, score in answer] == sorted((score for _, score in answer), reverse=True)
        best = sorted(cosines.values(), reverse=True)[:5]
        assert [score for _, score in store.nearest(query(text), 5)] == pytest.approx(best, abs=1e-4)


def test_equal_scores_are_ordered_by_id(made, maker):
    keys = [f"n{number:02}" for number in range(20)]
    store = made([Passage(key, "a red cat", key) for key in reversed(keys)])
    assert ids(store.nearest(query("red cat"), 20)) == keys
    if maker.words:
        assert ids(store.matching("red cat", 20)) == keys


def test_k_may_be_larger_than_the_store(made, maker):
    store = made()
    assert len(store.nearest(query("red cat"), 1000)) == len(NOTES)
    assert not maker.words or set(ids(store.matching("cat dog", 1000))) == {"a", "b", "ü/数 \"1'", "7"} - {"7"}


@pytest.mark.parametrize("k", [0, -1])
def test_a_k_below_1_is_refused(made, k):
    with pytest.raises(InvalidInput, match="k must be at least 1"):
        made().nearest(query("red cat"), k)


def test_matching_is_by_words_highest_first(made, maker):
    store = made([*NOTES, *SERIES])
    if not maker.words:
        assert not store.has_words
        with pytest.raises(InvalidInput, match=r"cannot be searched by words.*--words"):
            store.matching("red cat", 5)
        return
    answer = store.matching("chases dog", 44)
    assert ids(answer)[0] == "b"
    assert all(score > 0 for _, score in answer)
    assert [score for _, score in answer] == sorted((score for _, score in answer), reverse=True)
    assert all("dog" in passage.content.lower().split() or "Dogs" in passage.title for passage, _ in answer)
    [(_, best)] = store.matching("dog", 1)
    assert best == pytest.approx(max(score for _, score in store.matching("dog", 44)))


def test_a_raw_question_finds_passages_with_any_of_its_words(made, maker):
    if maker.words:
        assert {"a", "b"} <= set(ids(made().matching(QUESTION, 10)))


@pytest.mark.parametrize("text", ["zebra", "?!", "...", '"'])
def test_no_match_gives_no_passages(made, maker, text):
    if maker.words:
        assert made().matching(text, 5) == []


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"lang": "en"}, {"a", "b"}),
        ({"year": 2021}, {"b", "7"}),
        ({"year": "2021"}, {"b", "7"}),
        ({"year": 2021.0}, {"b", "7"}),
        ({"open": True}, {"a", "7"}),
        ({"open": "false"}, {"b"}),
        ({"size": 1.5}, {"a"}),
        ({"year": [2020, 1999]}, {"a", "ü/数 \"1'"}),
        ({"year": [2021, 1999], "lang": "en"}, {"b"}),
        ({"lang": 'de\'s "x"'}, {"ü/数 \"1'"}),
        ({"lang": "x' or 1=1 --"}, set()),
        ({"title": "Cats"}, {"a"}),
        ({"document_id": "doc1"}, {"a", "b"}),
        ({}, {"a", "b", "7", "ü/数 \"1'"}),
    ],
)
def test_filters(made, maker, where, expected):
    store = made()
    if not maker.filters and where:
        with pytest.raises(InvalidInput, match="cannot filter"):
            store.nearest(query("red cat"), 10, where)
        return
    assert set(ids(store.nearest(query("red cat"), 10, where))) == expected
    if maker.words:
        assert set(ids(store.matching("red cat dog Bäume blue", 10, where))) == expected


REFUSED = {
    "chroma": {"^=", "~=", "^~="},
    "qdrant": {"~=", "^~="},
    "pinecone": {"^=", "~=", "^~="},
    "milvus": {"~=", "^~="},
    "weaviate": {"!=", "^=", "~=", "^~="},
}
"""Kind -> the symbols of the conditions that the store cannot answer. Other stores answer every condition."""


@pytest.mark.parametrize(
    "where",
    [
        "year<2021",
        "year<=2020",
        "year>2020.5",
        "year>=2021",
        ["year>=2020", "year<2021"],
        "size>1",
        "size<-1",
        "year!=2021",
        "lang!=en",
        "open!=true",
        "size!=1.5",
        ["lang!=en", "lang!=de"],
        "lang^=d",
        "lang^=E",
        "lang~=EN",
        "lang^~=D",
        "title!=Cats",
        "title^=Ca",
    ],
    ids=str,
)
def test_every_condition_is_answered_or_refused(made, maker, where):
    if not maker.filters:
        pytest.skip("the store cannot filter")
    store, tests = made(), predicates_of(where_of(where))
    refused = [test for test in tests if SYMBOLS[test.operator] in REFUSED.get(maker.kind, ())]
    if refused:
        with pytest.raises(InvalidInput, match=re.escape(refused[0].label)) as caught:
            store.nearest(query("red cat"), 10, where_of(where))
        assert caught.value.field == "where"
        return
    expected = {
        note.id
        for note in NOTES
        if all(holds(test, {"title": note.title or None, **note.metadata}.get(test.field)) for test in tests)
    }
    assert set(ids(store.nearest(query("red cat"), 10, where_of(where)))) == expected
    if maker.words:
        assert set(ids(store.matching("red cat dog Bäume blue", 10, where_of(where)))) == expected


def test_a_filter_finds_a_list_by_each_of_its_values(made, maker):
    if not (maker.lists and maker.filters):
        pytest.skip("the store has no lists, or cannot filter")
    notes = [
        Passage("a", "red one", metadata={"tags": ["x", "y z"]}),
        Passage("b", "red two", metadata={"tags": ["y"]}),
        Passage("c", "red three", metadata={"tags": ["w", "x"]}),
    ]
    store = made(notes)
    assert set(ids(store.nearest(query("red"), 10, {"tags": "x"}))) == {"a", "c"}
    assert set(ids(store.nearest(query("red"), 10, {"tags": ["y", "y z"]}))) == {"a", "b"}
    assert {passage.id: passage.metadata["tags"] for passage, _ in store.nearest(query("red"), 10)}["a"] == ["x", "y z"]


@pytest.mark.parametrize(
    ("where", "message"), [({"year": []}, "list for 'year' is empty"), ({"y": None}, "NoneType"), ("y=1", "mapping")]
)
def test_bad_filters_are_named(made, maker, where, message):
    with pytest.raises(InvalidInput, match=message if maker.filters else "cannot filter"):
        made().nearest(query("red"), 5, where)


def test_similarities_equal_nearest(made):
    store = made()
    scores = {passage.id: score for passage, score in store.nearest(query("red cat"), 10)}
    keys = ["7", "a", "ü/数 \"1'"]
    assert store.similarities(query("red cat"), keys) == pytest.approx([scores[key] for key in keys], abs=1e-4)
    assert store.similarities(query("red cat"), []) == []


def test_vectors_are_those_that_were_stored(made):
    store = made()
    stored = ENCODER.encode_passages([NOTES[1].content, NOTES[2].content])
    np.testing.assert_allclose(store.vectors(["b", "7"]), stored, atol=1e-4)


@pytest.mark.parametrize("key", ["nothing", "99", "a' or 1=1 --"])
def test_an_unknown_id_is_named(made, key):
    with pytest.raises(InvalidInput, match="no vector for the passage"):
        made().vectors(["a", key])


def test_the_sample_is_a_passage_with_its_vector(made):
    passage, vector = made().sample()
    stored = next(note for note in NOTES if note.id == passage.id)
    assert passage == stored
    np.testing.assert_allclose(vector, ENCODER.encode_passages([stored.content])[0], atol=1e-4)


def test_several_rows_with_one_id_count_as_one(made, maker):
    if not maker.repeats:
        pytest.skip("the store has one row for an id")
    store = made([Passage("a", "a red dog"), Passage("a", "the red cat"), Passage("b", "a blue bird")])
    answer = store.nearest(query("red cat"), 10)
    assert ids(answer) == ["a", "b"]
    assert answer[0][0].text == "the red cat"
    assert [(note.code, note.values) for note in answer.notes] == [("repeated_rows", {"count": 1})]
    assert sorted(passage.id for passage in store.passages()) == ["a", "b"]


@pytest.mark.parametrize("size", [3, 65])
def test_a_vector_of_another_length_is_refused(made, size):
    with pytest.raises(InvalidInput, match="64 finite numbers"):
        made().nearest(np.ones(size, np.float32), 5)


def test_a_vector_with_nan_is_refused(made):
    with pytest.raises(InvalidInput, match="finite"):
        made().nearest(np.full(64, np.nan, np.float32), 5)


def test_an_empty_text_names_its_id(made):
    store = made([Passage("full", "red"), Passage("empty", " ")], ENCODER.encode_passages(["red", "red cat"]))
    with pytest.raises(InvalidInput, match="passage 'empty' has no text"):
        store.nearest(query("red"), 5)


def test_both_lists_come_as_one_by_one(made, maker):
    if maker.words:
        store = made([*NOTES, *SERIES])
        near, words = store.both(query("red dog"), "red dog", 10, {"lang": "en"} if maker.filters else None)
        assert near == store.nearest(query("red dog"), 10, {"lang": "en"} if maker.filters else None)
        assert words == store.matching("red dog", 10, {"lang": "en"} if maker.filters else None)
        _, words = store.both(query("red dog"), "red dog", 40)
        expected = store.similarities(query("red dog"), list(words.cosines))
        assert list(words.cosines.values()) == pytest.approx(expected, abs=1e-4)


def test_the_scores_for_words_of_some_passages(made, maker):
    store = made([*NOTES, *SERIES])
    if not store.scores_ids:
        return
    scores = {passage.id: score for passage, score in store.matching("red dog", 44)}
    keys = ["s01", "b", "7", "a", "ü/数 \"1'"]
    assert store.word_scores("red dog", keys) == pytest.approx([scores.get(key, 0.0) for key in keys])
    assert (store.word_scores("zebra", keys[:2]), store.word_scores("?!", keys[:2])) == ([0.0, 0.0], [0.0, 0.0])
    assert store.word_scores("red", []) == []
    assert maker.words


def test_a_listing_can_leave_out_rows_and_names_them(made, maker):
    again = [Passage("full", "another text")] if maker.repeats else []
    rows = [Passage("full", "red"), Passage("empty", " "), *again]
    store = made(rows, ENCODER.encode_passages([f"{row.text} cat" for row in rows]))
    left_out = []
    assert [passage.id for passage in store.passages(left_out.append)] == ["full"]
    reasons = {note.code: note.values for note in left_out}
    assert reasons["unusable_row"]["error"].startswith("passage 'empty' has no text")
    assert ("repeated_row" in reasons) == maker.repeats
    with pytest.raises(InvalidInput, match="passage 'empty' has no text"):
        list(store.passages())


def test_closing_twice_is_allowed(made):
    store = made()
    store.close()
    store.close()


def test_a_retriever_over_the_store_gives_hits_with_both_scores(made, maker):
    store = made([*NOTES, *SERIES])
    retriever = store_retriever(store, ENCODER)
    assert type(retriever) is (Hybrid if maker.words else Dense)
    assert retriever.index is store
    hits = retriever.retrieve("a red dog in the garden", 20)
    assert len({hit.id for hit in hits}) == 20
    assert [hit.rank for hit in hits] == list(range(1, 21))
    vectors = dict(
        zip(
            [note.id for note in [*NOTES, *SERIES]], store.vectors([note.id for note in [*NOTES, *SERIES]]), strict=True
        )
    )
    own = query("a red dog in the garden")
    for hit in hits:
        assert hit.signals["dense"] == pytest.approx(float(vectors[hit.id] @ own), abs=1e-4)
    assert not maker.words or any("bm25" in hit.signals for hit in hits)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_role_is_refused_before_anything_is_opened(kind):
    with pytest.raises(InvalidInput, match="name text, id, title"):
        load_store(KINDS[kind].example, {"body": "text"})
