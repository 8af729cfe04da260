"""The history, the judgments, their curve and two set-ups on the page, in a headless Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import browser as driver
import pytest
from browser import DOWN, ENTER, LEFT, RIGHT, Browser
from live_page import QUERY, SHOWN, TEXTS, Fixed, find, guarded, listening, live, order_of, set_option

import shortlist as sl
from fakes import WordReranker
from shortlist import QuerySet, Search, SearchConfig
from shortlist.types import RerankerInfo

if driver.missing():
    pytest.skip(driver.missing(), allow_module_level=True)

COMPARED = "!document.getElementById('compared').hidden && !document.body.classList.contains('busy')"
PANEL = "document.getElementById('judging').open = true;"


@pytest.fixture
def fresh() -> Iterator[tuple[str, WordReranker]]:
    """A server without judged queries on a port of its own, so the browser has stored nothing for it."""
    with live(labels={}) as (base, _, reranker):
        yield base, reranker


class Recorder:
    """Records the method, the path and the body of each request."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []

    def __call__(self, app):
        async def recorded(scope, receive, send):
            if scope["type"] != "http":
                return await app(scope, receive, send)
            body = bytearray()

            async def reading():
                message = await receive()
                body.extend(message.get("body", b""))
                return message

            await app(scope, reading, send)
            self.requests.append((scope["method"], scope["path"] + scope["query_string"].decode(), bytes(body)))

        return recorded


def focus_row(page: Browser, key: str, stage: str = "two") -> None:
    page.run(f"document.querySelector('#{stage} .row[data-id=\"{key}\"]').focus()")


def stored(page: Browser) -> list[dict]:
    return page.run("return JSON.parse(localStorage.getItem('shortlist-judgments') ?? '[]')")


def grades(page: Browser, query: str = QUERY) -> dict:
    return next((record["relevant"] for record in stored(page) if record["query"] == query), {})


def past(page: Browser) -> list[str]:
    return page.texts("#past-list .past-query")


def test_the_history_has_the_queries_newest_first_and_runs_them_again_with_their_settings(page):
    recorder = Recorder()
    with live(recorder, labels={}) as (base, _, _):
        find(page, base, query="red bread", pool=7, options="&where=kind%3Deven")
        find(page, base, query="cats sleep", top_k=3)
        find(page, base, query="tax")
        assert past(page) == ["tax", "cats sleep", "red bread"]
        assert page.texts("#past-list .past-settings")[2] == "pool_size=7 · top_k=5 · where=kind=even"
        recorder.requests.clear()
        page.run("document.activeElement.blur()")
        page.press("h")
        assert page.run("return document.activeElement.textContent").startswith("tax")
        page.press(DOWN, DOWN, ENTER)
        page.until("document.title.startsWith('red bread')")
        page.until(SHOWN)
        assert page.run("return location.hash") == "#q=red+bread&pool_size=7&top_k=5&where=kind%3Deven"
        assert order_of(page, "one") == [f"p{place}" for place in range(2, 16, 2)][: len(order_of(page, "one"))]
        assert past(page) == ["red bread", "tax", "cats sleep"]
        assert page.run("return document.activeElement.id") == "results"
        bodies = [body for method, _, body in recorder.requests if method == "POST"]
        assert len(bodies) == 1
        assert not any(b"cats" in part.encode() or b"cats" in body for _, part, body in recorder.requests)


def test_the_history_stays_after_a_reload_until_it_is_cleared(page, fresh):
    base, _ = fresh
    find(page, base, query="tax")
    find(page, base, query="tax")
    page.open(f"{base}/")
    page.until("document.getElementById('about').textContent !== ''")
    assert past(page) == ["tax"]
    page.run("document.getElementById('past').open = true; document.getElementById('past-clear').click()")
    assert past(page) == []
    assert page.run("return document.getElementById('past-clear').hidden")
    assert page.run("return document.activeElement.id") == "past-summary"
    page.open(f"{base}/")
    assert page.text("#past-says").startswith("No query yet.")


