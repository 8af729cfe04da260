"""What is special about FAISS: text files, ids of the index, filters, and rounded vectors."""

from __future__ import annotations

import json

import numpy as np
import pytest

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, StoreNotFound, StoreRefused
from shortlist.stores.encoder_check import check_encoder
from shortlist.stores.faiss_texts import read_texts
from shortlist.stores.kinds import load_store

ENCODER = HashedEncoder(64)
WORDS = "cat dog bird red blue green sleeps runs sings house garden river".split()  # noqa: SIM905
TEXTS = [f"{WORDS[n % 12]} and {WORDS[(n * 5 + 1) % 12]} number {n}" for n in range(300)]
VECTORS = ENCODER.encode_passages(TEXTS)


def ids(answer):
    return [passage.id for passage, _ in answer]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("t.jsonl", '{"text": "a", "n": 1}\n\n"b"\n', [{"text": "a", "n": 1}, {"text": "b"}]),
        ("t.json", '["a", {"text": "b"}]', [{"text": "a"}, {"text": "b"}]),
        ("t.csv", 'id,text\n1,"a, b"\n2,c\n', [{"id": "1", "text": "a, b"}, {"id": "2", "text": "c"}]),
        ("t.TSV", "id\ttext\n1\ta\n2\t\n", [{"id": "1", "text": "a"}, {"id": "2"}]),
        (
            "t.csv",
            "2024-01-05,red\n2024-02-07,blue\n",
            [{"column 1": "2024-01-05", "column 2": "red"}, {"column 1": "2024-02-07", "column 2": "blue"}],
        ),
        (
            "t.csv",
            "The income tax is due in April.\nCats sleep most of the day.\n",
            [{"column 1": "The income tax is due in April."}, {"column 1": "Cats sleep most of the day."}],
        ),
        ("t.csv", 'id, text ,id\n1,a 5" disk,x\n', [{"id": "1", "text": 'a 5" disk', "id 3": "x"}]),
        ("t.csv", "", []),
        ("t.txt", "\ufeffone\ntwo\r\nthree", [{"text": "one"}, {"text": "two"}, {"text": "three"}]),
    ],
)
def test_texts_of_every_format(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content.encode())
    assert read_texts(tmp_path / name, "s") == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.jsonl", b'{"text": "a"}\n{x\n', "line 2: "),
        ("t.jsonl", b"[1]\n", "line 1: .* neither an object nor a text"),
        ("t.json", b'{"text": "a"}', "it is no list"),
        ("t.csv", b"id,text\n1,a,b\n", "line 2: another number of fields"),
        ("t.csv", b"id,text\n1\n", "line 2: another number of fields"),
        ("t.csv", b'id,text\n1,"a\n2,b\n', "line 2: a quote is not closed"),
        ("t.txt", b"\xff\xfe", "not UTF-8"),
        ("t.parquet", b"", "give a file that ends with .jsonl"),
    ],
)
def test_bad_texts_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=f"s: .*{message}"):
        read_texts(tmp_path / name, "s")


def test_a_missing_file_of_texts_is_named(tmp_path):
    with pytest.raises(StoreNotFound, match=r"s: there is no file .*missing\.txt"):
        read_texts(tmp_path / "missing.txt", "s")


@pytest.fixture
def faiss():
    return pytest.importorskip("faiss")


@pytest.fixture
def texts(tmp_path):
    file = tmp_path / "texts.jsonl"
    rows = [{"id": f"k{n}", "text": text, "year": 2000 + n % 3} for n, text in enumerate(TEXTS)]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file


def index_of(faiss, spec, metric="METRIC_INNER_PRODUCT", labels=None):
    index = faiss.index_factory(64, spec, getattr(faiss, metric))
    index.train(VECTORS)
    index.add(VECTORS) if labels is None else index.add_with_ids(VECTORS, np.array(labels))
    return index


