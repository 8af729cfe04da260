"""Several collections opened as one."""

from __future__ import annotations

from pathlib import Path

import pytest

import shortlist
from fakes import WordReranker
from foreign_parts import Logits
from shortlist import SearchConfig, registry, several
from shortlist.config.weights import Weights
from shortlist.errors import InvalidInput, NotAnIndex
from shortlist.search import blend
from shortlist.several import collection_name, is_several, named_places
from shortlist.types import Note
from shortlist.wording import describe

HASHED = SearchConfig(bi_encoder="hashed-64")
TEXTS = {
    "docs": ["tax is due in april", "a tax form", "cats sleep most of the day and the night, too, every day"],
    "faq": ["when is tax due", "refunds take days", "cats sleep most of the day and the night, too, every day"],
}


@pytest.fixture
def folders(tmp_path):
    """Two indexes whose passages have the same ids."""
    for name, texts in TEXTS.items():
        with shortlist.open(tmp_path / name, create=True, config=HASHED) as index:
            index.add([{"id": f"p{n}", "text": text, "metadata": {"n": n}} for n, text in enumerate(texts)])
    return tmp_path


def opened(folders, **arguments):
    return shortlist.open([folders / "docs", folders / "faq"], **{"reranker": WordReranker(), **arguments})


def test_one_scoring_pass_orders_the_passages_of_both(folders):
    reranker, calls = WordReranker(), []
    score = reranker.score
    reranker.score = lambda query, texts: calls.append(len(texts)) or score(query, texts)
    with opened(folders, reranker=reranker) as both:
        ranking = both.search("when is tax due", top_k=3)
        assert [(hit.collection, hit.id) for hit in ranking][:2] == [("faq", "faq:p0#0"), ("docs", "docs:p0#0")]
        assert [hit.to_dict()["collection"] for hit in ranking][:2] == ["faq", "docs"]
        assert calls == [6]
        assert (both.names, both.count(), both.bi_encoder) == (("docs", "faq"), 6, "hashed-64")
        assert repr(both).startswith("<OpenCollections 'docs, faq' passages=6")


def test_a_score_is_that_of_a_search_in_one_collection(folders):
    with opened(folders) as both:
        together = {hit.id: hit.rerank_score for hit in both.search("tax due", top_k=6, duplicates=True)}
    for name in TEXTS:
        with shortlist.open(folders / name, reranker=WordReranker()) as index:
            alone = {f"{name}:{hit.id}": hit.rerank_score for hit in index.search("tax due", top_k=3)}
        assert alone.items() <= together.items()


def test_a_value_that_is_no_name_is_an_error_with_a_sentence(folders):
    with pytest.raises(InvalidInput, match="path is 5: give the place of an index"):
        shortlist.open(5)
    for places in ([5], {"docs": 5}):
        with pytest.raises(InvalidInput, match="a collection is 5: give its place"):
            shortlist.open(places)
    with shortlist.open(folders / "docs") as index:
        with pytest.raises(InvalidInput, match="items is 5: give a path"):
            index.add(5)
        for names in (5, [5]):
            with pytest.raises(InvalidInput, match="5 is no name: give the name of a source"):
                index.remove(names)
        assert len(index) == 3


def test_fits_of_one_collection_do_not_apply_to_several(folders):
    with opened(folders) as both:
        adaptive = both.search("tax", pool_size="auto")
        assert adaptive.note("no_stop_rule") == Note("no_stop_rule", reason="several_collections")
        gated = both.search("tax", gate=True)
        assert gated.note("no_gate") == Note("no_gate", reason="several_collections")
        for ranking, code in ((adaptive, "no_stop_rule"), (gated, "no_gate")):
            words = describe(ranking.note(code))
            assert "does not apply to several" in words
            assert "shortlist calibrate" not in words
        with pytest.raises(InvalidInput, match="does not apply to several collections"):
            both.search("tax", min_probability=0.5)


def test_some_of_the_collections(folders):
    with opened(folders) as both:
        assert {hit.collection for hit in both.within(["faq"]).search("tax due", top_k=3)} == {"faq"}
        assert {hit.collection for hit in both.within("docs").search("tax due", top_k=3)} == {"docs"}
        assert both.within(["faq"]) is both.within(["faq"])
        with pytest.raises(InvalidInput, match="there is no collection 'x': the collections are docs, faq"):
            both.within(["x"])
        with pytest.raises(InvalidInput, match="there is no collection to search"):
            both.within([])
        with pytest.raises(InvalidInput, match="a collection is named twice: faq, faq"):
            both.within(["faq", "faq"])


