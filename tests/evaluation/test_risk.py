from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.evaluation.calibration.risk import binomial_cdf, certified_loss, hoeffding_bentkus, least_queries


@pytest.mark.parametrize(("trials", "share"), [(1, 0.5), (7, 0.05), (40, 0.3)])
def test_the_binomial_sum_is_counted_term_by_term(trials, share):
    for most in range(trials + 1):
        expected = sum(math.comb(trials, n) * share**n * (1 - share) ** (trials - n) for n in range(most + 1))
        assert binomial_cdf(most, trials, share) == pytest.approx(expected, abs=1e-12)


def test_the_bound_by_hand():
    # 100 queries without any loss: Hoeffding gives (1 - alpha)^n, Bentkus e times that.
    assert hoeffding_bentkus(0.0, 100, 0.05) == pytest.approx(0.95**100)
    # 20 queries, mean loss .1, level .3: exp(-n h1) against e P(Bin(20, .3) <= 2).
    h1 = 0.1 * math.log(0.1 / 0.3) + 0.9 * math.log(0.9 / 0.7)
    bentkus = math.e * sum(math.comb(20, n) * 0.3**n * 0.7 ** (20 - n) for n in range(3))
    assert hoeffding_bentkus(0.1, 20, 0.3) == pytest.approx(min(math.exp(-20 * h1), bentkus))


def test_no_queries_and_a_loss_above_the_level_certify_nothing():
    assert hoeffding_bentkus(0.0, 0, 0.05) == 1.0
    assert hoeffding_bentkus(0.2, 1000, 0.1) == 1.0


@given(st.integers(1, 400), st.floats(0.01, 0.5), st.floats(0, 1), st.floats(0, 1))
def test_more_loss_is_never_easier_to_certify(queries, alpha, first, second):
    low, high = sorted([first, second])
    assert hoeffding_bentkus(low, queries, alpha) <= hoeffding_bentkus(high, queries, alpha) + 1e-12


@pytest.mark.parametrize(("alpha", "delta"), [(0.05, 0.05), (0.1, 0.1), (0.02, 0.05), (0.5, 0.25)])
def test_the_fewest_queries_are_the_first_that_can_certify(alpha, delta):
    fewest = least_queries(alpha, delta)
    assert certified_loss(fewest - 1, alpha, delta) is None
    allowed = certified_loss(fewest, alpha, delta)
    assert allowed is not None
    assert hoeffding_bentkus(allowed, fewest, alpha) <= delta


def test_the_allowed_loss_is_the_largest():
    allowed = certified_loss(300, 0.05, 0.05)
    assert allowed is not None
    assert hoeffding_bentkus(allowed, 300, 0.05) <= 0.05 < hoeffding_bentkus(allowed + 1e-6, 300, 0.05)


def test_the_bound_holds_for_coin_losses_at_the_level():
    """Losses of 0 or 1 whose true mean is alpha: a false certificate in at most delta of the draws."""
    alpha, delta, queries, draws = 0.1, 0.1, 120, 3000
    means = np.random.default_rng(0).binomial(queries, alpha, draws) / queries
    wrong = sum(hoeffding_bentkus(float(mean), queries, alpha) <= delta for mean in means)
    assert 0 < wrong <= delta * draws


@pytest.mark.parametrize(("alpha", "delta"), [(0, 0.05), (1, 0.05), (0.05, 0), (0.05, 1.5)])
def test_levels_lie_between_0_and_1(alpha, delta):
    with pytest.raises(InvalidInput, match="must be between 0 and 1"):
        least_queries(alpha, delta)
    with pytest.raises(InvalidInput, match="must be between 0 and 1"):
        certified_loss(100, alpha, delta)


def test_a_loss_is_a_share():
    with pytest.raises(InvalidInput, match="from 0 to 1"):
        hoeffding_bentkus(1.2, 10, 0.1)
