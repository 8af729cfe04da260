"""evaluate, tune and calibrate from Python: over an open index, and over a search of your own."""

import inspect
import itertools

import numpy as np
import pytest

import shortlist as sl
from fakes import WordReranker
from shortlist.collection.fits import StoredFits
from shortlist.errors import InvalidInput
from shortlist.evaluation.calibration.calibrate import CalibrateOptions
from shortlist.evaluation.evaluate import evaluate
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.subject import resolve_in, retrieved_passages, subject_of
from shortlist.evaluation.tuning.options import TuneOptions
from shortlist.wording import describe
from word_queries import CONFIG, WORDS, PointwiseWords, query_set
from worlds import OracleReranker, PoolRetriever, searching, world


@pytest.fixture
def index(tmp_path):
    """Thirty documents of two words. Each word is the query that its document answers."""
    documents = [{"id": word, "text": f"{word} {other}"} for word, other in itertools.pairwise([*WORDS, "end"])]
    with sl.open(tmp_path / "index", create=True, config=CONFIG, reranker=PointwiseWords()) as opened:
        opened.add(documents)
        yield opened


@pytest.fixture
def queries():
    return query_set()


def test_an_open_index_is_evaluated(index, queries):
    evaluation = sl.evaluate(index, queries, pool_size=10)
    assert (len(evaluation.outcomes), evaluation.pool_size) == (30, 10)
    assert evaluation.about == {"reranker": "words"}
    assert evaluation.failures["fine"] == 30
    ranking = index.search(WORDS[3], pool_size=10, top_k=10)
    assert evaluation.outcomes[3].top == tuple(dict.fromkeys(hit.document_id for hit in ranking))


def test_a_limit_on_the_score_does_not_change_what_is_measured(index, queries):
    limited = sl.SearchConfig(bi_encoder="hashed-32", min_score=99.0, pool_size=10)
    search = index.searcher
    measured = sl.Search(search.retriever, search.reranker, limited)
    assert len(measured.search(WORDS[0])) == 0
    by_pools = sl.evaluate(measured, queries)
    assert by_pools.values("reranked", "RR@10") == sl.evaluate(index, queries, pool_size=10).values("reranked", "RR@10")


def test_tune_writes_the_settings_that_a_search_reads(index, queries, tmp_path):
    tuning = sl.tune(index, queries, budget_ms=1e9, sizes=(5, 10), blends=(), fusions=(), timed=1)
    assert tuning.recommended.rule == "latency_budget"
    file = tuning.write(tmp_path)
    if file is None:
        assert tuning.undecided is not None
    else:
        assert sl.SearchConfig().override(sl.config.read(tmp_path)).rerank == tuning.rerank


def test_calibrate_stores_what_searches_use(index, queries):
    with pytest.raises(sl.ShortlistError, match="calibrate"):
        index.search(WORDS[0], min_probability=0.5)
    rules = sl.calibrate(index, queries, pool_size=20, top_k=5, alpha=0.3)
    assert (rules.queries, rules.skipped, rules.without_relevant) == (30, 0, 0)
    assert [file.name for file in rules.save()] == ["stop-rule.json", "calibration.json", "gate.json"]
    adaptive = index.search(WORDS[0], pool_size="auto")
    assert adaptive.note("no_stop_rule") is None
    assert adaptive.pool_size == 20
    assert all(hit.probability is not None for hit in index.search(WORDS[0], min_probability=0.01))
    assert sl.evaluate(index, queries, pool_size="auto").pool_size == 20


def test_a_search_over_any_retriever_is_resolved_over_its_pools(tmp_path):
    retriever, judged, answers = world(queries=40, first=2)
    queries = sl.QuerySet("own", judged.queries, judged.qrels)
    search = searching(retriever, OracleReranker(answers))
    evaluation = sl.evaluate(search, queries, pool_size=20)
    assert evaluation.fingerprint == judged.fingerprint
    assert evaluation.gain("nDCG@10").difference.mean > 0
    tuning = sl.tune(search, queries, sizes=(5, 20), timed=1)
    assert tuning.settings["pool_size"] == 20
    assert tuning.write(tmp_path) is not None
    rules = sl.calibrate(search, queries, pool_size=30, top_k=3)
    with pytest.raises(InvalidInput, match=r"cannot store fits: .* shortlist\.open\(\"my_search:by_words\"\)"):
        rules.save()


