"""What `shortlist evaluate` compares with: checked before anything is measured, held against it after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shortlist.cli.setups import SetUp, resolved
from shortlist.errors import InvalidInput
from shortlist.evaluation import saved
from shortlist.evaluation.evaluate import Evaluation, difference
from shortlist.evaluation.gate import Rule, Verdict, judge, parse_rule
from shortlist.evaluation.metrics.statistics import Paired
from shortlist.evaluation.query_sets.query_set import QuerySet


def parse_rules(fail_if: Sequence[str], baseline: Path | None) -> list[Rule]:
    """The rules of --fail-if.

    Raises:
        InvalidInput: One can't be read, or there is no baseline.
    """
    rules = [parse_rule(one) for one in fail_if]
    if rules and baseline is None:
        raise InvalidInput("--fail-if compares with a baseline: give --baseline FILE as well")
    return rules


def read(file: Path, names: Sequence[str], measures: Sequence[str], rules: Sequence[Rule]) -> list[Evaluation]:
    """The saved run of each set-up in `names`, in their order.

    Raises:
        InvalidInput: The file holds no saved run, none of that name, or one without a rule's measure or without any
            of `measures`.
    """
    held = saved.load(file)
    found = [_namesake(name, names, held) for name in names]
    for old in found:
        lacks = [rule.measure for rule in rules if rule.measure not in old.measures]
        if lacks:
            raise InvalidInput(
                f"--fail-if asks for {lacks[0]} and the baseline {file} lacks it: it holds {', '.join(old.measures)}"
            )
        if not set(measures) & set(old.measures):
            raise InvalidInput(
                f"the baseline {file} holds none of {', '.join(measures)}, so nothing can be compared: "
                f"it holds {', '.join(old.measures)}"
            )
    return found


def _namesake(name: str, names: Sequence[str], held: Sequence[Evaluation]) -> Evaluation:
    if len(names) == len(held) == 1:
        return held[0]
    named = [old for old in held if old.name == name]
    if not named:
        raise InvalidInput(f"the baseline holds no set-up {name!r}; it holds {', '.join(old.name for old in held)}")
    return named[0]


def check_queries(
    set_ups: Sequence[SetUp], made: QuerySet, before: Sequence[Evaluation], *, allow_unknown: bool
) -> None:
    """Does nothing where the set-ups and their baselines are measured on the same queries and judgments.

    Ids and snippets mean what the index of a set-up says, so every index is read. No model is loaded.

    Raises:
        InvalidInput: They differ; the message names the set-up. Or as `query_set.resolve`.
    """
    indexes = list(dict.fromkeys(one.index for one in set_ups))
    if len(indexes) == 1 and not before:
        return
    held = {index: resolved(index, made, allow_unknown=allow_unknown).fingerprint for index in indexes}
    for one in set_ups:
        if held[one.index] != held[indexes[0]]:
            raise InvalidInput(
                f"{made.name} does not judge the same in {indexes[0]} and in {one.index}, the index of set-up "
                f"{one.name!r}: set-ups can be compared where ids and snippets name the same passages or documents"
            )
    for one, old in zip(set_ups, before, strict=bool(before)):
        if held[one.index] != old.fingerprint:
            raise InvalidInput(
                f"the baseline was measured on {old.query_set} ({len(old.outcomes)} queries), and its queries or "
                f"judgments differ from those of {made.name} ({len(made.queries)} queries) in {one.index}: save it anew"
            )


def against(
    found: Sequence[Evaluation], before: Sequence[Evaluation], rules: Sequence[Rule]
) -> tuple[list[tuple[str, Paired]], list[Verdict]]:
    """Differences to the baseline by measure, and the rules applied; `before` holds each set-up's own, or nothing."""
    differences: list[tuple[str, Paired]] = []
    verdicts: list[Verdict] = []
    for one, old in zip(found, before, strict=bool(before)):
        alone = len(found) == 1
        applied = [judge(rule, one, old) for rule in rules]
        verdicts += [replace(verdict, set_up="") for verdict in applied] if alone else applied
        label = "" if alone else f"{one.name}: "
        shared = [name for name in one.measures if name in old.measures]
        differences += [(f"{label}{name}", difference(one, old, name)) for name in shared]
    return differences, verdicts
