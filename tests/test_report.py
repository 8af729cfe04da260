from __future__ import annotations

import html.parser
import re
import sys

import pytest

from shortlist.errors import InvalidInput, MissingExtra
from shortlist.evaluation import TuneOptions
from shortlist.evaluation.evaluate import compare, evaluate
from shortlist.evaluation.gate import apply_rule, parse_rule
from shortlist.evaluation.query_sets.query_set import QuerySet, resolve
from shortlist.evaluation.tuning.tune import evaluation_at, tune
from shortlist.report import Comparisons, check_plots, evaluation_page, source_of, tuning_page
from shortlist.report.queries import worst
from shortlist.types import Passage
from shortlist.wording import describe
from worlds import ListwiseReranker, OracleReranker, PoolRetriever, TextReranker, hits, searching, world

EVIL = "<script>alert(1)</script> & \"quotes\" 'single' $x^2$ 日本"
VOID = {"meta", "br", "use", "path", "rect", "image"}


class Reader(html.parser.HTMLParser):
    """The tags, ids and text of a page. Tags that do not match fail."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.ids, self.words, self.references = [], [], [], [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        for value in values.values():
            self.references += re.findall(r"url\(#([^)]*)\)", value or "")
        self.references += [values["href"][1:]] if "href" in values else []
        self.references += (values.get("aria-labelledby") or "").split()
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def measured(seed=0, gain=1.0, name="default", **options):
    retriever, judged, answers = world(queries=24, passages=40, seed=seed, first=4)
    evaluation = evaluate(
        searching(retriever, OracleReranker(answers, gain)), judged, pool_size=20, name=name, **options
    )
    passages = [hit.passage for hit in next(iter(retriever.pools.values()))]
    return evaluation, source_of(evaluation, judged, passages)


def tuned(reranker=None, gain=1.0, sizes=(5, 10, 20, 40)):
    retriever, judged, answers = world(queries=24, passages=40, seed=1, first=4)
    search = searching(retriever, reranker or OracleReranker(answers, gain))
    return tune(search, judged, TuneOptions(sizes=sizes)), search, judged, next(iter(retriever.pools.values()))


def hostile():
    """One query set whose every text is markup."""
    corpus = [Passage(f"<b>{i}", f"{EVIL} {i}", title=EVIL) for i in range(6)]
    pool = hits(corpus, [{} for _ in corpus])
    queries = {"<i>1": f"{EVIL} one", "<i>2": f"{EVIL} two"}
    shown = QuerySet(EVIL, queries, {"<i>1": {"<b>5": 1}, "<i>2": {"<b>4": 2}})
    judged = resolve(shown, corpus)
    search = searching(PoolRetriever(dict.fromkeys(queries.values(), pool)), TextReranker())
    evaluation = evaluate(search, judged, pool_size=4, cutoff=3, name=EVIL, about={EVIL: EVIL})
    return evaluation, source_of(evaluation, judged, corpus)


@pytest.fixture(scope="module")
def page():
    evaluation, source = measured()
    return evaluation_page([evaluation], [source], written="Written now.")


@pytest.fixture(scope="module")
def tuning():
    result, _, judged, pool = tuned()
    at = evaluation_at(result, judged, result.recommended.size, about={"cross-encoder": "oracle"})
    source = source_of(at, judged, [hit.passage for hit in pool])
    return result, at, tuning_page(result, at, source)


def test_a_page_is_sound_and_needs_nothing_beside_it(page, tuning):
    for shown in (page, tuning[2]):
        read = Reader(shown)
        assert len(set(read.ids)) == len(read.ids)
        assert set(read.references) <= set(read.ids)
        assert not {"script", "link", "iframe", "object", "img", "a", "image"} & set(read.tags)
        assert not re.search(r"https?:|//|@import|url\((?!#)|javascript:", shown)


def test_every_figure_is_told_in_words(page, tuning):
    for shown, figures in ((page, 2), (tuning[2], 5)):
        read = Reader(shown)
        assert read.tags.count("svg") == read.tags.count("figcaption") == read.tags.count("desc") == figures
    assert "reranking won" in Reader(page).text
    assert "Below 0, reranking does harm." in Reader(tuning[2]).text


def test_colours_are_the_pages_own(page, tuning):
    for shown in (page, tuning[2]):
        svg = shown[shown.index("<svg") : shown.rindex("</svg>")]
        assert "var(--second)" in svg
        assert not re.search(r"#[0-9a-f]{6}", svg)
    styles = page[page.index("<style") : page.index("</style>")]
    for name in set(re.findall(r"var\(--(\w+)\)", page)):
        assert styles.count(f"--{name}:") == 3, name
    assert "@media print" in styles
    assert "prefers-color-scheme: dark" in styles


def test_the_page_says_what_was_measured(page):
    evaluation, _ = measured()
    words = Reader(page).text
    gain = evaluation.gain("nDCG@10")
    for part in (
        f"{evaluation.estimate('reranked', 'nDCG@10').mean:.4f}",
        f"{gain.wins} / {gain.losses} / {gain.ties}",
        f"{evaluation.failures['not retrieved']} ",
        "24 of made up",
        "Written now.",
        "reranker oracle",
    ):
        assert part in words


def test_worst_queries_stand_side_by_side_with_the_answers_marked(page):
    evaluation, source = measured()
    shown = worst(evaluation)
    values = [outcome.reranked["nDCG@10"] for outcome in shown]
    assert values == sorted(values)
    assert len(shown) == 10
    read = Reader(page)
    assert read.tags.count("article") == 10
    assert read.tags.count("ol") == 20
    outcome = next(
        outcome
        for outcome in shown
        if set(outcome.top) & {k for k, g in source.qrels[outcome.query_id].items() if g > 0}
    )
    block = page[page.index(f"<h3>{outcome.query}</h3>") :].split("</article>")[0]
    listed = re.findall(r'<span class="where">(\S+?)[ <]', block)
    assert listed[:10] == list(outcome.stage_one_top)
    assert listed[10:20] == list(outcome.top)
    assert block.count('class="mark">RELEVANT') >= 1


def test_all_user_text_is_escaped():
    evaluation, source = hostile()
    shown = evaluation_page([evaluation], [source])
    assert "<script" not in shown
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert EVIL in Reader(shown).text
    several = [evaluation, *(measured(name=name)[0] for name in ("$a$", "<u>b</u>"))]
    assert "<script" not in evaluation_page(several, [source] * 1 + [measured()[1]] * 2)


def test_set_ups_a_baseline_and_rules_are_shown():
    first, source = measured(name="one")
    second, other = measured(name="two", gain=-1.0)
    result = apply_rule(parse_rule("nDCG@10 < -0.01"), second, first)
    compared = Comparisons(compare([first, second]), [("nDCG@10", compare([first, second])[0].paired)], [result])
    words = Reader(evaluation_page([first, second], [source, other], compared)).text
    for part in ("two minus one", "FAILED", "nDCG@10 < -0.01", "p, Holm", "nDCG@10 of each evaluation"):
        assert part in words
    assert "Warning: reranking does harm here. two: nDCG@10" in words
    assert "one: nDCG@10 -" not in words


def test_few_queries_are_warned_of(page):
    evaluation, source = hostile()
    assert "Warning: 2 queries are few" in Reader(evaluation_page([evaluation], [source])).text
    assert "queries are few" not in Reader(page).text


def test_harm_is_said_only_where_it_is_done(page):
    assert "does harm here" not in Reader(page).text
    evaluation, source = measured(gain=-1.0)
    assert "does harm here" in Reader(evaluation_page([evaluation], [source])).text


def test_tuning_shows_curves_rules_and_the_recommendation(tuning):
    result, at, shown = tuning
    words = Reader(shown).text
    for part in (
        f"Recommended: a pool of {result.recommended.size}",
        f"pool_size = {result.recommended.size}",
        "90 % of the gain",
        "p95 ms",
        "on the other half",
        describe(result.curves.method)[1:],
        f"{result.curve.means('nDCG@10')[0]:.3f}",
    ):
        assert part in words
    assert at.outcomes[0].seconds == {}
    assert "retrieve p50" not in words


def test_tuning_that_recommends_none_says_so():
    result, _, judged, pool = tuned(gain=-1.0)
    at = evaluation_at(result, judged, 40)
    words = Reader(tuning_page(result, at, source_of(at, judged, [hit.passage for hit in pool]))).text
    assert "Recommended: no reranking" in words
    assert "rerank = false" in words
    assert "Warning: reranking is worse than no reranking at pool" in words


@pytest.mark.parametrize("reranker", [TextReranker(), ListwiseReranker()])
def test_what_is_read_off_the_tuning_is_what_evaluate_measures(reranker):
    result, search, judged, _ = tuned(reranker, sizes=(5, 20))
    blended = searching(search.retriever, reranker, result.curves.weights, blend=result.blend)
    at = evaluation_at(result, judged, 20)
    separate = evaluate(blended, judged, pool_size=20, measures=at.measures)
    for stage in ("stage one", "reranked", "ceiling"):
        assert at.values(stage, "nDCG@10") == separate.values(stage, "nDCG@10")
    assert [outcome.top for outcome in at.outcomes] == [outcome.top for outcome in separate.outcomes]
    assert at.failures == separate.failures
    with pytest.raises(InvalidInput, match="pool size 7 was not tuned; the sizes are 5, 20"):
        evaluation_at(result, judged, 7)


def test_without_matplotlib_the_pip_line_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    evaluation, source = measured()
    for act in (check_plots, lambda: evaluation_page([evaluation], [source])):
        with pytest.raises(MissingExtra, match=r"pip install 'shortlist\[report\]'"):
            act()
