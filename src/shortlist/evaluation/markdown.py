"""Evaluations as a short Markdown summary, for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.evaluation.evaluate import Comparison, Evaluation
from shortlist.evaluation.gate import Verdict
from shortlist.evaluation.metrics.statistics import Estimate, Paired


def summary(
    evaluations: Sequence[Evaluation],
    comparisons: Sequence[Comparison] = (),
    verdicts: Sequence[Verdict] = (),
    differences: Sequence[tuple[str, Paired]] = (),
) -> str:
    """One section a set-up, the comparisons, and the difference to a baseline by measure with what failed."""
    parts = [_verdicts(verdicts, differences), *(_section(one) for one in evaluations), _comparisons(comparisons)]
    return "\n\n".join(part for part in parts if part) + "\n"


def interval(found: Estimate) -> str:
    """Mean and interval, as in 0.7120 [0.6800, 0.7440]."""
    return f"{found.mean:.4f} [{found.low:.4f}, {found.high:.4f}]"


def signed(found: Estimate) -> str:
    """The same with signs, as in +0.0120 [-0.0030, +0.0270]."""
    return f"{found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


def _section(one: Evaluation) -> str:
    lines = [
        f"### {_cell(one.name)}: {_cell(one.query_set)}, {len(one.outcomes)} queries, pool of {one.pool_size}",
        "",
        "| measure | stage one | reranked | best order of the pool | gain | won / lost / tied |",
        "|---|---|---|---|---|---|",
    ]
    for measure in one.measures:
        gain = one.gain(measure)
        lines.append(
            f"| {measure} | {interval(one.estimate('stage one', measure))} | "
            f"{interval(one.estimate('reranked', measure))} | {one.estimate('ceiling', measure).mean:.4f} | "
            f"{signed(gain.difference)} | {gain.wins} / {gain.losses} / {gain.ties} |"
        )
    split = ", ".join(f"{count} {kind}" for kind, count in one.failures.items() if count)
    timed = ("retrieve", "rerank") if any(outcome.seconds for outcome in one.outcomes) else ()
    times = "; ".join(
        f"{stage} {one.seconds(stage, 0.5) * 1000:.0f} ms, p95 {one.seconds(stage, 0.95) * 1000:.0f} ms"
        for stage in timed
    )
    lines += [
        "",
        f"Recall of the pool, the ceiling of any reranker: {interval(one.recall)}." + f" Median {times}." * bool(times),
        f"Queries: {split}.",
    ]
    lines += ["", f"**Warning:** {one.warning}."] if one.warning else []
    return "\n".join(lines)


def _comparisons(found: Sequence[Comparison]) -> str:
    if not found:
        return ""
    lines = [
        "### Set-ups compared",
        "",
        "| second minus first | measure | difference | won / lost / tied | p | p, corrected |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {_cell(one.second)} - {_cell(one.first)} | {one.measure} | {signed(one.paired.difference)} | "
        f"{one.paired.wins} / {one.paired.losses} / {one.paired.ties} | {one.paired.p:.4f} | {one.adjusted_p:.4f} |"
        for one in found
    ]
    return "\n".join(lines)


def _verdicts(verdicts: Sequence[Verdict], differences: Sequence[tuple[str, Paired]]) -> str:
    if not differences and not verdicts:
        return ""
    failed = [one for one in verdicts if one.failed]
    head = "failed" if failed else "passed" if verdicts else "no rule given"
    lines = [f"### Against the baseline: {head}", "", "| measure | now minus baseline | won / lost / tied | p |"]
    lines.append("|---|---|---|---|")
    lines += [
        f"| {_cell(measure)} | {signed(pair.difference)} | {pair.wins} / {pair.losses} / {pair.ties} | {pair.p:.4f} |"
        for measure, pair in differences
    ]
    lines += [""] if verdicts else []
    for one in verdicts:
        name = f"{_cell(one.set_up)}: " if one.set_up else ""
        lines.append(f"- {'FAILED' if one.failed else 'passed'}: {name}fail if `{one.rule}`")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
