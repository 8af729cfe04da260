"""Evaluations as a short Markdown summary, for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.evaluation.evaluate import Comparison, Evaluation
from shortlist.evaluation.gate import RuleResult
from shortlist.evaluation.metrics.statistics import Estimate, Paired
from shortlist.wording import describe
from shortlist.wording.counting import counted


def summary(
    evaluations: Sequence[Evaluation],
    comparisons: Sequence[Comparison] = (),
    rule_results: Sequence[RuleResult] = (),
    differences: Sequence[tuple[str, Paired]] = (),
) -> str:
    """Return the summary: rules and differences to the baseline, one section for each evaluation, and comparisons."""
    sections = [_baseline(rule_results, differences), *map(_section, evaluations), _comparisons(comparisons)]
    return "\n\n".join(section for section in sections if section) + "\n"


def interval(estimate: Estimate) -> str:
    """Return mean and interval, such as 0.7120 [0.6800, 0.7440]."""
    return f"{estimate.mean:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"


def signed(estimate: Estimate) -> str:
    """Return mean and interval with signs, such as +0.0120 [-0.0030, +0.0270]."""
    return f"{estimate.mean:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}]"


def pair_cells(pair: Paired) -> tuple[str, str, str]:
    """Return the difference with its interval, the queries won, lost and tied, and the p value."""
    return signed(pair.difference), f"{pair.wins} / {pair.losses} / {pair.ties}", f"{pair.p:.4f}"


def of_its_stages(evaluation: Evaluation, cells: Sequence[str]) -> list[str]:
    """Return the cells of a row of measures, or those of stage one alone if the search has no reranker.

    A row begins with the name of the measure, stage one, reranked and ceiling.
    """
    return list(cells) if evaluation.reranks else [cells[0], cells[1], cells[3]]


def measure_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """Return a row for each measure: its name, stage one, reranked, ceiling, gain, queries won, lost and tied, p."""
    return [
        (
            measure,
            interval(evaluation.estimate("stage one", measure)),
            interval(evaluation.estimate("reranked", measure)),
            f"{evaluation.estimate('ceiling', measure).mean:.4f}",
            *pair_cells(evaluation.gain(measure)),
        )
        for measure in evaluation.measures
    ]


def times(evaluation: Evaluation) -> list[str]:
    """Return the times of each stage, such as "retrieve p50 3 ms, p95 9 ms". Empty if the times are unknown."""
    if not any(outcome.seconds for outcome in evaluation.outcomes):
        return []
    seconds = evaluation.seconds
    return [
        f"{stage} p50 {seconds(stage, 0.5) * 1000:.0f} ms, p95 {seconds(stage, 0.95) * 1000:.0f} ms"
        for stage in (("retrieve", "rerank") if evaluation.reranks else ("retrieve",))
    ]


def _section(evaluation: Evaluation) -> str:
    name, query_set = _cell(evaluation.name), _cell(evaluation.query_set)
    head = ("measure", "stage one", "reranked", "best order of the pool", "gain", "won / lost / tied")
    lines = [
        f"### {name}: {query_set}, {counted(len(evaluation.outcomes), 'query')}, pool of {evaluation.pool_size}",
        "",
        *_table(
            of_its_stages(evaluation, head),
            [of_its_stages(evaluation, row[:-1]) for row in measure_rows(evaluation)],
        ),
    ]
    split = ", ".join(f"{count} {kind}" for kind, count in evaluation.failures.items() if count)
    median = "; ".join(times(evaluation)).replace(" p50", "")
    lines += [
        "",
        f"Recall of the pool, the ceiling of any reranker: {interval(evaluation.recall)}."
        + f" Median {median}." * bool(median),
        f"Queries: {split}.",
    ]
    for note in evaluation.warnings:
        lines += ["", f"**Warning:** {describe(note)}."]
    return "\n".join(lines)


def _comparisons(comparisons: Sequence[Comparison]) -> str:
    if not comparisons:
        return ""
    head = ("second minus first", "measure", "difference", "won / lost / tied", "p", "p, corrected")
    rows = [
        (f"{each.second} - {each.first}", each.measure, *pair_cells(each.paired), f"{each.adjusted_p:.4f}")
        for each in comparisons
    ]
    return "\n".join(["### Comparison", "", *_table(head, rows)])


def _baseline(rule_results: Sequence[RuleResult], differences: Sequence[tuple[str, Paired]]) -> str:
    if not differences and not rule_results:
        return ""
    failed = any(result.failed for result in rule_results)
    head = "failed" if failed else "passed" if rule_results else "no rule given"
    table = _table(
        ("measure", "now minus baseline", "won / lost / tied", "p"),
        [(measure, *pair_cells(pair)) for measure, pair in differences],
    )
    lines = [f"### Against the baseline: {head}", "", *table]
    lines += [""] if rule_results else []
    for result in rule_results:
        name = f"{_cell(result.name)}: " if result.name else ""
        lines.append(f"- {'FAILED' if result.failed else 'passed'}: {name}fail if `{result.rule}`")
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in (head, *rows)]
    return [lines[0], f"|{'---|' * len(head)}", *lines[1:]]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
