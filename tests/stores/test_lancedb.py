"""What is special about LanceDB: tables without ids, types of columns, and indexes."""

from __future__ import annotations

import numpy as np
import pytest

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, StoreNotFound
from shortlist.retrievers import Hybrid
from shortlist.stores.kinds import load_store
from shortlist.types import Passage
from store_makers import lance

lancedb = pytest.importorskip("lancedb")
pyarrow = pytest.importorskip("pyarrow")

from lancedb.index import FTS  # noqa: E402

ENCODER = HashedEncoder(64)

ROWS = [
    {"text": "the red cat", "vector": [1.0, 0.0], "n": 1, "size": 1.5, "meta": {"lang": "en", "level": 2}},
    {"text": "a dog's blue ball", "vector": [0.6, 0.8], "n": 2, "size": 2.0, "meta": {"lang": "de", "level": 3}},
]


@pytest.fixture
def folder(tmp_path):
    lancedb.connect(tmp_path).create_table("notes", ROWS)
    return tmp_path


def ids(answer):
    return [passage.id for passage, _ in answer]


def vector(*numbers):
    return np.array(numbers, dtype=np.float32)


def test_a_table_without_ids_has_the_numbers_of_its_rows(folder):
    store = load_store(f"lancedb:notes@{folder}")
    answer = store.nearest(vector(1, 0), 5)
    assert [(passage.id, score) for passage, score in answer] == [("0", pytest.approx(1)), ("1", pytest.approx(0.6))]
    assert answer[0][0].metadata == {"n": 1, "size": 1.5, "lang": "en", "level": 2}
    np.testing.assert_allclose(store.vectors(["1", "0"]), [[0.6, 0.8], [1, 0]])
    with pytest.raises(InvalidInput, match="no vector for the passage 'x'"):
        store.vectors(["x"])
    assert sorted(passage.id for passage in store.passages()) == ["0", "1"]
    assert not store.has_words


def test_a_filter_has_the_types_of_the_columns(folder):
    store = load_store(f"lancedb:notes@{folder}")
    for where in ({"n": "2"}, {"n": 2.0}, {"size": "2"}, {"lang": "de"}, {"level": 3}, {"n": ["2", "x"], "lang": "de"}):
        assert ids(store.nearest(vector(1, 0), 5, where)) == ["1"]
    for where in ({"n": "x"}, {"n": 1.5}, {"lang": True}):
        assert store.nearest(vector(1, 0), 5, where) == []
    with pytest.raises(InvalidInput, match="has no field 'year'; its fields are lang, level, meta, n, size, text"):
        store.nearest(vector(1, 0), 5, {"year": 1})


def test_numbers_as_ids(tmp_path):
    rows = [{"id": n, **row} for n, row in zip((7, -3), ROWS, strict=True)]
    lancedb.connect(tmp_path).create_table("notes", rows)
    store = load_store(f"lancedb:notes@{tmp_path}")
    assert ids(store.nearest(vector(1, 0), 5)) == ["7", "-3"]
    np.testing.assert_allclose(store.vectors(["-3"]), [[0.6, 0.8]])
    with pytest.raises(InvalidInput, match="'a'"):
        store.vectors(["a"])


def test_an_unknown_folder_or_table(folder):
    with pytest.raises(StoreNotFound, match="there is no folder"):
        load_store("lancedb:notes@/nothing/here")
    with pytest.raises(StoreNotFound, match="there is no table 'other'; the store has notes"):
        load_store(f"lancedb:other@{folder}")


def test_two_vectors_need_a_name(tmp_path):
    size = pyarrow.list_(pyarrow.float32(), 2)
    schema = pyarrow.schema({"text": pyarrow.string(), "image": size, "own": size})
    rows = pyarrow.Table.from_pylist([{"text": "red", "image": [1.0, 0.0], "own": [0.0, 1.0]}], schema)
    lancedb.connect(tmp_path).create_table("notes", rows)
    with pytest.raises(InvalidInput, match="has the vectors 'image', 'own'"):
        load_store(f"lancedb:notes@{tmp_path}")
    store = load_store(f"lancedb:notes@{tmp_path}", {"vector": "own"})
    assert store.nearest(vector(0, 1), 1)[0][1] == pytest.approx(1)


def test_a_connection_of_the_user(folder):
    assert len(load_store("lancedb:notes", client=lancedb.connect(folder))) == 2


def test_an_index_that_rounds_gives_true_cosines(tmp_path):
    from lancedb.index import IvfPq

    vectors = np.random.default_rng(0).standard_normal((600, 16)).astype(np.float32)
    rows = [{"id": str(n), "text": f"text {n}", "vector": row.tolist()} for n, row in enumerate(vectors)]
    table = lancedb.connect(tmp_path).create_table("notes", rows)
    table.create_index("vector", config=IvfPq(distance_type="cosine", num_partitions=1, num_sub_vectors=4))
    store = load_store(f"lancedb:notes@{tmp_path}")
    assert not store.exact
    answer = store.nearest(vectors[3], 10)
    assert [score for _, score in answer] == pytest.approx(store.similarities(vectors[3], ids(answer)), abs=1e-4)


@pytest.mark.parametrize("metric", ["", "l2", "dot", "cosine"])
def test_hybrid_retrieval_has_the_vectors_of_the_words_without_another_request(tmp_path, monkeypatch, metric):
    passages = [Passage(f"p{place}", f"{'red' if place % 2 else 'blue'} number {place}") for place in range(40)]
    store = lance(metric)(tmp_path, passages, ENCODER.encode_passages([passage.text for passage in passages]) * 3)
    expected = store.similarities(ENCODER.encode_queries(["red"])[0], [passage.id for passage in passages])
    monkeypatch.setattr(store._backend, "vectors", lambda ids: pytest.fail("a third request"))
    hits = Hybrid(store, ENCODER, depth=10).retrieve("red", 15)
    scores = {passage.id: score for passage, score in zip(passages, expected, strict=True)}
    if store.gives_cosines:
        assert [hit.signals["dense"] for hit in hits] == pytest.approx([scores[hit.id] for hit in hits], abs=1e-4)
    else:  # distances and inner products of vectors of length 3 are no signal
        assert not any("dense" in hit.signals for hit in hits)


def test_a_row_without_a_vector_has_no_score_and_others_keep_theirs(tmp_path):
    rows = [
        {"id": "a", "text": "red one", "vector": [1.0, 0.0]},
        {"id": "b", "text": "red two", "vector": None},
        {"id": "c", "text": "red three", "vector": [0.6, 0.8]},
    ]
    vectors = pyarrow.list_(pyarrow.float32(), 2)
    schema = pyarrow.schema({"id": pyarrow.string(), "text": pyarrow.string(), "vector": vectors})
    table = lancedb.connect(tmp_path).create_table("notes", schema=schema)
    table.add(pyarrow.Table.from_pylist(rows, schema), on_bad_vectors="null")
    table.create_index("text", config=FTS())
    store = load_store(f"lancedb:notes@{tmp_path}")
    _, words = store.both(vector(1, 0), "red", 5)
    assert sorted(ids(words)) == ["a", "b", "c"]
    assert words.cosines == {"a": pytest.approx(1), "c": pytest.approx(0.6)}
