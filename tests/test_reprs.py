"""What `print` shows of the objects that the public functions return: counts, folders and models, and no dump."""

from __future__ import annotations

import itertools

import pytest

import shortlist as sl
from fakes import ListRetriever
from shortlist import registry
from shortlist.registry import progressive_of
from shortlist.reprs import short, short_repr
from shortlist.search.ranked import Ranked
from shortlist.types import Hit
from word_queries import CONFIG, WORDS, PointwiseWords, query_set

LONGEST = 250


@pytest.fixture
def index(tmp_path):
    """Thirty documents, each with two words that differ and a long rest."""
    documents = [
        {"id": word, "text": f"{word} {other} {'and more ' * 60}"} for word, other in itertools.pairwise([*WORDS, "z"])
    ]
    with sl.open(tmp_path / "index", create=True, config=CONFIG, reranker=PointwiseWords()) as opened:
        opened.add(documents)
        yield opened


@pytest.fixture
def queries():
    return query_set()


def test_an_index_shows_its_folder_counts_and_models_and_loads_none(tmp_path, monkeypatch):
    index = sl.open(tmp_path / "ix", create=True, config=CONFIG)
    index.add([{"id": "a", "text": "cats"}])
    index.close()
    for name in ("load_encoder", "load_reranker"):
        monkeypatch.setattr(registry, name, lambda *_, **__: pytest.fail("a model loads"))
    index = sl.open(tmp_path / "ix")
    assert repr(index).startswith("<OpenIndex ")
    models = "bi_encoder='hashed-32' retriever='hybrid' reranker='shortlist-reranker-v1'>"
    assert repr(index).endswith(f" passages=1 {models}")
    index.close()
    assert repr(index).endswith(f" passages='closed' {models}")


def test_a_damaged_index_has_a_repr(index, monkeypatch):
    from shortlist.errors import NotAnIndex

    def fail(self):
        raise NotAnIndex("it is damaged")

    monkeypatch.setattr(type(index.collection.index), "__len__", fail)
    assert "passages='damaged'" in repr(index)


def test_a_search_shows_its_parts_and_sizes(index):
    assert repr(index.searcher) == "<Search retriever='Hybrid' reranker='words' pool_size=50 top_k=5>"
    config = sl.SearchConfig(pool_size=8, top_k=3)

    def by_words(query, k):
        return []

    assert repr(sl.Search(by_words, config=config)) == "<Search retriever='by_words' reranker=None pool_size=8 top_k=3>"
    assert repr(sl.Search(by_words).retriever) == "<RowsRetriever 'by_words'>"
    assert "retriever='ListRetriever'" in repr(sl.Search(ListRetriever(["a"])))


def test_a_query_set_shows_its_counts(queries):
    assert repr(queries) == "<QuerySet 'words' queries=30 judgments=30>"
    mixed = sl.QuerySet("m", {"a": "x", "b": "y"}, {"a": {"d": 1}}, {"b": {"text": 1, "other": 2}}, unjudged=4)
    assert repr(mixed) == "<QuerySet 'm' queries=2 judgments=1 snippets=2 unjudged=4>"


def test_an_answer_shows_ids_status_and_notes(index):
    ranking = index.search("bal", top_k=2, pool_size=20, min_score=1.0)
    shown = repr(ranking)
    assert shown == "<Ranking 'bal' hits=['bal#0'] status='ok' scored=20 notes=['left_out']>"
    assert repr(ranking[0]).startswith("<Hit 'bal#0' rank=1 score=1.5")
    assert "text='bal bam and more" in repr(ranking[0])
    plain = index.search("bal", top_k=1, rerank=False)
    assert repr(plain) == "<Ranking 'bal' hits=['bal#0'] status='off' scored=0 notes=[]>"