def test_few_searches_are_kept_whatever_collections_a_client_names(folders, monkeypatch):
    monkeypatch.setattr(several, "MOST_SEARCHES", 2)
    with opened(folders) as both:
        first = both.within(["faq"])
        assert both.within(["docs"]) is not both.within(["docs", "faq"])
        assert both.within(["docs", "faq"]) is both.within(["docs", "faq"])
        assert both.within(["faq"]) is not first, "the search that was used longest ago made room"
        assert both.within(["faq"]).search("tax due", top_k=1)[0].id == first.search("tax due", top_k=1)[0].id


def test_copies_in_two_collections_are_one_hit(folders):
    with opened(folders) as both:
        ranking = both.search("cats sleep most of the day", top_k=5)
        assert ranking[0].id == "docs:p2#0"
        assert ranking[0].duplicates == ("faq:p2#0",)


def test_boosts_act_on_the_pool(folders):
    with opened(folders, boosts={"faq": 0.4}) as both:
        pool = both.search("tax due", pool_size=3, top_k=3, rerank=False)
        assert [hit.collection for hit in pool] == ["docs", "docs", "faq"]
        assert both.searcher.retriever.parts[1].boost == 0.4
    with pytest.raises(InvalidInput, match="there is no collection 'x'") as caught:
        opened(folders, boosts={"x": 1.0})
    assert caught.value.field == "boosts"
    with shortlist.open([folders / "docs"], boosts={"docs": 0.0}) as one, pytest.raises(InvalidInput, match="above 0"):
        one.search("tax")


def test_filters_and_reasons_for_an_empty_answer(folders):
    with opened(folders) as both:
        assert {hit.id for hit in both.search("tax", where={"n": 0})} == {"docs:p0#0", "faq:p0#0"}
        assert {hit.id for hit in both.search("tax", where={"document_id": "docs:p0"})} == {"docs:p0#0"}
        assert [note.code for note in both.search("tax", where={"x": 1}).notes] == ["filter_unknown_field"]


def test_passages_are_found_by_the_ids_of_hits(folders):
    with opened(folders) as both:
        assert [passage.id for passage in both.get(["faq:p1#0", "docs:p1#0", "p1#0", "x:p1#0"])] == [
            "faq:p1#0",
            "docs:p1#0",
        ]
        assert set(both.find("q", ["faq:p1#0", "docs:p9#0"])) == {"faq:p1#0"}
        assert {passage.id for passage in both.passages()} == {f"{name}:p{n}#0" for name in TEXTS for n in range(3)}
        context = both.context(both.search("tax due", top_k=2))
        assert [block.passages[0].id.partition(":")[0] for block in context.blocks] == ["faq", "docs"]
        explanation = both.explain("tax due", "docs:p0#0", "faq:p1#0")
        assert explanation.rerank_margin > 0
        with pytest.raises(InvalidInput, match="has no passage 'p0#0'"):
            both.explain("tax due", "p0#0", "faq:p1#0")


def test_a_bi_encoder_is_loaded_once_for_all_its_indexes(folders, monkeypatch):
    loaded, load = [], registry.load_encoder
    monkeypatch.setattr(registry, "load_encoder", lambda name, **options: loaded.append(name) or load(name, **options))
    with opened(folders) as both:
        both.search("tax due")
        both.within(["faq"]).search("tax due")
    assert loaded == ["hashed-64"]


def test_each_collection_encodes_the_query_with_its_own_bi_encoder(folders):
    with shortlist.open(folders / "other", create=True, config=SearchConfig(bi_encoder="hashed-32")) as index:
        index.add([{"id": "o", "text": "tax is due now"}])
    with shortlist.open([folders / "docs", folders / "other"], reranker=WordReranker()) as mixed:
        ranking = mixed.search("tax is due now")
        assert {hit.collection for hit in ranking} == {"docs", "other"}
        assert ranking[0].id == "other:o#0"
        assert ranking.note("mixed_bi_encoders").values["bi_encoders"] == ["hashed-64", "hashed-32"]
        assert (mixed.bi_encoder, ranking.order) == ("unknown", "reranker")
        assert mixed.within(["docs"]).search("tax").note("mixed_bi_encoders") is None


