"""The certification of a mean loss: the Hoeffding-Bentkus bound for losses from 0 to 1."""

from __future__ import annotations

import math

from shortlist.errors import InvalidInput

_FINE = 1e-9


def hoeffding_bentkus(loss: float, queries: int, alpha: float) -> float:
    """Return the p value of "the true mean loss is above `alpha`", given the mean `loss` of independent queries.

    Each query's loss is from 0 to 1. A p value of at most delta certifies the level `alpha` with confidence 1 - delta,
    for any distribution. No queries give 1.

    Raises:
        InvalidInput: `alpha` is not above 0 and below 1, or `loss` is not from 0 to 1.

    Source:
        Bates, Angelopoulos, Lei, Malik and Jordan, "Distribution-free, risk-controlling prediction sets", Journal of
        the ACM 68(6), 2021 (arXiv 2101.02703), section 3.1; as a p value in Angelopoulos, Bates, Candes, Jordan and
        Lei, "Learn then test" (arXiv 2110.01052).
    """
    checked_level(alpha, "alpha")
    if not 0 <= loss <= 1:
        raise InvalidInput(f"a mean loss must be from 0 to 1, not {loss}")
    if queries < 1:
        return 1.0
    hoeffding = math.exp(-queries * _divergence(min(loss, alpha), alpha))
    # A product such as 50 x 0.14 is slightly above its whole number. It must not count as one more loss.
    most = math.ceil(queries * loss - 1e-9)
    return min(1.0, hoeffding, math.e * binomial_cdf(most, queries, alpha))


def least_queries(alpha: float, delta: float) -> int:
    """Return the fewest queries that certify `alpha` with confidence 1 - `delta` if no query has a loss."""
    return math.ceil(math.log(checked_level(delta, "delta")) / math.log(1 - checked_level(alpha, "alpha")) - 1e-9)


def certified_loss(queries: int, alpha: float, delta: float) -> float | None:
    """Return the largest mean loss of `queries` queries that certifies `alpha` with confidence 1 - `delta`.

    None: the queries are so few that not even a mean loss of 0 certifies `alpha`.
    """
    checked_level(delta, "delta")
    if hoeffding_bentkus(0.0, queries, alpha) > delta:
        return None
    low, high = 0.0, alpha
    while high - low > _FINE:
        middle = (low + high) / 2
        low, high = (middle, high) if hoeffding_bentkus(middle, queries, alpha) <= delta else (low, middle)
    return low


def binomial_cdf(most: int, trials: int, share: float) -> float:
    """Return the probability of at most `most` successes in `trials` trials, each with probability `share`."""
    if most >= trials:
        return 1.0
    logs = [
        math.lgamma(trials + 1)
        - math.lgamma(hits + 1)
        - math.lgamma(trials - hits + 1)
        + hits * math.log(share)
        + (trials - hits) * math.log1p(-share)
        for hits in range(most + 1)
    ]
    return min(1.0, math.fsum(map(math.exp, logs)))


def checked_level(value: float, name: str) -> float:
    """Return the value.

    Raises:
        InvalidInput: The value is not between 0 and 1. The message contains `name`.
    """
    if not 0 < value < 1:
        raise InvalidInput(f"{name} must be between 0 and 1, not {value}", field=name)
    return value


def _divergence(a: float, b: float) -> float:
    """The Kullback-Leibler divergence of Bernoulli(a) from Bernoulli(b)."""
    first = a * math.log(a / b) if a > 0 else 0.0
    second = (1 - a) * math.log((1 - a) / (1 - b)) if a < 1 else 0.0
    return first + second