def test_a_search_of_your_own_can_store_fits(tmp_path):
    retriever, judged, answers = world(queries=40, first=2)
    reranker = OracleReranker(answers)
    fits = StoredFits(tmp_path, "none", "mine", reranker, lambda: None)
    search = sl.Search(retriever, reranker, fits=fits)
    queries = sl.QuerySet("own", judged.queries, judged.qrels)
    sl.calibrate(search, queries, pool_size=30, top_k=3, alpha=0.3).save()
    ranking = search.search(judged.queries["q0"], pool_size="auto", top_k=3)
    assert ranking.pool_size == 30
    assert {note.code for note in ranking.notes} & {"pool_stopped", "pool_scored_whole", "pool_never_stops"}


def test_a_retriever_that_lists_its_passages_is_resolved_against_them():
    retriever, judged, _ = world(queries=4)

    class Listing(PoolRetriever):
        def passages(self):
            return [hit.passage for hit in next(iter(self.pools.values()))]

    queries = sl.QuerySet("own", judged.queries, {**judged.qrels, "q0": {"missing": 1}})
    with pytest.raises(InvalidInput, match="judged ids of own name neither a passage nor a document of the corpus"):
        sl.evaluate(searching(Listing(retriever.pools)), queries)
    assert sl.evaluate(searching(Listing(retriever.pools)), queries, allow_unknown=True).outcomes[0].recall == 0.0


def resolve_in_pools(queries, retriever, **options):
    return resolve_in(retrieved_passages(queries, retriever), queries, **options)


def test_a_judged_id_that_no_pool_holds_is_not_found_and_not_unknown():
    retriever, judged, _ = world(queries=4)
    queries = sl.QuerySet("own", judged.queries, {**judged.qrels, "q0": {"elsewhere": 1}})
    resolved = resolve_in_pools(queries, retriever)
    assert (resolved.level, resolved.unknown, resolved.qrels["q0"]) == ("passage", 0, {"elsewhere": 1})
    documents = sl.QuerySet("own", judged.queries, {key: {"d1": 1} for key in judged.queries})
    assert resolve_in_pools(documents, retriever).level == "document"
    others = sl.QuerySet("own", judged.queries, {key: {"x": 1} for key in judged.queries})
    with pytest.raises(InvalidInput, match="none of the 1 judged ids and snippets of own is in the first 100 passages"):
        resolve_in_pools(others, retriever)
    assert resolve_in_pools(others, retriever, allow_unknown=True).level == "passage"


@pytest.fixture
def with_other_ids():
    """A search over a function, and queries whose relevant ids the function never returns."""
    texts = {str(number): text for number, text in enumerate(WORDS)}
    search = sl.Search(lambda query, k: list(texts.items())[:k], PointwiseWords())
    names = [f"q{number}" for number in range(20)]
    return search, sl.QuerySet("own", dict(zip(names, WORDS, strict=False)), {name: {"doc-1": 1} for name in names})


def test_ids_that_the_retriever_never_returns_are_an_error_of_every_measurement(with_other_ids):
    search, queries = with_other_ids
    for measure in (sl.evaluate, sl.tune, sl.calibrate):
        with pytest.raises(InvalidInput, match=r"none of the 1 judged ids .* \(a retrieved passage has the id '0'\)"):
            measure(search, queries)


def test_a_run_whose_pools_have_no_relevant_id_has_a_warning(with_other_ids):
    search, queries = with_other_ids
    evaluation = sl.evaluate(search, queries, pool_size=10, allow_unknown=True)
    expected = sl.Note("nothing_retrieved", queries=20, pool=10, example=evaluation.outcomes[0].ranked[0])
    assert evaluation.warnings == (expected,)
    assert "the query set has the ids of the retriever, which returned ids such as" in describe(expected)
    tuning = sl.tune(search, queries, sizes=(5, 10), timed=1, allow_unknown=True)
    assert [note.values["pool"] for note in tuning.warnings if note.code == "nothing_retrieved"] == [10]
    with pytest.raises(InvalidInput, match="relevant"):
        sl.calibrate(search, queries, pool_size=20, allow_unknown=True)
    empty = sl.Search(lambda query, k: [], PointwiseWords())
    [note] = sl.evaluate(empty, queries, allow_unknown=True).warnings
    assert "the retriever returned nothing for 20 queries" in describe(note)


def test_pools_without_a_relevant_id_decide_nothing(with_other_ids):
    search, queries = with_other_ids
    tuning = sl.tune(search, queries, sizes=(5, 10), timed=1, allow_unknown=True)
    assert "no pool contains a relevant id" in describe(tuning.undecided)
    empty = sl.Search(lambda query, k: [], PointwiseWords())
    for budget in (None, 0):
        tuning = sl.tune(empty, queries, sizes=(5, 10), timed=1, allow_unknown=True, budget_ms=budget)
        assert "the retriever returned nothing, so there is nothing to rerank" in describe(tuning.undecided)
        assert tuning.settings == {}


