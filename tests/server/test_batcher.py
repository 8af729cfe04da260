from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standins import SECONDS, FakePairs, Gate, fake_score, until

import tiny
from fakes import WordReranker
from shortlist import CrossEncoder
from shortlist.errors import BadScores, InvalidInput, ModelError, QueueFull
from shortlist.server.batching.batcher import Batcher
from shortlist.server.batching.scheduler import ENDED
from shortlist.server.middleware.observer import Observer
from shortlist.types import RerankerInfo


class Recorder(Observer):
    def __init__(self):
        self.rounds, self.cancels, self.refusals, self.stages = [], 0, 0, []

    def ran(self, round):
        self.rounds.append(round)

    def cancelled(self):
        self.cancels += 1

    def refused(self):
        self.refusals += 1

    def took(self, stage, seconds):
        self.stages.append(stage)


@contextlib.contextmanager
def closing(batcher):
    try:
        yield batcher
    finally:
        getattr(batcher.reranker, "gate", Gate()).open()
        batcher.close()


def batched(reranker, **bounds):
    return closing(Batcher(reranker, **bounds))


def texts(request, count):
    return [f"request {request} text {place} " + "word " * (place % 17) for place in range(count)]


def expected(query, texts_given):
    return [fake_score(query, text) for text in texts_given]


def start(batcher, query, given_texts):
    return asyncio.ensure_future(batcher.score(query, given_texts))


async def occupy(batcher, gate):
    """Close the gate and return a request that the model has begun and cannot finish."""
    gate.close()
    before = gate.entered
    running = start(batcher, "running", ["a"])
    await until(lambda: gate.entered > before)
    return running


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=25),
    st.integers(1, 20),
    st.integers(20, 300),
)
def test_results_never_cross_requests(requests, round_pairs, round_tokens):
    """Every request gets its own scores in its own order, whatever runs beside it and whichever are cancelled."""

    async def ask(batcher, number, count, cancel):
        task = start(batcher, f"query {number}", texts(number, count))
        if cancel:
            await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            return None
        return await task

    async def ask_all(batcher):
        return await asyncio.gather(*(ask(batcher, n, count, gone) for n, (count, gone) in enumerate(requests)))

    with batched(FakePairs(), round_pairs=round_pairs, round_tokens=round_tokens) as batcher:
        answers = asyncio.run(ask_all(batcher))
        assert batcher.depth == 0
    for number, (count, gone) in enumerate(requests):
        if not gone:
            assert answers[number].scores == expected(f"query {number}", texts(number, count))
            assert answers[number].tokens == sum(1 + min(len(t.split()), 100) for t in texts(number, count))


def test_concurrent_requests_share_batches():
    fake, recorder = FakePairs(), Recorder()

    async def run(batcher):
        first = await occupy(batcher, fake.gate)
        rest = [start(batcher, f"q{number}", texts(number, 3)) for number in range(5)]
        await until(lambda: batcher.waiting == 5)
        fake.gate.open()
        return await asyncio.gather(first, *rest)

    with batched(fake, observer=recorder) as batcher:
        asyncio.run(run(batcher))
    assert [len(call) for call in fake.calls] == [1, 15]
    assert recorder.rounds[1].requests == 5
    assert recorder.rounds[1].batches == 2
    assert recorder.rounds[1].capacity == 16
    assert recorder.rounds[1].padded >= recorder.rounds[1].tokens


def test_five_documents_do_not_wait_for_a_thousand():
    fake = FakePairs()

    async def run(batcher):
        fake.gate.close()
        long = start(batcher, "long", texts("long", 1000))
        await until(lambda: fake.gate.entered == 1)
        short = start(batcher, "short", texts("short", 5))
        await until(lambda: batcher.waiting == 2)
        fake.gate.open()
        await asyncio.gather(long, short)

    with batched(fake) as batcher:
        asyncio.run(run(batcher))
    rounds = [[pair.query for pair in call] for call in fake.calls]
    assert rounds[1].count("short") == 5
    assert "long" in rounds[1]
    assert len(rounds) > 10


def test_a_full_queue_refuses_at_once_and_says_when_to_come_again():
    fake, recorder = FakePairs(), Recorder()
    fake.gate.close()

    async def run(batcher):
        first = start(batcher, "a", texts(1, 10))
        await until(lambda: batcher.depth == 10)
        with pytest.raises(QueueFull) as error:
            await batcher.score("b", texts(2, 1))
        fake.gate.open()
        await first
        return error.value.retry_after, await batcher.score("c", texts(3, 10))

    with batched(fake, queue_pairs=10, observer=recorder) as batcher:
        retry_after, later = asyncio.run(run(batcher))
    assert 1 <= retry_after <= 60
    assert later.scores == expected("c", texts(3, 10))
    assert recorder.refusals == 1


