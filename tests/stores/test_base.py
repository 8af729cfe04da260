"""Names, fields, rows, metrics and checks that all stores share."""

from __future__ import annotations

import math
import uuid

import numpy as np
import pytest

from fake_store import FakeBackend
from shortlist import load_retriever, registry
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, MissingExtra, ShortlistError, StoreError, StoreRefused, StoreUnreachable
from shortlist.retrievers import Dense, Hybrid, Lexical
from shortlist.stores import kinds
from shortlist.stores.address import StoreAddress, parse_address
from shortlist.stores.fields import Fields, choose, find_fields, kinds_of
from shortlist.stores.filters import Condition, conditions
from shortlist.stores.kinds import KINDS, Kind, is_store, load_store
from shortlist.stores.metrics import Metric, are_unit, cosines
from shortlist.stores.open_store import OpenStore
from shortlist.stores.rows import matches, passage_of
from shortlist.stores.store import Row
from shortlist.stores.translating import translated
from shortlist.types import Note, Passage

ENCODER = HashedEncoder(64)
NOTES = [Passage("a", "the red cat", "a"), Passage("b", "a blue dog", "b"), Passage("c", "a red dog and a cat", "c")]
EXAMPLE = "chroma:notes@./chroma"


def fake(passages=NOTES, metric="cosine", scale=1.0, **options):
    vectors = ENCODER.encode_passages([passage.content for passage in passages]) * np.float32(scale)
    return OpenStore(FakeBackend(passages, vectors, metric=metric, **options))


def query(text):
    return ENCODER.encode_queries([text])[0]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("chroma:notes@./chroma", ("chroma", "notes", "./chroma")),
        ("pinecone:notes", ("pinecone", "notes", "")),
        (
            "postgres:public.t@postgresql://me:pw@host/db?x=1",
            ("postgres", "public.t", "postgresql://me:pw@host/db?x=1"),
        ),
        ("sqlite: notes @ a file.db ", ("sqlite", "notes", "a file.db")),
        ("Chroma:Notes@./Chroma", ("chroma", "Notes", "./Chroma")),
    ],
)
def test_an_address_has_three_parts(text, parts):
    address = parse_address(text, EXAMPLE)
    assert (address.kind, address.collection, address.where) == parts


@pytest.mark.parametrize("text", ["chroma", "chroma:", "chroma:@./chroma", ":notes@x"])
def test_an_address_without_a_collection_is_refused(text):
    with pytest.raises(InvalidInput, match=r"write kind:COLLECTION@WHERE, such as chroma:notes@\./chroma"):
        parse_address(text, EXAMPLE)


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("postgresql://me:secret@host:5432/db?password=secret", "postgresql://host:5432/db"),
        ("https://user@host/x#secret", "https://host/x"),
        ("http://[secret", "http://..."),
        ("./folder", "./folder"),
    ],
)
def test_the_name_of_a_store_has_no_secrets(where, shown):
    assert StoreAddress("k", "c", where).name == f"k:c@{shown}"
    assert StoreAddress("k", "c").name == "k:c"


@pytest.mark.parametrize(("name", "expected"), [("chroma:x", True), ("json:dumps", False), ("chroma", False)])
def test_known_kinds_are_stores(name, expected):
    assert is_store(name) is expected


def test_the_errors_of_stores_have_one_class():
    assert issubclass(StoreUnreachable, StoreError)
    assert issubclass(StoreRefused, StoreError)
    assert issubclass(StoreError, ShortlistError)


@pytest.mark.parametrize("name", ["nothing:notes@x", "notes"])
def test_an_unknown_kind_lists_the_kinds(name):
    with pytest.raises(InvalidInput, match=r"the kinds of stores are .*sqlite"):
        load_store(name)


def test_a_missing_place_shows_an_example():
    with pytest.raises(InvalidInput, match=r"needs the place of the store: write sqlite:notes@notes\.db"):
        load_store("sqlite:notes")


def test_a_missing_client_names_the_extra(monkeypatch):
    kind = Kind("chroma", EXAMPLE, ("no_such_client_anywhere",))
    monkeypatch.setattr(kinds, "KINDS", {"chroma": kind})
    with pytest.raises(MissingExtra, match=r"chroma:mine@./other needs .* pip install 'shortlist\[chroma\]'"):
        load_store("chroma:mine@./other")