def test_keys_judge_the_focused_passage_and_undo(page, fresh):
    find(page, fresh[0], pool=40)
    focus_row(page, "p30")
    page.press("y")
    assert grades(page) == {"p30": 1}
    page.until(f"document.getElementById('announcer').textContent === 'Relevant: {TEXTS[29]}. 1 passage judged.'")
    assert page.run("return [document.activeElement.dataset.id, document.activeElement.closest('ol').id]") == [
        "p30",
        "two",
    ]
    for stage in ("one", "two"):
        pressed = f"document.querySelector('#{stage} .row[data-id=p30] + .marks .mark-1').ariaPressed"
        assert page.run(f"return {pressed}") == "true"
    assert page.run("return document.activeElement.ariaLabel").endswith("; relevant")
    assert "Ceiling R@40 = 1.00: the pool contains 1 of 1 relevant passages." in page.text("#pool-says")
    focus_row(page, "p8", "one")
    page.press("n")
    assert grades(page) == {"p30": 1, "p8": 0}
    assert page.run("return document.activeElement.ariaLabel").endswith("; judged not relevant")
    assert page.text("#judging-summary") == "Judgments (2)"
    assert "2 passages of 1 query judged, 1 relevant. This query: 2 judged, 1 relevant." in page.text("#judging-says")
    page.press("y")
    assert grades(page) == {"p30": 1, "p8": 1}
    page.press("y")
    assert grades(page) == {"p30": 1}
    page.press("u")
    assert grades(page) == {"p30": 1, "p8": 1}
    page.press("u", "u", "u", "u")
    assert grades(page) == {}
    assert page.text("#judging-note") == "There is nothing to undo."
    assert page.run("return document.querySelectorAll('#stages .marks [aria-pressed=true]').length") == 0
    assert "Ceiling" not in page.text("#pool-says")


def test_letters_in_a_field_do_not_judge(page, fresh):
    find(page, fresh[0])
    page.run("document.getElementById('query').focus()")
    page.press("yunh")
    assert stored(page) == []
    assert page.run("return document.getElementById('query').value").endswith("yunh")


def test_buttons_judge_and_the_judgments_stay_after_a_reload(page, fresh):
    base, _ = fresh
    find(page, base, pool=40)
    page.run("document.querySelector('#one .row[data-id=p2] + .marks .mark-1').click()")
    page.run("document.querySelector('#two .row[data-id=p3] + .marks .mark-0').click()")
    find(page, base, pool=40)
    assert grades(page) == {"p2": 1, "p3": 0}
    assert page.text("#judging-summary") == "Judgments (2)"
    assert page.run("return document.querySelector('#two .row[data-id=p2] .relevant').hidden") is False
    page.run(f"{PANEL} document.getElementById('judge-clear').click()")
    assert stored(page) == []
    page.run("document.getElementById('judge-undo').click()")
    assert grades(page) == {"p2": 1, "p3": 0}


def test_judgments_of_the_page_replace_those_of_the_server(page):
    with live() as (base, _, _):
        find(page, base, pool=40)
        focus_row(page, "p7")
        page.press("n")
        assert "the pool contains 2 of 2 relevant passages" in page.text("#pool-says")


def import_file(page: Browser, name: str, text: str) -> str:
    """Choose a file in the field, and return the message of the page."""
    page.run(
        "const files = new DataTransfer(); files.items.add(new File([arguments[1]], arguments[0])); "
        "document.getElementById('judging-note').textContent = ''; "
        "const field = document.getElementById('judge-import'); field.files = files.files; "
        "field.dispatchEvent(new Event('change'));",
        name,
        text,
    )
    page.until("document.getElementById('judging-note').textContent !== ''")
    return page.text("#judging-note")


