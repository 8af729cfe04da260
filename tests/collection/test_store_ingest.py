"""Stores into an index: as they are, with their vectors if the encoder of the index made them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import foreign_parts
import shortlist as sl
from foreign_parts import ENCODER, PASSAGES, STORE
from hashed import passages_in
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, ShortlistError
from shortlist.types import Note

IDS = sorted(passage.id for passage in PASSAGES)


def add(folder, name=STORE, encoder=ENCODER, **options):
    with sl.open(folder / "index", create=True, config=sl.SearchConfig(bi_encoder=encoder)) as index:
        return index.add(name, **options)


def ids(folder):
    with sl.open(folder / "index") as index:
        return sorted(passage.id for passage in index.passages())


@pytest.fixture
def store(monkeypatch):
    """Make the store hold these passages from now on."""

    def hold(passages=PASSAGES, **options):
        return foreign_parts.install(monkeypatch, passages=list(passages), **options)

    hold()
    return hold


def test_passages_are_stored_as_they_are_with_their_vectors(tmp_path, store):
    longer = replace(PASSAGES[0], text=f"{PASSAGES[0].text} " + "long " * 400)
    backends = store([longer, *PASSAGES[1:]])
    report = add(tmp_path)
    assert (report.documents_written, report.passages_added, report.over_window) == (30, 30, 1)
    assert report.notes == [Note("vectors_taken", count=30, store=STORE)]
    assert [backend.closed for backend in backends] == [1]
    with sl.open(tmp_path / "index") as index:
        stored = {passage.id: passage for passage in index.passages()}
        assert stored == {passage.id: passage for passage in [longer, *PASSAGES[1:]]}
        (source,) = index.sources()
        assert (source.name, source.kind, source.passages, source.complete) == (STORE, "fake", 30, True)
        vectors = index.vector_store().vectors([passage.id for passage in PASSAGES[1:]])
        expected = HashedEncoder(32).encode_passages([passage.content for passage in PASSAGES[1:]])
        np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_a_search_of_the_copy_is_the_search_of_the_store(tmp_path, store):
    add(tmp_path)
    config = sl.SearchConfig(bi_encoder=ENCODER, rerank=False)
    with sl.open(tmp_path / "index", config=config) as index, sl.open(STORE, config=config) as theirs:
        for passage in PASSAGES[::7]:
            ours = {hit.id: hit.signals["dense"] for hit in index.search(passage.id, pool_size=30, top_k=30)}
            for hit in theirs.search(passage.id, pool_size=30, top_k=30):
                assert ours[hit.id] == pytest.approx(hit.signals["dense"], abs=1e-6)


def test_vectors_of_another_encoder_are_not_taken(tmp_path, store):
    (note,) = add(tmp_path, encoder="hashed-64").notes
    assert note.code == "vectors_encoded"
    assert note.values["count"] == 30
    assert "not those of" in note.values["reason"]
    assert ids(tmp_path) == IDS


@pytest.mark.parametrize(
    ("made_of", "encoded", "reason"),
    [
        (lambda passage: passage.content, 0, ""),
        (lambda passage: passage.text, 3, "they have titles, which an index encodes with the text, and the store has"),
        (lambda passage: passage.title * bool(passage.title) or passage.text, 3, "their vectors are not those of"),
    ],
)
def test_a_title_is_part_of_the_vectors_of_an_index(tmp_path, store, monkeypatch, made_of, encoded, reason):
    titled = [replace(passage, title="The title of " + passage.id) for passage in PASSAGES[:3]]
    store([*PASSAGES[3:], *titled])
    encoder, original = HashedEncoder(32), foreign_parts.WordStore.__init__

    def made(self, *arguments, **options):
        original(self, *arguments, **options)
        self.matrix = encoder.encode_passages([made_of(passage) for passage in [*PASSAGES[3:], *titled]])

    monkeypatch.setattr(foreign_parts.WordStore, "__init__", made)
    with sl.open(tmp_path / "index", create=True, config=sl.SearchConfig(bi_encoder=ENCODER)) as index:
        notes = {note.code: note.values for note in index.add(STORE).notes}
        assert notes.pop("vectors_taken")["count"] == 30 - encoded
        assert [(own["count"], own["reason"].startswith(reason)) for own in notes.values()] == [(3, True)] * bool(
            encoded
        )
        stored = index.vector_store().vectors([titled[0].id])
        np.testing.assert_allclose(stored, encoder.encode_passages([titled[0].content]), atol=1e-6)


def test_a_missing_vector_is_the_reason_to_encode(tmp_path, store, monkeypatch):
    monkeypatch.setattr(foreign_parts.WordStore, "vectors", lambda self, ids: {})
    (note,) = add(tmp_path).notes
    assert note.values == {"count": 30, "reason": "the store has no usable vector for at least one of them"}


def test_the_second_call_writes_only_what_changed(tmp_path, store):
    add(tmp_path)
    again = add(tmp_path)
    assert (again.documents_written, again.documents_unchanged, again.notes) == (0, 30, [])
    changed = replace(PASSAGES[0], text="another text")
    moved = replace(PASSAGES[1], metadata={"half": "third"})
    store([changed, moved, *PASSAGES[3:]])
    report = add(tmp_path)
    assert (report.documents_written, report.documents_unchanged, report.documents_removed) == (2, 27, 1)
    assert ids(tmp_path) == sorted(set(IDS) - {PASSAGES[2].id})
    assert dict(passages_in(tmp_path / "index"))[PASSAGES[0].id] == "another text"


def test_an_interrupted_call_continues(tmp_path, store, monkeypatch):
    monkeypatch.setattr("shortlist.collection.store_ingest.PASSAGES_PER_COMMIT", 10)

    class Broken(foreign_parts.WordStore):
        def rows(self):
            for place, row in enumerate(super().rows()):
                if place == 25:
                    raise ShortlistError("the line is cut")
                yield row

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foreign_parts, "WordStore", Broken)
        with pytest.raises(ShortlistError, match="the line is cut"):
            add(tmp_path)
    with sl.open(tmp_path / "index") as index:
        (source,) = index.sources()
        assert (source.passages, source.complete) == (20, False)
    report = add(tmp_path)
    assert (report.documents_unchanged, report.documents_written) == (20, 10)
    assert ids(tmp_path) == IDS


def test_files_and_stores_live_in_one_index(tmp_path, store):
    (tmp_path / "note.md").write_text("A note about spoken language.")
    with sl.open(tmp_path / "index", create=True, config=sl.SearchConfig(bi_encoder=ENCODER)) as index:
        index.add(tmp_path / "note.md")
        index.add({"id": PASSAGES[0].id, "text": "taken"})
        report = index.add(STORE)
        assert [(item.note.code, item.note.values["ids"]) for item in report.skipped] == [
            ("ids_of_other_source", [PASSAGES[0].id])
        ]
        assert index.add(tmp_path / "note.md", prune=True).sources_removed == 0
        assert len(index) == 31
        assert index.remove(STORE) == 29
        assert sorted(source.name for source in index.sources()) == [":memory:", "note.md"]


def test_the_id_of_a_passage_is_not_taken(tmp_path, store):
    clash = replace(PASSAGES[0], id="mine#0")
    store([clash, *PASSAGES[1:]])
    with sl.open(tmp_path / "index", create=True, config=sl.SearchConfig(bi_encoder=ENCODER)) as index:
        index.add({"id": "mine", "text": "the first passage of this document has the id mine#0"})
        report = index.add(STORE)
        assert [item.note.values["ids"] for item in report.skipped] == [["mine#0"]]
        assert index.find("", ["mine#0"])["mine#0"].text.startswith("the first passage")


def test_what_cannot_be_added(tmp_path, store):
    for items, options, message in (
        ([STORE, "other"], {}, "a store is added by itself"),
        (STORE, {"prune": True}, "prune is for files"),
    ):
        with pytest.raises(InvalidInput, match=message):
            add(tmp_path, items, **options)
    store(lists=False)
    with pytest.raises(InvalidInput, match="cannot list its passages"):
        add(tmp_path)