@pytest.mark.parametrize("spec", ["Flat", "IVF4,Flat", "HNSW32", "SQ8", "IVF4,Flat,RFlat", "IDMap,HNSW32"])
@pytest.mark.parametrize("metric", ["METRIC_INNER_PRODUCT", "METRIC_L2"])
def test_a_filter_compares_every_row_that_passes(faiss, texts, spec, metric):
    labels = list(range(300)) if "IDMap" in spec else None
    store = load_store(f"faiss:{texts}", client=index_of(faiss, spec, metric, labels))
    vector = ENCODER.encode_queries(["red bird in the garden"])[0]
    answer = store.nearest(vector, 100, {"year": "2001"})
    assert len(answer) == 100
    expected = {f"k{n}": float(VECTORS[n] @ vector) for n in range(1, 300, 3)}
    assert {passage.id: score for passage, score in answer} == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("labels", "with_ids"), [(range(300), False), (range(299, -1, -1), False), (range(1000, 1300), True)]
)
def test_an_index_with_ids_finds_its_texts(faiss, tmp_path, labels, with_ids):
    rows = [{"text": text, **({"id": label} if with_ids else {})} for label, text in zip(labels, TEXTS, strict=True)]
    if not with_ids:
        rows = [rows[labels.index(place)] for place in range(300)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    store = load_store(f"faiss:{tmp_path / 't.jsonl'}", client=index_of(faiss, "IDMap2,Flat", labels=list(labels)))
    for place in (0, 7, 299):
        (answer,) = store.nearest(VECTORS[place], 1)
        assert (answer[0].id, answer[0].text) == (str(labels[place]), TEXTS[place])
        np.testing.assert_allclose(store.vectors([answer[0].id])[0], VECTORS[place])
    assert check_encoder(store, ENCODER) == "text"


def test_ids_without_a_text_are_named(faiss, texts):
    with pytest.raises(InvalidInput, match="the index has the id 1000, and no text has this id or this place"):
        load_store(f"faiss:{texts}", client=index_of(faiss, "IDMap,Flat", labels=range(1000, 1300)))


def test_another_number_of_texts_is_an_error(faiss, tmp_path):
    (tmp_path / "t.txt").write_text("\n".join(TEXTS[:299]), encoding="utf-8")
    with pytest.raises(InvalidInput, match="the file has 299 texts, and the index 300 vectors"):
        load_store(f"faiss:{tmp_path / 't.txt'}", client=index_of(faiss, "Flat"))


def test_lines_of_text_are_numbered_from_0(faiss, tmp_path):
    (tmp_path / "t.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    store = load_store(f"faiss:{tmp_path / 't.txt'}", client=index_of(faiss, "Flat"))
    assert ids(store.nearest(VECTORS[5], 1)) == ["5"]
    assert not store.has_words


def test_a_rounded_index_passes_the_check_of_the_encoder(faiss, texts):
    index = index_of(faiss, "PQ16x4")
    store = load_store(f"faiss:{texts}", client=index)
    assert (store.lossy, store.exact) == (True, False)
    assert check_encoder(store, ENCODER) == "text"
    assert load_store(f"faiss:{texts}", client=index_of(faiss, "Flat")).exact


def test_a_missing_or_damaged_index(faiss, texts, tmp_path):
    with pytest.raises(StoreNotFound, match="no file"):
        load_store(f"faiss:{texts}@{tmp_path / 'x.faiss'}")
    (tmp_path / "x.faiss").write_bytes(b"no index")
    with pytest.raises(StoreRefused, match="no index of FAISS"):
        load_store(f"faiss:{texts}@{tmp_path / 'x.faiss'}")


def test_another_metric_is_refused(faiss, texts):
    index = faiss.IndexFlat(64, faiss.METRIC_L1)
    index.add(VECTORS)
    with pytest.raises(InvalidInput, match="only an index of inner products or L2"):
        load_store(f"faiss:{texts}", client=index)
