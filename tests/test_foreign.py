"""`shortlist.open` over stores and retrievers without an index."""

from __future__ import annotations

import pytest

import foreign_parts
import shortlist as sl
from foreign_parts import ENCODER, PASSAGES, SECRET, STORE
from shortlist.config.weights import Weights
from shortlist.errors import FolderError, InvalidInput, NotFitted, RetrieverFailed, StoreUnreachable
from shortlist.opening import index_of, open_search
from shortlist.types import Note
from word_queries import WORDS, PointwiseWords, query_set

OWN = "foreign_parts:rows"
HASHED = sl.SearchConfig(bi_encoder=ENCODER)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def store(monkeypatch):
    return foreign_parts.install(monkeypatch)


def opened(name=STORE, **arguments):
    return sl.open(name, **{"config": HASHED, "reranker": PointwiseWords(), **arguments})


def test_a_store_is_searched_in_both_stages_without_an_index(store, here):
    with opened() as search:
        ranking = search.search(WORDS[3], top_k=2)
        assert (ranking[0].id, ranking.status, len(ranking)) == (WORDS[3], "ok", 2)
        assert {"dense", "bm25", "bm25_share"} <= set(ranking[0].signals)
        assert (search.bi_encoder, search.count(), len(list(search.passages()))) == (ENCODER, 30, 30)
        half = search.search(WORDS[3], where={"half": "second"})
        assert {hit.metadata["half"] for hit in half} == {"second"}
    assert [backend.closed for backend in store] == [1]
    assert list(here.iterdir()) == []


def test_a_retriever_of_your_own_is_searched_and_left_open(here):
    with opened(OWN) as search:
        assert search.search(WORDS[3])[0].id == WORDS[3]
        assert (search.bi_encoder, search.count(), search.passages()) == ("unknown", None, None)
        with pytest.raises(InvalidInput, match="cannot filter"):
            search.search("x", where={"half": "first"})
    with pytest.raises(InvalidInput, match="closed"):
        search.search("x")
    with opened("foreign_parts:Listing") as search:
        assert (search.count(), len(list(search.passages()))) == (30, 30)
    assert list(here.iterdir()) == []


def test_the_answer_tells_if_the_reranker_alone_orders_it(store):
    note = Note("reranker_alone", retriever=OWN, signals=[])
    with opened(OWN) as search:
        assert search.search("x").notes == (note,)
        assert search.search("x", rerank=False).notes == ()
    with opened("foreign_parts:WithSignals") as search:
        ranking = search.search(WORDS[0])
        assert ranking.weights == {}
        assert ranking.notes == (Note("reranker_alone", retriever="foreign_parts:WithSignals", signals=["dense"]),)
    weighted = HASHED.override({"weights": {"dense": 2.0}})
    with opened("foreign_parts:WithSignals", config=weighted) as search:
        ranking = search.search(WORDS[0])
        assert (ranking.weights, ranking.notes) == ({"dense": 2.0}, ())
        assert ranking[0].score == ranking[0].rerank_score + 2 * ranking[0].signals["dense"]


def test_fitted_weights_belong_to_the_packaged_pair_of_models(store, monkeypatch):
    fitted = {(ENCODER, "logits"): Weights({"dense": 3.0})}
    monkeypatch.setattr("shortlist.search.blend.fitted_weights", lambda *names: fitted.get(names, Weights()))
    config = HASHED.override({"reranker": "foreign_parts:Logits"})
    with sl.open(STORE, config=config) as search:
        assert search.search(WORDS[0]).weights == {"dense": 3.0}
    with sl.open(STORE, config=HASHED, reranker=foreign_parts.Logits()) as search:
        ranking = search.search(WORDS[0])
        assert (ranking.weights, ranking.note("reranker_alone")) == ({"dense": 3.0}, None)
    with opened(STORE) as search:
        assert search.search(WORDS[0]).weights == {}
    with sl.open(OWN, config=config) as search:
        assert search.search(WORDS[0]).weights == {}