def test_a_request_larger_than_the_queue_can_never_fit():
    with batched(FakePairs(), queue_pairs=10) as batcher, pytest.raises(InvalidInput, match="11 passages"):
        asyncio.run(batcher.score("q", texts(1, 11)))


def test_bounds_are_at_least_one():
    with pytest.raises(InvalidInput, match="at least 1"):
        Batcher(FakePairs(), queue_pairs=0)


def test_cancelled_requests_leave_the_queue():
    fake, recorder = FakePairs(), Recorder()

    async def run(batcher):
        running = await occupy(batcher, fake.gate)
        waiting = start(batcher, "waiting", texts(1, 500))
        await until(lambda: batcher.waiting == 1)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        depth = batcher.depth
        fake.gate.open()
        await running
        return depth

    with batched(fake, observer=recorder) as batcher:
        assert asyncio.run(run(batcher)) == 1
    assert [pair.query for call in fake.calls for pair in call] == ["running"]
    assert recorder.cancels == 1


@pytest.mark.parametrize(("text", "kind"), [("boom", RuntimeError), ("bad", BadScores)])
def test_a_request_that_breaks_the_model_does_not_affect_the_others(text, kind):
    fake = FakePairs()

    async def run(batcher):
        running = await occupy(batcher, fake.gate)
        tasks = [start(batcher, f"q{number}", [f"text {number}"]) for number in range(4)]
        broken = start(batcher, "broken", ["fine", text])
        await until(lambda: batcher.waiting == 5)
        fake.gate.open()
        await running
        return await asyncio.gather(*tasks, broken, return_exceptions=True)

    with batched(fake) as batcher:
        *good, bad = asyncio.run(run(batcher))
    assert [scored.scores for scored in good] == [expected(f"q{number}", [f"text {number}"]) for number in range(4)]
    assert isinstance(bad, kind)


def test_the_event_loop_runs_while_the_model_does():
    fake = FakePairs()

    async def run(batcher):
        fake.gate.close()  # the model's thread waits at the gate, and the event loop opens it
        task = start(batcher, "q", texts(1, 20))
        await until(lambda: fake.gate.entered == 1)
        fake.gate.open()
        return await task

    with batched(fake) as batcher:
        assert asyncio.run(run(batcher)).scores == expected("q", texts(1, 20))


def test_the_model_runs_in_one_thread():
    names = set()

    class Named(FakePairs):
        def score_pairs(self, pairs):
            names.add(threading.current_thread().name)
            return super().score_pairs(pairs)

    async def run(batcher):
        await asyncio.gather(*(batcher.score(f"q{number}", texts(number, 9)) for number in range(20)))

    with batched(Named()) as batcher:
        asyncio.run(run(batcher))
    assert names == {"shortlist-model"}


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_when_the_models_thread_ends_nothing_hangs(error):
    fake = FakePairs()

    def score_pairs(pairs):
        fake.gate.enter()
        raise error

    fake.score_pairs = score_pairs

    async def run(batcher):
        fake.gate.close()
        tasks = [start(batcher, f"q{number}", ["a"] * 9) for number in range(3)]
        await until(lambda: batcher.waiting == 2)  # the model has one of the requests, and two wait
        fake.gate.open()
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), SECONDS)
        with pytest.raises(ModelError, match="has ended"):
            await asyncio.wait_for(batcher.score("late", ["a"]), SECONDS)
        return results

    with batched(fake, round_pairs=9) as batcher:
        results = asyncio.run(run(batcher))
        assert [str(result) for result in results] == [ENDED] * 3
        assert not batcher.alive
        assert batcher.depth == 0


@pytest.mark.parametrize("error", [SystemExit(1), StopIteration()], ids=repr)
@pytest.mark.parametrize("step", ["pairs", "score_pairs"])
def test_an_error_that_no_future_can_hold_reaches_its_request(step, error):
    fake = FakePairs()

    def fails(*args, **more):
        raise error

    setattr(fake, step, fails)
    with batched(fake) as batcher, pytest.raises(ModelError):
        asyncio.run(asyncio.wait_for(batcher.score("q", ["a"]), SECONDS))


def test_closing_finishes_what_was_accepted_and_refuses_the_rest():
    fake = FakePairs()

    async def run(batcher):
        running = await occupy(batcher, fake.gate)
        tasks = [start(batcher, f"q{number}", texts(number, 20)) for number in range(10)]
        await until(lambda: batcher.waiting == 10)
        closing_call = asyncio.get_running_loop().run_in_executor(None, batcher.close)
        await until(lambda: batcher.closing)
        fake.gate.open()
        results = await asyncio.gather(*tasks)
        await running
        await closing_call
        with pytest.raises(QueueFull):
            await batcher.score("late", ["a"])
        return results

    batcher = Batcher(fake)
    results = asyncio.run(run(batcher))
    assert [scored.scores for scored in results] == [expected(f"q{n}", texts(n, 20)) for n in range(10)]
    assert not batcher.alive


