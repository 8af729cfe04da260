from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.server.batching.batcher import ROUND_PAIRS, ROUND_TOKENS
from shortlist.server.batching.fair_queue import FairQueue, Job


def job(lengths, *, whole=False):
    new = Job("q", ["text"] * len(lengths), whole=whole)
    new.ready(lengths, lengths, [False] * len(lengths))
    return new


def drained(queue, tokens, pairs):
    rounds = []
    while pieces := queue.take(tokens, pairs):
        rounds.append(pieces)
    return rounds


@given(
    st.lists(st.lists(st.integers(1, 512), max_size=40), max_size=12),
    st.integers(1, 4000),
    st.integers(1, 64),
    st.integers(1, 1000),
)
def test_every_pair_is_taken_once_and_rounds_keep_their_bounds(requests, tokens, pairs, turn):
    queue, jobs = FairQueue(turn), [job(lengths) for lengths in requests]
    for request in jobs:
        queue.add(request)
    taken = {request: [] for request in jobs}
    for pieces in drained(queue, tokens, pairs):
        assert len({piece.job for piece in pieces}) == len(pieces)
        lengths = [piece.job.lengths[place] for piece in pieces for place in piece.places]
        assert 1 <= len(lengths) <= pairs
        assert sum(lengths) - max(lengths) < tokens  # over by one pair at most
        for piece in pieces:
            taken[piece.job].extend(piece.places)
    assert all(sorted(places) == list(range(len(request.work))) for request, places in taken.items())
    assert len(queue) == 0


def test_a_short_request_is_done_in_the_first_round_after_a_long_one():
    queue, long, short = FairQueue(), job([60] * 1000), job([60] * 5)
    queue.add(long)
    queue.take(8192, 64)
    queue.add(short)
    pieces = queue.take(8192, 64)
    assert next(len(piece.places) for piece in pieces if piece.job is short) == 5
    assert sum(len(piece.places) for piece in pieces) == 64


def test_equal_requests_advance_together():
    queue, jobs = FairQueue(turn_tokens=100), [job([50] * 100) for _ in range(8)]
    for request in jobs:
        queue.add(request)
    for _ in range(10):
        queue.take(800, 16)
    left = [len(request.waiting) for request in jobs]
    assert max(left) - min(left) <= 2


def test_a_job_that_must_be_whole_is_taken_whole():
    queue, whole = FairQueue(turn_tokens=10), job([50] * 100, whole=True)
    queue.add(whole)
    (piece,) = queue.take(20, 2)
    assert len(piece.places) == 100


def test_a_discarded_job_is_not_taken():
    queue, gone, kept = FairQueue(), job([5] * 3), job([5] * 3)
    queue.add(gone)
    queue.add(kept)
    queue.discard(gone)
    assert [piece.job for piece in queue.take(1000, 100)] == [kept]


@pytest.mark.parametrize("place", range(50))
def test_turns_do_not_depend_on_the_order_in_which_requests_arrive(place):
    """One long request among 49 short ones. Between two turns of a request, each other one has one turn at most."""
    queue = FairQueue()
    for number in range(50):
        count, length = (300, 62) if number == place else (20, 5)
        job = Job(str(number), ["a"] * count)
        job.ready([None] * count, [length] * count, [False] * count)
        queue.add(job)
    rounds = []
    while pieces := queue.take(ROUND_TOKENS, ROUND_PAIRS):
        rounds.append({piece.job.query for piece in pieces})
    turns = {str(number): [at for at, served in enumerate(rounds) if str(number) in served] for number in range(50)}
    for own in turns.values():
        for start, end in pairwise([-1, *own]):
            between = Counter(other for served in rounds[start + 1 : end] for other in served)
            assert max(between.values(), default=0) <= 1
    assert turns[str(place)][-1] > max(own[-1] for query, own in turns.items() if query != str(place))
