"""Qdrant Edge: what the contract of all engines does not cover."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import IndexWriteFailed, NotAnIndex
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.indexes.embedded.translating import translated
from shortlist.types import Passage

ENCODER = HashedEncoder(32)
ENGINE = EmbeddedEngine()
NOTES = [Passage(f"p{i}", f"note {i} about {word}") for i, word in enumerate(["cats", "dogs", "trees"] * 20)]


def create(folder, passages=NOTES):
    index = ENGINE.create(folder, dimension=ENCODER.dimension)
    index.add(passages, ENCODER.encode_passages([passage.content for passage in passages]))
    return index


def ids(index):
    return sorted(passage.id for passage in index.passages())


def test_the_mean_length_is_measured_once_and_stored(tmp_path):
    index = create(tmp_path)
    length = json.loads((tmp_path / "bm25.json").read_text())["average_length"]
    assert length == pytest.approx(3.0, abs=0.1)  # "note", the number and the animal; "about" is a stop word
    before = index.matching("cats", 5)
    index.close()
    index = ENGINE.open(tmp_path, dimension=ENCODER.dimension)
    assert [score for _, score in index.matching("cats", 5)] == pytest.approx([score for _, score in before])
    index.add([Passage("long", "word " * 500)], ENCODER.encode_passages(["word"]))
    assert json.loads((tmp_path / "bm25.json").read_text())["average_length"] == length
    index.close()


@pytest.mark.parametrize("file", ["vectors/chunk_0.mmap", "payload_storage/page_0.dat"])
def test_an_emptied_file_that_is_read_late_is_reported_with_the_remedy(tmp_path, file):
    vectors = np.eye(8, dtype=np.float32)
    index = EmbeddedEngine().create(tmp_path, dimension=8)
    index.add([Passage(f"p{place}", f"tax {place}") for place in range(8)], vectors)
    index.close()
    emptied = next(path for path in (tmp_path).rglob("*") if path.as_posix().endswith(file))
    emptied.write_bytes(b"")
    index = EmbeddedEngine().open(tmp_path, dimension=8)
    with pytest.raises(NotAnIndex, match=r"its files are damaged: delete the index folder and add the files again \("):
        index.nearest(vectors[0], 3)
    index.close()
    with pytest.raises(NotAnIndex, match="it is closed"):
        index.nearest(vectors[0], 3)


def damaged(folder, value, places=range(8)):
    """Return an index of the unit vectors in which the vectors in `places` have this value in place of 1."""
    vectors = np.eye(8, dtype=np.float32)
    index = EmbeddedEngine().create(folder, dimension=8)
    index.add([Passage(f"p{place}", f"tax {place}", metadata={"n": place}) for place in range(8)], vectors)
    index.close()
    file = next(path for path in folder.rglob("*") if path.as_posix().endswith("vectors/chunk_0.mmap"))
    content = file.read_bytes()
    rows = np.frombuffer(content[: vectors.nbytes], dtype=np.float32).reshape(8, 8).copy()
    assert sorted(rows.argmax(axis=1)) == list(range(8))
    for row in rows:
        row[row.argmax()] = value if row.argmax() in places else 1
    file.write_bytes(rows.tobytes() + content[vectors.nbytes :])
    return EmbeddedEngine().open(folder, dimension=8), np.eye(8, dtype=np.float32)


@pytest.mark.parametrize(("k", "where"), [(8, None), (2, None), (8, {"n": {"lt": 3}}), (1, {"n": 0})])
@pytest.mark.parametrize("value", [np.nan, -3e37])
def test_a_vector_that_no_answer_shows_is_reported(tmp_path, value, k, where):
    index, vectors = damaged(tmp_path, value, [5])
    query = vectors[0] if np.isnan(value) else vectors[5]
    with pytest.raises(NotAnIndex, match=r"its files are damaged: .* \(a passage has (the|no) cosine"):
        index.nearest(query, k, where)
    index.close()


def test_intact_vectors_are_checked_once(tmp_path, monkeypatch):
    index, vectors = damaged(tmp_path, 1)
    calls = []
    lowest = index._shard.lowest
    monkeypatch.setattr(index._shard, "lowest", lambda vector: calls.append(1) or lowest(vector))
    assert [len(index.nearest(vector, 3, {"n": {"lt": 2}})) for vector in vectors] == [2] * 8
    assert len(calls) == 1
    index.close()


@pytest.mark.parametrize("value", [1.5, -3e37, np.inf, np.nan])
def test_vectors_overwritten_with_other_numbers_are_reported_with_the_remedy(tmp_path, value):
    index, vectors = damaged(tmp_path, value)
    message = r"its files are damaged: delete the index folder and add the files again \(a passage has (the|no) cosine"
    with pytest.raises(NotAnIndex, match=message):
        index.nearest(vectors[0], 8)
    with pytest.raises(NotAnIndex, match=message):
        index.similarities(vectors[0], [f"p{place}" for place in range(8)])
    index.close()


def test_scores_of_a_model_for_dot_products_may_be_above_one(tmp_path):
    index = EmbeddedEngine().create(tmp_path, dimension=8)
    index.add([Passage("p", "tax")], np.full((1, 8), 3, dtype=np.float32))
    query = np.full(8, 2, dtype=np.float32)
    assert [score for _, score in index.nearest(query, 1)] == index.similarities(query, ["p"]) == [48.0]
    index.close()


@pytest.mark.parametrize("damage", ["empty files", "no files", "no length"])
def test_a_damaged_index_is_reported_with_the_remedy(tmp_path, damage):
    create(tmp_path).close()
    for path in (tmp_path / "shard").rglob("*"):
        if path.is_file() and damage == "empty files":
            path.write_bytes(b"")
        elif path.is_file() and damage == "no files":
            path.unlink()
    if damage == "no length":
        (tmp_path / "bm25.json").write_text("{")
    with pytest.raises(NotAnIndex, match=r"is damaged: delete the index folder and rebuild it"):
        ENGINE.open(tmp_path, dimension=ENCODER.dimension)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "shard").write_text("a file")
    with pytest.raises(IndexWriteFailed, match="cannot make the index"):
        ENGINE.create(tmp_path, dimension=3)


def test_the_files_reserve_little_and_use_less(tmp_path):
    """The engine reserves 32 MB for each of vectors, BM25 and texts, and without settings 64 MB for a log."""
    create(tmp_path).close()
    sizes = [path.stat() for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(size.st_size for size in sizes) < 120e6
    if hasattr(os.stat_result, "st_blocks"):
        assert sum(size.st_blocks * 512 for size in sizes) < 2e6


FULL_DISK = """
import os, resource, signal, sys
from pathlib import Path
import numpy as np
from shortlist.errors import IndexWriteFailed
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.types import Passage
index = EmbeddedEngine().open(Path(sys.argv[1]), dimension=32)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
vectors = np.ones((2000, 32), np.float32)
try:
    for start in range(20):
        index.add([Passage(f"n{start}-{i}", "word " * 300) for i in range(2000)], vectors)
        index.flush()