def test_no_texts_give_no_scores_and_an_empty_query_is_refused():
    with batched(FakePairs()) as batcher:
        assert asyncio.run(batcher.score("q", [])).scores == []
        with pytest.raises(InvalidInput, match="query is empty"):
            asyncio.run(batcher.score(" ", ["a"]))


def test_max_tokens_caps_and_is_reported():
    with batched(FakePairs()) as batcher:
        scored = asyncio.run(batcher.score("q", ["one two three", "one"], max_tokens=2))
    assert scored.truncated == [True, False]
    assert scored.tokens == 5


def test_a_reranker_without_pairs_works_request_by_request():
    with batched(WordReranker()) as batcher:
        scored = asyncio.run(batcher.score("red cat", ["a red dog", "red cat", "blue"]))
        assert scored.scores == [0.5, 1.0, 0.0]
        with pytest.raises(InvalidInput, match="cannot cap"):
            asyncio.run(batcher.score("red", ["a long one"], max_tokens=3))


def test_a_reranker_that_is_not_pointwise_reads_the_whole_list_in_order():
    listwise = WordReranker()
    listwise.pointwise = False
    given_texts = [f"text {number} " + "word " * (number % 5) for number in range(100)]
    with batched(listwise, round_pairs=8) as batcher:
        asyncio.run(batcher.score("text", given_texts))
    assert listwise.calls == [("text", given_texts)]


def test_scores_are_those_of_the_model_in_process(tmp_path):
    model = CrossEncoder(str(tiny.cross_encoder(tmp_path)), precision="exact")
    queries = {f"query {word}": [f"{word} cat " * (n % 7) + "dog" for n in range(30)] for word in tiny.WORDS[5:]}

    async def run(batcher):
        return await asyncio.gather(*(batcher.score(query, given_texts) for query, given_texts in queries.items()))

    with batched(model) as batcher:
        results = asyncio.run(run(batcher))
    for (query, given_texts), scored in zip(queries.items(), results, strict=True):
        assert scored.scores == pytest.approx(model.score(query, given_texts), abs=0.01)


class Remote(WordReranker):
    """Another machine runs it. Calls for "slow" wait at the gate. `together` calls must run at the same time."""

    info = RerankerInfo("remote", pointwise=True, remote=True, max_concurrent=3)

    def __init__(self, together=None):
        super().__init__()
        self.together, self.gate = together, Gate()

    def score(self, query, texts):
        self.calls.append((query, list(texts)))
        if self.together is not None:
            self.together.wait(SECONDS)
        if query == "slow":
            self.gate.enter()
        return [float(len(text)) for text in texts]


def test_a_remote_reranker_gets_a_request_in_one_call_and_several_requests_side_by_side():
    lists = [texts(number, 100) for number in range(6)]
    remote, recorder = Remote(threading.Barrier(3)), Recorder()

    async def run(batcher):
        return await asyncio.gather(*(batcher.score(f"q{number}", texts) for number, texts in enumerate(lists)))

    with batched(remote, round_pairs=8, observer=recorder) as batcher:
        results = asyncio.run(run(batcher))
    assert [scored.scores for scored in results] == [[float(len(text)) for text in texts] for texts in lists]
    assert sorted(remote.calls) == [(f"q{number}", texts) for number, texts in enumerate(lists)]
    assert [(round.requests, round.pairs) for round in recorder.rounds] == [(1, 100)] * 6
    assert sorted(recorder.stages) == sorted(["tokenise", "wait", "score"] * 6)


def test_a_slow_remote_call_blocks_no_other_and_what_waits_is_bounded():
    remote, recorder = Remote(), Recorder()

    async def run(batcher):
        remote.gate.close()
        slow = [start(batcher, "slow", texts(number, 3)) for number in range(2)]
        await until(lambda: remote.gate.entered == 2)
        assert (await batcher.score("quick", ["ab"])).scores == [2.0]
        slow += [start(batcher, "slow", texts(number, 3)) for number in range(2)]
        await until(lambda: remote.gate.entered == 3 and batcher.waiting == 1)
        assert batcher.depth == 12
        with pytest.raises(QueueFull):
            await batcher.score("late", ["a"])
        slow[3].cancel()
        await until(slow[3].done)
        late = start(batcher, "late", ["abc"])
        await until(lambda: batcher.waiting == 1)
        closing_call = asyncio.get_running_loop().run_in_executor(None, batcher.close)
        remote.gate.open()
        results = await asyncio.gather(*slow[:3], late)
        await closing_call
        return results

    batcher = Batcher(remote, queue_pairs=12, observer=recorder)
    *slow, late = asyncio.run(run(batcher))
    assert [len(scored.scores) for scored in slow] == [3, 3, 3]
    assert late.scores == [3.0]
    assert (recorder.refusals, recorder.cancels, batcher.depth) == (1, 1, 0)
    assert not batcher.alive