@pytest.mark.parametrize("name", KINDS)
def test_the_example_of_each_kind_is_a_name(name):
    address = parse_address(KINDS[name].example, "")
    assert (address.kind, bool(address.collection)) == (name, True)
    assert address.where or not KINDS[name].needs_where


def test_the_fields_are_found_by_their_usual_names():
    kinds = {"key": "number", "_id": "text", "title": "text", "text": "text", "page_content": "text"}
    kinds |= {"doc_id": "text", "metadata": "object", "embedding": "vector"}
    assert find_fields("s", {}, kinds) == Fields("text", "_id", "title", "embedding", "doc_id", "metadata")
    assert find_fields("s", {"text": "page_content", "id": "key"}, kinds).text == "page_content"
    assert find_fields("s", {}, kinds, own_ids=True).id == ""
    assert find_fields("s", {"id": "key"}, kinds, own_ids=True).id == "key"


def test_a_usual_name_of_another_kind_is_no_field():
    assert find_fields("s", {}, {"body": "text", "text": "number", "metadata": "text"}) == Fields("body")


def test_the_only_text_is_the_text():
    assert (
        find_fields("s", {}, {"id": "text", "title": "text", "abstract": "text", "year": "number"}).text == "abstract"
    )


@pytest.mark.parametrize("kinds", [{"a": "text", "b": "text"}, {"a": "number", "b": "object"}])
def test_an_unknown_text_lists_the_fields(kinds):
    with pytest.raises(InvalidInput, match=r"its fields are a, b\. Give text=NAME") as error:
        find_fields("s", {}, kinds)
    assert error.value.field == "fields"


@pytest.mark.parametrize(("role", "name"), [("body", "text"), ("text", ""), ("text", 3)])
def test_bad_fields_are_refused(role, name):
    with pytest.raises(InvalidInput, match=f"{role} = .* is not valid; name text, id, title, vector"):
        find_fields("s", {role: name}, {"text": "text"})


def test_a_given_field_must_exist_if_the_store_has_a_schema():
    assert find_fields("s", {"title": "later"}, {"text": "text"}).title == "later"
    with pytest.raises(InvalidInput, match="s has no field 'later' for title; its fields are text"):
        find_fields("s", {"title": "later"}, {"text": "text"}, schema=True)


def test_one_vector_among_several_is_chosen():
    assert choose("vector", ["image"], {}, "s") == "image"
    assert choose("vector", ["image", "dense"], {}, "s") == "dense"
    assert choose("vector", ["image", "dense"], {"vector": "image"}, "s") == "image"
    with pytest.raises(InvalidInput, match="s has no vector 'other'; it has 'image'"):
        choose("vector", ["image"], {"vector": "other"}, "s")
    with pytest.raises(InvalidInput, match="s has the vectors 'x', 'y': give vector=NAME"):
        choose("vector", ["x", "y"], {}, "s")


def test_the_kinds_of_values():
    records = [{"a": None, "b": 1}, {"a": "x", "b": "later", "c": {}, "d": [1], "e": True, "f": 0.5}]
    assert kinds_of(records) == {"a": "text", "b": "number", "c": "object", "d": "other", "e": "other", "f": "number"}


FIELDS = Fields("body", "key", "head", "vec", "doc", "meta")


def test_a_row_becomes_a_passage():
    unknown = object()
    record = {
        "key": 7,
        "body": "red \ud800 cat",
        "head": "Cats",
        "vec": [1.0],
        "doc": 12,
        "year": np.int64(2020),
        "size": np.float32(1.5),
        "nothing": None,
        "raw": b"\x00",
        "nan": math.nan,
        "tags": ["x", None, 2],
        "none": [None],
        "author": {"name": "Ann", "place": {"city": "Oslo"}},
        "meta": {"lang": "en", "open": True},
        "thing": unknown,
    }
    passage = passage_of(Row("ignored", record), FIELDS, "s")
    assert (passage.id, passage.text, passage.title, passage.document_id) == ("7", "red \ufffd cat", "Cats", "12")
    assert passage.metadata == {
        **{"year": 2020, "size": 1.5, "tags": ["x", 2], "author.name": "Ann", "author.place.city": "Oslo"},
        **{"thing": str(unknown), "lang": "en", "open": True},
    }
    assert type(passage.metadata["year"]) is int


