"""Query sets with a text of stage two's own, and sweeps over searches that expand their queries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shortlist import config as config_file
from shortlist.collection.fits import StoredFits
from shortlist.config import SearchConfig
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, NotFitted
from shortlist.evaluation.calibration.calibrate import CalibrateOptions, calibrate
from shortlist.evaluation.evaluate import evaluate
from shortlist.evaluation.query_sets import QuerySet, files
from shortlist.evaluation.query_sets.judging import Judgments
from shortlist.evaluation.query_sets.query_set import resolve
from shortlist.evaluation.subject import subject_of
from shortlist.evaluation.tuning.options import TuneOptions
from shortlist.evaluation.tuning.tune import tune
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.retrievers import Hybrid
from shortlist.search.query_texts import QueryTexts
from shortlist.types import Passage
from worlds import WORDS, ListwiseReranker, TextReranker, searching, world

SIZES = (2, 5, 13)
WEIGHTS = {"dense": 3.0, "bm25_share": 1.5}
OPTIONS = TuneOptions(sizes=SIZES, measures=("nDCG@10",), timed=1, blends=(), fusions=())


def own_texts(judged):
    """Every second query has a text of its own for the reranker."""
    return replace(judged, rerank_queries={key: f"{judged.queries[key]} really" for key in list(judged.queries)[::2]})


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    encoder, rng = HashedEncoder(16), np.random.default_rng(0)
    corpus = [Passage(f"p{i}", " ".join(rng.choice(WORDS, 6)) + f" n{i}", f"p{i}") for i in range(160)]
    index = EmbeddedEngine().create(tmp_path_factory.mktemp("index"), dimension=16)
    index.add(corpus, encoder.encode_passages([passage.content for passage in corpus]))
    queries = {f"q{i}": " ".join(rng.choice(WORDS, 2)) for i in range(5)}
    qrels = {key: {f"p{i}": 1 for i in rng.choice(160, 4, replace=False)} for key in queries}
    yield index, encoder, resolve(QuerySet("real", queries, qrels), corpus)
    index.close()


def separate(search, judged, sizes=SIZES):
    return np.array(
        [
            evaluate(search, judged, pool_size=size, measures=("nDCG@10",)).values("reranked", "nDCG@10")
            for size in sizes
        ]
    )


@pytest.mark.parametrize("reranker", [TextReranker, ListwiseReranker])
def test_a_sweep_with_rerank_queries_equals_separate_runs(reranker):
    retriever, judged, _ = world(queries=6)
    judged = own_texts(judged)
    search = searching(retriever, reranker(), WEIGHTS)
    tuning = tune(search, judged, OPTIONS)
    assert (tuning.curve.reranked["nDCG@10"] == separate(search, judged)).all()
    assert (tuning.curve.reranked["nDCG@10"] != separate(search, replace(judged, rerank_queries={}))).any()


@pytest.mark.parametrize("expand", ["rm3", "expansion_parts:to_red", "expansion_parts:to_several"])
def test_a_sweep_with_an_expansion_equals_separate_runs(real, expand):
    index, encoder, judged = real
    sizes = (3, 10, 40, 120)
    search = searching(Hybrid(index, encoder), TextReranker(), WEIGHTS, expand=expand)
    tuning = tune(search, judged, replace(OPTIONS, sizes=sizes, fusions=(0.0, 1.0)))
    assert (tuning.curve.reranked["nDCG@10"] == separate(search, judged, sizes)).all()
    assert tuning.config.expand == expand


def test_an_expansion_changes_the_pool_of_an_evaluation_which_names_it(real):
    index, encoder, judged = real
    plain = evaluate(searching(Hybrid(index, encoder), TextReranker()), judged, pool_size=40)
    wide = evaluate(
        searching(Hybrid(index, encoder), TextReranker(), expand="expansion_parts:to_red"), judged, pool_size=40
    )
    assert [outcome.recall for outcome in wide.outcomes] != [outcome.recall for outcome in plain.outcomes]
    assert wide.about["expand"] == "expansion_parts:to_red"
    assert "expand" not in plain.about


def test_the_identical_id_rule_applies_to_the_query_and_not_to_its_expansion(real):
    index, encoder, _ = real
    corpus = list(index.passages())
    queries = QuerySet("own", {passage.id: passage.text for passage in corpus[:2]}, {corpus[0].id: {"p5": 1}})
    search = searching(Hybrid(index, encoder), TextReranker(), expand="expansion_parts:counted")
    subject = subject_of(search, queries, ignore_identical_ids=True)
    for passage in corpus[:2]:
        assert passage.id not in [hit.id for hit in subject.search.search(passage.text, top_k=10)]


def test_tune_writes_the_expansion_that_it_measured(real, tmp_path):
    index, encoder, judged = real
    tuning = tune(searching(Hybrid(index, encoder), TextReranker(), WEIGHTS, expand="rm3"), judged, OPTIONS)
    tuning = replace(tuning, undecided=None)
    assert tuning.file_values(tmp_path)["expand"] == "rm3"
    config_file.write({"expand": "rm3"}, tmp_path)
    assert "expand" not in tuning.file_values(tmp_path)


def test_fits_belong_to_one_expansion(tmp_path):
    retriever, judged, _ = world(queries=30)
    reranker = TextReranker()
    fits = StoredFits(tmp_path, "none", "mine", reranker, lambda: None)
    search = replace(searching(retriever, reranker, WEIGHTS), fits=fits)
    rules = calibrate(search, judged, CalibrateOptions(pool_size=20, top_k=5, measure="nDCG@5"))
    replace(rules, expand="rm3").save()
    assert fits.stop_rule(WEIGHTS, "rm3")[0] is not None
    with pytest.raises(NotFitted, match="made for expand rm3, and this search has None"):
        fits.stop_rule(WEIGHTS)
    with pytest.raises(NotFitted, match="expand"):
        fits.calibration(WEIGHTS, "other:function")


def test_a_table_has_the_column_and_keeps_it(tmp_path):
    file = tmp_path / "queries.csv"
    file.write_text("query,relevant,rerank_query\nred cat,a,which red cat\nblue dog,b,\n", encoding="utf-8")
    query_set = QuerySet.read(file)
    (key,) = query_set.rerank_queries
    assert query_set.queries[key] == "red cat"
    assert query_set.rerank_queries == {key: "which red cat"}
    for name in ("copy.csv", "copy.jsonl"):
        files.write(query_set, tmp_path / name)
        assert QuerySet.read(tmp_path / name).rerank_queries == query_set.rerank_queries
    judged = resolve(query_set, [Passage("a", "x"), Passage("b", "y")])
    assert judged.texts(key) == QueryTexts("red cat", (), "which red cat")
    plain = replace(judged, rerank_queries={})
    assert judged.fingerprint == plain.fingerprint, "an evaluation with the texts is compared with one without them"
    assert judged.resolved != plain.resolved, "a checkpoint of the one is not continued with the other"


def test_a_table_without_rerank_queries_has_no_such_column(tmp_path):
    query_set = QuerySet("s", {"1": "red", "2": "blue"}, {"1": {"a": 1}, "2": {"b": 1}})
    files.write(query_set, tmp_path / "plain.csv")
    files.write(query_set, tmp_path / "plain.jsonl")
    assert "rerank_query" not in (tmp_path / "plain.csv").read_text() + (tmp_path / "plain.jsonl").read_text()


def test_judging_a_set_keeps_its_rerank_queries(tmp_path):
    file = tmp_path / "queries.jsonl"
    file.write_text('{"query": "red cat", "rerank_query": "which red cat", "relevant": ["a"]}\n', encoding="utf-8")
    Judgments(file).judge("blue dog", "b", relevant=True)
    assert list(QuerySet.read(file).rerank_queries.values()) == ["which red cat"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "query,relevant,rerank_query\nred,a,one\nred,b,two\n", "line 3: query id .* another rerank_query"),
        ("a.jsonl", '{"query": "red", "relevant": ["a"], "rerank_query": 3}\n', "rerank_query must be a string"),
    ],
)
def test_rerank_queries_that_cannot_be_used(tmp_path, name, content, message):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput, match=message):
        QuerySet.read(tmp_path / name)


def test_an_empty_rerank_query_is_an_error():
    query_set = QuerySet("s", {"1": "red", "2": "blue"}, {"1": {"a": 1}}, rerank_queries={"1": " "})
    with pytest.raises(InvalidInput, match="rerank_query of '1' is empty"):
        resolve(query_set, [Passage("a", "x")])


def test_other_forms_cannot_hold_rerank_queries(tmp_path):
    query_set = QuerySet("s", {"1": "red", "2": "blue"}, {"1": {"a": 1}}, rerank_queries={"1": "which red"})
    with pytest.raises(InvalidInput, match="a BEIR folder cannot hold"):
        files.write(query_set, tmp_path / "beir")
    with pytest.raises(InvalidInput, match="TREC topics cannot hold"):
        files.write(query_set, tmp_path / "topics.tsv", qrels=tmp_path / "qrels.txt")


def test_the_default_configuration_has_no_expansion():
    assert SearchConfig().expand is None
