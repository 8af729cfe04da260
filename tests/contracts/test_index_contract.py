"""What every index has to do; an engine joins by adding a maker to MAKERS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.protocols import Index
from shortlist.types import Passage

ENCODER = HashedEncoder(64)


def embedded(folder: Path) -> EmbeddedIndex:
    return EmbeddedIndex.create(folder / "index", encoder_name=ENCODER.name, dimension=ENCODER.dimension)


MAKERS: dict[str, Callable[[Path], Index]] = {"embedded": embedded}

NOTES = [
    Passage("a", "the red cat sleeps", "doc1", "Cats", 0, 18, {"year": 2020, "lang": "en", "open": True, "size": 1.5}),
    Passage("b", "a dog chases the red ball", "doc1", "Dogs", 20, 45, {"year": 2021, "lang": "en", "open": False}),
    Passage("c", "Zahlen und Bäume, 数字", "doc2", "", 0, 20, {"year": 2021, "lang": "de"}),
]


@pytest.fixture(params=sorted(MAKERS))
def index(request, tmp_path):
    made = MAKERS[request.param](tmp_path)
    yield made
    made.close()


def add(index, passages):
    index.add(passages, ENCODER.encode_passages([one.content for one in passages]))


def ask(index, text, k=10, where=None):
    return index.nearest(ENCODER.encode_queries([text])[0], k, where)


def ids(found):
    return [passage.id for passage, _ in found]


def test_an_empty_index_answers_with_nothing(index):
    assert len(index) == 0
    assert ask(index, "cat") == []
    assert index.matching("cat", 5) == []
    assert index.get(["a"]) == []


def test_adding_nothing_is_fine(index):
    add(index, [])
    assert len(index) == 0


def test_passages_come_back_whole(index):
    add(index, NOTES)
    assert index.get(["c", "a", "nothing"]) == [NOTES[2], NOTES[0]]


def test_nearest_is_by_cosine_highest_first(index):
    add(index, NOTES)
    found = ask(index, "red cat")
    vectors = ENCODER.encode_passages([one.content for one in NOTES])
    expected = {
        one.id: float(v @ ENCODER.encode_queries(["red cat"])[0]) for one, v in zip(NOTES, vectors, strict=True)
    }
    assert {p.id: pytest.approx(s, abs=1e-5) for p, s in found} == expected
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert ids(found)[0] == "a"


def test_similarities_equal_nearest(index):
    add(index, NOTES)
    vector = ENCODER.encode_queries(["red cat"])[0]
    found = {passage.id: score for passage, score in index.nearest(vector, 3)}
    assert index.similarities(vector, ["c", "a"]) == pytest.approx([found["c"], found["a"]], abs=1e-5)
    assert index.similarities(vector, []) == []
    with pytest.raises(InvalidInput, match="no passage 'z'"):
        index.similarities(vector, ["a", "z"])


def test_matching_is_by_words_stemmed_and_leaves_out_the_rest(index):
    add(index, NOTES)
    assert ids(index.matching("cats", 5)) == ["a"]
    assert set(ids(index.matching("red", 5))) == {"a", "b"}
    assert index.matching("submarine", 5) == []
    assert index.matching("the of and", 5) == []
    assert ids(index.matching("Bäume", 5)) == ["c"]


def test_k_beyond_the_size_gives_all(index):
    add(index, NOTES)
    assert len(ask(index, "red", k=1000)) == 3
    assert len(ask(index, "red", k=2)) == 2
    assert len(ask(index, "red", k=10**20)) == 3
    assert len(index.matching("red", 10**20)) == 2


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_one_is_refused(index, k):
    with pytest.raises(InvalidInput, match="k must be at least 1"):
        ask(index, "red", k=k)


def test_the_same_id_replaces(index):
    add(index, NOTES)
    add(index, [Passage("a", "a green submarine")])
    assert len(index) == 3
    assert ids(index.matching("submarine", 5)) == ["a"]
    assert ids(index.matching("cat", 5)) == []


def test_deleted_passages_are_gone(index):
    add(index, NOTES)
    index.delete(["a", "unknown"])
    assert len(index) == 2
    assert "a" not in ids(ask(index, "red cat"))
    assert index.matching("cat", 5) == []
    index.delete([])


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"year": 2021}, {"b", "c"}),
        ({"year": [2020, 2021], "lang": "en"}, {"a", "b"}),
        ({"lang": ["de", "fr"]}, {"c"}),
        ({"open": True}, {"a"}),
        ({"size": 1.5}, {"a"}),
        ({"document_id": "doc1"}, {"a", "b"}),
        ({"title": "Dogs"}, {"b"}),
        ({"year": [2020, "2020"]}, {"a"}),
        ({"nothing": 1}, set()),
        ({}, {"a", "b", "c"}),
    ],
)
def test_filters(index, where, expected):
    add(index, NOTES)
    assert set(ids(ask(index, "red", where=where))) == expected
    assert set(ids(index.matching("red", 5, where))) == expected & {"a", "b"}


@pytest.mark.parametrize("wanted", [2, 2.0, [7, 2], "2"])
def test_a_whole_number_equals_the_float_and_the_text_of_its_value(index, wanted):
    given = {"i": 2, "f": 2.0, "above": 2.5, "text": "2", "flag": True, "large": 2**53 + 1, "next": 2**53}
    add(index, [Passage(key, "red", metadata={"n": value}) for key, value in given.items()])
    assert set(ids(ask(index, "red", where={"n": wanted}))) == {"i", "f", "text"}
    assert ids(ask(index, "red", where={"n": 2**53 + 1})) == ["large"]
    assert ids(ask(index, "red", where={"n": str(2**53)})) == ["next"]
    assert ids(ask(index, "red", where={"n": 1})) == []
    assert ids(ask(index, "red", where={"n": True})) == ["flag"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (2.5, {"number", "text"}),
        ("2.5", {"number", "text"}),
        (True, {"flag", "word", "shout"}),
        ("true", {"flag", "word"}),
        ("007", {"name"}),
        (7, set()),
        (2**64, {"beyond"}),
        (str(2**64), {"beyond"}),
        ("9" * 400, set()),
        ("half a pair \ud800", set()),
        ("nan", set()),
    ],
)
def test_text_equals_the_number_or_flag_that_it_is_written_like(index, wanted, expected):
    held = {"number": 2.5, "text": "2.5", "flag": True, "word": "true", "shout": "TRUE", "name": "007"}
    add(index, [Passage(key, "red", metadata={"n": value}) for key, value in {**held, "beyond": str(2**64)}.items()])
    assert set(ids(ask(index, "red", where={"n": wanted}))) == expected


@pytest.mark.parametrize("wanted", ["money", 7, "7", True, ["nothing", "money"]])
def test_a_list_is_found_by_each_of_its_values_and_comes_back(index, wanted):
    held = {"tags": ["money", 7, True]}
    add(index, [Passage("a", "red", metadata=held), Passage("b", "red", metadata={"tags": ["other", False]})])
    assert ids(ask(index, "red", where={"tags": wanted})) == ["a"]
    assert index.get(["a"])[0].metadata == held


@pytest.mark.parametrize("field", ['a"b', "a\\", "a b.c[0]", "ü", 'a":1,"b'])
def test_a_field_of_any_name_can_be_asked_for(index, field):
    add(index, [Passage("a", "red", metadata={field: 1}), Passage("b", "red", metadata={f"{field} ": 1, "c": 1})])
    assert ids(ask(index, "red", where={field: 1})) == ["a"]


def test_the_documents_title_and_each_heading_find_what_stands_below_them(index):
    titles = {"a": "Guide", "b": "Guide > Setup", "c": "Guide > Setup > Linux", "d": "Guides", "e": ""}
    add(index, [Passage(key, "red", title=title) for key, title in titles.items()])
    add(index, [Passage("f", "red", title="Other", metadata={"title": "Guide > Setup", "document_id": "D-77"})])
    assert set(ids(ask(index, "red", where={"title": "Guide"}))) == {"a", "b", "c"}
    assert set(ids(ask(index, "red", where={"title": "Guide > Setup"}))) == {"b", "c", "f"}
    assert ids(ask(index, "red", where={"document_id": "D-77"})) == ["f"]


def test_a_long_value_is_found_whole(index):
    add(index, [Passage("a", "red", metadata={"note": "x" * 5000}), Passage("b", "red", metadata={"note": "x" * 4999})])
    assert ids(ask(index, "red", where={"note": "x" * 5000})) == ["a"]


@pytest.mark.parametrize("many", [list, tuple, set])
def test_a_filter_of_thousands_of_values(index, many):
    add(index, [Passage(str(year), "red", metadata={"year": year}) for year in range(50)])
    assert set(ids(ask(index, "red", k=50, where={"year": many(range(40, 5000))}))) == {str(y) for y in range(40, 50)}


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"year": []}, "list for 'year' is empty"),
        ({"y": None}, "NoneType"),
        ({"y": 2**5000}, "more than 1024 bits"),
        ("year=2021", "give a mapping"),
    ],
)
def test_bad_filters_are_named(index, where, message):
    with pytest.raises(InvalidInput, match=message):
        ask(index, "red", where=where)


@pytest.mark.parametrize(
    "vectors", [np.zeros((1, 63), np.float32), np.zeros((2, 64), np.float32), np.full((1, 64), np.nan, np.float32)]
)
def test_bad_vectors_write_nothing(index, vectors):
    with pytest.raises(InvalidInput, match="vector"):
        index.add(NOTES[:1], vectors)
    assert len(index) == 0


def test_bad_query_vectors_are_refused(index):
    with pytest.raises(InvalidInput, match="64 finite numbers"):
        index.nearest(np.zeros(3, np.float32), 5)