def test_reports_show_counts(index, tmp_path):
    (tmp_path / "a.md").write_text("Cats sleep.")
    (tmp_path / "b.xyz").write_text("Dogs run.")
    report = index.add([tmp_path / "a.md", tmp_path / "b.xyz"])
    assert repr(report) == (
        "<IngestReport sources_read=1 documents_written=1 passages_added=1 passages_total=31 skipped=1>"
    )
    assert repr(index.contents()).startswith("<Contents sources=2 documents=31 passages=31 bi_encoder='hashed-32' ")


def test_results_of_measurements_are_short(index, queries):
    evaluation = sl.evaluate(index, queries, pool_size=10)
    assert repr(evaluation).startswith(
        "<Evaluation 'default' query_set='words' queries=30 pool_size=10 measure='nDCG@10'"
    )
    assert " reranked=" in repr(evaluation)
    assert repr(evaluation.outcomes[0]).startswith("<Outcome 'bal' kind='fine' retrieval_rank=")
    tuning = sl.tune(index, queries, sizes=(5, 10), timed=1, blends=(), fusions=())
    assert repr(tuning).startswith("<Tuning queries=30 measure='nDCG@10' settings={")
    rules = sl.calibrate(index, queries, pool_size=20, top_k=5, alpha=0.3)
    assert repr(rules).startswith("<FittedRules 'words' queries=30 pool_size=20 top_k=5 threshold=")
    explanation = index.explain("bal", "bal#0", "bam#0")
    assert "words=['bal']" in repr(explanation)
    for item in (evaluation, evaluation.outcomes[0], tuning, tuning.curve, rules, rules.probabilities, explanation):
        assert len(repr(item)) < LONGEST


def test_an_evaluation_without_outcomes_has_a_repr():
    from shortlist.evaluation.evaluate import Evaluation

    empty = Evaluation("a", "q", "f", 5, 10, ("nDCG@10",), ())
    assert repr(empty) == "<Evaluation 'a' query_set='q' queries=0 pool_size=5 warnings=['few_queries']>"


@pytest.mark.slow
def test_models_show_their_name_and_runtime_and_no_key(monkeypatch):
    monkeypatch.setenv("COHERE_API_KEY", "a-secret-key")
    hosted = sl.load_reranker("cohere:rerank-v3.5")
    assert repr(hosted) == "<HostedReranker 'cohere:rerank-v3.5' window=None>"
    reranker = sl.load_reranker()
    assert repr(reranker).startswith("<CrossEncoder 'shortlist-reranker-v1' window=512 runtime='")
    assert repr(progressive_of(reranker)()).startswith("<ProgressiveReranker 'shortlist-reranker-v1' ")
    assert repr(sl.load_encoder()).startswith("<OnnxEncoder 'all-MiniLM-L6-v2' dimension=384 window=256 runtime='")
    assert repr(sl.load_encoder("hashed-32")) == "<HashedEncoder 'hashed-32' dimension=32>"


def test_texts_and_documents_are_shortened():
    ranked = Ranked(3, 1.25, {"id": "a", "text": "word " * 1000, "more": list(range(1000))}, 1)
    assert repr(ranked).startswith("<Ranked 3 rank=1 score=1.25 document={'id': 'a', ")
    assert len(repr(ranked)) < LONGEST
    assert len(repr(Hit.of("a", "word " * 1000))) < LONGEST
    assert short("x" * 1000).count("x") < 60
    assert short_repr(ranked, None, {}) == "<Ranked>"


def test_settings_show_what_was_changed_and_a_pool_encoder_its_parts():
    assert repr(sl.SearchConfig()) == "SearchConfig()"
    config = sl.SearchConfig(pool_size=30, weights={"dense": 2.0}, reranker=None)
    assert repr(config) == "SearchConfig(reranker=None, weights={'dense': 2.0}, pool_size=30)"
    assert eval(repr(config), {"SearchConfig": sl.SearchConfig}) == config
    encoded = sl.EncodedPool(ListRetriever(["a"]), registry.load_encoder("hashed-32"))
    assert repr(encoded) == "<EncodedPool 'ListRetriever' bi_encoder='hashed-32'>"