def test_one_relevant_id_in_a_pool_or_none_at_all_gives_no_warning(with_other_ids):
    search, queries = with_other_ids
    found_once = sl.QuerySet("own", queries.queries, {**queries.qrels, "q0": {"0": 1}})
    assert sl.evaluate(search, found_once, pool_size=10).warnings == ()
    nothing = Judged("own", queries.queries, {name: {"doc-1": 0} for name in queries.queries}, "passage")
    assert evaluate(search, nothing, pool_size=10).warnings == ()


class Limited:
    """A retriever of LangChain with its default limit. `calls` counts its searches."""

    def __init__(self):
        self.search_kwargs, self.calls = {}, 0

    def invoke(self, query):
        self.calls += 1
        rows = [{"id": word, "text": word} for word in WORDS if word in query]
        rows += [{"id": word, "text": word} for word in WORDS if word not in query]
        return rows[: self.search_kwargs.get("k", 4)]


def test_measurements_report_a_retriever_with_a_limit_of_its_own(tmp_path):
    queries = sl.QuerySet("own", dict(zip(WORDS, WORDS, strict=True)), {word: {word: 1} for word in WORDS})
    retriever = Limited()
    search = sl.Search(retriever, PointwiseWords())
    note = sl.Note("retriever_limited", count=4, k=20, limit=4, line='retriever.search_kwargs["k"] = 20')
    for _ in range(2):  # the second time from the checkpoint
        evaluation = sl.evaluate(search, queries, pool_size=20)
        assert evaluation.warnings == (note,)
        tuning = sl.tune(search, queries, sizes=(5, 20), timed=1, checkpoint=tmp_path / "pass.jsonl")
        assert [each for each in tuning.warnings if each.code == note.code] == [note]
    exec(note.values["line"], {"retriever": retriever})
    assert sl.evaluate(search, queries, pool_size=20).warnings == ()


def test_measurements_report_the_repeated_rows_of_a_retriever(tmp_path):
    queries = sl.QuerySet("own", dict(zip(WORDS, WORDS, strict=True)), {word: {word: 1} for word in WORDS})

    def twice(query, k):
        return [(word, word) for word in (WORDS[0], WORDS[1], WORDS[0], WORDS[0])]

    search = sl.Search(twice, PointwiseWords())
    note = sl.Note("repeated_in_queries", count=2 * len(WORDS), queries=len(WORDS))
    for _ in range(2):  # the second time from the checkpoint
        assert note in sl.evaluate(search, queries, pool_size=20).warnings
        assert note in sl.tune(search, queries, sizes=(5, 20), timed=1, checkpoint=tmp_path / "pass.jsonl").warnings
    search = sl.Search(lambda query, k: [(word, word) for word in WORDS], PointwiseWords())
    assert [each.code for each in sl.evaluate(search, queries, pool_size=20).warnings] == []


def test_the_pass_of_a_function_is_not_that_of_another():
    queries = sl.QuerySet("own", dict(zip(WORDS, WORDS, strict=True)), {word: {word: 1} for word in WORDS})

    def first(query, k):
        return [(word, word) for word in WORDS][:k]

    def second(query, k):
        return [(word, word) for word in reversed(WORDS)][:k]

    abouts = []
    for function in (first, second):
        abouts.append(subject_of(sl.Search(function, PointwiseWords()), queries).about)
    assert abouts[0] != abouts[1]


def test_a_retriever_that_accepts_no_number_is_called_once_for_all_pool_sizes():
    queries = sl.QuerySet("own", dict(zip(WORDS, WORDS, strict=True)), {word: {word: 1} for word in WORDS})
    calls = []
    for sizes in ((20,), (5, 10, 15, 20)):
        retriever = Limited()
        retriever.search_kwargs["k"] = 20
        sl.tune(sl.Search(retriever, PointwiseWords()), queries, sizes=sizes, timed=1, blends=(), fusions=())
        calls.append(retriever.calls)
    assert calls[1] - calls[0] < len(WORDS), "only the timed searches differ"


def test_snippets_are_found_in_the_pools():
    retriever, judged, _ = world(queries=3)
    text = retriever.pools[judged.queries["q0"]][4].text
    queries = sl.QuerySet("own", judged.queries, {"q1": {"p0": 1}, "q2": {"p1": 1}}, {"q0": {text: 2}})
    resolved = resolve_in_pools(queries, retriever)
    assert set(resolved.qrels["q0"].values()) == {2}


