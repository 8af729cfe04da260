"""An index on a server in this process and on Qdrant: its records, its lock, and what a kill leaves."""

from __future__ import annotations

import pytest

import shortlist
from hashed import HASHED, add, documents, passages_in
from server_indexes import SERVERS
from shortlist import registry
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import FolderError, IndexLocked, IndexMismatch, InvalidInput, NotAnIndex
from shortlist.search.probability import Platt
from shortlist.search.stopping import StopRule

ENCODER = HashedEncoder(32)


@pytest.fixture(params=sorted(SERVERS))
def name(request, monkeypatch, tmp_path):
    """The name of an index that does not exist yet. The current folder is that of the test."""
    monkeypatch.chdir(tmp_path)
    with SERVERS[request.param](monkeypatch, tmp_path) as name:
        yield name


def opened(name, **options):
    return shortlist.open(name, config=shortlist.SearchConfig(bi_encoder=HASHED, rerank=False), **options)


def sources(name):
    return [(source.name, source.documents, source.complete) for source in registry.INDEXES.contents(name).sources]


def notes(folder, **texts):
    folder.mkdir(exist_ok=True)
    for key, text in texts.items():
        (folder / f"{key}.md").write_text(text)


def test_add_search_list_and_remove(name, tmp_path):
    notes(tmp_path / "docs", a="the red cat sleeps", b="a blue dog barks", c="trees grow slowly")
    report = add("docs", name)
    assert (report.sources_read, report.documents_written, report.passages_total) == (3, 3, 3)
    assert add("docs", name).sources_unchanged == 3
    assert sources(name) == [(f"docs/{key}.md", 1, True) for key in "abc"]
    with opened(name) as index:
        assert [hit.id for hit in index.search("red cat", top_k=1)] == ["docs/a.md#0"]
        assert index.find("", ["docs/b.md#0"])["docs/b.md#0"].text == "a blue dog barks"
        assert index.remove("docs/b.md") == 1
        assert [source.name for source in index.sources()] == ["docs/a.md", "docs/c.md"]
    assert [key for key, _ in passages_in(name)] == ["docs/a.md#0", "docs/c.md#0"]
    notes(tmp_path / "docs", a="a green cat")
    assert add("docs", name).documents_written == 2
    assert ("docs/a.md#0", "a green cat") in passages_in(name)


def test_documents_without_a_file(name):
    add(documents("a", "b"), name)
    report = add([*documents("a"), *documents("b", text="new")], name)
    assert (report.documents_unchanged, report.documents_written) == (1, 1)
    assert passages_in(name) == [("a#0", "all about a"), ("b#0", "new b")]
    with opened(name) as index, pytest.raises(InvalidInput, match="has no source or document 'zebra'"):
        index.remove(["a", "zebra"])
    assert len(passages_in(name)) == 2


def test_prune_leaves_files_that_are_elsewhere(name, tmp_path):
    notes(tmp_path / "docs", a="one", b="two")
    notes(tmp_path / "other", c="three")
    add(["docs", "other"], name)
    (tmp_path / "docs" / "b.md").unlink()
    (tmp_path / "other" / "c.md").unlink()
    assert add("docs", name).sources_removed == 0
    assert add("docs", name, prune=True).sources_removed == 1
    assert [source for source, *_ in sources(name)] == ["docs/a.md", "other/c.md"]


def test_names_do_not_depend_on_the_machine(name, tmp_path, monkeypatch):
    for copy in ("here", "there"):
        (tmp_path / copy).mkdir()
        notes(tmp_path / copy / "docs", a="the same text")
        monkeypatch.chdir(tmp_path / copy)
        report = add("docs", name)
    assert (report.sources_unchanged, report.documents_written) == (1, 0)
    assert passages_in(name) == [("docs/a.md#0", "the same text")]