def export_file(page: Browser, folder: Path) -> Path:
    page.devtools("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    page.run("document.getElementById('judge-export').click()")
    file = folder / "queries.jsonl"
    for _ in range(3000):
        if file.exists() and file.stat().st_size:  # the browser first makes an empty file
            return file
        page.run("return 1")
    raise TimeoutError(f"{file} was not exported")


@pytest.mark.parametrize("near", [True, False])
def test_evaluate_reads_the_exported_file_over_the_same_index(page, tmp_path, near):
    """Near: the documents are next to the index. Otherwise, the server shows shorter ids than those of the index."""
    folder = tmp_path / "notes"
    folder.mkdir()
    for place, text in enumerate(TEXTS):
        (folder / f"n{place}.md").write_text(f"{text} {place}\n")
    where = tmp_path / "index" if near else tmp_path / "elsewhere" / "deep" / "index"
    where.parent.mkdir(parents=True, exist_ok=True)
    config = SearchConfig(bi_encoder="hashed-64")
    with sl.open(where, create=True, config=config, reranker=WordReranker()) as index:
        index.add(folder)
        index.searcher.reranker.info = RerankerInfo("words", pointwise=True)
        with listening(sl.asgi(index)) as (base, _):
            for query in (QUERY, "red bread"):
                find(page, base, query=query, pool=40)
                page.run("document.querySelector('#two .row').focus()")
                page.press("y", DOWN, "n", DOWN, "y")
            shown = grades(page)
            file = export_file(page, tmp_path)
            curve = page.run(
                "return fetch('tune-curve', { method: 'POST', body: JSON.stringify({ sizes: [10, 30], queries: "
                "arguments[0].map(({ query, relevant }) => ({ query, relevant })) }) })"
                ".then((answer) => answer.json())",
                stored(page),
            )
        queries = QuerySet.read(file)
        assert list(queries.queries.values()) == [QUERY, "red bread"]
        assert [sorted(each.values()) for each in queries.qrels.values()] == [[0, 1, 1]] * 2
        for size, value in zip((10, 30), curve["reranked"], strict=True):
            evaluation = sl.evaluate(index, file, pool_size=size, measures=["nDCG@10"])
            assert evaluation.estimate("reranked", "nDCG@10").mean == pytest.approx(value)
        ids = {passage.id for passage in index.passages()}
        assert near is (shown.keys() <= ids)
    assert import_file(page, file.name, file.read_text()) == "queries.jsonl: 0 judgments added, 0 replaced."


def test_an_imported_file_goes_on_and_keeps_what_the_page_does_not_show(page, fresh, tmp_path):
    find(page, fresh[0], pool=40)
    focus_row(page, "p30")
    page.press("y")
    lines = [
        {"id": "7", "query": QUERY, "relevant": {"p30": 2, "p5": 0}, "rerank_query": "tax"},
        {"query": "red bread", "relevant": ["p9"], "snippets": ["red words"]},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    assert import_file(page, "mine.jsonl", text) == "mine.jsonl: 2 judgments added, 1 replaced."
    assert grades(page) == {"p30": 2, "p5": 0}
    assert "1 snippet of an imported file is kept" in page.text("#judging-says")
    queries = QuerySet.read(export_file(page, tmp_path))
    assert queries.qrels["7"] == {"p30": 2, "p5": 0}
    assert queries.rerank_queries == {"7": "tax"}
    assert list(queries.snippets.values()) == [{"red words": 1}]
    page.run("document.getElementById('judge-undo').click()")
    assert grades(page) == {"p30": 1}


CSV = 'id;query;relevant;grade;snippet\n1;"tax; and ""due""";p1|p2;2;\n;cats;p3;;\n;cats;;0;no cats\n'


def test_the_page_reads_a_csv_file_as_evaluate_does(page, fresh, tmp_path):
    find(page, fresh[0])
    assert import_file(page, "mine.csv", CSV) == "mine.csv: 3 judgments added, 0 replaced."
    (tmp_path / "mine.csv").write_text(CSV)
    expected, written = QuerySet.read(tmp_path / "mine.csv"), QuerySet.read(export_file(page, tmp_path))
    assert (written.queries, written.qrels, written.snippets) == (
        expected.queries,
        expected.qrels,
        expected.snippets,
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mine.jsonl", '{"query": "a", "relevant": ["p1"]}\n{"query": ', "line 2 is not JSON."),
        ("mine.jsonl", '{"relevant": ["p1"]}', 'line 1 has no "query".'),
        ("mine.jsonl", '{"query": "a", "relevant": {"p1": 0.5}}', "line 1: the grade 0.5 is not a whole number."),
        ("mine.jsonl", '{"query": "a", "positive": []}', 'line 1 has the unknown field "positive".'),
        ("mine.csv", "asks,relevant\na,p1\n", 'line 1 must name query, and relevant or snippet: "asks" is unknown.'),
        ("mine.csv", "query,relevant,grade\na,p1,much\n", 'row 2: the grade "much" is not a whole number.'),
        ("mine.csv", 'query,relevant\n"a,p1\n', "a double quote is not closed."),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_changes_nothing(page, fresh, name, text, message):
    find(page, fresh[0])
    assert import_file(page, name, text) == f"{name} is not imported: {message}"
    assert stored(page) == []


def test_a_full_storage_keeps_the_judgments_of_the_tab_and_reports_it(page, fresh):
    find(page, fresh[0])
    page.run("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };")
    focus_row(page, "p5")
    page.press("y")
    assert page.text("#judging-summary") == "Judgments (1)"
    assert page.text("#judging-note").startswith("The storage of this browser is full: export the judgments")
    assert page.run("return document.getElementById('judging').open")


def test_a_browser_without_storage_still_searches_and_judges(page, fresh):
    script = (
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });"
    )
    added = page.devtools("Page.addScriptToEvaluateOnNewDocument", source=script)
    try:
        find(page, fresh[0])
        assert "This browser stores nothing for this page" in page.text("#past-says")
        assert past(page) == [QUERY]
        focus_row(page, "p5")
        page.press("y")
        assert page.text("#judging-summary") == "Judgments (1)"
        assert "This browser stores nothing" in page.text("#judging-note")
    finally:
        page.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])


