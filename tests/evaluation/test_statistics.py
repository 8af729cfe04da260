from __future__ import annotations

import itertools
from math import erf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.statistics import estimate, holm, paired, permutation_p, quantile


def test_an_interval_holds_its_mean_and_is_seeded():
    values = np.random.default_rng(0).random(80)
    result = estimate(values)
    assert result == estimate(values)
    assert result.low < result.mean < result.high
    assert result.mean == pytest.approx(values.mean())
    assert result.high - result.low == pytest.approx(2 * 1.96 * values.std() / 80**0.5, rel=0.1)


def test_intervals_cover_the_true_mean_about_as_often_as_they_say():
    drawn = np.random.default_rng(1).normal(0.3, 1.0, size=(300, 60))
    covered = sum(each.low <= 0.3 <= each.high for each in map(estimate, drawn))
    assert 0.90 <= covered / 300 <= 0.98


def test_few_differences_are_counted_exactly():
    changes = [0.3, -0.1, 0.2, 0.4, 0.0]
    reached = [
        abs(sum(sign * change for sign, change in zip(signs, changes, strict=True))) >= abs(sum(changes)) - 1e-12
        for signs in itertools.product((1, -1), repeat=5)
    ]
    assert permutation_p(changes) == pytest.approx(sum(reached) / 32)


def test_many_differences_come_close_to_the_normal_answer():
    changes = np.random.default_rng(2).normal(0.2, 1.0, 100)
    z = changes.sum() / np.sqrt((changes**2).sum())
    expected = 1 - erf(z / 2**0.5)
    assert permutation_p(changes) == pytest.approx(expected, abs=0.02)


def test_no_difference_is_no_evidence_and_a_large_one_is():
    assert permutation_p([0.0] * 50) == 1.0
    assert permutation_p([1.0] * 50) == pytest.approx(1 / 10_001)


def test_under_no_effect_small_p_values_are_rare():
    drawn = np.random.default_rng(3).normal(0.0, 1.0, size=(200, 20))
    assert sum(permutation_p(row) < 0.05 for row in drawn) / 200 <= 0.09


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_holm_never_lowers_and_keeps_the_order(values):
    result = holm(values)
    assert all(after >= before for after, before in zip(result, values, strict=True))
    order = sorted(range(len(values)), key=lambda i: values[i])
    assert [result[i] for i in order] == sorted(result)


def test_paired_counts_and_keeps_the_sign():
    result = paired([0.5, 0.5, 1.0], [0.5, 0.0, 1.5])
    assert (result.wins, result.losses, result.ties) == (1, 1, 1)
    assert result.difference.mean == pytest.approx(0.0)
    assert paired([1, 1], [0, 0]).difference.mean == 1.0


@pytest.mark.parametrize("call", [lambda: estimate([1.0]), lambda: permutation_p([]), lambda: paired([1], [1])])
def test_too_few_queries(call):
    with pytest.raises(InvalidInput, match="judge at least 2"):
        call()


def test_bad_arguments():
    with pytest.raises(InvalidInput, match="cannot be paired"):
        paired([1, 2], [1, 2, 3])
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        estimate([1, 2], level=95)


def test_quantiles():
    assert quantile([1, 2, 3], 0.5) == 2
    assert quantile([], 0.95) == 0.0
