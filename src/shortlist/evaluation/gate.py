"""A rule that fails a change: "nDCG@10 < -0.01" against a saved run."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import Evaluation, difference
from shortlist.evaluation.metrics.measures import parse
from shortlist.evaluation.metrics.statistics import Paired

_RULE = re.compile(r"\s*(\S+?)\s*(<=|>=|<|>)\s*([+-]?\d*\.?\d+)\s*")
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """The mean difference of a measure, now minus the baseline, that must not stand in this relation to `bound`."""

    measure: str
    sign: str
    bound: float

    def __str__(self) -> str:
        return f"{self.measure} {self.sign} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule applied to a set-up: the paired difference, and whether the rule fails the change."""

    rule: Rule
    paired: Paired
    failed: bool
    set_up: str = ""

    def __str__(self) -> str:
        """What was asked, as in "small: fail if nDCG@10 < -0.01"."""
        return f"{self.set_up}: fail if {self.rule}" if self.set_up else f"fail if {self.rule}"


def parse_rule(text: str) -> Rule:
    """The rule that `text` states.

    Raises:
        InvalidInput: It is not a measure, a sign and a number.
    """
    found = _RULE.fullmatch(text)
    if found is None or not math.isfinite(float(found[3])):
        raise InvalidInput(
            f'rule {text!r} can\'t be read: write a measure, <, <=, > or >=, and a number: "nDCG@10 < -0.01"'
        )
    return Rule(str(parse(found[1])), found[2], float(found[3]))


def judge(rule: Rule, now: Evaluation, baseline: Evaluation) -> Verdict:
    """The rule applied to the mean difference of final rankings, now minus baseline.

    Raises:
        InvalidInput: They were measured on other queries or judgments, or lack the measure.
    """
    found = difference(now, baseline, rule.measure)
    return Verdict(rule, found, _SIGNS[rule.sign](found.difference.mean, rule.bound), now.name)
