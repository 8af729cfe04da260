"""Compact vectors: an index above a size compares copies of its vectors first."""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import shortlist as sl
from shortlist import registry
from shortlist.errors import InvalidInput
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.retrievers import Dense, Hybrid
from shortlist.types import Note, Passage, RerankerInfo

DIMENSION = 64
ENGINE = EmbeddedEngine(compact_from=300)
NEVER = EmbeddedEngine(compact_from=10**9)
APPROXIMATE = Note("stage_one_approximate")


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clustered(count, seed=1):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(30, DIMENSION))
    return unit(centres[rng.integers(0, 30, count)] + 0.8 * rng.normal(size=(count, DIMENSION)))


def notes(count, word="note"):
    return [Passage(f"p{i}", f"{word} {i}", f"d{i}", metadata={"part": i % 10}) for i in range(count)]


VECTORS = clustered(1000)
QUERIES = clustered(40, seed=2)


def filled(folder, engine=ENGINE, count=1000, **options):
    index = engine.create(folder, dimension=DIMENSION, **options)
    for start in range(0, count, 100):
        index.add(notes(count)[start : start + 100], VECTORS[start : start + 100])
        index.flush()
    return index


def ids(hits):
    return [passage.id for passage, _ in hits]


def nearest_by_numpy(vector, k, kept=slice(None)):
    places = np.arange(1000)[kept]
    return [f"p{place}" for place in places[np.argsort(-(VECTORS[places] @ vector), kind="stable")[:k]]]


def recall(found, true):
    return np.mean([len({*a} & {*b}) / len(b) for a, b in zip(found, true, strict=True)])


@pytest.fixture
def index(tmp_path):
    index = filled(tmp_path)
    yield index
    index.close()


def test_a_small_index_is_exact_and_a_large_one_approximate(tmp_path):
    index = filled(tmp_path, count=300)
    assert index.exact
    assert not hasattr(index.nearest(QUERIES[0], 5), "notes")
    index.add(notes(301)[300:], VECTORS[300:301])
    assert index.exact
    index.flush()
    assert not index.exact
    assert index.nearest(QUERIES[0], 5).notes == (APPROXIMATE,)
    index.close()
    index = ENGINE.open(tmp_path, dimension=DIMENSION)
    assert (index.exact, len(index)) == (False, 301)
    index.close()


def test_the_best_are_found_and_their_scores_are_those_of_the_full_vectors(index):
    answers = [index.nearest(vector, 50) for vector in QUERIES]
    true = [nearest_by_numpy(vector, 50) for vector in QUERIES]
    assert recall([ids(hits) for hits in answers], true) >= 0.98
    for vector, hits in zip(QUERIES, answers, strict=True):
        places = [int(passage.id[1:]) for passage, _ in hits]
        assert [score for _, score in hits] == pytest.approx(VECTORS[places] @ vector, abs=1e-5)


def test_with_exact_every_vector_is_compared(index, tmp_path):
    index.close()
    exact = ENGINE.open(tmp_path, dimension=DIMENSION, exact=True)
    assert exact.exact
    for vector in QUERIES:
        hits = exact.nearest(vector, 50)
        assert ids(hits) == nearest_by_numpy(vector, 50)
        assert not hasattr(hits, "notes")
    exact.close()


def test_filters_and_words_find_passages_of_every_segment(index):
    for vector in QUERIES[:10]:
        hits = index.nearest(vector, 20, {"part": 7})
        assert recall([ids(hits)], [nearest_by_numpy(vector, 20, slice(7, None, 10))]) >= 0.95
        assert {passage.metadata["part"] for passage, _ in hits} == {7}
    assert ids(index.matching("note 999", 1)) == ["p999"]
    assert ids(index.matching("note 5", 1)) == ["p5"]
    assert index.get(["p1", "p999", "none"]) == [notes(2)[1], notes(1000)[999]]
    np.testing.assert_allclose(index.vectors(["p1", "p999"]), VECTORS[[1, 999]], atol=1e-6)


def test_words_score_as_in_an_index_that_is_not_compact(index, tmp_path):
    (tmp_path / "other").mkdir()
    other = filled(tmp_path / "other", NEVER)
    other.average_length = index.average_length
    mine, theirs = index.matching("note 5", 30), other.matching("note 5", 30)
    assert (ids(mine)[0], len(mine)) == (ids(theirs)[0], len(theirs))
    assert [score for _, score in mine] == pytest.approx([score for _, score in theirs], rel=1e-4)
    other.close()


def test_passages_are_removed_and_replaced(index, tmp_path):
    index.delete(f"p{i}" for i in range(0, 1000, 2))
    new = [Passage(f"p{i}", f"changed {i}") for i in range(1, 21, 2)]
    index.add(new, -VECTORS[1:21:2])
    index.flush()
    for _ in range(2):
        assert sorted(passage.id for passage in index.passages()) == sorted(f"p{i}" for i in range(1, 1000, 2))
        assert len(index) == 500
        assert ids(index.matching("changed", 50)) == sorted(passage.id for passage in new)
        assert ids(index.nearest(-VECTORS[1], 1)) == ["p1"]
        assert not {f"p{i}" for i in range(0, 1000, 2)} & {*ids(index.nearest(QUERIES[0], 500))}
        index.close()
        index = ENGINE.open(tmp_path, dimension=DIMENSION)
    index.close()