@pytest.mark.parametrize(
    ("key", "text"), [("x", "x"), (0, "0"), (np.int64(5), "5"), (uuid.UUID(int=1), str(uuid.UUID(int=1)))]
)
def test_ids_become_text(key, text):
    passage = passage_of(Row(key, {"body": "red"}), Fields("body"), "s")
    assert (passage.id, passage.document_id) == (text, text)


@pytest.mark.parametrize("key", [None, "", "  ", True, 1.5, ["a"]])
def test_other_ids_are_refused(key):
    with pytest.raises(InvalidInput, match="s: a row has the id"):
        passage_of(Row(key, {"body": "red"}), Fields("body"), "s")


@pytest.mark.parametrize("record", [{}, {"body": None}, {"body": " \n"}, {"body": 3}])
def test_a_row_without_text_names_its_id(record):
    with pytest.raises(InvalidInput, match=r"s: passage 'k1' has .* in its field 'body'"):
        passage_of(Row("k1", record), Fields("body"), "s")


def test_rows_are_sorted_and_counted_once():
    rows = [(Row("b", {"t": "first"}), 0.5), (Row("a", {"t": "x"}), 0.5), (Row("b", {"t": "second"}), 0.9)]
    answer = matches(rows, 10, Fields("t"), "s")
    assert [(passage.id, passage.text, score) for passage, score in answer] == [("b", "second", 0.9), ("a", "x", 0.5)]
    assert answer.notes == (Note("repeated_rows", count=1),)
    assert len(matches(rows, 1, Fields("t"), "s")) == 1
    with pytest.raises(InvalidInput, match="the score of row 'b' is nan"):
        matches([(Row("b", {"t": "x"}), math.nan)], 1, Fields("t"), "s")


@pytest.mark.parametrize("length", [1.0, 3.0])
def test_every_metric_gives_the_cosine_of_unit_vectors(length):
    rows = ENCODER.encode_passages(["red cat", "blue dog", "a red dog"])
    vector = query("red dog") * np.float32(length)
    expected = cosines(vector, rows)
    raw = {"dot": rows @ vector, "l2": ((rows - vector) ** 2).sum(axis=1), "cosine": np.array(expected)}
    for name, numbers in raw.items():
        metric = Metric(name, unit=True)
        assert [metric.score(float(number), length) for number in numbers] == pytest.approx(expected, abs=1e-5)
        assert metric.scores(vector, rows) == pytest.approx(expected, abs=1e-5)
    assert Metric("l2", unit=True).score(1.0, 0.0) == 0.0


def test_without_unit_vectors_higher_stays_better():
    rows = np.array([[3.0, 0], [0, 2], [1, 1]], dtype=np.float32)
    vector = np.array([1.0, 0], dtype=np.float32)
    assert Metric("dot").scores(vector, rows) == [3, 0, 1] == [Metric("dot").score(value, 1.0) for value in (3, 0, 1)]
    assert Metric("l2").scores(vector, rows) == [-4, -5, -1] == [Metric("l2").score(value, 1.0) for value in (4, 5, 1)]
    assert not are_unit(rows)
    assert are_unit([])
    assert cosines(np.zeros(2, np.float32), rows) == [0, 0, 0]


@pytest.mark.parametrize(("metric", "scale", "unit"), [("dot", 1, True), ("dot", 3, False), ("l2", 2, False)])
def test_the_scores_of_both_lists_have_one_unit(metric, scale, unit):
    store = fake(metric=metric, scale=scale)
    nearest = store.nearest(query("red cat"), 3)
    assert store.similarities(query("red cat"), [passage.id for passage, _ in nearest]) == pytest.approx(
        [score for _, score in nearest], abs=1e-4
    )
    assert (max(score for _, score in nearest) == pytest.approx(2 / math.sqrt(6))) is unit


def test_conditions_have_every_equal_value():
    parts = conditions({"size": [20, True], "title": "T", "document_id": "d"}, Fields("t", "k", "head"))
    assert parts == [
        Condition("size", (20, "20", "20.0", True, "true", "True", "TRUE")),
        Condition("head", ("T",)),
        Condition("k", ("d",)),
    ]
    assert parts[0].numbers == [20]
    assert parts[0].flags == [True]
    assert parts[0].typed() == [["20", "20.0", "true", "True", "TRUE"], [20], [True]]
    assert conditions({"one": [1, True, 1.0]}, Fields("t"))[0].numbers == [1, 1.0]


