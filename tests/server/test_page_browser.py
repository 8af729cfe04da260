"""The page in a headless Chromium, with a live server over fakes."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import browser as driver
import pytest
from browser import DOWN, END, ENTER, ESCAPE, LEFT, RIGHT, TAB, Browser
from live_page import QUERY, SHOWN, TITLES, Fixed, find, guarded, live, order_of, set_option, uvicorn

from fakes import WordReranker
from shortlist import Search, SearchConfig
from shortlist.search.probability import Platt
from shortlist.search.stopping import StopRule
from shortlist.server.options import RequestLimits
from shortlist.types import Note, RerankerInfo, Scores

if driver.missing():
    pytest.skip(driver.missing(), allow_module_level=True)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, uvicorn.Server, WordReranker]]:
    with live() as up:
        yield up


def slide(page: Browser, size: int) -> None:
    page.run(
        "const pool = document.getElementById('pool'); pool.value = arguments[0]; "
        "pool.dispatchEvent(new Event('input')); pool.dispatchEvent(new Event('change'));",
        size,
    )


def test_scores_that_are_not_logits_are_not_called_logits(page):
    reranker = WordReranker()
    reranker.info = RerankerInfo("words", pointwise=True, unit="score")
    with live(reranker=reranker) as (base, _, _):
        find(page, base)
        assert page.run("return document.getElementById('two-scores').textContent") == "score"
        assert "logit" not in page.run("return document.getElementById('two').innerHTML")


def test_every_pool_size_is_read_off_one_scoring_pass(page, served):
    base, _, reranker = served
    before = len(reranker.calls)
    find(page, base)
    for size in (1, 2, 5, 17, 40):
        slide(page, size)
        expected = Search(Fixed(), WordReranker()).search(QUERY, pool_size=size, top_k=size)
        assert order_of(page, "two") == [hit.id for hit in expected]
        assert order_of(page, "one") == [f"p{i}" for i in range(1, size + 1)]
        assert page.run("return document.querySelectorAll('#lines path').length") == size
    assert len(reranker.calls) - before == 1
    assert "pool_size=40" in page.run("return location.hash")


def test_a_listwise_reranker_shows_the_pool_that_was_scored_alone(page):
    reranker = WordReranker()
    reranker.pointwise = False
    with live(reranker=reranker) as (base, _, _):
        find(page, base, pool=20)
        assert page.run("return document.getElementById('pool').disabled")
        assert page.text("#pool-value") == "40"
        assert len(order_of(page, "two")) == 40
        assert "depends on the whole pool" in page.text("#pool-says")
        assert "same top" not in page.text("#pool-says")


def test_a_server_with_small_requests_is_asked_for_no_more(page):
    with live(limits=RequestLimits(max_documents=7)) as (base, _, _):
        find(page, base, pool=50)
        assert len(order_of(page, "one")) == 7
        assert page.run("return document.getElementById('top-k').max") == "7"


def test_ranks_moves_scores_and_the_ceiling_are_shown(page, served):
    find(page, served[0], pool=35)
    expected = Search(Fixed(), WordReranker()).search(QUERY, pool_size=35, top_k=35)
    moves = [hit.retrieval_rank - hit.rank for hit in expected]
    assert page.texts("#two .move") == [f"▲{move}" if move > 0 else f"▼{-move}" if move else "=" for move in moves]
    assert page.texts("#two .score") == [f"{hit.rerank_score:+.3f}".replace("+0.000", "0.000") for hit in expected]
    assert "Ceiling R@35 = 0.67: the pool contains 2 of 3 relevant passages." in page.text("#pool-says")
    assert "5 passages below it, 1 of them relevant (at 39)" in page.text("#one-below")
    assert page.run("return document.querySelectorAll('#curve .steps').length") == 1
    facts = page.texts("#facts dt")
    assert facts == ["stage two", "retrieve", "rerank", "total", "scored", "cut to fit"]
    slide(page, 40)
    assert "Ceiling R@40 = 1.00" in page.text("#pool-says")


def test_texts_are_shown_as_texts(page, served):
    find(page, served[0])
    assert TITLES[3] in page.texts("#one .title")
    assert page.run("return document.querySelectorAll('#stages img').length") == 0


def test_everything_works_by_keyboard(page, served):
    page.open(f"{served[0]}/")
    page.until("document.getElementById('about').textContent !== ''")
    page.run("document.activeElement.blur()")
    page.press("/", QUERY, ENTER)
    page.until(SHOWN)
    page.until("document.getElementById('announcer').textContent.startsWith('Pool of')")
    page.run("document.getElementById('pool').focus()")
    page.press(LEFT, LEFT)
    assert page.text("#pool-value") == "38"
    page.run("document.getElementById('highlight-why').focus()")
    page.press(TAB)
    assert page.run("return document.activeElement.dataset.id") == "p1"
    page.press(DOWN, DOWN)
    assert page.run("return [document.activeElement.dataset.id, document.activeElement.closest('ol').id]") == [
        "p3",
        "one",
    ]
    assert page.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press(RIGHT)
    assert page.run("return [document.activeElement.dataset.id, document.activeElement.closest('ol').id]") == [
        "p3",
        "two",
    ]
    assert page.run("return document.querySelector('#lines path.stress').dataset.id") == "p3"
    page.press(ENTER, END, ENTER)
    assert page.texts("#tray .letter") == ["A", "B"]
    assert page.run("return document.querySelectorAll('[aria-pressed=true].row').length") == 4
    page.run("document.querySelector('#tray .go').focus()")
    page.press(ENTER)
    page.until("document.querySelectorAll('#tray tbody tr').length")
    assert page.texts("#tray tbody th") == QUERY.split()
    page.run("document.querySelector('#two .row').focus()")
    page.press(ESCAPE)
    assert page.run("return document.getElementById('tray').hidden")


def test_the_words_that_decided_come_from_the_server(page, served):
    find(page, served[0], pool=40)
    page.run("document.getElementById('highlight-why').click()")
    page.until("document.querySelectorAll('#tray tbody tr').length")
    a, b = page.run("return [...document.querySelectorAll('#one [aria-pressed=true]')].map((row) => row.dataset.id)")
    assert "Logit alone prefers" in page.text("#tray .verdict")
    assert {a, b} <= set(order_of(page, "two"))


def test_pasted_passages_are_reranked_without_an_index(page):
    with live(search=None, index=None) as (base, _, _):
        page.open(f"{base}/")
        page.until("document.getElementById('mode-index').disabled && !document.getElementById('paste').hidden")
        page.run("document.getElementById('candidates').value = 'cats sleep\\n\\ntax is due\\nred bread'")
        page.run("document.getElementById('query').focus()")
        page.press(QUERY, ENTER)
        page.until(SHOWN)
        assert page.texts("#one .text") == ["cats sleep", "tax is due", "red bread"]
        assert page.texts("#two .text") == ["tax is due", "cats sleep", "red bread"]
        page.run("document.querySelectorAll('#two .row')[0].click(); document.querySelectorAll('#two .row')[1].click()")
        page.run("document.querySelector('#tray .go').click()")
        page.until("document.querySelectorAll('#tray tbody tr').length === 4")


def test_a_server_with_keys_is_asked_with_the_key_of_this_tab(page):
    with live(guarded("secret")) as (base, _, _):
        page.open(f"{base}/#q={quote(QUERY)}&pool_size=20&top_k=5")
        page.until("document.activeElement.id === 'key-input'")
        assert "needs an API key" in page.text("#notice-text")
        assert page.run("return document.getElementById('query').value") == QUERY
        page.press("wrong", ENTER)
        page.until("document.getElementById('notice-text').textContent.includes('does not accept')")
        page.run("document.getElementById('key-input').value = ''")
        page.press("secret", ENTER)
        page.until(SHOWN)
        assert page.run("return document.getElementById('notice').hidden")
        assert page.run("return [sessionStorage.length, document.cookie]") == [1, ""]
        assert "secret" not in page.run("return JSON.stringify(localStorage)")
        assert "secret" not in page.run("return location.href")
        assert all("401" in line for line in page.complaints())


def full(app):
    async def guard(scope, receive, send):
        if scope.get("path") != "/search":
            return await app(scope, receive, send)
        headers = [(b"content-type", b"application/json"), (b"retry-after", b"7")]
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"message": "full"}'})

    return guard


def test_a_full_queue_is_shown_with_its_wait(page):
    with live(full) as (base, _, _):
        page.open(f"{base}/#q=tax")
        page.until("!document.getElementById('notice').hidden")
        assert "queue is full. Try again in 7 s." in page.text("#notice-text")
        assert all("429" in line for line in page.complaints())


def test_a_missing_server_is_shown_and_results_stay(page):
    with live() as (base, server, _):
        find(page, base)
        server.should_exit = True
        page.until("fetch('page/about').then(() => false, () => true)")
        page.run("document.getElementById('go').click()")
        page.until("!document.getElementById('notice').hidden")
        assert "does not answer" in page.text("#notice-text")
        assert order_of(page, "two")
        assert all("ERR_" in line for line in page.complaints())


def test_an_answer_without_hits_shows_its_reason(page):
    nothing = Fixed()
    nothing.texts = []
    reason = [Note("index_empty")]
    with live(search=Search(nothing, WordReranker(), diagnose=lambda where: reason)) as (base, _, _):
        page.open(f"{base}/#q=tax")
        page.until("document.getElementById('empty-title').textContent === 'No passage matches'")
        assert page.text("#empty-text").startswith("The index is empty: add files with")


class Skipping(WordReranker):
    def skip_reason(self, query):
        return Note("rerank_skipped", reason="query_too_long", tokens=99, longest=9, reranker="words")


def test_a_skipped_query_keeps_stage_ones_order_and_shows_the_reason(page):
    reranker = Skipping()
    with live(reranker=reranker) as (base, _, _):
        find(page, base, pool=10)
        assert order_of(page, "two") == order_of(page, "one")
        reason = "Not reranked: the query has 99 tokens, and words was trained on queries of up to 9."
        assert page.text("#remark") == reason
        assert page.run("return document.querySelectorAll('#lines path').length") == 0
        assert page.texts("#facts dd")[0] == "skipped"


def test_a_snippet_marks_the_words_of_the_query_and_a_chosen_row_shows_the_whole_text(page):
    texts = Fixed()
    texts.texts = ["## Dates 🌷\n\nThe **tax** is due. " + "More text follows here. " * 20 + "The end."]
    with live(search=Search(texts, WordReranker()), labels={}) as (base, _, _):
        find(page, base)
        shown = page.text("#one .text")
        assert shown.startswith("Dates 🌷 The tax is due.")
        assert len(shown) < 250
        assert page.texts("#one .text mark") == ["tax", "due"]
        assert not page.run("return document.querySelector('#one .full').checkVisibility()")
        page.run("document.querySelector('#one .row').click()")
        assert page.run("return document.querySelector('#one .full').checkVisibility()")
        assert not page.run("return document.querySelector('#one .text').checkVisibility()")
        assert page.text("#one .full") == texts.texts[0]


def expected_order(**options: object) -> list[str]:
    return [hit.id for hit in Search(Fixed(), WordReranker()).search(QUERY, **options)]


def test_options_change_the_answer_and_stand_in_the_address(page, served):
    find(page, served[0], pool=40)
    set_option(page, "where", "kind=even")
    assert order_of(page, "two") == expected_order(pool_size=40, top_k=40, where={"kind": ["even"]})
    set_option(page, "min_score", "0.5")
    assert order_of(page, "two") == expected_order(pool_size=40, top_k=40, where={"kind": ["even"]}, min_score=0.5)
    assert " of 20 hits left out below min_score 0.5." in page.text("#remark")
    set_option(page, "where", "")
    set_option(page, "min_score", "7")
    assert page.text("#empty-title") == "No good answer"
    set_option(page, "min_score", "")
    set_option(page, "rerank", False)
    assert order_of(page, "two") == [f"p{place}" for place in range(1, 41)]
    assert page.run("return location.hash").endswith("&rerank=false")


def test_options_of_an_address_are_in_the_form_and_in_the_request(page, served):
    find(page, served[0], pool=40, options="&where=kind%3Deven&min_score=0.5")
    assert order_of(page, "two") == expected_order(pool_size=40, top_k=40, where={"kind": ["even"]}, min_score=0.5)
    assert page.run("return document.getElementById('option-min_score').value") == "0.5"
    assert page.run("return document.getElementById('options').open")


def test_tail_continues_below_the_pool_and_a_move_of_the_slider_searches_again(page, served):
    find(page, served[0], pool=10, options="&tail=true")
    assert order_of(page, "two") == expected_order(pool_size=10, top_k=40, tail=True)
    slide(page, 20)
    page.until(
        "!document.body.classList.contains('busy') && document.getElementById('pool-value').textContent === '20'"
    )
    assert order_of(page, "two") == expected_order(pool_size=20, top_k=40, tail=True)
    assert "pool_size=20" in page.run("return location.hash")


class HalfScored(WordReranker):
    """Scores the first half of the pool to the end."""

    def score_progressively(self, query, texts, prior):
        half = len(texts) // 2
        return Scores(self.score(query, texts), (), [0] * half + [1] * (len(texts) - half))


def test_a_progressive_answer_keeps_the_order_of_the_server(page):
    reranker = HalfScored()
    with live(reranker=reranker) as (base, _, _):
        find(page, base, pool=12, options="&progressive=true")
        ranking = Search(Fixed(), HalfScored()).search(QUERY, pool_size=12, top_k=12, progressive=True)
        assert order_of(page, "two") == [hit.id for hit in ranking]
        assert page.texts("#facts dt")[5] == "dropped early"
        assert page.texts("#facts dd")[5] == "6"


class StoredFits:
    def stop_rule(self, weights, expand=None):
        return StopRule(40, 5, -100.0, 8), []

    def calibration(self, weights, expand=None):
        return Platt(9.0, -2.0), []


def test_an_adaptive_pool_and_probabilities(page):
    reranker = WordReranker()
    searcher = Search(Fixed(), reranker, SearchConfig(pool_size="auto"), fits=StoredFits())
    with live(reranker=reranker, search=searcher) as (base, _, _):
        page.open(f"{base}/#q={quote(QUERY)}")
        page.until(SHOWN)
        ranking = searcher.search(QUERY)
        assert page.run("return document.getElementById('option-adaptive').checked")
        assert order_of(page, "two") == [hit.id for hit in ranking]
        assert "is unlikely to enter the first 5." in page.text("#remark")
        set_option(page, "min_probability", "0.5")
        ranking = searcher.search(QUERY, min_probability=0.5)
        assert order_of(page, "two") == [hit.id for hit in ranking]
        assert page.text("#two .scores .part").startswith("p 0.")


def test_a_refused_option_is_shown_in_words(page, served):
    find(page, served[0])
    set_option(page, "min_probability", "0.5")
    page.until("!document.getElementById('notice').hidden")
    assert "no probabilities are stored" in page.text("#notice-text")
    assert all("422" in line for line in page.complaints())


def test_the_address_carries_the_state_and_back_goes_back(page, served):
    find(page, served[0], pool=7, top_k=3)
    page.run("document.getElementById('query').select(); document.getElementById('query').focus()")
    page.press("red bread", ENTER)
    page.until("document.title.startsWith('red bread') && !document.body.classList.contains('busy')")
    assert page.run("return location.hash") == "#q=red+bread&pool_size=7&top_k=3"
    assert len(order_of(page, "two")) == 7
    page.run("history.back()")
    page.until(f"document.title.startsWith('{QUERY}') && !document.body.classList.contains('busy')")
    assert page.run("return [document.getElementById('query').value, document.getElementById('top-k').value]") == [
        QUERY,
        "3",
    ]


def paste(page: Browser, lines: str) -> None:
    page.run("document.getElementById('mode-paste').click()")
    page.run("document.getElementById('candidates').value = arguments[0]", lines)


def test_back_from_pasted_passages_shows_the_index_again(page, served):
    find(page, served[0])
    before = order_of(page, "one")
    paste(page, "tax is due\nbread")
    page.run("document.getElementById('go').click()")
    page.until("document.querySelectorAll('#one .row').length === 2")
    page.run("history.back()")
    page.until("!location.hash.includes('paste')")
    page.until(f"document.querySelectorAll('#one .row').length === {len(before)}")
    page.until(SHOWN)
    assert order_of(page, "one") == before


def test_the_address_stays_that_of_the_answer_while_the_form_changes(page, served):
    find(page, served[0])
    paste(page, "not sent yet")
    page.run("document.getElementById('query').value = 'another'")
    slide(page, 7)
    assert page.run("return location.hash") == "#q=when+is+tax+due&pool_size=7&top_k=5"


@pytest.mark.parametrize("width", [1280, 760, 390, 320])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_every_width_in_both_themes(page, served, width, dark):
    page.look(width=width, dark=dark)
    find(page, served[0], pool=40)
    assert page.run("return document.documentElement.scrollWidth") <= width
    ground = page.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (max(ground) < 64) is dark
    narrow = width < 760
    lines = page.run("return getComputedStyle(document.getElementById('lines')).display")
    assert (lines == "none") is narrow
    first = page.run("return document.querySelector('#stages > section').id")
    assert first == ("stage-two" if narrow else "stage-one")


def test_nothing_is_loaded_from_elsewhere(page, served):
    find(page, served[0])
    loaded = page.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert loaded
    assert all(url.startswith(f"{served[0]}/") for url in loaded)


def test_reduced_motion_has_no_transitions(page, served):
    page.look(still=True)
    find(page, served[0])
    assert page.run(
        "document.body.classList.add('busy'); const seen = getComputedStyle(document.getElementById('results')); "
        "const lasts = seen.transitionDuration + seen.transitionProperty; document.body.classList.remove('busy'); "
        "return lasts"
    ) in {"0snone", "0sall"}