def test_what_is_neither_an_index_nor_a_search_is_an_error(queries, tmp_path):
    for call in (sl.evaluate, sl.tune, sl.calibrate):
        with pytest.raises(InvalidInput, match="give an open index, an open retriever, or a Search"):
            call("my-index", queries)
        with pytest.raises(InvalidInput, match="there is no query set at"):
            call(searching(world()[0]), tmp_path / "missing.csv")


def defaults(function):
    return {name: each.default for name, each in inspect.signature(function).parameters.items()}


@pytest.mark.parametrize(
    ("function", "options"), [(sl.tune, TuneOptions()), (sl.calibrate, CalibrateOptions())], ids=["tune", "calibrate"]
)
def test_arguments_have_the_defaults_of_the_options(function, options):
    shared = {name: value for name, value in defaults(function).items() if hasattr(options, name)}
    assert len(shared) > 5
    assert shared == {name: getattr(options, name) for name in shared}


def test_arguments_of_evaluate_have_the_defaults_of_the_evaluation():
    inner = defaults(evaluate)
    shared = {name: value for name, value in defaults(sl.evaluate).items() if name in inner}
    assert shared == {name: inner[name] for name in shared}
    assert {"measures", "cutoff", "pool_size"} <= set(shared)


@pytest.mark.parametrize("queries", [[{"query": "a", "relevant": ["b"]}], {"a": "b"}, None, 7])
def test_queries_of_another_type_are_an_error(queries):
    search = sl.Search(lambda query, k: [("a", "text", 1.0)], WordReranker())
    with pytest.raises(InvalidInput, match="give a QuerySet, or the path of a file with queries"):
        sl.evaluate(search, queries)


def test_sizes_and_other_options_of_tune_may_be_arrays(index, queries):
    options = {"blends": np.array([0.0, 1.0]), "fusions": np.array([0.5]), "timed": 1}
    by_array = sl.tune(index, queries, sizes=np.arange(5, 15, 5), **options)
    assert by_array.curve.sizes == sl.tune(index, queries, sizes=[5, 10], timed=1).curve.sizes == (5, 10)
    assert {type(size) for size in by_array.curve.sizes} == {int}
    with pytest.raises(InvalidInput, match=r"R@3 was not measured: the curve has nDCG@10, RR@10"):
        by_array.curve.means("R@3")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": 5}, r"sizes is 5: give a list of whole numbers, such as \[5, 10, 20\]"),
        ({"sizes": [2.5]}, r"sizes is \[2.5\]: give a list of whole numbers"),
        ({"sizes": "5"}, "sizes is '5': give a list of whole numbers"),
        ({"blends": 1.0}, "blends is 1.0: give a list of numbers"),
        ({"fusions": ["half"]}, r"fusions is \['half'\]: give a list of numbers"),
        ({"budget_ms": "300"}, "budget_ms must be 0 or more, not '300'"),
        ({"measures": "nDCG@10"}, r"measures is the text 'nDCG@10': give a list of names, \['nDCG@10'\]"),
    ],
)
def test_an_option_of_tune_of_another_type_is_named(index, queries, options, message):
    with pytest.raises(InvalidInput, match=message) as error:
        sl.tune(index, queries, **options)
    assert error.value.field == next(iter(options))


def test_one_text_in_place_of_measures_and_a_report_of_something_else_are_errors(index, queries):
    with pytest.raises(InvalidInput, match=r"give a list of names, \['RR@5'\]"):
        sl.evaluate(index, queries, measures="RR@5")
    with pytest.raises(InvalidInput, match=r"tuning is <Evaluation .*: give what `tune` returned"):
        sl.html_report(sl.evaluate(index, queries, pool_size=5), index, queries)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"queries": ["tax due"]}, r"mine: queries is \['tax due'\]: give a mapping of ids to texts"),
        ({"queries": {"1": None, "2": "b"}}, r"mine: queries\['1'\] is None: give the text of the query"),
        ({"qrels": {"1": ["a"]}}, r"mine: qrels\['1'\] is \['a'\]: give a mapping to grades, \{'docs/tax.md': 1\}"),
        ({"qrels": [("1", "a")]}, "mine: qrels is .* give a mapping of query ids to grades"),
        ({"qrels": {"1": {"a": "1"}}}, r"mine: qrels\['1'\]\['a'\] is '1': give a number as the grade"),
        ({"snippets": {"1": "words"}}, r"mine: snippets\['1'\] is 'words': give a mapping to grades"),
    ],
)
def test_a_query_set_of_python_with_other_types_is_an_error(index, fields, message):
    given = {"queries": {"1": "a", "2": "b"}, "qrels": {"1": {"a": 1}, "2": {"b": 1}}, **fields}
    with pytest.raises(InvalidInput, match=message):
        sl.evaluate(index, sl.QuerySet("mine", **given))
