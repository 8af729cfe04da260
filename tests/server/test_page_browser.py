"""The page in a headless Chromium, against a live server over fakes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import browser as driver
import pytest
from browser import DOWN, END, ENTER, ESCAPE, LEFT, RIGHT, TAB, Browser

from fakes import WordReranker
from shortlist.encoders.hashed import HashedEncoder
from shortlist.search.pipeline import Shortlist
from shortlist.server.app import Parts, create_app
from shortlist.server.batching.scorer import InlineScorer
from shortlist.server.routes.page import PUBLIC
from shortlist.server.settings import ServerSettings
from shortlist.types import Hit, Passage

if driver.missing():
    pytest.skip(driver.missing(), allow_module_level=True)
uvicorn = pytest.importorskip("uvicorn")

QUERY = "when is tax due"
WORDS = ["cats", "when", "bread", "is", "sleep", "tax", "red", "due"]
TEXTS = [" ".join(word for bit, word in enumerate(WORDS) if place >> bit & 1) or "nothing" for place in range(40)]
TITLES = {3: "<img src=x onerror=alert(1)>", 5: "A" * 200}
RELEVANT = {"p7": 1, "p30": 2, "p39": 1, "p8": 0}
SHOWN = "!document.getElementById('results').hidden && !document.body.classList.contains('busy')"


class Fixed:
    """Stage one: always the same order. `key` and `full` make the server refuse."""

    def __init__(self) -> None:
        self.texts = TEXTS

    def retrieve(self, query: str, k: int, where: object = None) -> list[Hit]:
        passages = [Passage(f"p{i}", text, f"d{i}", TITLES.get(i, "")) for i, text in enumerate(self.texts, start=1)]
        return [Hit(one, 1 / i, i, 1 / i, i) for i, one in enumerate(passages[:k], start=1)]


class Held:
    def get(self, ids: list[str]) -> list[Passage]:
        return [Passage(one, TEXTS[int(one[1:]) - 1]) for one in ids if one[1:].isdigit()]

    def __len__(self) -> int:
        return len(TEXTS)


@contextmanager
def live(
    guard: object = None, reranker: WordReranker | None = None, **parts: object
) -> Iterator[tuple[str, uvicorn.Server, WordReranker]]:
    """A server on a free port; `guard` wraps the application."""
    reranker = reranker or WordReranker()
    given = {"shortlist": Shortlist(Fixed(), reranker), "index": Held(), "labels": {QUERY: RELEVANT}, **parts}
    app = create_app(Parts(InlineScorer(reranker), encoder=HashedEncoder(16), **given))
    port = driver.free_port()
    server = uvicorn.Server(uvicorn.Config(guard(app) if guard else app, port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}", server, reranker
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, uvicorn.Server, WordReranker]]:
    with live() as up:
        yield up


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def page(window: Browser) -> Iterator[Browser]:
    """The window, wide and light; nothing may have been said on the console at the end."""
    window.look()
    yield window
    window.send("/url", url="about:blank")
    assert window.complaints() == []


def find(page: Browser, base: str, *, pool: int = 20, k: int = 5, query: str = QUERY) -> None:
    page.open(f"{base}/#q={quote(query)}&pool={pool}&k={k}")
    page.until(SHOWN)


def order_of(page: Browser, stage: str) -> list[str]:
    return page.run(
        "return [...document.querySelectorAll(`#${arguments[0]} .row`)].map((row) => row.dataset.id)", stage
    )


def slide(page: Browser, size: int) -> None:
    page.run(
        "const pool = document.getElementById('pool'); pool.value = arguments[0]; "
        "pool.dispatchEvent(new Event('input')); pool.dispatchEvent(new Event('change'));",
        size,
    )


def test_scores_that_are_no_logits_are_not_called_so(page):
    reranker = WordReranker()
    reranker.logits = False
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
        expected = Shortlist(Fixed(), WordReranker()).search(QUERY, pool_size=size, k=size)
        assert order_of(page, "two") == [hit.passage.id for hit in expected.hits]
        assert order_of(page, "one") == [f"p{i}" for i in range(1, size + 1)]
        assert page.run("return document.querySelectorAll('#lines path').length") == size
    assert len(reranker.calls) - before == 1
    assert "pool=40" in page.run("return location.hash")


def test_a_listwise_reranker_shows_the_pool_that_was_scored_alone(page):
    reranker = WordReranker()
    reranker.pointwise = False
    with live(reranker=reranker) as (base, _, _):
        find(page, base, pool=20)
        assert page.run("return document.getElementById('pool').disabled")
        assert page.text("#pool-value") == "40"
        assert len(order_of(page, "two")) == 40
        assert "scores the pool as a whole" in page.text("#pool-says")
        assert "The same top" not in page.text("#pool-says")


def test_a_server_with_small_requests_is_asked_for_no_more(page):
    with live(settings=ServerSettings(max_documents=7)) as (base, _, _):
        find(page, base, pool=50)
        assert len(order_of(page, "one")) == 7
        assert page.run("return document.getElementById('k').max") == "7"


def test_ranks_moves_scores_and_the_ceiling_are_shown(page, served):
    find(page, served[0], pool=35)
    expected = Shortlist(Fixed(), WordReranker()).search(QUERY, pool_size=35, k=35).hits
    moves = [hit.retrieval_rank - hit.rank for hit in expected]
    assert page.texts("#two .move") == [f"▲{one}" if one > 0 else f"▼{-one}" if one else "=" for one in moves]
    assert page.texts("#two .score") == [f"{hit.rerank_score:+.3f}".replace("+0.000", "0.000") for hit in expected]
    assert "Ceiling R@35 = 0.67: the pool holds 2 of 3 relevant." in page.text("#pool-says")
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
    page.until("document.getElementById('said').textContent.startsWith('Pool of')")
    page.run("document.getElementById('pool').focus()")
    page.press(LEFT, LEFT)
    assert page.text("#pool-value") == "38"
    page.run("document.getElementById('telling-why').focus()")
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
    page.run("document.getElementById('telling-why').click()")
    page.until("document.querySelectorAll('#tray tbody tr').length")
    a, b = page.run("return [...document.querySelectorAll('#one [aria-pressed=true]')].map((row) => row.dataset.id)")
    said = page.text("#tray .verdict")
    assert "Logit alone prefers" in said
    assert {a, b} <= set(order_of(page, "two"))


def test_pasted_passages_are_reranked_without_an_index(page):
    with live(shortlist=None, index=None) as (base, _, _):
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


def guarded(key: str):
    def wrap(app):
        async def guard(scope, receive, send):
            told = dict(scope.get("headers", []))
            if (
                scope["type"] != "http"
                or scope["path"] in PUBLIC
                or told.get(b"authorization") == f"Bearer {key}".encode()
            ):
                return await app(scope, receive, send)
            await send(
                {"type": "http.response.start", "status": 401, "headers": [(b"content-type", b"application/json")]}
            )
            await send({"type": "http.response.body", "body": b'{"message": "no key"}'})

        return guard

    return wrap


def test_a_server_with_keys_is_asked_with_the_key_of_this_tab(page):
    with live(guarded("secret")) as (base, _, _):
        page.open(f"{base}/#q={quote(QUERY)}&pool=20&k=5")
        page.until("document.activeElement.id === 'key-input'")
        assert "asks for an API key" in page.text("#notice-text")
        assert page.run("return document.getElementById('query').value") == QUERY
        page.press("wrong", ENTER)
        page.until("document.getElementById('notice-text').textContent.includes('does not accept')")
        page.run("document.getElementById('key-input').value = ''")
        page.press("secret", ENTER)
        page.until(SHOWN)
        assert page.run("return document.getElementById('notice').hidden")
        assert page.run("return [sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]
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


def test_a_full_queue_is_said_with_its_wait(page):
    with live(full) as (base, _, _):
        page.open(f"{base}/#q=tax")
        page.until("!document.getElementById('notice').hidden")
        assert "queue is full. It asks to wait 7 s." in page.text("#notice-text")
        assert all("429" in line for line in page.complaints())


def test_a_server_that_is_gone_is_said_and_results_stay(page):
    with live() as (base, server, _):
        find(page, base)
        server.should_exit = True
        page.until("fetch('page/about').then(() => false, () => true)")
        page.run("document.getElementById('go').click()")
        page.until("!document.getElementById('notice').hidden")
        assert "does not answer" in page.text("#notice-text")
        assert order_of(page, "two")
        assert all("ERR_" in line for line in page.complaints())


def test_nothing_found_is_said(page):
    nothing = Fixed()
    nothing.texts = []
    with live(shortlist=Shortlist(nothing, WordReranker())) as (base, _, _):
        page.open(f"{base}/#q=tax")
        page.until("document.getElementById('empty-title').textContent === 'No passage matches'")


class Declining(WordReranker):
    def declines(self, query):
        return "the query is too long for it"


def test_a_declined_query_keeps_stage_ones_order_and_says_why(page):
    with live(shortlist=Shortlist(Fixed(), Declining())) as (base, _, _):
        find(page, base, pool=10)
        assert order_of(page, "two") == order_of(page, "one")
        assert (
            page.text("#remark") == "The reranker left this query in stage one's order: the query is too long for it."
        )
        assert page.run("return document.querySelectorAll('#lines path').length") == 0
        assert page.texts("#facts dd")[0] == "declined"


def test_the_address_carries_the_state_and_back_goes_back(page, served):
    find(page, served[0], pool=7, k=3)
    page.run("document.getElementById('query').select(); document.getElementById('query').focus()")
    page.press("red bread", ENTER)
    page.until("document.title.startsWith('red bread') && !document.body.classList.contains('busy')")
    assert page.run("return location.hash") == "#q=red+bread&pool=7&k=3"
    assert len(order_of(page, "two")) == 7
    page.run("history.back()")
    page.until(f"document.title.startsWith('{QUERY}') && !document.body.classList.contains('busy')")
    assert page.run("return [document.getElementById('query').value, document.getElementById('k').value]") == [
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


def test_the_address_stays_that_of_the_answer_while_the_form_says_something_else(page, served):
    find(page, served[0])
    paste(page, "not asked yet")
    page.run("document.getElementById('query').value = 'another'")
    slide(page, 7)
    assert page.run("return location.hash") == "#q=when+is+tax+due&pool=7&k=5"


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


def test_nothing_is_asked_from_elsewhere(page, served):
    find(page, served[0])
    loaded = page.run("return performance.getEntriesByType('resource').map((one) => one.name)")
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
