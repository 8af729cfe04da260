"""Rows of a unit, and what happens if some fail."""

from __future__ import annotations

import pytest

from shortlist.errors import BadScores, HostedRefused, HostedUnavailable, InvalidInput
from shortlist.workers.rows import Failed, row_by_row


def doubled(bad, error, calls=None):
    """Work that doubles numbers, and raises an error if one of `bad` is among them."""

    def work(items):
        if calls is not None:
            calls.append(list(items))
        if bad & set(items):
            raise error
        return [2 * item for item in items]

    return work


def test_rows_without_a_fault_are_worked_on_together():
    calls = []
    assert row_by_row([1, 2, 3], doubled(set(), None, calls)) == [2, 4, 6]
    assert calls == [[1, 2, 3]]


def test_no_rows_do_no_work():
    assert row_by_row([], doubled(set(), None, calls := [])) == []
    assert calls == []


@pytest.mark.parametrize("bad", [{0}, {4}, {2, 3}, {0, 1, 2, 3, 4}])
def test_rows_that_fail_do_not_stop_the_others(bad):
    rows = row_by_row(range(5), doubled(bad, BadScores("NaN")))
    assert rows == [Failed("NaN") if number in bad else 2 * number for number in range(5)]


def test_an_error_of_another_package_has_its_class():
    assert row_by_row([7], doubled({7}, KeyError("place"))) == [Failed("KeyError: 'place'")]
    assert row_by_row([7], doubled({7}, InvalidInput("two\nlines"))) == [Failed("two lines")]


def test_a_service_that_does_not_answer_ends_the_run():
    with pytest.raises(HostedUnavailable):
        row_by_row([1, 2], doubled({2}, HostedUnavailable("no answer")))


def test_a_refused_row_fails_alone():
    assert row_by_row([1, 2, 3], doubled({1}, HostedRefused("too long"))) == [Failed("too long"), 4, 6]


def test_a_service_that_refuses_everything_ends_the_run_after_three_requests():
    calls = []
    with pytest.raises(HostedRefused):
        row_by_row([1, 2, 3, 4], doubled({1, 2, 3, 4}, HostedRefused("wrong key"), calls))
    assert calls == [[1, 2, 3, 4], [1], [4]]