def test_the_fits_are_on_the_server(name):
    add(documents("a", "b"), name)
    weights = {"dense": 1.0}
    with opened(name) as index:
        fits = index.searcher.fits
        assert fits.stop_rule(weights)[1][0].code == "no_stop_rule"
        fits.save_stop_rule(StopRule(8, 2, None, 2), weights, {})
        shown = fits.save_calibration(Platt(1.0, 0.0), weights, {})
        assert str(shown).endswith("notes@" + name.partition("@")[2] + " calibration.json")
    with opened(name) as index:
        assert index.searcher.fits.stop_rule(weights) == (StopRule(8, 2, None, 2), [])
        assert index.searcher.fits.calibration(weights)[0] == Platt(1.0, 0.0)


def test_an_answer_without_hits_is_explained(name):
    add([{"id": "a", "text": "red", "metadata": {"year": 2024}}], name)
    with opened(name) as index:
        (note,) = index.search("red", where={"yaer": 2024}).notes[:1]
        assert (note.code, note.values["fields"]) == ("filter_unknown_field", ["document_id", "title", "year"])


def test_what_is_no_index_is_an_error(name):
    with pytest.raises(NotAnIndex, match=f"there is no index {name}: make one with: shortlist add PATH --index {name}"):
        registry.INDEXES.open(name)
    add(documents("a"), name)
    with pytest.raises(IndexMismatch, match="was made with the bi-encoder hashed-32, not hashed-64"):
        registry.INDEXES.open(name, "hashed-64")
    with pytest.raises(NotAnIndex, match="is an index already"):
        registry.INDEXES.create(name, HASHED, ENCODER.dimension)
    with pytest.raises(InvalidInput, match="unknown"):
        registry.INDEXES.open(name, options={"colour": 3})
    index = opened(name)
    index.close()
    index.close()
    with pytest.raises(FolderError, match="closed"):
        index.add(documents("b"))


def test_states_are_refused(name):
    add(documents("a"), name)
    with opened(name) as index, pytest.raises(InvalidInput, match="is an index on a server, which cannot store"):
        index.collection.keep_states(None)
    with opened(name) as index:
        assert index.collection.drop_states() == 0


def test_one_process_at_a_time_writes_and_others_search(name):
    if "://" not in name:
        pytest.skip("the folder of a local client is open in one process")
    add(documents("a", "b"), name)
    if name.startswith("fake"):
        pytest.skip("its engine opens a folder once")
    with opened(name) as writer, opened(name) as reader:
        with writer.collection.place.writing():
            assert len(reader.search("about", top_k=5)) == 2
            with pytest.raises(IndexLocked, match="is already open for changes in this process"):
                reader.add(documents("c"))
            assert writer.add(documents("c")).documents_written == 1
        assert reader.add(documents("c", "d")).documents_unchanged == 1
        assert len(writer.sources()) == 1
        assert writer.contents().documents == 4


def test_the_language_is_that_of_the_first_texts(name, tmp_path):
    notes(tmp_path / "docs", a="Die Häuser am Fluss sind alt, und die Stadt ist sehr schön im Sommer.")
    add("docs", name)
    contents = registry.INDEXES.contents(name)
    assert contents.language == "german"
    with opened(name) as index:
        assert [passage.id for passage, _ in index.collection.index.matching("Haus", 5)] == ["docs/a.md#0"]
    with pytest.raises(IndexMismatch, match="was made with the language german, not english"):
        shortlist.open(name, config=shortlist.SearchConfig(language="english"))


def test_a_search_that_was_open_first_has_the_language_of_a_later_add(name, tmp_path):
    if not name.startswith("qdrant:notes@http"):
        pytest.skip("needs a server that several processes use")
    registry.INDEXES.create(name, HASHED, ENCODER.dimension).close()
    notes(tmp_path / "docs", a="Die Häuser am Fluss sind alt, und die Stadt ist sehr schön im Sommer.")
    with opened(name) as index:
        assert index.collection.index.matching("Haus", 5) == []
        add("docs", name)
        assert [passage.id for passage, _ in index.collection.index.matching("Haus", 5)] == ["docs/a.md#0"]


