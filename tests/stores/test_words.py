"""BM25 beside a store that has vectors alone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import shortlist
from fake_store import FakeBackend
from shortlist import SearchConfig, config, registry
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import IndexWriteFailed, InvalidInput
from shortlist.foreign import OpenRetriever
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.retrievers import Dense, Hybrid
from shortlist.stores import words
from shortlist.stores.open_store import OpenStore
from shortlist.stores.words import MANIFEST, with_words
from shortlist.types import Passage

ENCODER = HashedEncoder(64)
NOTES = [
    Passage("a", "the red cat sleeps", "doc1", "Cats", metadata={"year": 2020, "tags": ["x", "y"]}),
    Passage("b", "a dog chases the red ball", "doc1", metadata={"year": 2021}),
    Passage("7", "Zahlen und Bäume", "doc2", metadata={"year": 2021, "open": True}),
]


class CountingEngine(EmbeddedEngine):
    """Counts the indexes that it makes."""

    def __init__(self):
        super().__init__()
        self.made = 0

    def create(self, folder, *, dimension, exact=False):
        self.made += 1
        return super().create(folder, dimension=dimension, exact=exact)


def store(passages=NOTES, **options):
    vectors = ENCODER.encode_passages([passage.content for passage in passages])
    return OpenStore(FakeBackend(passages, vectors, **{"words": False, **options}))


@pytest.fixture
def engine():
    return CountingEngine()


def ids(answer):
    return [passage.id for passage, _ in answer]


def opened(folder, engine, passages=NOTES):
    both = with_words(store(passages), folder, engine)
    answer = ids(both.matching("red cats?", 10))
    both.close()
    return answer


def test_words_find_whole_passages_with_the_filter_of_an_index(tmp_path, engine):
    both = with_words(store(), tmp_path / "new" / "words", engine)
    answer = both.matching("Which cats are RED?", 10)
    assert [passage for passage, _ in answer] == [NOTES[0], NOTES[1]]
    assert answer[0][1] > answer[1][1] > 0
    assert ids(both.matching("red", 10, {"year": "2021"})) == ["b"]
    assert ids(both.matching("red", 10, {"tags": "y", "document_id": "doc1"})) == ["a"]
    assert (both.has_words, both.has_vectors, both.exact, both.name, len(both)) == (True, True, True, "fake:notes", 3)
    both.close()
    both.close()


def test_the_scores_are_those_of_an_index(tmp_path, engine):
    both = with_words(store(), tmp_path / "w", engine)
    (tmp_path / "i").mkdir()
    index = EmbeddedEngine().create(tmp_path / "i", dimension=64)
    index.add(NOTES, ENCODER.encode_passages([note.content for note in NOTES]))
    assert both.matching("red cat dog", 10) == index.matching("red cat dog", 10)
    index.close()
    both.close()


def test_everything_else_is_that_of_the_store(tmp_path, engine):
    own, vector = store(), ENCODER.encode_queries(["red cat"])[0]
    both = with_words(own, tmp_path, engine)
    assert both.nearest(vector, 2, {"year": 2021}) == own.nearest(vector, 2, {"year": 2021})
    assert both.both(vector, "red", 3) == (own.nearest(vector, 3), both.matching("red", 3))
    assert both.similarities(vector, ["7"]) == own.similarities(vector, ["7"])
    np.testing.assert_array_equal(both.vectors(["a"]), own.vectors(["a"]))
    assert both.sample()[0] == NOTES[0]
    assert list(both.passages()) == NOTES
    assert (both.dimension, both.filters, both.lossy) == (64, True, False)
    both.close()


def test_the_index_is_kept_until_the_passages_change(tmp_path, engine):
    assert opened(tmp_path, engine) == opened(tmp_path, engine) == ["a", "b"]
    assert engine.made == 1
    changes = [
        NOTES[:2],
        [replace(NOTES[0], text="the blue bird", title="Birds"), *NOTES[1:]],
        [replace(NOTES[0], id="z"), *NOTES[1:]],
        [replace(NOTES[0], title=""), *NOTES[1:]],
        [replace(NOTES[0], metadata={"year": 2022}), *NOTES[1:]],
        NOTES,
    ]
    for made, passages in enumerate(changes, start=2):
        opened(tmp_path, engine, passages)
        opened(tmp_path, engine, passages)
        assert engine.made == made
    assert len(list(tmp_path.glob("index-*"))) == 1
    assert opened(tmp_path, engine, changes[1]) == ["b"]


@pytest.mark.parametrize("damage", ["manifest", "old format", "no folder", "no files"])
def test_a_damaged_index_is_made_again(tmp_path, engine, damage):
    opened(tmp_path, engine)
    manifest = tmp_path / MANIFEST
    contents = json.loads(manifest.read_text())
    folder = tmp_path / contents["folder"]
    if damage == "manifest":
        manifest.write_text("{")
    elif damage == "old format":
        manifest.write_text(json.dumps({**contents, "format": 0}))
    else:
        for file in sorted(folder.rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
        if damage == "no folder":
            folder.rmdir()
    assert opened(tmp_path, engine) == ["a", "b"]
    assert engine.made == 2
    assert len(list(tmp_path.glob("index-*"))) == 1


def test_a_store_of_many_passages_is_read_in_batches(tmp_path, engine, monkeypatch):
    monkeypatch.setattr(words, "BATCH", 7)
    notes = [Passage(f"p{place}", f"word{place} red", f"p{place}") for place in range(40)]
    both = with_words(store(notes), tmp_path, engine)
    assert ids(both.matching("word33", 3))[0] == "p33"
    assert len(both.matching("red", 100)) == 40
    both.close()


def test_an_empty_store(tmp_path, engine):
    both = with_words(OpenStore(FakeBackend([], np.zeros((0, 64), np.float32), words=False)), tmp_path, engine)
    assert both.matching("red", 5) == []
    both.close()


def test_two_open_stores_share_one_index(tmp_path, engine):
    first, second = with_words(store(), tmp_path, engine), with_words(store(), tmp_path, engine)
    assert first.matching("red", 5) == second.matching("red", 5)
    assert engine.made == 1
    first.close()
    assert ids(second.matching("cat", 1)) == ["a"]
    second.close()


def test_a_store_with_words_or_without_a_list_is_refused(tmp_path, engine):
    with pytest.raises(InvalidInput, match="fake:notes has a full-text search of its own") as error:
        with_words(store(words=True), tmp_path, engine)
    assert error.value.field == "words"
    unlisted = store()
    unlisted._backend.rows = lambda: None
    with pytest.raises(InvalidInput, match="cannot list its passages"):
        with_words(unlisted, tmp_path, engine)
    assert not list(tmp_path.glob("index-*"))


def test_a_passage_that_cannot_be_used_leaves_the_earlier_index(tmp_path, engine):
    opened(tmp_path, engine)
    with pytest.raises(InvalidInput, match="passage 'b' has no text"):
        opened(tmp_path, engine, [NOTES[0], replace(NOTES[1], text=" ")])
    assert engine.made == 2
    assert opened(tmp_path, engine) == ["a", "b"]
    assert engine.made == 2


def test_a_folder_that_cannot_be_written(tmp_path, engine):
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexWriteFailed, match=r"the index of words in .* cannot be written"):
        with_words(store(), tmp_path / "file" / "words", engine)


def test_the_retriever_is_hybrid(tmp_path):
    assert type(registry.store_retriever(store(), ENCODER)) is Dense
    retriever = registry.store_retriever(store(), ENCODER, words=tmp_path)
    assert type(retriever) is Hybrid
    hits = retriever.retrieve("Zahlen red", 3)
    assert {hit.id for hit in hits} == {"a", "b", "7"}
    assert all("bm25_share" in hit.signals and "dense" in hit.signals for hit in hits)
    retriever.index.close()


def test_distances_of_a_store_are_no_cosines_beside_words(tmp_path):
    lengths = [3.0 * vector for vector in ENCODER.encode_passages([passage.content for passage in NOTES])]
    plain = OpenStore(FakeBackend(NOTES, np.array(lengths, dtype=np.float32), metric="l2", words=False))
    assert not plain.gives_cosines
    retriever = registry.store_retriever(plain, ENCODER, words=tmp_path)
    hits = retriever.retrieve("Zahlen red", 3)
    assert all("dense" not in hit.signals and 0 < hit.retrieval_score < 0.1 for hit in hits)
    assert retriever.bi_encoder is None
    assert registry.store_retriever(store(), ENCODER).bi_encoder == ENCODER.name
    retriever.index.close()


@pytest.fixture
def chroma(tmp_path):
    """The name of a collection of Chroma that `hashed-64` made."""
    chromadb = pytest.importorskip("chromadb")
    with chromadb.PersistentClient(str(tmp_path / "chroma")) as client:
        collection = client.create_collection("notes", embedding_function=None)
        vectors = ENCODER.encode_passages([note.text for note in NOTES])
        collection.add(ids=[note.id for note in NOTES], embeddings=vectors, documents=[note.text for note in NOTES])
    return f"chroma:notes@{tmp_path / 'chroma'}"


def test_an_open_store_keeps_its_words_in_the_state_folder(chroma, tmp_path):
    settings = SearchConfig(retriever=chroma, words=True, bi_encoder="hashed-64", reranker=None)
    for _ in range(2):
        with shortlist.open(chroma, config=settings, state=tmp_path / "state") as notes:
            assert type(notes.searcher.retriever) is Hybrid
            assert "bm25" in notes.search("Which cat is red?")[0].signals
            assert notes.searcher.fits is not None
        manifests = list((tmp_path / "state").rglob(MANIFEST))
        assert [file.parent.parent for file in manifests] == [notes.fits_folder]


def test_without_the_setting_nothing_is_written(chroma, tmp_path):
    settings = SearchConfig(retriever=chroma, bi_encoder="hashed-64", reranker=None)
    with shortlist.open(chroma, config=settings, state=tmp_path / "state") as notes:
        assert set(notes.search("red cat")[0].signals) == {"dense"}
    assert not (tmp_path / "state").exists()


def test_words_need_a_store():
    with pytest.raises(InvalidInput, match="words are BM25 beside a store, and attribute_parts:matches is none"):
        OpenRetriever(SearchConfig(retriever="attribute_parts:matches", words=True))
    with pytest.raises(InvalidInput, match="words are BM25 beside a store, and the retriever is 'hybrid'"):
        config.resolve({"words": True}, {})


def test_words_of_the_file_apply_to_its_store_only():
    file = {"retriever": "chroma:notes@./chroma", "words": True}
    assert config.resolve({}, file).config.words
    assert not config.resolve({"words": False}, file).config.words
    other = config.resolve({"retriever": "faiss:t.txt@i.faiss"}, file)
    assert not other.config.words
    assert [note.values["setting"] for note in other.notes] == ["words"]


GERMAN = [
    Passage("a", "Die Häuser am Hafen sind alt, und niemand weiß, wann sie gebaut wurden.", "a"),
    Passage("b", "Der Hund schläft, wenn die Sonne nicht scheint, und er frisst nur am Abend.", "b"),
]


def test_the_language_of_the_words_is_found_in_the_passages(tmp_path, engine):
    both = with_words(store(GERMAN), tmp_path, engine)
    assert ids(both.matching("das Haus", 5)) == ["a"]
    both.close()
    both = with_words(store(GERMAN), tmp_path, engine)
    assert ids(both.matching("das Haus", 5)) == ["a"]
    assert engine.made == 1
    assert json.loads((tmp_path / MANIFEST).read_text())["language"] == "german"
    both.close()


def test_a_named_language_makes_the_words_again(tmp_path, engine):
    with_words(store(GERMAN), tmp_path, engine).close()
    both = with_words(store(GERMAN), tmp_path, engine, "none")
    assert (ids(both.matching("Haus", 5)), ids(both.matching("Häuser", 5)), engine.made) == ([], ["a"], 2)
    both.close()
    with pytest.raises(InvalidInput, match="language 'x' is unknown"):
        with_words(store(GERMAN), tmp_path, engine, "x")