except IndexWriteFailed as error:
    print(error)
    os._exit(7)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits file sizes with setrlimit")
def test_a_full_disk_is_reported_and_earlier_commits_stay(tmp_path):
    create(tmp_path).close()
    run = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 7, run.stderr[-800:]
    assert "cannot write to" in run.stdout
    index = ENGINE.open(tmp_path, dimension=ENCODER.dimension)
    assert {note.id for note in NOTES} <= set(ids(index))
    index.close()


WRITER = """
import sys
from pathlib import Path
from shortlist.encoders.hashed import HashedEncoder
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.types import Passage
encoder = HashedEncoder(32)
index = EmbeddedEngine().open(Path(sys.argv[1]), dimension=32)
for block in range(10_000):
    passages = [Passage(f"b{block}-{i}", f"text {i} of block {block}") for i in range(20)]
    index.add(passages, encoder.encode_passages([passage.text for passage in passages]))
    index.delete([f"b{block - 3}-{i}" for i in range(20)])
    index.flush()
    print(block, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_kill_9_keeps_every_flushed_change(tmp_path):
    """Without a write-ahead log, all changes up to the last flush are there, and the index can be opened."""
    create(tmp_path).close()
    pauses = random.Random(5)
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    for _ in range(5):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            flushed = -1
            while flushed < 4:
                flushed = int(child.stdout.readline())
            time.sleep(pauses.uniform(0, 0.05))
            child.send_signal(signal.SIGKILL)
            flushed = max([flushed, *(int(line) for line in child.stdout if line.endswith("\n"))])
        index = ENGINE.open(tmp_path, dimension=ENCODER.dimension)
        stored = set(ids(index))
        assert {note.id for note in NOTES} <= stored
        for block in (flushed - 1, flushed):
            assert {f"b{block}-{i}" for i in range(20)} <= stored
        assert not {f"b{flushed - 3}-{i}" for i in range(20)} & stored
        hits = [passage.id for passage, _ in index.matching(f"block {flushed}", 1000)]
        assert {f"b{flushed}-{i}" for i in range(20)} <= set(hits)
        index.delete([key for key in stored if key.startswith("b")])
        index.close()


def test_a_repeated_word_of_the_query_counts_repeatedly(tmp_path):
    index = ENGINE.create(tmp_path, dimension=1)
    index.add([Passage("cat", "cats sleep"), Passage("dog", "dogs bark")], np.ones((2, 1), np.float32))
    once = {passage.id: score for passage, score in index.matching("cat and dog", 2)}
    assert once["cat"] == pytest.approx(once["dog"])
    twice = {passage.id: score for passage, score in index.matching("the cat, the cats and the dog", 2)}
    assert twice["cat"] == pytest.approx(2 * once["cat"], rel=1e-5)
    assert twice["dog"] == pytest.approx(once["dog"], rel=1e-5)
    index.close()


def ndcg(order, relevant):
    gain = sum(1 / np.log2(place + 2) for place, doc in enumerate(order[:10]) if doc in relevant)
    return gain / sum(1 / np.log2(place + 2) for place in range(min(10, len(relevant))))


def test_bm25_is_at_least_as_good_as_a_second_implementation(test_sets, tmp_path):
    import bm25s
    import Stemmer

    folder = test_sets / "scifact"
    docs = [json.loads(line) for line in (folder / "corpus.jsonl").read_text("utf-8").splitlines()]
    texts = [f"{doc['title']}\n{doc['text']}" for doc in docs]
    rows = [line.split("\t") for line in (folder / "qrels" / "test.tsv").read_text().splitlines()[1:]]
    lines = map(json.loads, (folder / "queries.jsonl").read_text("utf-8").splitlines())
    queries = {query["_id"]: query["text"] for query in lines}
    judged = {query: {doc for q, doc, _ in rows if q == query} for query in {row[0] for row in rows}}
    other = bm25s.BM25(k1=1.2, b=0.75)
    options = {"stopwords": "en_plus", "stemmer": Stemmer.Stemmer("english"), "show_progress": False}
    other.index(bm25s.tokenize(texts, **options), show_progress=False)
    keys = sorted(judged)
    rankings, _ = other.retrieve(bm25s.tokenize([queries[q] for q in keys], **options), k=10, show_progress=False)

    index = ENGINE.create(tmp_path, dimension=1)
    passages = [Passage(doc["_id"], text) for doc, text in zip(docs, texts, strict=True)]
    index.add(passages, np.ones((len(passages), 1), np.float32))
    ours = np.mean([ndcg([p.id for p, _ in index.matching(queries[q], 10)], judged[q]) for q in keys])
    index.close()
    theirs = np.mean([ndcg([docs[i]["_id"] for i in row], judged[q]) for q, row in zip(keys, rankings, strict=True)])
    assert theirs - 0.01 < ours < theirs + 0.05  # ours has other forms of words, too


class PanicException(BaseException):
    """What PyO3 raises if the engine panics."""


def test_a_panic_of_the_engine_is_damage():
    with pytest.raises(NotAnIndex, match=r"damaged \(at the disco\)"), translated(NotAnIndex, "damaged"):
        raise PanicException("at the disco")


def test_an_interruption_is_no_damage():
    with pytest.raises(KeyboardInterrupt), translated(NotAnIndex, "damaged"):
        raise KeyboardInterrupt