def test_damaged_storage_counts_as_empty(page, fresh):
    base, _ = fresh
    find(page, base)
    page.run("localStorage.setItem('shortlist-judgments', '{'); localStorage.setItem('shortlist-history', '[5, {}]')")
    find(page, base)
    assert page.text("#judging-summary") == "Judgments"
    assert past(page) == [QUERY]


def drawn(page: Browser, queries: int) -> None:
    page.until(f"document.getElementById('tune-says').textContent.includes(' of {queries} judged quer')")


def test_the_curve_follows_the_judgments(page, fresh):
    base, reranker = fresh
    find(page, base, pool=40)
    page.run(PANEL)
    focus_row(page, "p30")
    page.press("y")
    drawn(page, 1)
    find(page, base, query="red bread", pool=40)
    page.run(PANEL)
    focus_row(page, "p6")
    page.press("y")
    drawn(page, 2)
    queries = QuerySet("mine", {"a": QUERY, "b": "red bread"}, {"a": {"p30": 1}, "b": {"p6": 1}})
    sizes = [int(size) for size in page.texts("#tune-table thead th")[1:]]
    curve = sl.tune(Search(Fixed(), WordReranker()), queries, sizes=sizes).curve
    values = page.texts("#tune-table tbody td")
    assert values[: len(sizes)] == [f"{value:.3f}" for value in curve.recall.mean(axis=1)]
    assert values[2 * len(sizes) : 3 * len(sizes)] == [f"{value:.3f}" for value in curve.means("nDCG@10")]
    assert page.run("return document.querySelectorAll('#tune-curve .line').length") == 4
    assert page.run("return document.querySelectorAll('#tune-curve .dot').length") == len(sizes)
    page.run(
        "const field = document.getElementById('tune-measure'); field.value = 'RR@10'; "
        "field.dispatchEvent(new Event('change'));"
    )
    page.until("document.getElementById('tune-says').textContent.startsWith('RR@10')")
    assert all(len(texts) == 40 for query, texts in reranker.calls)