def test_a_filter_with_an_unknown_field_is_explained(monkeypatch):
    fields = ["document_id", "half", "id", "title"]
    unknown = Note("filter_unknown_field", field="hlaf", fields=fields, more=0)
    foreign_parts.install(monkeypatch)
    with opened() as search:
        assert search.search("x", where={"half": "first", "hlaf": "first"}).notes == (unknown,)
        assert search.search("x", where={"half": "third"}).notes == (
            Note("filter_unknown_value", field="half", conditions=["half=third"], values=["first", "second"]),
        )
        assert search.search("x", where={"id": "x"}).notes == (
            Note("filter_unknown_value", field="id", conditions=["id=x"], values=[]),
        )
    monkeypatch.setattr("shortlist.stores.diagnose.READ", 7)
    with opened() as search:
        (note,) = search.search("x", where={"hlaf": "first"}).notes
        assert note.values["read"] == 7
    for options, code in (({"lists": False}, "filter_unknown_value"), ({"passages": []}, "store_empty")):
        foreign_parts.install(monkeypatch, **options)
        with opened() as search:
            assert [note.code for note in search.search("x", where={"hlaf": "first"}).notes] == [code]


def test_a_listing_that_is_refused_leaves_the_answer(monkeypatch):
    class Unlisted(foreign_parts.WordStore):
        def rows(self):
            raise foreign_parts.REFUSED

    monkeypatch.setattr(foreign_parts, "WordStore", Unlisted)
    foreign_parts.install(monkeypatch)
    with opened() as search:
        assert search.search("x", where={"hlaf": "first"}).notes == (Note("no_match"),)


def test_another_bi_encoder_than_that_of_the_store_is_an_error(store):
    config = sl.SearchConfig(bi_encoder="hashed-64")
    with opened(config=config) as search, pytest.raises(InvalidInput, match="was not made with the bi-encoder"):
        search.search("x")


def test_fields_reach_the_store(store):
    with opened(config=HASHED.override({"fields": {"text": "body"}})):
        pass
    assert store[0].given == {"text": "body"}


@pytest.mark.parametrize("options", [{}, {"lists": False}])
@pytest.mark.parametrize("name", [OWN, STORE])
def test_explain_finds_passages_by_their_ids(name, options, monkeypatch):
    foreign_parts.install(monkeypatch, **options)
    with opened(name) as search:
        explanation = search.explain(f"{WORDS[0]} word", WORDS[0], WORDS[1])
        assert explanation.rerank_margin > 0
        assert [word.word for word in explanation.words] == [WORDS[0], "word"]
        with pytest.raises(InvalidInput, match="has no passage 'absent'"):
            search.explain("x", WORDS[0], "absent")


def test_fits_are_in_the_state_folder(store, here):
    with opened(state="fits") as search:
        files = sl.calibrate(search, query_set(), pool_size=20, top_k=5).save()
        assert [file.parent.parent.name for file in files] == ["fits", "fits", "fits"]
        assert search.search(WORDS[0], min_probability=0.01).min_probability == 0.01
        assert search.search(WORDS[0], pool_size="auto").note("no_stop_rule") is None
    with opened(state="fits") as search:
        assert search.search(WORDS[0], min_probability=0.01).note("fit_outdated") is None
    with opened(OWN, state="fits") as search:
        assert search.search(WORDS[0], pool_size="auto").note("no_stop_rule") == Note(
            "no_stop_rule", reason="not_fitted"
        )
    with opened() as search, pytest.raises(NotFitted, match="shortlist-state"):
        search.search(WORDS[0], min_probability=0.01)
    assert [path.name for path in here.iterdir()] == ["fits"]


def test_evaluate_and_tune_over_a_store_that_cannot_list(monkeypatch):
    foreign_parts.install(monkeypatch, lists=False)
    with opened() as search:
        evaluation = sl.evaluate(search, query_set())
        assert evaluation.estimate("stage one", "R@10").mean == 1.0
    foreign_parts.install(monkeypatch)
    with opened() as search:
        again = sl.evaluate(search, query_set())
        assert again.fingerprint == evaluation.fingerprint
        assert again.values("reranked", "nDCG@10") == evaluation.values("reranked", "nDCG@10")


