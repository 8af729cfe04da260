import json
import os
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pytest

from shortlist.collection import lock
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import IndexLocked, IndexMismatch, IndexWriteFailed, NotAnIndex
from shortlist.indexes.embedded import EmbeddedIndex, Entry, why_nothing
from shortlist.types import Passage

ENCODER = HashedEncoder(32)
NOTES = [Passage(f"p{i}", f"note {i} about {word}") for i, word in enumerate(["cats", "dogs", "trees"] * 20)]


def create(folder):
    index = EmbeddedIndex.create(folder, encoder_name=ENCODER.name, dimension=ENCODER.dimension)
    index.add(NOTES, ENCODER.encode_passages([one.content for one in NOTES]))
    return index


def answers(index):
    vector = ENCODER.encode_queries(["cats and dogs"])[0]
    dense = sorted((p.id, round(s, 5)) for p, s in index.nearest(vector, 60))
    return dense, sorted((p.id, round(s, 5)) for p, s in index.matching("trees", 60))


def test_a_reopened_index_answers_the_same(tmp_path):
    with create(tmp_path / "i") as index:
        before = answers(index)
    with EmbeddedIndex.open(tmp_path / "i", encoder_name=ENCODER.name) as index:
        assert answers(index) == before
        assert index.ids() == sorted(one.id for one in NOTES)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (None, ""),
        ({"year": 2024}, ""),
        ({"yaer": 2024}, "none has a field 'yaer'; the fields are document_id, lang, title, year"),
        ({"year": "2023,2024", "lang": "en"}, "none has the 'year' that the filter asks for"),
        ({"year": 2024, "lang": "de"}, "none matches all"),
    ],
)
def test_a_filter_that_matches_nothing_is_explained(tmp_path, where, said):
    with create(tmp_path / "i") as index:
        notes = [Passage("x", "x", metadata={"year": "2024"}), Passage("y", "y", metadata={"lang": "en"})]
        index.add([*notes, Passage("z", "z", metadata={"lang": "de"})], ENCODER.encode_passages(["x", "y", "z"]))
        assert said in why_nothing(index, where)
        assert bool(said) == bool(why_nothing(index, where))


def test_closing_twice_is_fine(tmp_path):
    index = create(tmp_path / "i")
    index.close()
    index.close()


def test_mean_length_is_measured_once_and_kept(tmp_path):
    index = create(tmp_path / "i")
    measured = index.manifest.average_length
    assert measured == pytest.approx(3.0, abs=0.1)  # "note", the number and the animal; "about" is a stop word
    index.add([Passage("long", "word " * 500)], ENCODER.encode_passages(["word"]))
    assert index.manifest.average_length == measured
    index.close()
    with EmbeddedIndex.open(tmp_path / "i") as again:
        assert again.manifest.average_length == measured


def test_a_missing_folder_says_what_to_run(tmp_path):
    with pytest.raises(NotAnIndex, match=r"there is no index at .*Make one with: shortlist add PATH --index"):
        EmbeddedIndex.open(tmp_path / "none")


def test_a_folder_of_other_things_is_no_index(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"x")
    with pytest.raises(NotAnIndex, match="is no shortlist index"):
        EmbeddedIndex.open(tmp_path)
    with pytest.raises(NotAnIndex, match=r"already holds 'photo\.png'"):
        EmbeddedIndex.create(tmp_path, encoder_name="x", dimension=3)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_another_encoder_is_a_mismatch(tmp_path):
    create(tmp_path / "i").close()
    with pytest.raises(IndexMismatch, match="made with the bi-encoder hashed-32, not other"):
        EmbeddedIndex.open(tmp_path / "i", encoder_name="other")


def test_a_newer_format_is_a_mismatch(tmp_path):
    create(tmp_path / "i").close()
    path = tmp_path / "i" / "shortlist.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(IndexMismatch, match="has format 99, newer than the 4"):
        EmbeddedIndex.open(tmp_path / "i")


def test_an_older_format_says_to_build_anew(tmp_path):
    create(tmp_path / "i").close()
    path = tmp_path / "i" / "shortlist.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 2}))
    with pytest.raises(IndexMismatch, match=r"has format 2, older than the 4 .* delete the folder and make it anew"):
        EmbeddedIndex.open(tmp_path / "i")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"format_version": "x"}'])
