"""`/search`: both stages, options, budgets, failures."""

from __future__ import annotations

import re
import threading

import anyio
import pytest
from standins import SECONDS, Gate

from fakes import ListRetriever, WordReranker
from inline_scorer import InlineScorer
from shortlist import Search, SearchConfig
from shortlist.errors import QueueFull
from shortlist.redaction import Names
from shortlist.server.options import RequestLimits
from shortlist.types import Hit, Note, Passage, RerankerInfo

QUERY = "when is tax due"
ALTERNATING = [f"{'tax ' * (place % 2)}{place}" for place in range(20)]


def search(client, **fields):
    answer = client.post("/search", json={"query": QUERY, "top_k": 3, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def messages(answer):
    return [note["message"] for note in answer["notes"]]


def note(answer, code):
    return next(note for note in answer["notes"] if note["code"] == code)


def test_both_stages_are_shown(client):
    answer = search(client)
    assert answer["status"] == "ok"
    assert answer["notes"] == []
    assert answer["scored"] == 5
    assert [hit["id"] for hit in answer["hits"]] == ["p5", "p2", "p3"]
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3]
    assert answer["hits"][0]["retrieval_rank"] == 5
    assert answer["hits"][0]["rerank_score"] == 1.0
    assert answer["labels"] is None
    assert set(answer["seconds"]) == {"retrieve", "rerank"}


def test_the_answer_is_that_of_the_search(serve):
    texts = [f"tax {'due ' * (i % 3)}{i}" for i in range(20)]
    signals = [{"dense": (i * 7 % 11) / 11} for i in range(20)]
    searcher = Search(ListRetriever(texts, signals), WordReranker(), weights={"dense": 2.0})
    answer = search(serve(search=searcher), pool_size=15, top_k=10)
    ranking = searcher.search(QUERY, pool_size=15, top_k=10).to_dict()
    for surface in (answer, ranking):
        del surface["seconds"]
    snippets = [hit.pop("snippet") for hit in answer["hits"]]
    assert answer == {**ranking, "labels": None}
    assert "".join(piece["text"] for piece in snippets[0]) == answer["hits"][0]["text"]


def test_a_snippet_is_plain_text_with_the_words_of_the_query(serve):
    class Markdown(ListRetriever):
        def retrieve(self, query, k, where=None):
            text = "## Dates\n\nThe **tax** is due in 🌷 April"
            return [Hit(Passage("p1", text, metadata={"format": "md"}), 1.0, 1, 1.0, 1)]

    (hit,) = search(serve(search=Search(Markdown([]), WordReranker())), query="tax in April")["hits"]
    assert "".join(piece["text"] for piece in hit["snippet"]) == "Dates The tax is due in 🌷 April"
    assert [piece["text"] for piece in hit["snippet"] if piece["match"]] == ["tax", "April"]


def test_stage_one_alone(client):
    answer = search(client, rerank=False)
    assert answer["status"] == "off"
    assert [hit["id"] for hit in answer["hits"]] == ["p1", "p2", "p3"]
    assert all(hit["rerank_score"] is None for hit in answer["hits"])
    assert answer["scored"] == 0


def test_an_index_without_a_reranker(serve):
    assert search(serve(scorer=None, search=Search(ListRetriever(["a"]))))["status"] == "off"


class Skipping(WordReranker):
    name = "/home/someone/mine"

    def skip_reason(self, query):
        return Note("rerank_skipped", reason="query_too_long", tokens=99, longest=9, reranker=self.name)


def test_a_query_that_the_reranker_skips(serve):
    answer = search(serve(Skipping()))
    assert answer["status"] == "skipped"
    assert messages(answer) == ["not reranked: the query has 99 tokens, and mine was trained on queries of up to 9"]
    assert note(answer, "rerank_skipped")["reranker"] == "mine"
    assert answer["scored"] == 0


class Broken:
    name = "broken"

    def __init__(self, error):
        self.error = error

    async def score(self, query, texts, *, max_tokens=None):
        raise self.error


@pytest.mark.parametrize(
    ("error", "reason"),
    [(QueueFull(3), "try again in 3 s"), (RuntimeError("at /home/someone"), "failed (ModelError: the log")],
)
def test_fail_open_and_closed(serve, error, reason):
    client = serve(scorer=Broken(error))
    answer = search(client)
    assert answer["status"] == "failed"
    assert reason in messages(answer)[0]
    assert "someone" not in str(answer)
    assert [hit["id"] for hit in answer["hits"]] == ["p1", "p2", "p3"]
    closed = client.post("/search", json={"query": QUERY, "fail": "closed"})
    assert closed.status_code == 503
    assert reason in closed.json()["message"]
    assert "someone" not in closed.text
    assert closed.headers.get("retry-after") == ("3" if isinstance(error, QueueFull) else None)


def test_a_failure_closed_does_not_matter_without_reranking(serve):
    assert search(serve(scorer=Broken(QueueFull(3))), rerank=False, fail="closed")["status"] == "off"


@pytest.fixture
def clock(monkeypatch):
    """Replaces the budget's scopes: time ends when `ended` is set, and never before."""

    class Clock:
        ended = False

    move_on_after = anyio.move_on_after

    def scope(seconds):
        return move_on_after(None if seconds is None else 0 if Clock.ended else SECONDS)

    monkeypatch.setattr("shortlist.server.searching.anyio.move_on_after", scope)
    return Clock


class Sticking:
    """Scores the first `calls` calls. Then the time ends, and no call returns."""

    name = "sticking"

    def __init__(self, calls, clock, reranker=None):
        self.calls, self.clock = calls, clock
        self.reranker = reranker or WordReranker()
        self.inner = InlineScorer(self.reranker)
        self.cancelled = False
        clock.ended = calls == 0

    async def score(self, query, texts, *, max_tokens=None):
        self.calls -= 1
        if self.calls < 0:
            try:
                await anyio.sleep_forever()
            except BaseException:
                self.cancelled = True
                raise
        self.clock.ended = self.calls == 0
        return await self.inner.score(query, texts, max_tokens=max_tokens)


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_budget_ends_with_what_was_scored(serve, clock, calls):
    scorer = Sticking(calls, clock)
    searcher = Search(ListRetriever(ALTERNATING), scorer.reranker)
    client = serve(scorer=scorer, search=searcher)
    answer = search(client, budget_ms=600_000, top_k=20, pool_size=20)
    scored = [hit for hit in answer["hits"] if hit["rerank_score"] is not None]
    assert answer["status"] == "partial"
    assert messages(answer) == [f"reranked in part: the time limit budget_ms ended after {8 * calls} of 20 passages"]
    assert answer["scored"] == len(scored) == 8 * calls
    assert sorted(hit["retrieval_rank"] for hit in scored) == list(range(1, 8 * calls + 1))
    assert answer["hits"][: len(scored)] == scored
    assert [hit["retrieval_rank"] for hit in answer["hits"][len(scored) :]] == list(range(8 * calls + 1, 21))
    assert [hit["rank"] for hit in answer["hits"]] == list(range(1, 21))
    assert scorer.cancelled


class Listwise(WordReranker):
    """The score of a text is its place in the sorted list: scores of two lists do not compare."""

    pointwise = False

    def score(self, query, texts):
        order = sorted(texts)
        self.calls.append((query, list(texts)))
        return [float(order.index(text)) for text in texts]


def test_a_listwise_reranker_scores_all_in_one_call_within_a_budget(serve):
    texts = [f"{i:02}" for i in range(20)]
    reranker = Listwise()
    client = serve(reranker, search=Search(ListRetriever(texts), reranker))
    answer = search(client, budget_ms=600_000, top_k=20, pool_size=20)
    assert answer["status"] == "ok"
    assert [hit["text"] for hit in answer["hits"]] == texts[::-1]
    assert len(reranker.calls) == 1


def test_a_listwise_reranker_has_no_scores_when_the_budget_ends(serve, clock):
    scorer = Sticking(0, clock, Listwise())
    texts = [f"{i:02}" for i in range(20)]
    answer = search(serve(scorer=scorer, search=Search(ListRetriever(texts), scorer.reranker)), budget_ms=600_000)
    assert messages(answer) == ["reranked in part: the time limit budget_ms ended after 0 of 20 passages"]
    assert [hit["text"] for hit in answer["hits"]] == texts[:3]


class Remote(WordReranker):
    info = RerankerInfo("words", pointwise=True, remote=True, max_concurrent=2)


def test_a_remote_reranker_gets_one_call_within_a_budget(serve):
    reranker = Remote()
    client = serve(reranker, search=Search(ListRetriever(ALTERNATING), reranker))
    assert search(client, budget_ms=600_000, top_k=20, pool_size=20)["scored"] == 20
    assert len(reranker.calls) == 1


class Filling:
    """Scores the first `calls` calls. Then the queue is full."""

    name = "filling"
    reranker = WordReranker()

    def __init__(self, calls):
        self.calls = calls
        self.inner = InlineScorer(self.reranker)

    async def score(self, query, texts, *, max_tokens=None):
        self.calls -= 1
        if self.calls < 0:
            raise QueueFull(3)
        return await self.inner.score(query, texts, max_tokens=max_tokens)


def test_a_queue_that_fills_up_during_a_search_leaves_what_was_scored(serve):
    searcher = Search(ListRetriever(ALTERNATING), WordReranker())
    answer = search(serve(scorer=Filling(1), search=searcher), budget_ms=600_000, top_k=20, pool_size=20)
    assert answer["status"] == "partial"
    assert messages(answer) == ["reranked in part: the queue was full after 8 of 20 passages"]
    assert [hit["rerank_score"] is not None for hit in answer["hits"]] == [True] * 8 + [False] * 12
    assert search(serve(scorer=Filling(0), search=searcher), budget_ms=600_000)["status"] == "failed"


def configured(serve, limits=None, **config):
    reranker = WordReranker()
    texts = ["cats sleep", "tax is due", "a tax", "red bread", "when tax is due in april"]
    searcher = Search(ListRetriever(texts), reranker, SearchConfig(**config))
    return serve(reranker, search=searcher, limits=limits or RequestLimits())


def sizes(client, **fields):
    answer = search(client, **{"top_k": None, **fields})
    return answer["pool_size"], len(answer["hits"])


def test_sizes_that_a_request_does_not_give_are_those_of_the_server(serve):
    client = configured(serve, pool_size=4, top_k=3)
    assert sizes(client) == (4, 3)
    assert sizes(client, pool_size=2) == (2, 2)
    assert sizes(client, top_k=4) == (4, 4)
    assert sizes(configured(serve, RequestLimits(max_documents=2), pool_size=4, top_k=3)) == (2, 2)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({"pool_size": 3}, (3, 3)), ({"pool_size": 4, "top_k": 2}, (4, 2)), ({}, (4, 4)), ({"top_k": 1}, (4, 1))],
)
def test_sizes_shrink_to_the_limit_of_the_server(serve, fields, expected):
    assert sizes(serve(limits=RequestLimits(max_documents=4)), **fields) == expected


