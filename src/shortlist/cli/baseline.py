"""The baseline of `shortlist evaluate`: checked before anything is measured, compared afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shortlist.cli.setups import Judging, SetUp, judged_in
from shortlist.errors import InvalidInput
from shortlist.evaluation import saved
from shortlist.evaluation.evaluate import Evaluation, difference
from shortlist.evaluation.gate import Rule, RuleResult, apply_rule, parse_rule
from shortlist.evaluation.metrics.statistics import Paired
from shortlist.wording.counting import counted


def parse_rules(options: Sequence[str], baseline: Path | None) -> list[Rule]:
    """Return the rules of --fail-if.

    Raises:
        InvalidInput: A rule cannot be read, or there is no baseline.
    """
    rules = [parse_rule(option) for option in options]
    if rules and baseline is None:
        raise InvalidInput("--fail-if compares with a baseline: give --baseline FILE, too")
    return rules


def read(file: Path, names: Sequence[str], measures: Sequence[str], rules: Sequence[Rule]) -> list[Evaluation]:
    """Return the saved evaluation of each set-up in `names`, in their order.

    Raises:
        InvalidInput: The file has no saved evaluation of that name, or the evaluation lacks the measure of a rule, or
            has none of `measures`.
    """
    evaluations = saved.load(file)
    before = [_namesake(name, names, evaluations) for name in names]
    for evaluation in before:
        known = ", ".join(evaluation.measures)
        missing = [rule.measure for rule in rules if rule.measure not in evaluation.measures]
        if missing:
            raise InvalidInput(f"--fail-if needs {missing[0]}, and the baseline {file} lacks it: it has {known}")
        if not set(measures) & set(evaluation.measures):
            raise InvalidInput(
                f"the baseline {file} has none of {', '.join(measures)}, so nothing can be compared: it has {known}"
            )
    return before


def _namesake(name: str, names: Sequence[str], evaluations: Sequence[Evaluation]) -> Evaluation:
    if len(names) == len(evaluations) == 1:
        return evaluations[0]
    for evaluation in evaluations:
        if evaluation.name == name:
            return evaluation
    known = ", ".join(evaluation.name for evaluation in evaluations)
    raise InvalidInput(f"the baseline has no set-up {name!r}; it has {known}")


def check_queries(set_ups: Sequence[SetUp], judging: Judging, before: Sequence[Evaluation]) -> None:
    """Check that the set-ups and their baselines are measured on the same queries and judgments.

    What ids and snippets mean depends on the passages of a set-up, so the passages of every index and retriever are
    read. If a retriever cannot list its passages, it is searched for every query. No reranker is loaded.

    Raises:
        InvalidInput: They differ; the message names the set-up. Or as `query_set.resolve`.
    """
    subjects = {set_up.subject: set_up for set_up in reversed(set_ups)}
    if len(subjects) == 1 and not before:
        return
    queries, first = judging.queries, set_ups[0].subject
    prints = {subject: judged_in(set_up, judging)[0].fingerprint for subject, set_up in subjects.items()}
    for set_up in set_ups:
        if prints[set_up.subject] != prints[first]:
            raise InvalidInput(
                f"{queries.name} does not judge the same in {first} and in {set_up.subject}, which set-up "
                f"{set_up.name!r} searches: ids and snippets must name the same passages or documents in both"
            )
    for set_up, evaluation in zip(set_ups, before, strict=bool(before)):
        if prints[set_up.subject] != evaluation.fingerprint:
            raise InvalidInput(
                f"the baseline was measured on {evaluation.query_set} ({counted(len(evaluation.outcomes), 'query')}), "
                f"and its queries or judgments differ from those of {queries.name} "
                f"({counted(len(queries.queries), 'query')}) in {set_up.subject}: save it again"
            )


def compared(
    evaluations: Sequence[Evaluation], before: Sequence[Evaluation], rules: Sequence[Rule]
) -> tuple[list[tuple[str, Paired]], list[RuleResult]]:
    """Return the differences to the baseline by measure, and the results of the rules.

    `before` has the baseline of each set-up, or nothing.
    """
    differences: list[tuple[str, Paired]] = []
    results: list[RuleResult] = []
    single = len(evaluations) == 1
    for evaluation, baseline in zip(evaluations, before, strict=bool(before)):
        applied = [apply_rule(rule, evaluation, baseline) for rule in rules]
        results += [replace(result, name="") for result in applied] if single else applied
        label = "" if single else f"{evaluation.name}: "
        shared = [name for name in evaluation.measures if name in baseline.measures]
        differences += [(f"{label}{name}", difference(evaluation, baseline, name)) for name in shared]
    return differences, results