def test_an_index_of_before_opens_and_is_compacted_by_the_next_change(tmp_path):
    filled(tmp_path, NEVER).close()
    assert not (tmp_path / "compact.json").exists()
    index = ENGINE.open(tmp_path, dimension=DIMENSION)
    assert index.exact
    assert ids(index.nearest(QUERIES[0], 10)) == nearest_by_numpy(QUERIES[0], 10)
    index.add([Passage("new", "a new one")], QUERIES[:1])
    index.flush()
    assert (index.exact, len(index)) == (False, 1001)
    assert ids(index.nearest(QUERIES[0], 1)) == ["new"]
    assert ids(index.matching("note 77", 1)) == ["p77"]
    index.close()


def test_stage_one_passes_the_note_on(index):
    class Encoder:
        name, dimension = "known", DIMENSION

        def encode_queries(self, texts):
            return QUERIES[: len(texts)]

    assert Dense(index, Encoder()).retrieve("note 3", 5).notes == (APPROXIMATE,)
    hybrid = Hybrid(index, Encoder())
    assert hybrid.retrieve("note 3", 5).notes == (APPROXIMATE,)
    assert hybrid.prefix_depth == 0


WRITER = """
import sys
from pathlib import Path
import numpy as np
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.types import Passage
index = EmbeddedEngine(compact_from=100).open(Path(sys.argv[1]), dimension=64)
first = int(sys.argv[2])
for block in range(first, first + 10_000):
    vectors = np.random.default_rng(block).normal(size=(60, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index.add([Passage(f"b{block}-{i}", f"text {i} of block {block}") for i in range(60)], vectors)
    index.delete([f"b{block - 5}-{i}" for i in range(60)])
    index.flush()
    print(block, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_kill_9_while_it_compacts_loses_and_doubles_nothing(tmp_path):
    engine = EmbeddedEngine(compact_from=100)
    engine.create(tmp_path, dimension=DIMENSION).close()
    pauses = random.Random(5)
    first = 0
    for _ in range(6):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            flushed = -1
            while flushed < first + 4:
                flushed = int(child.stdout.readline())
            time.sleep(pauses.uniform(0, 0.1))
            child.send_signal(signal.SIGKILL)
            flushed = max([flushed, *(int(line) for line in child.stdout if line.endswith("\n"))])
        index = engine.open(tmp_path, dimension=DIMENSION)
        stored = [passage.id for passage in index.passages()]
        assert len(stored) == len({*stored}) == len(index)
        for block in range(flushed - 3, flushed + 1):
            assert {f"b{block}-{i}" for i in range(60)} <= {*stored}
            own = np.random.default_rng(block).normal(size=(60, 64)).astype(np.float32)
            assert ids(index.nearest(own[7] / np.linalg.norm(own[7]), 1))[0].startswith("b")
            assert f"b{block}-9" in ids(index.matching(f"text 9 of block {block}", 30))
        index.delete([key for key in stored if int(key[1:].partition("-")[0]) > flushed])
        index.close()
        first = flushed + 1


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(registry.ENGINES, "embedded", ENGINE)


CONFIG = sl.SearchConfig(bi_encoder="hashed-64", rerank=False)
DOCUMENTS = [{"id": f"d{i}", "text": f"note number {i} about {'cats' if i % 2 else 'dogs'}"} for i in range(400)]


class Overlap:
    """Scores a text by the words that it shares with the query."""

    info = RerankerInfo("overlap", pointwise=True)

    def score(self, query, texts):
        return [float(len({*query.split()} & {*text.split()})) for text in texts]


@pytest.mark.usefixtures("small")
def test_a_search_reports_it_and_the_option_makes_it_exact(tmp_path):
    with sl.open(tmp_path / "i", create=True, config=CONFIG) as index:
        index.add(DOCUMENTS)
        assert APPROXIMATE in index.search("note number 7").notes
    exact = CONFIG.override({"index_options": {"exact": True}})
    with sl.open(tmp_path / "i", config=exact) as index:
        ranking = index.search("note number 7")
        assert APPROXIMATE not in ranking.notes
        assert ranking[0].passage.document_id == "d7"


@pytest.mark.usefixtures("small")
def test_sweeps_report_it(tmp_path):
    lines = [f"note number {i},d{i}" for i in range(8)]
    (tmp_path / "queries.csv").write_text("query,relevant\n" + "\n".join(lines))
    for options, approximate in (({}, True), ({"exact": True}, False)):
        config = CONFIG.override({"index_options": options, "rerank": True})
        with sl.open(tmp_path / "i", create=True, config=config, reranker=Overlap()) as index:
            index.add(DOCUMENTS)
            evaluation = sl.evaluate(index, tmp_path / "queries.csv")
            assert (evaluation.about.get("stage_one") == "approximate") is approximate
            method = sl.tune(index, tmp_path / "queries.csv").curves.method
            assert (method.code, method.values["approximate"]) == ("one_pass", approximate)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exact": 1}, "exact must be true or false, not 1"),
        ({"ef": 9}, "'ef' is for an index on a server"),
        ({"foo": 3}, "'foo' is unknown; the options are ef, exact"),
    ],
)
def test_bad_options_of_a_folder(tmp_path, options, message):
    config = CONFIG.override({"index_options": options})
    with pytest.raises(InvalidInput, match=message) as caught:
        sl.open(tmp_path / "i", create=True, config=config)
    assert caught.value.field == "index_options"


def test_a_search_of_a_folder_ignores_the_options_of_a_server_and_refuses_unknown_ones(tmp_path):
    sl.open(tmp_path / "i", create=True, config=CONFIG).close()
    sl.open(tmp_path / "i", config=CONFIG.override({"index_options": {"ef": 9}})).close()
    with pytest.raises(InvalidInput, match="'foo' is unknown"):
        sl.open(tmp_path / "i", config=CONFIG.override({"index_options": {"foo": 9}}))