def test_an_error_frees_the_lock(name, tmp_path):
    add(documents("a"), name)
    with opened(name) as index:
        with pytest.raises(InvalidInput):
            index.remove("nothing")
        assert index.remove("a") == 1
    with pytest.raises(InvalidInput):
        add("missing", name)
    assert add(documents("a"), name).documents_written == 1


def test_lost_passages_are_an_error(name):
    add(documents("a"), name)
    with registry.INDEXES.open(name) as collection:
        collection.index.delete(["a#0"])
        collection.index.flush()
    with pytest.raises(NotAnIndex, match="its passages are lost"):
        registry.INDEXES.open(name)


class Ended(BaseException):
    """The process ends here."""


def ends_at(patch, number):
    """End the process before its change with this number, from 0, and before every later one."""
    from fake_server import FakeSite
    from shortlist.indexes.embedded import EmbeddedIndex
    from shortlist.indexes.qdrant.calls import QdrantCalls

    left = [number]

    def counted(method):
        def step(*given, **named):
            left[0] -= 1
            if left[0] < 0:
                raise Ended
            return method(*given, **named)

        return step

    for kind, names in (
        (FakeSite, ("put", "delete")),
        (EmbeddedIndex, ("add", "delete", "flush")),
        (QdrantCalls, ("write",)),
    ):
        for step in names:
            patch.setattr(kind, step, counted(getattr(kind, step)))


def test_an_end_before_any_change_loses_and_doubles_nothing(name, tmp_path):
    """The changes of the lock count, too: a killed process leaves its lock."""
    notes(tmp_path / "docs", a="red cat " * 9, b="blue dog " * 9, c="tall tree " * 9)
    add("docs", name)
    add(documents("m"), name)
    notes(tmp_path / "docs", a="red fox " * 9, d="small house " * 9)
    (tmp_path / "docs" / "b.md").unlink()
    steps = 0
    while True:
        with pytest.MonkeyPatch.context() as patch:
            ends_at(patch, steps)
            try:
                add("docs", name, prune=True)
                break
            except Ended:
                steps += 1
        release(name)
    assert steps > 5
    assert sources(name) == [(":memory:", 1, True), *[(f"docs/{key}.md", 1, True) for key in "acd"]]
    expected = {"docs/a.md": "red fox", "docs/c.md": "tall tree", "docs/d.md": "small house", "m": "all about"}
    assert {
        key.partition("#")[0]: text[: len(expected[key.partition("#")[0]])] for key, text in passages_in(name)
    } == expected


def release(name):
    """Free the lock, which a dead process would have lost."""
    if name.startswith("fake"):
        registry.SERVERS["fake"].stored["notes"].holder = None
        return
    from shortlist.indexes.qdrant.lock import FREE, KEY, TABLE

    with registry.INDEXES.open(name) as collection:
        collection.place._site.records.put({TABLE: {KEY: FREE}})


def test_a_making_that_ends_before_any_change_is_done_again(name):
    steps = 0
    while True:
        with pytest.MonkeyPatch.context() as patch:
            ends_at(patch, steps)
            try:
                add(documents("a"), name)
                break
            except Ended:
                steps += 1
        forget_lock(name)
    assert steps > 3
    assert passages_in(name) == [("a#0", "all about a")]


def forget_lock(name):
    """As `release`, for an index that may not exist yet."""
    place = registry.INDEXES.place(name)
    site = registry.SERVERS[place.kind].connect(place.name, place.collection, place.where, {})
    if name.startswith("fake"):
        registry.SERVERS["fake"].stored["notes"].holder = None
    else:
        from shortlist.indexes.qdrant.lock import FREE, KEY, TABLE

        site.prepare()
        site.records.put({TABLE: {KEY: FREE}})
    site.close()