def test_a_reranker_that_does_harm_at_every_pool_size_is_reported(page, fresh):
    find(page, fresh[0], pool=40)
    import_file(page, "mine.jsonl", json.dumps({"query": QUERY, "relevant": ["p1"]}))
    page.run(f"{PANEL} document.getElementById('tune-draw').click()")
    drawn(page, 1)
    assert "Reranking is worse than stage one at every pool size." in page.text("#tune-says")
    import_file(page, "mine.jsonl", json.dumps({"query": QUERY, "relevant": {"p1": 0, "p4": 1}}))
    page.until("!document.getElementById('tune-says').textContent.includes('is worse')")


def test_a_judged_passage_that_no_longer_exists_can_be_removed(page, fresh):
    find(page, fresh[0], pool=40)
    import_file(page, "mine.jsonl", json.dumps({"query": QUERY, "relevant": {"p30": 1, "gone": 1}}))
    page.run(f"{PANEL} document.getElementById('tune-draw').click()")
    page.until("document.getElementById('tune-says').textContent.includes('1 judged id no longer in the index')")
    page.run("document.getElementById('tune-forget').click()")
    assert grades(page) == {"p30": 1}
    page.until("document.getElementById('tune-forget').hidden")


def test_the_curve_of_a_server_with_keys_needs_the_key(page):
    with live(guarded("secret"), labels={}) as (base, _, _):
        page.open(f"{base}/")
        page.until("document.activeElement.id === 'key-input'")
        import_file(page, "mine.jsonl", json.dumps({"query": QUERY, "relevant": ["p30"]}))
        page.run(f"{PANEL} document.getElementById('tune-draw').click()")
        page.until("document.getElementById('tune-says').textContent === 'The server needs an API key.'")
        page.run("document.getElementById('key-input').focus()")
        page.press("secret", ENTER)
        page.until("document.getElementById('about').textContent !== ''")
        page.run("document.getElementById('tune-draw').click()")
        drawn(page, 1)
        assert all("401" in line for line in page.complaints())


def test_a_server_without_an_index_has_no_curve_and_no_set_ups(page):
    with live(search=None, index=None, labels={}) as (base, _, _):
        page.open(f"{base}/")
        page.until("document.getElementById('mode-compare').disabled")
        import_file(page, "mine.jsonl", json.dumps({"query": QUERY, "relevant": ["p30"]}))
        page.run(f"{PANEL} document.getElementById('tune-draw').click()")
        page.until("document.getElementById('tune-says').textContent.startsWith('The curve needs an index')")


def test_a_reranker_that_costs_money_is_called_by_the_button_only(page):
    reranker = WordReranker()
    reranker.info = RerankerInfo("words", pointwise=True, remote=True)
    with live(reranker=reranker, labels={}) as (base, _, _):
        find(page, base)
        page.run(PANEL)
        before = len(reranker.calls)
        focus_row(page, "p5")
        page.press("y")
        page.run("return new Promise((done) => setTimeout(done, 900))")
        assert len(reranker.calls) == before
        page.run("document.getElementById('tune-draw').click()")
        drawn(page, 1)


def expected(**options: object) -> list[str]:
    return [hit.id for hit in Search(Fixed(), WordReranker()).search(QUERY, **options)]