def test_null_counts_as_not_given(serve):
    client = serve(limits=RequestLimits(max_documents=4))
    names = ["pool_size", "top_k", "rerank", "fail", "budget_ms", "where", "blend", "tail", "min_score"]
    answer = search(client, **dict.fromkeys(names))
    assert (answer["pool_size"], len(answer["hits"]), answer["status"]) == (4, 4, "ok")


def test_a_minimum_of_the_request_and_of_the_server(serve):
    strict = configured(serve, min_score=0.8)
    assert [hit["id"] for hit in search(strict)["hits"]] == ["p5"]
    assert [hit["id"] for hit in search(strict, min_score=0.7)["hits"]] == ["p5", "p2"]
    answer = search(strict, min_score=7)
    assert (answer["hits"], answer["left_out"]) == ([], 3)
    assert "no good answer: the best passage has score 1.000, below min_score 7" in messages(answer)


def test_a_budget_of_nothing_is_stage_one(client):
    answer = search(client, budget_ms=0)
    assert (answer["scored"], answer["status"]) == (0, "partial")
    assert [hit["id"] for hit in answer["hits"]] == ["p1", "p2", "p3"]


def test_a_budget_that_is_enough_changes_nothing(client):
    answer, without = search(client, budget_ms=600_000), search(client)
    assert answer["status"] == "ok"
    assert answer["hits"] == without["hits"]


