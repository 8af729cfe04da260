"""The language of an index: detected, named, stored, and reported."""

from __future__ import annotations

import json

import pytest

import shortlist
from shortlist import SearchConfig
from shortlist.collection.languages import notes_on_languages
from shortlist.collection.manifest import FILE
from shortlist.errors import IndexMismatch, InvalidInput
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.wording import describe

HASHED = {"bi_encoder": "hashed-32", "rerank": False, "retriever": "bm25"}
GERMAN = [
    "Die Häuser am Hafen sind alt, und niemand weiß, wann sie gebaut wurden.",
    "Der Hund schläft, wenn die Sonne nicht scheint, und er frisst nur am Abend.",
]
ENGLISH = [
    "The houses at the harbour are old, and nobody knows when they were built.",
    "The dog sleeps if the sun does not shine, and it eats only in the evening.",
]


def opened(folder, **settings):
    return shortlist.open(folder / "index", create=True, config=SearchConfig(**HASHED, **settings))


def documents(texts):
    return [{"id": f"d{place}", "text": text} for place, text in enumerate(texts)]


def stored(folder):
    return json.loads((folder / "index" / FILE).read_text())["language"]


def ids(ranking):
    return [hit.document_id for hit in ranking]


def test_the_language_of_the_texts_is_found_and_stored(tmp_path):
    with opened(tmp_path) as index:
        assert (stored(tmp_path), index.collection.language) == ("", "english")
        report = index.add(documents(GERMAN))
        assert (report.language, report.languages) == ("german", {"german": 2})
        assert ids(index.search("das Haus")) == ["d0"]
    assert stored(tmp_path) == "german"
    with opened(tmp_path) as index:
        assert index.contents().language == "german"
        assert ids(index.search("ein Haus")) == ["d0"]
        index.add([{"id": "e", "text": ENGLISH[0]}])
    assert stored(tmp_path) == "german"


@pytest.mark.parametrize("name", ["german", "de", "DE-at"])
def test_a_named_language_is_taken(tmp_path, name):
    with opened(tmp_path, language=name) as index:
        report = index.add(documents(["Häuser", *ENGLISH]))
        assert report.language == "german"
        assert ids(index.search("Haus")) == ["d0"]
    with opened(tmp_path, language=name) as index:
        assert ids(index.search("Haus")) == ["d0"]


def test_no_language_has_no_word_forms(tmp_path):
    with opened(tmp_path, language="none") as index:
        index.add(documents(ENGLISH))
        assert ids(index.search("house")) == []
        assert ids(index.search("houses")) == ["d0"]


def test_another_language_is_an_error_and_the_index_stays(tmp_path):
    with opened(tmp_path) as index:
        index.add(documents(ENGLISH))
    with pytest.raises(IndexMismatch, match="made with the language english, not german: leave out the language, or"):
        opened(tmp_path, language="german")
    with opened(tmp_path, language="en") as index:  # the error released the folder
        assert len(index) == 2


def test_an_unknown_language_is_an_error_and_makes_no_index(tmp_path):
    with pytest.raises(InvalidInput, match="language 'klingon' is unknown: give one of arabic,"):
        opened(tmp_path, language="klingon")
    assert not (tmp_path / "index").exists()


def test_the_files_of_a_folder_decide_together(tmp_path):
    (tmp_path / "a-readme.txt").write_text(ENGLISH[0])
    for place in range(30):
        (tmp_path / f"notiz{place}.txt").write_text(f"{GERMAN[place % 2]} Nummer {place}.")
    with opened(tmp_path) as index:
        report = index.add(sorted(tmp_path.glob("*.txt")))
        assert (report.language, report.languages) == ("german", {"german": 30, "english": 1})
        assert len(ids(index.search("Haus", top_k=20))) == 15


def test_files_that_cannot_be_read_decide_nothing(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"no pdf")
    (tmp_path / "b.txt").write_text("")
    with opened(tmp_path) as index:
        index.add(sorted(tmp_path.glob("*.*")))
        assert stored(tmp_path) == ""
        index.add(documents(GERMAN))
        assert stored(tmp_path) == "german"


def test_texts_of_an_unknown_language_have_english_word_forms(tmp_path):
    with opened(tmp_path) as index:
        report = index.add(documents(["42", "houses"]))
        assert (report.language, report.languages) == ("english", {})
        assert ids(index.search("house")) == ["d1"]


def test_a_manifest_with_an_unknown_language_is_damaged(tmp_path):
    with opened(tmp_path) as index:
        index.add(documents(ENGLISH))
    file = tmp_path / "index" / FILE
    file.write_text(file.read_text().replace('"english"', '"elvish"'))
    with pytest.raises(shortlist.errors.NotAnIndex, match=r"is damaged .*elvish"):
        opened(tmp_path)


def codes(notes):
    return [note.code for note in notes]


def test_texts_that_the_models_do_not_read_are_reported():
    notes = notes_on_languages({"german": 30, "english": 60, "french": 10}, 100, "english", [BI_ENCODER, CROSS_ENCODER])
    assert [(note.code, note.values["model"], note.values["count"]) for note in notes] == [
        ("model_language", BI_ENCODER, 40),
        ("model_language", CROSS_ENCODER, 40),
    ]
    assert describe(notes[0]).startswith(
        f"40 of 100 new documents are not English (German, French), and {BI_ENCODER} reads English: name a model"
    )


def test_a_few_texts_in_another_language_are_not_reported():
    assert notes_on_languages({"german": 9, "english": 91}, 100, "english", [BI_ENCODER]) == []
    assert codes(notes_on_languages({"german": 1}, 1, "german", [BI_ENCODER])) == ["model_language"]
    assert notes_on_languages({}, 0, "german", [BI_ENCODER]) == []


def test_nothing_is_said_about_unknown_models_and_read_languages():
    assert notes_on_languages({"german": 9}, 9, "german", ["hashed-32", "someone/multilingual"]) == []
    assert notes_on_languages({"chinese": 9}, 9, "chinese", ["BAAI/bge-reranker-base"]) == []


def test_texts_in_another_language_than_the_index_are_reported():
    [note] = notes_on_languages({"german": 6, "english": 4}, 10, "english", [])
    assert note.code == "index_language"
    assert "6 of 10 new documents are German, and BM25 of this index has the word forms of English" in describe(note)
    assert notes_on_languages({"german": 5, "english": 5}, 10, "english", []) == []


def test_add_reports_the_languages(tmp_path):
    with opened(tmp_path, reranker=CROSS_ENCODER) as index:
        index.add(documents(ENGLISH))
        report = index.add([{"id": f"g{place}", "text": text} for place, text in enumerate(GERMAN)])
    assert codes(report.notes) == ["model_language", "index_language"]
    assert report.to_dict()["languages"] == {"german": 2}


def test_documents_of_an_unknown_language_count(tmp_path):
    [note] = notes_on_languages({"german": 2}, 12, "english", [BI_ENCODER])
    assert (note.values["count"], note.values["documents"]) == (2, 12)
    assert notes_on_languages({"german": 1}, 11, "english", [BI_ENCODER]) == []
    with opened(tmp_path, reranker=CROSS_ENCODER) as index:
        report = index.add(documents([GERMAN[0], *(f"{n} {n}" for n in range(4))]))
        assert [note.values["documents"] for note in report.notes if note.code == "model_language"] == [5]
        report = index.add(documents([GERMAN[1], *(f"{n} {n}" for n in range(4))]))
    assert [(note.values["count"], note.values["documents"]) for note in report.notes] == [(1, 1)]
