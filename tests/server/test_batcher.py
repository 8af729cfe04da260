from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standins import FakePairs, fake_score

import tiny
from fakes import WordReranker
from shortlist import CrossEncoder
from shortlist.errors import BadScores, InvalidInput, ModelError, QueueFull
from shortlist.server.batching.batcher import Batcher
from shortlist.server.batching.scheduler import ENDED
from shortlist.server.middleware.observer import NoWatch


class Seen(NoWatch):
    def __init__(self):
        self.rounds, self.cancels, self.refusals, self.stages = [], 0, 0, []

    def ran(self, one):
        self.rounds.append(one)

    def cancelled(self):
        self.cancels += 1

    def refused(self):
        self.refusals += 1

    def took(self, stage, seconds):
        self.stages.append(stage)


@contextlib.contextmanager
def batcher(reranker, **bounds):
    made = Batcher(reranker, **bounds)
    try:
        yield made
    finally:
        made.close()


def texts(request, count):
    return [f"request {request} text {place} " + "word " * (place % 17) for place in range(count)]


def right(query, given):
    return [fake_score(query, text) for text in given]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=25),
    st.integers(1, 20),
    st.integers(20, 300),
)
def test_results_never_cross_requests(requests, round_pairs, round_tokens):
    """Every request gets its own scores in its own order, whatever runs beside it and whichever are cancelled."""

    async def one(held, number, count, cancel):
        task = asyncio.ensure_future(held.score(f"query {number}", texts(number, count)))
        if cancel:
            await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            return None
        return await task

    async def all_of_them(held):
        return await asyncio.gather(*(one(held, n, count, gone) for n, (count, gone) in enumerate(requests)))

    with batcher(FakePairs(), round_pairs=round_pairs, round_tokens=round_tokens) as held:
        found = asyncio.run(all_of_them(held))
        assert held.depth == 0
    for number, (count, gone) in enumerate(requests):
        if not gone:
            assert found[number].scores == right(f"query {number}", texts(number, count))
            assert found[number].tokens == sum(1 + min(len(t.split()), 100) for t in texts(number, count))


def test_concurrent_requests_share_batches():
    fake, seen = FakePairs(), Seen()
    fake.open.clear()

    async def run(held):
        first = asyncio.ensure_future(held.score("first", ["a"]))
        while held.depth < 1 or held._queue:
            await asyncio.sleep(0.001)
        rest = [asyncio.ensure_future(held.score(f"q{n}", texts(n, 3))) for n in range(5)]
        while len(held._queue) < 5:
            await asyncio.sleep(0.001)
        fake.open.set()
        return await asyncio.gather(first, *rest)

    with batcher(fake, watch=seen) as held:
        asyncio.run(run(held))
    assert [len(call) for call in fake.calls] == [1, 15]
    assert seen.rounds[1].requests == 5
    assert seen.rounds[1].batches == 2
    assert seen.rounds[1].capacity == 16
    assert seen.rounds[1].padded >= seen.rounds[1].tokens


def test_five_documents_do_not_wait_for_a_thousand():
    async def run(held):
        order = []

        async def ask(name, count):
            await held.score(name, texts(name, count))
            order.append(name)

        long = asyncio.ensure_future(ask("long", 1000))
        while held.depth == 1000:
            await asyncio.sleep(0.001)
        await ask("short", 5)
        left = held.depth
        await long
        return order, left

    with batcher(FakePairs(seconds_a_pair=0.0002)) as held:
        order, left = asyncio.run(run(held))
    assert order == ["short", "long"]
    assert left > 500


def test_a_full_queue_refuses_at_once_and_says_when_to_come_again():
    fake, seen = FakePairs(), Seen()
    fake.open.clear()

    async def run(held):
        first = asyncio.ensure_future(held.score("a", texts(1, 10)))
        await asyncio.sleep(0)
        with pytest.raises(QueueFull) as error:
            await held.score("b", texts(2, 1))
        fake.open.set()
        await first
        return error.value.retry_after, await held.score("c", texts(3, 10))

    with batcher(fake, queue_pairs=10, watch=seen) as held:
        retry_after, later = asyncio.run(run(held))
    assert 1 <= retry_after <= 60
    assert later.scores == right("c", texts(3, 10))
    assert seen.refusals == 1


def test_a_request_larger_than_the_queue_can_never_fit_and_says_so():
    with batcher(FakePairs(), queue_pairs=10) as held, pytest.raises(InvalidInput, match="11 passages"):
        asyncio.run(held.score("q", texts(1, 11)))