class Gated(WordReranker):
    """Stays in its thread until the gate opens."""

    def __init__(self, gate):
        super().__init__()
        self.gate = gate

    def score(self, query, texts):
        self.gate.enter()
        return super().score(query, texts)


def test_a_thread_that_does_not_return_does_not_hold_a_budget(serve):
    gate = Gate()
    gate.close()
    answer = search(serve(Gated(gate)), budget_ms=50)
    gate.open()
    assert answer["status"] == "partial"
    assert answer["scored"] == 0


class GatedRetriever(ListRetriever):
    def __init__(self, began, go):
        super().__init__(["a tax"])
        self.began, self.go = began, go

    def retrieve(self, query, k, where=None):
        self.began.set()
        assert self.go.wait(SECONDS)
        return super().retrieve(query, k, where)


def test_the_index_does_not_block_the_event_loop(serve):
    began, go = threading.Event(), threading.Event()
    client = serve(search=Search(GatedRetriever(began, go), WordReranker()))
    answers = []
    with client:
        searching = threading.Thread(target=lambda: answers.append(search(client)))
        searching.start()
        assert began.wait(SECONDS)
        assert client.get("/v1/models").status_code == 200
        assert not answers
        go.set()
        searching.join()
    assert answers[0]["status"] == "ok"