def test_a_store_that_cannot_filter_refuses_a_filter():
    store = fake()
    object.__setattr__(store._facts, "filters", False)
    assert len(store.nearest(query("red"), 5, {})) == 3
    for search in (lambda: store.nearest(query("red"), 5, {"a": 1}), lambda: store.matching("red", 5, {"a": 1})):
        with pytest.raises(InvalidInput, match="fake:notes cannot filter: search without a filter") as error:
            search()
        assert error.value.field == "where"


def test_a_store_with_a_limit_names_it():
    store = fake()
    object.__setattr__(store._facts, "largest_k", 10)
    assert len(store.nearest(query("red"), 10)) == 3
    with pytest.raises(InvalidInput, match="k must be at most 10 in fake:notes, not 11"):
        store.nearest(query("red"), 11)


def test_a_store_without_vectors_is_searched_by_words():
    store = OpenStore(FakeBackend(NOTES, None))
    retriever = registry.store_retriever(store)
    assert type(retriever) is Lexical
    assert [hit.id for hit in retriever.retrieve("blue", 5)] == ["b"]
    for call in (lambda: store.nearest(query("red"), 5), store.sample, lambda: store.vectors(["a"])):
        with pytest.raises(InvalidInput, match="has no vectors: search it by words"):
            call()


def test_a_store_without_words_is_searched_by_vectors():
    retriever = registry.store_retriever(fake(words=False), ENCODER)
    assert type(retriever) is Dense
    assert retriever.retrieve("blue dog", 5)[0].id == "b"


def test_hybrid_retrieval_reads_both_lists_in_one_request_if_the_backend_can():
    class Both(FakeBackend):
        def both(self, vector, text, k, where):
            answer = super().nearest(vector, k, where), super().matching(text, k, where)
            self.calls = ["both"]
            return answer

    vectors = ENCODER.encode_passages([note.content for note in NOTES])
    backend = Both(NOTES, vectors)
    hits = Hybrid(OpenStore(backend), ENCODER).retrieve("red dog", 3)
    assert backend.calls == ["both"]
    apart = Hybrid(OpenStore(FakeBackend(NOTES, vectors)), ENCODER).retrieve("red dog", 3)
    assert hits == apart


def test_the_notes_of_a_store_reach_the_answer():
    notes = [*NOTES, Passage("a", "the red cat again")]
    for retriever in (Hybrid(fake(notes), ENCODER), Dense(fake(notes), ENCODER), Lexical(fake(notes))):
        assert retriever.retrieve("red", 5).notes == (Note("repeated_rows", count=1),)


def test_an_approximate_store_does_not_keep_its_prefix():
    assert Hybrid(fake(), ENCODER).prefix_depth == 100
    store = fake()
    object.__setattr__(store._facts, "exact", False)
    assert Hybrid(store, ENCODER).prefix_depth == 0


def test_the_sample_is_the_first_row_with_a_text():
    store = fake([Passage("empty", " "), *NOTES])
    assert store.sample()[0] == NOTES[0]
    with pytest.raises(InvalidInput, match="passage 'empty' has no text"):
        fake([Passage("empty", " ")]).sample()


def test_closing_closes_the_backend_once():
    backend = FakeBackend(NOTES, None)
    store = OpenStore(backend)
    store.close()
    store.close()
    assert backend.closed == 1


@pytest.mark.parametrize("name", ["nothing", "kind:COLLECTION@WHERE", "a b:c"])
def test_a_name_that_is_no_retriever_shows_both_forms(name):
    with pytest.raises(InvalidInput, match=r"write kind:COLLECTION@WHERE with a kind of .*, or package\.module"):
        load_retriever(name)


def test_load_retriever_takes_attributes_too():
    assert [hit.text for hit in load_retriever("attribute_parts:matches").retrieve("red", 2)]


@pytest.mark.parametrize("error", [ConnectionRefusedError("no"), TimeoutError("late"), KeyError("x"), Exception("bad")])
def test_errors_of_clients_are_ours(error):
    expected = StoreUnreachable if isinstance(error, OSError) else StoreRefused
    with pytest.raises(expected, match=f"s .*{type(error).__name__}"), translated("s"):
        raise error
    with pytest.raises(InvalidInput), translated("s"):
        raise InvalidInput("ours")
    with pytest.raises(StoreUnreachable, match="KeyError"), translated("s", (KeyError,)):
        raise KeyError("x")