def test_weights_of_one_bi_encoder_apply_to_all(folders, monkeypatch):
    monkeypatch.setattr(blend, "fitted_weights", lambda encoder, reranker: Weights({"dense": 3.0} if encoder else {}))
    with opened(folders, reranker=Logits()) as both:
        assert both.search("tax due").weights == {"dense": 3.0}


def test_stores_and_indexes_are_searched_together(folders):
    with shortlist.open({"docs": folders / "docs", "own": "foreign_parts:rows"}, reranker=WordReranker()) as mixed:
        assert {hit.collection for hit in mixed.search("tax due", top_k=9)} == {"docs", "own"}
        assert mixed.on_server
        assert mixed.vector_store() is None
        assert mixed.context_parts.get is None


def test_a_fusion_weight_without_an_effect_on_any_collection_is_an_error(folders, monkeypatch):
    config = SearchConfig(fusion=0.2)
    names = {"own": "foreign_parts:rows", "more": "foreign_parts:Listing"}
    message = "fusion is 0.2: it weighs vectors against words, and own, more cannot search by both"
    with pytest.raises(InvalidInput, match=message) as caught:
        shortlist.open(names, config=config)
    assert caught.value.field == "fusion"
    shortlist.open({**names, "docs": folders / "docs"}, config=config).close()
    shortlist.open(names).close()


def test_names_of_collections(folders, monkeypatch):
    monkeypatch.chdir(folders)
    assert list(named_places(["docs", "x=faq", "qdrant:notes@http://h:6333"])) == ["docs", "x", "notes"]
    assert named_places({"a": "docs"}) == {"a": "docs"}
    assert collection_name(Path(".shortlist")) == "shortlist"
    Path("k=v").mkdir()
    assert named_places(["k=v"]) == {"k=v": "k=v"}
    assert [is_several(places) for places in (None, "docs", ["docs"], ["a", "b"], ["x=docs"], {"a": "b"})] == [
        False,
        False,
        False,
        True,
        True,
        True,
    ]
    with pytest.raises(InvalidInput, match="two collections are named 'docs': give each a name of its own, such as"):
        named_places(["docs", "./docs"])
    with pytest.raises(InvalidInput, match="there is no collection to search"):
        named_places([])


def test_what_cannot_be_opened_together(folders):
    with pytest.raises(InvalidInput, match="never made: leave out create"):
        shortlist.open([folders / "docs"], create=True)
    with pytest.raises(InvalidInput, match="boosts compare collections"):
        shortlist.open(folders / "docs", boosts={"docs": 1.0})
    with pytest.raises(InvalidInput, match="name the store as a collection"):
        shortlist.open([folders / "docs"], config=SearchConfig(retriever="foreign_parts:rows"))
    with pytest.raises(NotAnIndex):
        shortlist.open([folders / "docs", folders / "nothing"])
    with shortlist.open(folders / "docs") as index:
        assert len(index) == 3, "the failed call has closed what it had opened"


def test_names_of_answers_hide_the_folders_of_every_collection(tmp_path):
    for name in ("docs", "faq"):
        (tmp_path / "files" / name).mkdir(parents=True)
        (tmp_path / "files" / name / "a.md").write_text(f"the tax of {name}")
        with shortlist.open(tmp_path / name, create=True, config=HASHED) as index:
            index.add(tmp_path / "files" / name)
    with opened(tmp_path) as both:
        names = both.shown_names()
        shown = names.ranking(both.search("tax"))
        own = {
            name: part.shown_names().shown(str(next(part.passages()).metadata["source"]))
            for name, part in both.parts.items()
        }
        assert sorted(hit.metadata["source"] for hit in shown) == [f"docs:{own['docs']}", f"faq:{own['faq']}"]
        assert str(tmp_path) not in str(shown.to_dict())
        original = next(hit.id for hit in both.search("tax") if hit.collection == "faq")
        assert original in names.originals(names.shown(original))
        where = names.where({"source": f"faq:{own['faq']}"})
        assert {hit.collection for hit in both.search("tax", where=where)} == {"faq"}
        assert {hit.collection for hit in both.search("tax", where=names.where({"source": own["docs"]}))} == {"docs"}
        assert names.message(f"{tmp_path / 'faq'} has no curve") == "faq has no curve"