def test_cancelled_requests_leave_the_queue():
    fake, seen = FakePairs(), Seen()
    fake.open.clear()

    async def run(held):
        running = asyncio.ensure_future(held.score("running", ["a"]))
        while held._queue or not held.depth:
            await asyncio.sleep(0.001)
        waiting = asyncio.ensure_future(held.score("waiting", texts(1, 500)))
        while not held._queue:
            await asyncio.sleep(0.001)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        depth = held.depth
        fake.open.set()
        await running
        return depth

    with batcher(fake, watch=seen) as held:
        assert asyncio.run(run(held)) == 1
    assert [pair.query for call in fake.calls for pair in call] == ["running"]
    assert seen.cancels == 1


@pytest.mark.parametrize(("text", "kind"), [("boom", RuntimeError), ("bad", BadScores)])
def test_one_request_that_breaks_the_model_does_not_cost_the_others(text, kind):
    fake = FakePairs()
    fake.open.clear()

    async def run(held):
        tasks = [asyncio.ensure_future(held.score(f"q{n}", [f"text {n}"])) for n in range(4)]
        broken = asyncio.ensure_future(held.score("broken", ["fine", text]))
        await asyncio.sleep(0.05)
        fake.open.set()
        return await asyncio.gather(*tasks, broken, return_exceptions=True)

    with batcher(fake) as held:
        *good, bad = asyncio.run(run(held))
    assert [one.scores for one in good] == [right(f"q{n}", [f"text {n}"]) for n in range(4)]
    assert isinstance(bad, kind)


def test_the_event_loop_runs_while_the_model_does():
    fake = FakePairs()
    fake.open.clear()  # the model's thread waits for it, and it is the event loop that opens it

    async def run(held):
        task = asyncio.ensure_future(held.score("q", texts(1, 20)))
        while held._queue or not held.depth:
            await asyncio.sleep(0.001)
        fake.open.set()
        return await task

    with batcher(fake) as held:
        assert asyncio.run(run(held)).scores == right("q", texts(1, 20))


def test_the_model_runs_in_one_thread():
    names = set()

    class Named(FakePairs):
        def score_pairs(self, pairs):
            names.add(threading.current_thread().name)
            return super().score_pairs(pairs)

    async def run(held):
        await asyncio.gather(*(held.score(f"q{n}", texts(n, 9)) for n in range(20)))

    with batcher(Named()) as held:
        asyncio.run(run(held))
    assert names == {"shortlist-model"}


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_when_the_models_thread_ends_nothing_hangs(error):
    fake = FakePairs()
    fake.open.clear()

    def score_pairs(pairs):
        fake.open.wait(10)
        raise error

    fake.score_pairs = score_pairs

    async def run(held):
        tasks = [asyncio.ensure_future(held.score(f"q{n}", ["a"] * 9)) for n in range(3)]
        while len(held._queue) < 2:  # one is with the model, the others wait
            await asyncio.sleep(0.001)
        fake.open.set()
        found = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
        with pytest.raises(ModelError, match="has ended"):
            await asyncio.wait_for(held.score("late", ["a"]), 30)
        return found

    with batcher(fake, round_pairs=9) as held:
        found = asyncio.run(run(held))
        assert [str(one) for one in found] == [ENDED] * 3
        assert not held.alive
        assert held.depth == 0


@pytest.mark.parametrize("error", [SystemExit(1), StopIteration()], ids=repr)
@pytest.mark.parametrize("step", ["pairs", "score_pairs"])
def test_an_error_that_no_future_can_hold_reaches_its_request(step, error):
    fake = FakePairs()

    def fails(*args, **more):
        raise error

    setattr(fake, step, fails)
    with batcher(fake) as held, pytest.raises(ModelError):
        asyncio.run(asyncio.wait_for(held.score("q", ["a"]), 30))


def test_closing_finishes_what_was_accepted_and_refuses_the_rest():
    async def run(held):
        tasks = [asyncio.ensure_future(held.score(f"q{n}", texts(n, 20))) for n in range(10)]
        await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, held.close)
        found = await asyncio.gather(*tasks)
        with pytest.raises(QueueFull):
            await held.score("late", ["a"])
        return found

    held = Batcher(FakePairs(seconds_a_pair=0.0005))
    found = asyncio.run(run(held))
    assert [one.scores for one in found] == [right(f"q{n}", texts(n, 20)) for n in range(10)]
    assert not held.alive


