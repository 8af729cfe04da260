"""The contract of every engine. A new engine adds one line to ENGINES."""

from __future__ import annotations

import math
import threading
import unicodedata
from importlib import import_module
from types import MappingProxyType

import numpy as np
import pytest

from index_makers import InMemory, OfFolder, OfServer
from shortlist import registry
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, NotAnIndex
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.indexes.qdrant import QdrantEngine
from shortlist.search.filters import holds, predicates_of, where_of
from shortlist.text.terms.bm25 import Bm25, mean_length
from shortlist.types import Passage

ENCODER = HashedEncoder(64)

ENGINES: MappingProxyType[str, OfFolder | OfServer] = MappingProxyType(
    {
        "embedded": OfFolder(EmbeddedEngine),
        "qdrant": OfServer(QdrantEngine, "qdrant_client"),
        "qdrant in memory": InMemory(
            QdrantEngine, "qdrant_client", lambda: import_module("qdrant_client").QdrantClient(":memory:")
        ),
    }
)
"""Name in the registry, and what is special -> a function that makes the engine."""

NOTES = [
    Passage("a", "the red cat sleeps", "doc1", "Cats", 0, 18, {"year": 2020, "lang": "en", "open": True, "size": 1.5}),
    Passage("b", "a dog chases the red ball", "doc1", "Dogs", 20, 45, {"year": 2021, "lang": "en", "open": False}),
    Passage("c", "Zahlen und Bäume, 数字", "doc2", "", 0, 20, {"year": 2021, "lang": "de"}),
]


@pytest.fixture(params=sorted(ENGINES))
def engine(request):
    return ENGINES[request.param]


@pytest.fixture
def index(engine, tmp_path):
    index = engine.create(tmp_path, dimension=ENCODER.dimension)
    yield index
    index.close()


def add(index, passages):
    index.add(passages, ENCODER.encode_passages([passage.content for passage in passages]))


def ask(index, text, k=10, where=None):
    return index.nearest(ENCODER.encode_queries([text])[0], k, where)


def ids(answer):
    return [passage.id for passage, _ in answer]


def test_every_engine_of_the_registry_is_tested():
    assert {name.partition(" ")[0] for name in ENGINES} == {*registry.ENGINES, *registry.SERVERS}


def test_an_empty_index_gives_no_passages(index):
    assert len(index) == 0
    assert ask(index, "cat") == []
    assert index.matching("cat", 5) == []
    assert index.get(["a"]) == []
    assert list(index.passages()) == []


def test_adding_no_passages_changes_nothing(index):
    add(index, [])
    assert len(index) == 0


def test_passages_come_back_whole(index):
    add(index, NOTES)
    assert index.get(["c", "a", "nothing"]) == [NOTES[2], NOTES[0]]


def test_nearest_is_by_cosine_highest_first(index):
    add(index, NOTES)
    answer = ask(index, "red cat")
    vectors = ENCODER.encode_passages([note.content for note in NOTES])
    query = ENCODER.encode_queries(["red cat"])[0]
    expected = {note.id: float(vector @ query) for note, vector in zip(NOTES, vectors, strict=True)}
    assert {passage.id: pytest.approx(score, abs=1e-5) for passage, score in answer} == expected
    assert [score for _, score in answer] == sorted((score for _, score in answer), reverse=True)
    assert ids(answer)[0] == "a"


def test_equal_scores_are_ordered_by_id(index):
    keys = [f"n{number:02}" for number in range(20)]
    add(index, [Passage(key, "a red cat", key) for key in reversed(keys)])
    assert ids(ask(index, "red cat", 20)) == keys
    assert ids(index.matching("red cat", 20)) == keys


def test_similarities_equal_nearest(index):
    add(index, NOTES)
    vector = ENCODER.encode_queries(["red cat"])[0]
    scores = {passage.id: score for passage, score in index.nearest(vector, 3)}
    assert index.similarities(vector, ["c", "a"]) == pytest.approx([scores["c"], scores["a"]], abs=1e-5)
    assert index.similarities(vector, []) == []
    with pytest.raises(InvalidInput, match="no passage 'z'"):
        index.similarities(vector, ["a", "z"])