def test_two_set_ups_of_an_address_stand_side_by_side(page, fresh):
    address = f"{fresh[0]}/#q={quote(QUERY)}&pool_size=40&top_k=8&b.pool_size=10&b.top_k=6&b.rerank=false"
    page.open(address)
    page.until(COMPARED)
    a, b = expected(pool_size=40, top_k=8), expected(pool_size=10, top_k=6, rerank=False)
    assert (order_of(page, "a-list"), order_of(page, "b-list")) == (a, b)
    assert page.texts("#a-list .elsewhere") == [f"B {b.index(key) + 1}" if key in b else "not in B" for key in a]
    assert page.texts("#b-list .elsewhere") == [f"A {a.index(key) + 1}" if key in a else "not in A" for key in b]
    both = len(set(a) & set(b))
    assert f"Only in A: {8 - both}. Only in B: {6 - both}." in page.text("#compared-says")
    assert page.text("#b-says").startswith("pool_size=10 · top_k=6 · rerank=false")
    assert page.run("return location.href") == address.replace("%20", "+")
    assert page.run("return document.getElementById('results').hidden")
    assert past(page) == [QUERY]


def test_a_changed_set_up_searches_again_and_is_in_the_address(page, fresh):
    find(page, fresh[0], pool=40)
    page.run("document.getElementById('mode-compare').click()")
    page.until(COMPARED)
    assert order_of(page, "a-list") == order_of(page, "b-list") == expected(pool_size=40, top_k=5)
    for field, value in (("b-pool", "10"), ("a-pool", "20"), ("b-top", "7")):
        page.run(
            "const field = document.getElementById(arguments[0]); field.value = arguments[1]; "
            "field.dispatchEvent(new Event('change', { bubbles: true }));",
            field,
            value,
        )
        page.until("!document.body.classList.contains('busy')")
    set_option(page, "where", "kind=even")
    assert order_of(page, "a-list") == expected(pool_size=20, top_k=5, where={"kind": ["even"]})
    assert order_of(page, "b-list") == expected(pool_size=10, top_k=7)
    shown = page.run("return location.href")
    page.open(shown)
    page.until(COMPARED)
    assert order_of(page, "b-list") == expected(pool_size=10, top_k=7)
    page.run("document.getElementById('mode-index').click()")
    page.until(SHOWN)
    assert page.run("return document.getElementById('compared').hidden")
    assert "b." not in page.run("return location.hash")
    page.run("document.getElementById('mode-compare').click()")
    page.until(COMPARED)
    assert "b.pool_size=10&b.top_k=7" in page.run("return location.hash")


def test_keys_move_between_the_set_ups_and_judge(page, fresh):
    page.open(f"{fresh[0]}/#q={quote(QUERY)}&pool_size=40&top_k=8&b.pool_size=40&b.top_k=8&b.min_score=0.1")
    page.until(COMPARED)
    page.run("document.querySelector('#a-list .row').focus()")
    page.press(DOWN, RIGHT)
    key = order_of(page, "a-list")[1]
    assert page.run("return [document.activeElement.dataset.id, document.activeElement.closest('ol').id]") == [
        key,
        "b-list",
    ]
    page.press("y", LEFT)
    assert grades(page) == {key: 1}
    assert page.run("return document.activeElement.ariaLabel").endswith("; relevant")
    assert "Relevant: 1 in A, 1 in B." in page.text("#compared-says")


def test_an_error_names_its_set_up(page, fresh):
    page.open(f"{fresh[0]}/#q=tax&b.min_probability=0.5")
    page.until("!document.getElementById('notice').hidden")
    assert page.text("#notice-text").startswith("Set-up B: ")
    assert all("422" in line for line in page.complaints())


@pytest.mark.parametrize("width", [1280, 760, 390, 320])
@pytest.mark.parametrize("dark", [False, True])
def test_the_panels_fit_every_width_in_both_themes(page, fresh, width, dark):
    page.look(width=width, dark=dark)
    page.open(f"{fresh[0]}/#q={quote(QUERY)}&pool_size=40&top_k=8&b.pool_size=10&b.blend=0")
    page.until(COMPARED)
    page.run(f"{PANEL} document.getElementById('past').open = true; document.getElementById('options').open = true")
    import_file(page, "mine.jsonl", json.dumps({"query": QUERY, "relevant": ["p30"]}))
    page.run("document.getElementById('tune-draw').click()")
    drawn(page, 1)
    assert page.run("return document.documentElement.scrollWidth") <= width
