"""The halves of the queries."""

from shortlist.adapting.split import folds, halves
from shortlist.evaluation.query_sets.query_set import Judged

JUDGED = Judged("set", {f"q{n}": f"query {n}" for n in range(41)}, {f"q{n}": {"a": 1} for n in range(41)}, "passage")


def test_halves_are_apart_and_complete():
    fit, held = halves(JUDGED, 100)
    assert not set(fit.queries) & set(held.queries)
    assert set(fit.queries) | set(held.queries) == set(JUDGED.queries)
    assert (len(fit.queries), len(held.queries)) == (20, 21)
    assert set(fit.qrels) == set(fit.queries)


def test_the_order_of_the_file_does_not_change_the_halves():
    queries = dict(reversed(JUDGED.queries.items()))
    other = Judged("set", queries, JUDGED.qrels, "passage")
    assert [set(part.queries) for part in halves(other, 100)] == [set(part.queries) for part in halves(JUDGED, 100)]


def test_a_limit_keeps_a_part_of_each_half():
    few, many = halves(JUDGED, 15), halves(JUDGED, 100)
    assert [len(part.queries) for part in few] == [15, 15]
    assert all(set(small.queries) < set(large.queries) for small, large in zip(few, many, strict=True))


def test_folds_cover_the_queries():
    parts = folds(list(range(8)), 3)
    assert sorted(query for part in parts for query in part) == list(range(8))
    assert [len(part) for part in parts] == [3, 3, 2]
    assert folds([1], 3) == [[1]]