@pytest.mark.parametrize(("exact", "sizes"), [(False, {100}), (True, {100})])
def test_a_sweep_retrieves_the_largest_pool_once(exact, sizes, monkeypatch):
    backends = foreign_parts.install(monkeypatch, exact=exact)
    with opened() as search:
        tuning = sl.tune(search, query_set(), sizes=[5, 10, 20], timed=1, fusions=[0.5])
    assert set(backends[0].asked) == sizes
    assert tuning.curves.method.values["approximate"] is not exact
    assert tuning.curves.recorded is not None
    assert {len(each.answers) for each in tuning.curves.recorded.values()} == {1}


def test_snippets_are_resolved_against_all_passages_or_the_pools(monkeypatch):
    texts = {word: {f"{word} is a word": 1} for word in WORDS}
    queries = sl.QuerySet("snippets", dict(zip(WORDS, WORDS, strict=True)), {}, texts)
    for lists in (True, False):
        foreign_parts.install(monkeypatch, lists=lists)
        with opened() as search:
            assert sl.evaluate(search, queries).estimate("stage one", "R@10").mean == 1.0


def test_errors_of_a_retriever_name_it_and_keep_their_cause(monkeypatch):
    with opened("foreign_parts:failing") as search:
        with pytest.raises(RetrieverFailed, match=r"no route to the service, in foreign_parts\.py line") as raised:
            search.search("x")
        assert isinstance(raised.value.__cause__, ConnectionError)
        with pytest.raises(RetrieverFailed, match=r"^foreign_parts:failing failed: ConnectionError"):
            sl.evaluate(search, query_set())
    foreign_parts.install(monkeypatch, failure=foreign_parts.UNREACHABLE)
    with opened() as search, pytest.raises(StoreUnreachable, match="start it"):
        search.search("x")


def test_secrets_are_in_no_name(store, here):
    with opened(SECRET, state="fits") as search:
        assert search.name == "fake:words@http://127.0.0.1:1/base"
        files = sl.calibrate(search, query_set(), pool_size=20, top_k=5).save()
        assert not [word for word in ("secret", "hidden") for file in files if word in f"{file} {file.read_text()}"]
        assert "secret" not in repr(search)


def test_what_cannot_be_opened(store, here):
    (here / "store").mkdir()
    for call, message in (
        (lambda: sl.open(STORE, create=True), "is a retriever, which is read and never made"),
        (lambda: sl.open(here / STORE), "shortlist add"),
        (lambda: sl.open("store", state="fits"), "leave out state"),
        (lambda: sl.open(OWN, config=sl.SearchConfig(retriever=STORE)), "name one of the two"),
        (lambda: sl.open("foreign_parts:absent"), "cannot be loaded"),
        (lambda: open_search(sl.SearchConfig(retriever=STORE), "my-index"), "leave out the index"),
        (lambda: open_search(sl.SearchConfig(), "my-index", "fits"), "my-index is an index with its own fits"),
    ):
        with pytest.raises((InvalidInput, FolderError), match=message):
            call()


def test_the_index_folder_of_a_configuration():
    assert str(index_of(sl.SearchConfig(), None)) == ".shortlist"
    assert str(index_of(sl.SearchConfig(), "mine")) == "mine"
    assert index_of(sl.SearchConfig(retriever=OWN), None) is None
    assert str(index_of(sl.SearchConfig(retriever=OWN), "mine")) == "mine"


def test_a_retriever_of_your_own_works_with_an_index_as_before(here):
    with sl.open(here / "index", create=True, config=HASHED, reranker=PointwiseWords()) as index:
        index.add({"id": passage.id, "text": passage.text} for passage in PASSAGES)
    with open_search(HASHED.override({"retriever": OWN}), here / "index", reranker=PointwiseWords()) as search:
        assert isinstance(search, sl.OpenIndex)
        assert search.search(WORDS[0])[0].id == WORDS[0]
