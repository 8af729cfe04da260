"""`shortlist.open`: one object that adds, removes and searches."""

import multiprocessing
import os

import pytest

import shortlist
from fakes import WordReranker
from foreign_parts import Logits
from shortlist import SearchConfig
from shortlist.collection.engines import Engines
from shortlist.config.weights import Weights
from shortlist.errors import FolderError, IndexLocked, IndexMismatch, InvalidInput, ModelNotFound, NotAnIndex
from shortlist.types import Document, Note

HASHED = SearchConfig(bi_encoder="hashed-64")
NOTES = [
    {"id": "a", "text": "We are closed on Sundays.", "metadata": {"year": 2024}},
    Document("b", "Refunds take five days.", "Refunds", {"year": 2023}),
    {"id": "c", "text": "Parking is free on Sundays."},
]


def opened(folder, **arguments):
    return shortlist.open(folder / "index", create=True, **{"config": HASHED, "reranker": WordReranker(), **arguments})


def test_one_object_adds_searches_and_removes(tmp_path):
    with opened(tmp_path) as index:
        report = index.add(NOTES)
        assert (report.documents_written, len(index)) == (3, 3)
        ranking = index.search("refunds take days", top_k=2)
        assert (ranking[0].document_id, ranking[0].title, ranking.status) == ("b", "Refunds", "ok")
        assert [source.name for source in index.sources()] == [":memory:"]
        assert index.remove("b") == 1
        assert [hit.document_id for hit in index.search("refunds")] != ["b"]
        index.add(Document("d", "Refunds by card."))
        assert index.search("refunds card")[0].document_id == "d"
    with opened(tmp_path) as index:
        assert len(index) == 3


def test_files_and_documents_live_in_one_index(tmp_path):
    (tmp_path / "hours.md").write_text("# Hours\n\nWe open at nine.\n")
    with opened(tmp_path) as index:
        index.add(tmp_path / "hours.md")
        index.add(NOTES[0])
        assert {source.kind for source in index.sources()} == {"md", "memory"}
        assert index.add([str(tmp_path / "hours.md")]).sources_unchanged == 1
        (tmp_path / "hours.md").unlink()
        assert index.add([], prune=True).documents_removed == 1
        assert len(index) == 1


def test_where_limits_the_search(tmp_path):
    with opened(tmp_path) as index:
        index.add(NOTES)
        assert [hit.document_id for hit in index.search("sundays", where={"year": 2024})] == ["a"]
        nothing = index.search("sundays", where={"yaer": 2024})
        assert nothing.note("filter_unknown_field").values["field"] == "yaer"


def test_an_empty_index_is_noted(tmp_path):
    with opened(tmp_path) as index:
        assert index.search("q").notes == (Note("index_empty"),)


def test_models_are_loaded_once_and_late(tmp_path, monkeypatch):
    loads = []
    monkeypatch.setattr("shortlist.registry.load_reranker", lambda name, **_: loads.append(name) or WordReranker())
    encoder = shortlist.load_encoder
    monkeypatch.setattr("shortlist.registry.load_encoder", lambda name, **_: loads.append(name) or encoder(name))
    with opened(tmp_path, reranker=None) as index:
        assert loads == ["hashed-64"]
        index.add(NOTES)
        assert loads == ["hashed-64"]
        index.search("a")
        index.add({"id": "e", "text": "Another one."})
        index.search("b")
    assert loads == ["hashed-64", "shortlist-reranker-v1"]


def test_explain_compares_two_passages(tmp_path):
    with opened(tmp_path) as index:
        index.add(NOTES)
        explanation = index.explain("closed sundays", "a#0", "c#0")
        assert explanation.rerank_margin > 0
        with pytest.raises(InvalidInput, match="no passage 'x#0'"):
            index.explain("closed", "a#0", "x#0")
        with pytest.raises(InvalidInput, match="give two passages to compare"):
            index.explain("closed", "a#0", "a#0")


def test_stage_one_alone(tmp_path):
    with opened(tmp_path, reranker=None, config=SearchConfig(bi_encoder="hashed-64", reranker=None)) as index:
        index.add(NOTES)
        assert index.search("closed").status == "off"
        with pytest.raises(InvalidInput, match="both stages are compared"):
            index.explain("closed", "a#0", "c#0")


def test_bm25_alone_loads_no_encoder(tmp_path, monkeypatch):
    with opened(tmp_path) as index:
        index.add(NOTES)
    monkeypatch.setattr("shortlist.registry.load_encoder", lambda *_, **__: pytest.fail("loaded"))
    with opened(tmp_path, config=SearchConfig(retriever="bm25")) as index:
        assert index.search("refunds")[0].document_id == "b"


def test_paths_and_documents_are_not_mixed(tmp_path):
    with opened(tmp_path) as index:
        with pytest.raises(InvalidInput, match="paths and documents are mixed"):
            index.add([tmp_path, NOTES[0]])
        with pytest.raises(InvalidInput, match="prune is for files"):
            index.add(NOTES, prune=True)
        assert len(index) == 0