def test_matching_is_by_stemmed_words(index):
    add(index, NOTES)
    assert ids(index.matching("cats", 5)) == ["a"]
    assert set(ids(index.matching("red", 5))) == {"a", "b"}
    assert index.matching("submarine", 5) == []
    assert index.matching("of in", 5) == []
    assert set(ids(index.matching("the", 5))) == {"a", "b"}  # stop words alone
    assert ids(index.matching("the cats", 5)) == ["a"]
    assert ids(index.matching("Bäume", 5)) == ["c"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("invoice number", "call `getInvoiceNumberById`"),
        ("getInvoiceNumberById", "the invoice_number field"),
        ("RB-900", "part RB900"),
        ("64GB", "64 GB of memory"),
        ("12,500", "12500 rows"),
        ("80131500", "code 0x80131500"),
        ("H&M", "a shop of H&M"),
        ("C#", "C# and F#"),
        ("Malmo", "Malmo\u0308, Sweden"),
        ("数字", "数字の一覧"),
    ],
)
def test_the_terms_are_those_of_the_package(index, query, text):
    index.add([Passage("it", text), Passage("other", "nothing of the kind")], np.ones((2, 64), np.float32) / 8)
    answer = index.matching(query, 5)
    assert ids(answer) == ["it"]


def test_the_language_of_an_index(engine, tmp_path):
    index = engine.create(tmp_path, dimension=1)
    assert index.language == "english"
    index.language = "german"
    index.add([Passage("it", "die Häuser am Hafen")], np.ones((1, 1), np.float32))
    assert ids(index.matching("Haus", 5)) == ["it"]
    index.close()
    index = engine.open(tmp_path, dimension=1)
    index.language = "german"
    assert ids(index.matching("das Haus", 5)) == ["it"]
    with pytest.raises(InvalidInput, match="'elvish' is unknown"):
        index.language = "elvish"
    assert index.language == "german"
    index.close()


def test_bm25_is_that_of_the_package(index):
    """The score is the product of both vectors, with the inverse document frequency of Lucene."""
    texts = ["a tide", "tide and tide tables", "tables for waves", "waves of JX-100"]
    index.add([Passage(f"t{place}", text) for place, text in enumerate(texts)], np.ones((4, 64), np.float32) / 8)
    bm25 = Bm25("english", mean_length(Bm25("english"), texts))
    vectors = [dict(zip(*bm25.passage(text), strict=True)) for text in texts]
    for query in ("tide tables", "waves JX100"):
        scores = [0.0] * len(texts)
        for term, weight in zip(*bm25.query(query), strict=True):
            count = sum(term in vector for vector in vectors)
            frequency = math.log(1 + (len(texts) - count + 0.5) / (count + 0.5))
            scores = [
                score + weight * frequency * vector.get(term, 0) for score, vector in zip(scores, vectors, strict=True)
            ]
        expected = {f"t{place}": pytest.approx(score, rel=1e-4) for place, score in enumerate(scores) if score}
        assert {passage.id: score for passage, score in index.matching(query, 5)} == expected


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
    assert {passage.id for passage in index.passages()} == {"b", "c"}


def test_passages_are_all_passages_once(index):
    notes = [Passage(f"p{number}", f"note {number}") for number in range(2500)]
    add(index, notes)
    passages = list(index.passages())
    assert len(passages) == len(index) == 2500
    assert sorted(passages, key=lambda passage: int(passage.id[1:])) == notes


def answers(index):
    nearest = sorted((passage.id, round(score, 5)) for passage, score in ask(index, "red cat"))
    return nearest, sorted((passage.id, round(score, 5)) for passage, score in index.matching("red", 10))


def test_a_reopened_index_gives_the_same_answers(engine, tmp_path):
    index = engine.create(tmp_path, dimension=ENCODER.dimension)
    add(index, NOTES)
    before = answers(index)
    index.close()
    index = engine.open(tmp_path, dimension=ENCODER.dimension)
    assert answers(index) == before
    assert sorted(index.passages(), key=lambda passage: passage.id) == NOTES
    add(index, [Passage("d", "a red fox")])
    index.close()


def test_an_empty_index_can_be_reopened(engine, tmp_path):
    engine.create(tmp_path, dimension=ENCODER.dimension).close()
    index = engine.open(tmp_path, dimension=ENCODER.dimension)
    assert len(index) == 0
    index.close()


def test_a_flush_keeps_the_index_usable_and_may_be_repeated(index):
    index.flush()
    add(index, NOTES)
    index.flush()
    index.flush()
    assert len(index) == 3
    index.delete(["a"])
    index.flush()
    assert len(index) == 2


def test_a_second_close_does_nothing(index):
    add(index, NOTES)
    index.close()
    index.close()