def test_labels_of_a_judged_query(serve):
    client = serve(labels={QUERY: {"p5": 2, "p1": 0}})
    assert search(client)["labels"] == {"relevant": {"p5": 2, "p1": 0}}
    assert search(client, query="tax")["labels"] is None


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"top_k": 9, "pool_size": 5}, 422, "top_k is 9 and pool_size is 5"),
        ({"pool_size": 99}, 422, "at most 40"),
        ({"top_k": 99, "tail": True}, 422, "at most 40"),
        ({"top_k": 0}, 422, "top_k must be"),
        ({"top_k": 10**12}, 422, "top_k is 1000000000000, and at most 40 is allowed"),
        ({"pool_size": "all"}, 422, "pool_size"),
        ({"blend": -1}, 422, "blend must be"),
        ({"min_probability": 2}, 422, "min_probability must be"),
        ({"min_score": "high"}, 422, "min_score"),
        ({"min_probability": 0.5}, 422, "no probabilities are stored"),
        ({"min_probability": 0.5, "rerank": False}, 422, "min_probability needs a reranker"),
        ({"progressive": True}, 422, "search without progressive"),
        ({"k": 3}, 422, "'k' is not a valid field"),
        ({"threshold": 3}, 422, "'threshold' is not a valid field"),
        ({"retriever": "bm25"}, 422, "'retriever' is not a valid field"),
        ({"budget_ms": -1}, 422, "budget_ms"),
        ({"budget_ms": True}, 422, "budget_ms"),
        ({"fail": "ajar"}, 422, "fail"),
        ({"where": {"a": None}}, 422, "'a' in the field 'where' must be a text"),
        ({"where": {"a": {"b": 1}}}, 422, "'a' has the operator 'b'"),
        ({"where": {"a": {"lt": {"b": 1}}}}, 422, "'lt' in 'a' in the field 'where' must be a text"),
        ({"where": ["a"]}, 422, "'a' is no condition"),
        (
            {"where": {"a": {"in": [1] * 1000, "nin": [2] * 25}}},
            422,
            "has 1025 values in all, at most 1024",
        ),
        ({"where": [1]}, 422, "where"),
        ({"where": {f"x{i}": 1 for i in range(65)}}, 422, "the field 'where' has 65 fields, at most 64"),
        ({"where": {"a": [1] * 1000, "b": [2] * 25}}, 422, "has 1025 values in all, at most 1024"),
    ],
)
def test_errors(serve, fields, code, message):
    answer = serve(limits=RequestLimits(max_documents=40)).post("/search", json={"query": QUERY, **fields})
    assert answer.status_code == code
    assert message in answer.json()["message"]
    assert re.split(r"[.\[]", answer.json()["field"])[0] in fields


def test_the_largest_filter(client):
    search(client, where={"a": [1] * 961} | {f"x{i}": 1 for i in range(63)})


class OnDisk(ListRetriever):
    def __init__(self):
        super().__init__(["x"])
        self.where = None

    def retrieve(self, query, k, where=None):
        self.where = where
        metadata = {"source": "/home/someone/docs/tax/a.md", "year": 2024}
        passage = Passage("/home/someone/docs/tax/a.md#0", "tax", "/home/someone/docs/tax/a.md", metadata=metadata)
        return [Hit(passage, 1.0, 1, 1.0, 1)]


def test_no_folder_of_the_machine_is_in_answers(serve):
    retriever = OnDisk()
    client = serve(
        search=Search(retriever, WordReranker()),
        names=Names.of(["/home/someone/docs/tax/a.md", "/home/someone/docs/b.md"]),
        labels={QUERY: {"/home/someone/docs/tax/a.md#0": 1}},
    )
    answer = search(client, where={"source": "tax/a.md", "year": [2024, 2025]})
    assert "someone" not in str(answer)
    (hit,) = answer["hits"]
    assert hit["id"] == "tax/a.md#0"
    assert hit["document_id"] == hit["source"] == hit["metadata"]["source"] == "tax/a.md"
    assert answer["labels"] == {"relevant": {"tax/a.md#0": 1}}
    assert retriever.where == {"source": ["tax/a.md", "/home/someone/docs/tax/a.md"], "year": [2024, 2025]}