def test_no_texts_give_no_scores_and_an_empty_query_is_refused():
    with batcher(FakePairs()) as held:
        assert asyncio.run(held.score("q", [])).scores == []
        with pytest.raises(InvalidInput, match="query is empty"):
            asyncio.run(held.score(" ", ["a"]))


def test_max_tokens_caps_and_is_reported():
    with batcher(FakePairs()) as held:
        found = asyncio.run(held.score("q", ["one two three", "one"], max_tokens=2))
    assert found.truncated == [True, False]
    assert found.tokens == 5


def test_a_reranker_without_pairs_works_request_by_request():
    with batcher(WordReranker()) as held:
        found = asyncio.run(held.score("red cat", ["a red dog", "red cat", "blue"]))
        assert found.scores == [0.5, 1.0, 0.0]
        with pytest.raises(InvalidInput, match="can't cap"):
            asyncio.run(held.score("red", ["a long one"], max_tokens=3))


def test_a_reranker_that_is_not_pointwise_sees_the_whole_list_in_order():
    listwise = WordReranker()
    listwise.pointwise = False
    given_texts = [f"text {n} " + "word " * (n % 5) for n in range(100)]
    with batcher(listwise, round_pairs=8) as held:
        asyncio.run(held.score("text", given_texts))
    assert listwise.calls == [("text", given_texts)]


def test_scores_are_those_of_the_model_in_process(tmp_path):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path)), precision="exact")
    queries = {f"query {word}": [f"{word} cat " * (n % 7) + "dog" for n in range(30)] for word in tiny.WORDS[5:]}

    async def run(held):
        return await asyncio.gather(*(held.score(query, given) for query, given in queries.items()))

    with batcher(model) as held:
        found = asyncio.run(run(held))
    for (query, texts_given), one in zip(queries.items(), found, strict=True):
        assert one.scores == pytest.approx(model.score(query, texts_given), abs=0.01)


class Elsewhere(WordReranker):
    """Says that another machine runs it; "slow" queries wait for `open`, and all for `together` others where given."""

    at_once = 3

    def __init__(self, together=None):
        super().__init__()
        self.together, self.open = together, threading.Event()

    def score(self, query, texts):
        self.calls.append((query, list(texts)))
        if self.together is not None:
            self.together.wait(10)
        if query == "slow":
            self.open.wait(10)
        return [float(len(text)) for text in texts]


def test_a_reranker_elsewhere_gets_a_request_in_one_call_and_several_requests_side_by_side():
    given_texts = [texts(number, 100) for number in range(6)]
    away, seen = Elsewhere(threading.Barrier(3)), Seen()

    async def run(held):
        return await asyncio.gather(*(held.score(f"q{n}", given) for n, given in enumerate(given_texts)))

    with batcher(away, round_pairs=8, watch=seen) as held:
        found = asyncio.run(run(held))
    assert [one.scores for one in found] == [[float(len(text)) for text in given] for given in given_texts]
    assert sorted(away.calls) == [(f"q{n}", given) for n, given in enumerate(given_texts)]
    assert [(one.requests, one.pairs) for one in seen.rounds] == [(1, 100)] * 6
    assert sorted(seen.stages) == sorted(["tokenise", "wait", "score"] * 6)


def test_a_slow_call_elsewhere_blocks_no_other_and_what_waits_is_bounded():
    away, seen = Elsewhere(), Seen()

    async def run(held):
        slow = [asyncio.ensure_future(held.score("slow", texts(n, 3))) for n in range(2)]
        while len(away.calls) < 2:
            await asyncio.sleep(0.001)
        assert (await held.score("quick", ["ab"])).scores == [2.0]
        slow += [asyncio.ensure_future(held.score("slow", texts(n, 3))) for n in range(2)]
        while len(away.calls) < 4:
            await asyncio.sleep(0.001)
        assert held.depth == 12
        with pytest.raises(QueueFull):
            await held.score("late", ["a"])
        slow[3].cancel()
        await asyncio.sleep(0)
        late = asyncio.ensure_future(held.score("late", ["abc"]))
        await asyncio.sleep(0)
        closing = asyncio.get_running_loop().run_in_executor(None, held.close)
        away.open.set()
        found = await asyncio.gather(*slow[:3], late)
        await closing
        return found

    held = Batcher(away, queue_pairs=12, watch=seen)
    *slow, late = asyncio.run(run(held))
    assert [len(one.scores) for one in slow] == [3, 3, 3]
    assert late.scores == [3.0]
    assert (seen.refusals, seen.cancels, held.depth) == (1, 1, 0)
    assert not held.alive