@pytest.mark.parametrize(
    "read",
    [
        lambda index: index.get(["a"]),
        lambda index: list(index.passages()),
        lambda index: ask(index, "red"),
        lambda index: index.matching("red", 5),
        lambda index: index.similarities(ENCODER.encode_queries(["red"])[0], ["a"]),
        len,
    ],
    ids=["get", "passages", "nearest", "matching", "similarities", "len"],
)
def test_reading_after_close_is_an_error(index, read):
    add(index, NOTES)
    index.close()
    with pytest.raises(NotAnIndex, match="closed"):
        read(index)


def test_a_folder_without_an_index_is_an_error(engine, tmp_path):
    with pytest.raises(NotAnIndex, match="rebuild"):
        engine.open(tmp_path / "missing", dimension=64)


def test_several_threads_may_search(index):
    add(index, NOTES)
    expected, seen = answers(index), []
    threads = [threading.Thread(target=lambda: seen.append(answers(index))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 6


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


@pytest.mark.parametrize("value", [2, 2.0, [7, 2], "2"])
def test_a_whole_number_equals_the_float_and_the_text_of_its_value(index, value):
    values = {"i": 2, "f": 2.0, "above": 2.5, "text": "2", "flag": True, "large": 2**53 + 1, "next": 2**53}
    add(index, [Passage(key, "red", metadata={"n": n}) for key, n in values.items()])
    assert set(ids(ask(index, "red", where={"n": value}))) == {"i", "f", "text"}
    assert ids(ask(index, "red", where={"n": 2**53 + 1})) == ["large"]
    assert ids(ask(index, "red", where={"n": str(2**53)})) == ["next"]
    assert ids(ask(index, "red", where={"n": 1})) == []
    assert ids(ask(index, "red", where={"n": True})) == ["flag"]


@pytest.mark.parametrize(
    ("value", "expected"),
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
def test_text_equals_the_number_or_flag_that_is_written_the_same(index, value, expected):
    values = {"number": 2.5, "text": "2.5", "flag": True, "word": "true", "shout": "TRUE", "name": "007"}
    add(index, [Passage(key, "red", metadata={"n": n}) for key, n in {**values, "beyond": str(2**64)}.items()])
    assert set(ids(ask(index, "red", where={"n": value}))) == expected


@pytest.mark.parametrize("value", ["money", 7, "7", True, ["nothing", "money"]])
def test_a_list_is_found_by_each_of_its_values(index, value):
    metadata = {"tags": ["money", 7, True]}
    add(index, [Passage("a", "red", metadata=metadata), Passage("b", "red", metadata={"tags": ["other", False]})])
    assert ids(ask(index, "red", where={"tags": value})) == ["a"]
    assert index.get(["a"])[0].metadata == metadata


@pytest.mark.parametrize("field", ['a"b', "a\\", "a b.c[0]", "ü", 'a":1,"b'])
def test_a_filter_on_a_field_of_any_name(index, field):
    add(index, [Passage("a", "red", metadata={field: 1}), Passage("b", "red", metadata={f"{field} ": 1, "c": 1})])
    assert ids(ask(index, "red", where={field: 1})) == ["a"]


def test_a_filter_on_the_title_or_a_heading_finds_the_passages_below(index):
    titles = {"a": "Guide", "b": "Guide > Setup", "c": "Guide > Setup > Linux", "d": "Guides", "e": ""}
    add(index, [Passage(key, "red", title=title) for key, title in titles.items()])
    add(index, [Passage("f", "red", title="Other", metadata={"title": "Guide > Setup", "document_id": "D-77"})])
    assert set(ids(ask(index, "red", where={"title": "Guide"}))) == {"a", "b", "c"}
    assert set(ids(ask(index, "red", where={"title": "Guide > Setup"}))) == {"b", "c", "f"}
    assert ids(ask(index, "red", where={"document_id": "D-77"})) == ["f"]


def test_a_long_value_is_compared_as_a_whole(index):
    add(index, [Passage("a", "red", metadata={"note": "x" * 5000}), Passage("b", "red", metadata={"note": "x" * 4999})])
    assert ids(ask(index, "red", where={"note": "x" * 5000})) == ["a"]


@pytest.mark.parametrize("many", [list, tuple, set])
def test_a_filter_of_thousands_of_values(index, many):
    add(index, [Passage(str(year), "red", metadata={"year": year}) for year in range(50)])
    assert set(ids(ask(index, "red", k=50, where={"year": many(range(40, 5000))}))) == {str(y) for y in range(40, 50)}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_both_forms_of_an_accent_are_equal_in_a_filter(index, form):
    cities = ["Malm\u00f6", "Malmo\u0308", "Malmo", "Mal\u00adm\u00f6"]
    add(index, [Passage(f"n{i}", "red", f"n{i}", metadata={"caf\u00e9": city}) for i, city in enumerate(cities)])
    field, value = unicodedata.normalize(form, "caf\u00e9"), unicodedata.normalize(form, "Malm\u00f6")
    assert set(ids(index.matching("red", 5, {field: value}))) == {"n0", "n1", "n3"}
    assert set(ids(index.matching("red", 5, {field: ["Malmo"]}))) == {"n2"}
    assert set(ids(ask(index, "red", where={"title": unicodedata.normalize(form, "\u00dcber")}))) == set()


def test_titles_and_lists_are_equal_in_both_forms(index):
    tags = ["sale", "\ufb01lter"]
    add(index, [Passage("a", "red", "d", "U\u0308ber > Start", metadata={"tags": tags})])
    assert ids(ask(index, "red", where={"title": "\u00dcber"})) == ["a"]
    assert ids(ask(index, "red", where={"tags": "filter"})) == ["a"]
    assert index.get(["a"])[0].metadata["tags"] == tags


SHOP = [
    {"price": 89.5, "date": "2024-01-05", "status": "active", "city": "Zu\u0308rich", "size.w": 10, "tags": []},
    {"price": 120, "date": "2024-03-01T10:00:00+02:00", "status": "retired", "city": "Z\u00fcrich", "size.w": 11},
    {
        "price": "45.00",
        "date": "2023-12-31",
        "status": "active",
        "city": "Bern",
        "on sale": True,
        "tags": ["Desk", "sale"],
    },
    {"date": "2024-02-29", "status": "Draft", "city": "bern", "tags": ["Desk"], "path": "/" + "long/" * 50 + "File.md"},
    {"price": -3, "date": 2022, "city": "", 'a"b<c': 7, "tags": ["2024-05-01", 5]},
    {},
]
CONDITIONS = [
    *("price<100", "price<=45", "price>=89.5", "price>120", "price<-2", "price!=45", "price!=-3", "price=45"),
    *("date>=2024-01-01", "date<=2024-02", "date>2024-01-05", "date<2024", "date<2024-03-01T08:00:00Z"),
    *(
        "date<=2024-03-01T08:00:00Z",
        "date=2024-03-01",
        "date!=2024-03-01",
        "date=2024-01-05",
        "date=2024-02",
        "date=2024",
        "date!=2024",
        "date=2022",
        "tags=2024",
        "tags=2024-05",
        "status!=retired",
        "status!=active",
        "status^=re",
        "status~=draft",
        "status~=DRAFT",
    ),
    *("status^~=DR", "city=Z\u00fcrich", "city!=Zu\u0308rich", "city^=Zu\u0308", "city^=Z\u00fc", "city~=bern"),
    *("city^~=Z\u00dc", "size.w>10", "size.w!=10", "on sale=true", "on sale!=true", "'a\"b<c'>6", "'a\"b<c'!=7"),
    *("tags=sale", "tags!=sale", "tags!=Desk", "tags^=De", "tags~=DESK", "tags>4", "tags>=2024-05", "nothing!=x"),
    *("path^=/long/long", "path^~=/LONG/", "path^=/other", "document_id!=d0", "document_id^=d", "title^=Gui"),
    *("title~=guide", "title!=Guide", "nothing<5"),
]


def content_in(passage, field):
    own = {"document_id": passage.document_id, "title": ["Guide", "Guide > Setup"] if passage.title else [""]}
    return {**own, **passage.metadata}.get(field)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions(index, condition):
    titles = ["Guide > Setup", *[""] * 5]
    shop = [Passage(f"p{i}", "red", f"d{i}", titles[i], metadata=fields) for i, fields in enumerate(SHOP)]
    add(index, shop)
    where = where_of(condition)
    tests = predicates_of(where)
    expected = {item.id for item in shop if all(holds(test, content_in(item, test.field)) for test in tests)}
    assert set(ids(ask(index, "red", where=where))) == expected
    assert set(ids(index.matching("red", 10, where))) == expected


def test_several_conditions_must_all_hold(index):
    add(index, [Passage(f"p{i}", "red", f"d{i}", metadata=fields) for i, fields in enumerate(SHOP)])
    where = {"price": {"$gte": 10, "lt": 100}, "status": {"in": ["active", "x"]}, "city": {"ne": "Bern"}}
    assert ids(ask(index, "red", where=where)) == ["p0"]


def test_the_start_of_a_text_may_not_be_too_long(index):
    add(index, NOTES)
    with pytest.raises(InvalidInput, match="too long for the index") as caught:
        ask(index, "red", where={"path": {"prefix": "x" * 200}})
    assert caught.value.field == "where"


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