@pytest.mark.parametrize(
    ("sources", "name", "shown"),
    [
        (["/a/b/c.md", "/a/b/d/e.md"], "/a/b/d/e.md#3", "d/e.md#3"),
        (["/a/b/c.md"], "/a/b/c.md", "c.md"),
        (["/a/bc.md", "/a/b/d.md"], "/a/b/d.md", "b/d.md"),
        (["/a/b.md"], "/elsewhere/b.md", "b.md"),
        (["/a/b.md"], "an id/of its own", "an id/of its own"),
        (["C:/docs/a.md", "C:/docs/b.md"], "C:/docs/a.md#0", "a.md#0"),
        ([], "/a/b.md", "b.md"),
        (["x1", "x2"], "x1", "x1"),
        (["/data/a/b.md", "/home/u/b.md"], "/data/a/b.md#0", "1/b.md#0"),
        (["/b.md"], "/b.md", "b.md"),
        (["C:/docs/a.md", "D:/docs/a.md"], "D:/docs/a.md#0", "2/a.md#0"),
        (["/data/a/b.md", "/home/u/b.md"], "x1", "x1"),
    ],
)
def test_names(sources, name, shown):
    assert Names.of(sources).shown(name) == shown


def test_a_source_that_was_shown_can_be_searched_for_in_several_top_folders():
    names = Names.of(["/data/a/b.md", "/home/u/b.md"])
    assert names.where({"source": "2/b.md"}) == {"source": ["2/b.md", "/home/u/b.md"]}
    assert names.where({"source": "3/b.md"}) == {"source": ["3/b.md"]}


def test_messages_do_not_name_the_folder_of_the_index():
    names = Names((), "/home/someone/index")
    assert names.message("/home/someone/index/stop-rule.json is damaged") == "stop-rule.json is damaged"
    assert names.message("/home/someone/index has no curve") == "index has no curve"
    assert Names().message("/home/someone/index has no curve") == "/home/someone/index has no curve"


def test_a_context_without_an_index_has_the_hits_alone(client):
    context = search(client, context=True)["context"]
    assert [block["passages"][0]["rank"] for block in context["blocks"]] == [1, 2, 3]
    assert context["tokens"] is None
    for field, value in (("neighbours", 1), ("section", True), ("budget_tokens", 50)):
        answer = client.post("/search", json={"query": QUERY, field: value})
        assert (answer.status_code, answer.json()["field"]) == (422, field)
        assert answer.json()["message"].startswith("this retriever ")


def test_the_reranker_reads_the_rerank_query(serve):
    reranker = WordReranker()
    answer = search(serve(reranker), query="bread", rerank_query=QUERY, top_k=1)
    assert {query for query, _ in reranker.calls} == {QUERY}
    assert (answer["query"], answer["rerank_query"], answer["queries"]) == ("bread", QUERY, [])
    assert answer["hits"][0]["id"] == "p5"


def test_pools_of_several_queries_are_fused(serve):
    class ByQuery:
        def retrieve(self, query, k, where=None):
            return [Hit.of(query, query)]

    answer = search(serve(search=Search(ByQuery(), None), scorer=None), query="a", queries=["b", "b"])
    assert [hit["id"] for hit in answer["hits"]] == ["a", "b"]
    assert answer["queries"] == ["b"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rerank_query": " "}, "the rerank_query is empty"),
        ({"queries": ["a", " "]}, "the queries.1 is empty"),
        ({"rerank_query": "x" * 300_000}, "the rerank_query has 300000 characters"),
        ({"queries": ["a"] * 17}, "at most 16"),
        ({"queries": "a"}, "queries"),
        ({"expand": "os:getcwd"}, "expand"),
        ({"expand": "rm3"}, "ListRetriever has no such BM25"),
    ],
)
def test_texts_and_expansions_that_cannot_be_used(client, fields, message):
    answer = client.post("/search", json={"query": QUERY, **fields})
    assert answer.status_code in (400, 413, 422), answer.text
    assert message in answer.text
