"""Rules that fail a change, such as "nDCG@10 < -0.01" against a saved evaluation."""

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
    """A limit on the mean difference of a measure, now minus the baseline. The change fails if it is `sign` `bound`."""

    measure: str
    sign: str
    bound: float

    def __str__(self) -> str:
        return f"{self.measure} {self.sign} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule applied to the evaluation `name`: the paired difference, and whether the rule fails the change."""

    rule: Rule
    paired: Paired
    failed: bool
    name: str = ""

    def __str__(self) -> str:
        """The rule in words, such as "small: fail if nDCG@10 < -0.01"."""
        return f"{self.name}: fail if {self.rule}" if self.name else f"fail if {self.rule}"


def parse_rule(text: str) -> Rule:
    """Return the rule that `text` states.

    Raises:
        InvalidInput: The text is not a measure, a sign and a number.
    """
    match = _RULE.fullmatch(text)
    if match is None or not math.isfinite(float(match[3])):
        raise InvalidInput(
            f'the rule {text!r} cannot be read: write a measure, <, <=, > or >=, and a number, as in "nDCG@10 < -0.01"'
        )
    return Rule(str(parse(match[1])), match[2], float(match[3]))


def apply_rule(rule: Rule, evaluation: Evaluation, baseline: Evaluation) -> RuleResult:
    """Apply the rule to the mean difference of the final rankings, `evaluation` minus `baseline`.

    Raises:
        InvalidInput: The queries or judgments differ, or an evaluation lacks the measure.
    """
    paired = difference(evaluation, baseline, rule.measure)
    return RuleResult(rule, paired, _SIGNS[rule.sign](paired.difference.mean, rule.bound), evaluation.name)