def test_what_cannot_be_opened(tmp_path):
    with pytest.raises(NotAnIndex, match="there is no index at"):
        shortlist.open(tmp_path / "index", config=HASHED)
    with pytest.raises(ModelNotFound):
        shortlist.open(tmp_path / "index", create=True, config=SearchConfig(reranker="no-such-model"))
    assert not (tmp_path / "index").exists()
    with opened(tmp_path), pytest.raises(IndexLocked):
        opened(tmp_path)
    with pytest.raises(IndexMismatch, match="made with the bi-encoder hashed-64, not hashed-32"):
        shortlist.open(tmp_path / "index", config=SearchConfig(bi_encoder="hashed-32"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(NotAnIndex, match="already contains 'file'"):
        shortlist.open(tmp_path / "other", create=True, config=HASHED)


def test_a_closed_index_is_free(tmp_path):
    index = opened(tmp_path)
    index.close()
    index.close()
    opened(tmp_path).close()


@pytest.mark.parametrize(
    "use",
    [
        lambda index: index.search("refunds"),
        lambda index: index.searcher,
        lambda index: index.explain("refunds", "a#0", "b#0"),
        lambda index: index.add(NOTES),
        lambda index: index.add([]),
        lambda index: index.remove("a"),
        lambda index: index.sources(),
        lambda index: index.contents(),
        len,
    ],
    ids=["search", "searcher", "explain", "add", "add nothing", "remove", "sources", "contents", "len"],
)
def test_a_closed_index_is_an_error_and_not_damage(tmp_path, use):
    index = opened(tmp_path)
    index.add(NOTES)
    index.search("refunds")
    index.close()
    with pytest.raises(FolderError, match=r"the index is closed: open .* again") as error:
        use(index)
    assert not isinstance(error.value, NotAnIndex)


def test_a_weight_of_an_unknown_signal_is_an_error(tmp_path):
    with pytest.raises(InvalidInput, match="'foo' is not a signal") as error:
        opened(tmp_path, config=SearchConfig(bi_encoder="hashed-64", weights={"foo": 3.0}))
    assert error.value.field == "weights"
    assert not (tmp_path / "index").exists()


def test_an_index_that_another_process_made_in_the_meantime_is_opened(tmp_path, monkeypatch):
    create, calls = Engines.create, []

    def create_twice(*parts):
        calls.append(parts)
        create(*parts).close()
        return create(*parts)

    monkeypatch.setattr(Engines, "create", create_twice)
    with shortlist.open(
        tmp_path / "i", create=True, config=SearchConfig(bi_encoder="hashed-64", rerank=False)
    ) as index:
        index.add(Document("a", "text"))
        assert len(index) == 1
    assert len(calls) == 1


def test_fitted_weights_are_those_of_the_reranker_that_scores(tmp_path, monkeypatch):
    fitted = {("hashed-64", name): Weights({"dense": 3.0}) for name in ("logits", HASHED.reranker)}
    monkeypatch.setattr("shortlist.search.blend.fitted_weights", lambda *names: fitted.get(names, Weights()))
    with opened(tmp_path) as index:
        index.add(NOTES)
        assert index.search("refunds").weights == {}
    with opened(tmp_path, reranker=Logits()) as index:
        assert index.search("refunds").weights == {"dense": 3.0}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_of_the_process_gets_an_error_and_leaves_the_index_as_it_is(tmp_path):
    def in_fork(index, answers):
        for use in (len, lambda index: index.search("refunds"), lambda index: index.add(NOTES)):
            try:
                answers.put(str(use(index)))
            except FolderError as error:
                answers.put(str(error))
        index.close()
        answers.put("closed")

    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    with opened(tmp_path) as index:
        index.add(NOTES)
        index.search("refunds")
        process = context.Process(target=in_fork, args=(index, answers))
        process.start()
        try:
            shown = [answers.get(timeout=30) for _ in range(4)]
        finally:
            process.kill()
            process.join()
        assert len(index.search("refunds")) == 3
        with pytest.raises(IndexLocked):
            opened(tmp_path)
    assert shown[-1] == "closed"
    for message in shown[:-1]:
        assert f"is open in process {os.getpid()}" in message
        assert "a fork of it" in message


def test_a_reranker_a_configuration_or_options_of_another_type_is_an_error_at_once(tmp_path):
    with pytest.raises(InvalidInput, match=r"config is \{'pool_size': 3\}: give SearchConfig\(\*\*config\)") as error:
        opened(tmp_path, config={"pool_size": 3})
    assert error.value.field == "config"
    with pytest.raises(InvalidInput, match="config is 3: give a SearchConfig"):
        next(shortlist.watch(tmp_path, tmp_path / "index", config=3))
    with pytest.raises(InvalidInput, match="the reranker is 'a-name', which has no method score"):
        opened(tmp_path, reranker="a-name")
    assert not (tmp_path / "index").exists()
    with opened(tmp_path) as index, pytest.raises(InvalidInput, match=r"options is \{.*\}: give a ReadOptions"):
        index.add(tmp_path, options={"encoding": "utf-8"})