def test_a_damaged_manifest_is_named(tmp_path, content):
    create(tmp_path / "i").close()
    (tmp_path / "i" / "shortlist.json").write_text(content)
    with pytest.raises(NotAnIndex, match=r"shortlist\.json is damaged"):
        EmbeddedIndex.open(tmp_path / "i")


def test_a_damaged_shard_is_named(tmp_path):
    create(tmp_path / "i").close()
    for path in (tmp_path / "i" / "shard").rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    with pytest.raises(NotAnIndex, match="is damaged: make it again"):
        EmbeddedIndex.open(tmp_path / "i")


READS = {
    "get": lambda index: index.get(["p1"]),
    "ids": lambda index: index.ids(),
    "nearest": lambda index: index.nearest(ENCODER.encode_queries(["cats"])[0], 5),
    "matching": lambda index: index.matching("cats", 5),
    "similarities": lambda index: index.similarities(ENCODER.encode_queries(["cats"])[0], ["p1"]),
    "len": len,
    "sources": lambda index: index.ledger.sources(),
    "documents": lambda index: index.ledger.documents("s"),
    "told": lambda index: index.ledger.told("s"),
    "pending": lambda index: index.ledger.pending(),
    "known_sources": lambda index: index.ledger.known_sources(),
    "owner": lambda index: index.ledger.owner("d"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_reading_after_close_is_named(tmp_path, read):
    index = create(tmp_path / "i")
    index.close()
    with pytest.raises(NotAnIndex, match=r"can't (be )?read"):
        read(index)


def test_a_ledger_damaged_inside_is_named(tmp_path):
    index = create(tmp_path / "i")
    index.ledger.settle([Entry(f"d{i}", "s", "h", (f"d{i}#0",)) for i in range(3000)])
    index.close()
    file = tmp_path / "i" / "sources.sqlite"
    whole = file.read_bytes()
    file.write_bytes(whole[: 4096 * 6] + b"\xab" * (len(whole) - 4096 * 7) + whole[-4096:])
    with EmbeddedIndex.open(tmp_path / "i") as again, pytest.raises(NotAnIndex, match=r"sources\.sqlite can't be read"):
        again.ledger.documents("s")


@pytest.mark.parametrize("passages", ["[", "7"])
def test_a_ledger_with_a_damaged_entry_is_named(tmp_path, passages):
    create(tmp_path / "i").close()
    with sqlite3.connect(tmp_path / "i" / "sources.sqlite") as ledger:
        ledger.execute("INSERT INTO documents VALUES ('d', 's', 'h', ?, 0)", (passages,))
    ledger.close()
    with EmbeddedIndex.open(tmp_path / "i") as again, pytest.raises(NotAnIndex, match=r"sources\.sqlite can't be read"):
        again.ledger.documents("s")


def test_one_process_at_a_time(tmp_path):
    with create(tmp_path / "i"):
        with pytest.raises(IndexLocked, match="is already open in this process"):
            EmbeddedIndex.open(tmp_path / "i")
        code = "import sys, pathlib\nfrom shortlist.indexes.embedded import EmbeddedIndex\n"
        code += "EmbeddedIndex.open(pathlib.Path(sys.argv[1]))"
        command = [sys.executable, "-c", code, str(tmp_path / "i")]
        other = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "IndexLocked" in other.stderr
        assert f"open in another process (pid {os.getpid()})" in other.stderr
    EmbeddedIndex.open(tmp_path / "i").close()


def test_another_process_is_waited_for(tmp_path, monkeypatch):
    create(tmp_path / "i").close()
    code = "import sys, pathlib\nfrom shortlist.indexes.embedded import EmbeddedIndex\n"
    code += "i = EmbeddedIndex.open(pathlib.Path(sys.argv[1]))\nprint('held', flush=True)\ninput()\ni.close()"
    command = [sys.executable, "-c", code, str(tmp_path / "i")]
    monkeypatch.setattr(lock, "WAIT", 60.0)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        tries = []

        def let_go(seconds):
            tries.append(seconds)
            if len(tries) == 1:
                other.stdin.write("\n")
                other.stdin.flush()

        monkeypatch.setattr(lock.time, "sleep", let_go)
        EmbeddedIndex.open(tmp_path / "i").close()
    assert tries


def test_a_kill_during_create_can_be_repeated(tmp_path):
    folder = tmp_path / "i"
    create(folder).close()
    (folder / "shortlist.json").unlink()
    (folder / "sources.sqlite").unlink()
    create(folder).close()


@pytest.mark.skipif(sys.platform == "win32", reason="limits file sizes with setrlimit")
def test_a_full_disk_is_named_and_what_was_there_stays(tmp_path):
    create(tmp_path / "i").close()
    code = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from shortlist.errors import IndexWriteFailed
from shortlist.indexes.embedded import EmbeddedIndex, Entry
from shortlist.types import Passage
index = EmbeddedIndex.open(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
vectors = np.ones((2000, 32), np.float32)
try:
    for start in range(20):
        index.add([Passage(f"n{start}-{i}", "word " * 300) for i in range(2000)], vectors)
        index.flush()
except IndexWriteFailed as error:
    print(error)
    import os
    os._exit(7)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "i")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 7, done.stderr[-800:]
    assert "can't write to" in done.stdout
    with EmbeddedIndex.open(tmp_path / "i") as index:
        assert {one.id for one in NOTES} <= set(index.ids())


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexWriteFailed, match="can't make the index folder"):
        EmbeddedIndex.create(tmp_path / "file" / "i", encoder_name="x", dimension=3)


def test_several_threads_may_search(tmp_path):
    with create(tmp_path / "i") as index:
        expected, seen = answers(index), []
        threads = [threading.Thread(target=lambda: seen.append(answers(index))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [expected] * 6


def test_a_word_of_the_query_counts_as_often_as_it_stands_there(tmp_path):
    with EmbeddedIndex.create(tmp_path / "i", encoder_name="none", dimension=1) as index:
        index.add([Passage("cat", "cats sleep"), Passage("dog", "dogs bark")], np.ones((2, 1), np.float32))
        once = {p.id: score for p, score in index.matching("cat and dog", 2)}
        assert once["cat"] == pytest.approx(once["dog"])
        twice = {p.id: score for p, score in index.matching("the cat, the cats and the dog", 2)}
        assert twice["cat"] == pytest.approx(2 * once["cat"], rel=1e-5)
        assert twice["dog"] == pytest.approx(once["dog"], rel=1e-5)


def test_bm25_is_close_to_a_second_implementation(test_sets, tmp_path):
    import bm25s
    import Stemmer

    docs = [json.loads(line) for line in (test_sets / "scifact" / "corpus.jsonl").read_text("utf-8").splitlines()]
    texts = [f"{doc['title']}\n{doc['text']}" for doc in docs]
    rows = [line.split("\t") for line in (test_sets / "scifact" / "qrels" / "test.tsv").read_text().splitlines()[1:]]
    queries = {
        q["_id"]: q["text"]
        for q in map(json.loads, (test_sets / "scifact" / "queries.jsonl").read_text("utf-8").splitlines())
    }
    judged = {query: {doc for q, doc, _ in rows if q == query} for query in {row[0] for row in rows}}
    passages = [Passage(doc["_id"], text) for doc, text in zip(docs, texts, strict=True)]
    other = bm25s.BM25(k1=1.2, b=0.75)
    options = {"stopwords": "en_plus", "stemmer": Stemmer.Stemmer("english"), "show_progress": False}
    other.index(bm25s.tokenize(texts, **options), show_progress=False)
    asked = sorted(judged)
    found, _ = other.retrieve(bm25s.tokenize([queries[q] for q in asked], **options), k=10, show_progress=False)

    def ndcg(order, wanted):
        gain = sum(1 / np.log2(place + 2) for place, doc in enumerate(order[:10]) if doc in wanted)
        return gain / sum(1 / np.log2(place + 2) for place in range(min(10, len(wanted))))

    with EmbeddedIndex.create(tmp_path / "i", encoder_name="none", dimension=1) as index:
        index.add(passages, np.ones((len(passages), 1), np.float32))
        ours = np.mean([ndcg([p.id for p, _ in index.matching(queries[q], 10)], judged[q]) for q in asked])
    theirs = np.mean([ndcg([docs[i]["_id"] for i in row], judged[q]) for q, row in zip(asked, found, strict=True)])
    assert ours == pytest.approx(theirs, abs=0.01)
