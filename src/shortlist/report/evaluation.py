"""The report of `evaluate`: every evaluation with both stages and the ceiling, and their comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shortlist.evaluation.evaluate import Comparison, Evaluation
from shortlist.evaluation.gate import RuleResult
from shortlist.evaluation.markdown import interval, measure_rows, of_its_stages, pair_cells, signed, times
from shortlist.evaluation.metrics.statistics import Paired
from shortlist.evaluation.tuning.recommend import ALPHA
from shortlist.report import plots
from shortlist.report.page import box, facts, page, paragraph, section, table
from shortlist.report.queries import ReportSource, worst_queries
from shortlist.wording import describe
from shortlist.wording.counting import counted


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Evaluations compared with each other and with a baseline, and the rules that were applied to the differences."""

    evaluations: Sequence[Comparison] = ()
    baseline: Sequence[tuple[str, Paired]] = ()
    rule_results: Sequence[RuleResult] = ()


NO_COMPARISONS = Comparisons()


def evaluation_page(
    evaluations: Sequence[Evaluation],
    sources: Sequence[ReportSource],
    comparisons: Comparisons = NO_COMPARISONS,
    written: str = "",
) -> str:
    """Return the page. `sources` has one source for each evaluation, in the same order. `written` is the date line.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    warnings = dict.fromkeys(describe(note) for evaluation in evaluations for note in evaluation.warnings)
    parts = [*(box("Warning:", f"{warning}.", "warning") for warning in warnings), *map(harm, evaluations)]
    parts += [_baseline(comparisons), _comparison(evaluations, comparisons)]
    for place, (evaluation, source) in enumerate(zip(evaluations, sources, strict=True)):
        label = "" if len(evaluations) == 1 else f"{evaluation.name}: "
        parts += settings_section(evaluation, label)
        parts += measured_sections(evaluation, source, f"e{place}", label)
    return page(f"Both stages measured on {evaluations[0].query_set}", written, parts)


def final_score(weights: Mapping[str, float]) -> str:
    """Return the formula of the final score, from the weights of the signals of stage one."""
    terms = " + ".join(f"{weight:g} x {name}" for name, weight in weights.items() if weight)
    return f"reranker's score + {terms}" if terms else "the reranker's score"


def settings_section(evaluation: Evaluation, label: str = "") -> list[str]:
    """Return the section with the query set, the pool size, and the facts about the search."""
    queries = f"{len(evaluation.outcomes)} of {evaluation.query_set}"
    rows = [("queries", queries), ("pool", evaluation.pool_size), *evaluation.about.items()]
    return [section(f"{label}Settings", facts(rows))]


def measured_sections(evaluation: Evaluation, source: ReportSource, name: str, label: str = "") -> list[str]:
    """Return the sections with the measures of both stages, queries won and lost, failures, and the worst queries."""
    figures = f"{plots.differences(name, evaluation)}{plots.failures(name, evaluation)}"
    return [
        section(f"{label}Both stages and the ceiling", _measures(evaluation), paragraph(_counts(evaluation), "quiet")),
        section(f"{label}Queries won and lost", f'<div class="figures">{figures}</div>'),
        section(f"{label}Worst queries", worst_queries(evaluation, source)),
    ]


def harm(evaluation: Evaluation) -> str:
    """Return a warning if reranking lowers the first measure, even if the loss may be chance, or an empty string."""
    measure = evaluation.measures[0]
    gain = evaluation.gain(measure)
    if gain.difference.mean >= 0 or not any(outcome.scored for outcome in evaluation.outcomes):
        return ""
    values = f"{evaluation.name}: {measure} {signed(gain.difference)} compared with stage one, p {gain.p:.4f}"
    if gain.p < ALPHA:
        label, advice = "Warning: reranking does harm here.", f"{values}. Search without reranking: rerank = false."
    else:
        label = "Warning: reranking gains nothing here."
        advice = f"{values}. The difference may be chance, and reranking costs time."
    return box(label, advice, "warning")


def _measures(evaluation: Evaluation) -> str:
    head = ("measure", "stage one [95 %]", "reranked [95 %]", "ceiling", "gain [95 %]", "won / lost / tied", "p")
    rows = [of_its_stages(evaluation, row) for row in measure_rows(evaluation)]
    caption = f"{counted(len(evaluation.outcomes), 'query')}, pool of {evaluation.pool_size}"
    return table(caption, of_its_stages(evaluation, head), rows)


def _counts(evaluation: Evaluation) -> str:
    """The recall of the pool, the times, and the counts of scored passages and skipped queries."""
    outcomes = evaluation.outcomes
    parts = [f"Recall of the pool, the ceiling of any reranker: {interval(evaluation.recall)}", *times(evaluation)]
    scored, truncated = (sum(getattr(outcome, name) for outcome in outcomes) for name in ("scored", "truncated"))
    if evaluation.reranks:
        parts.append(f"{counted(scored, 'passage')} scored, {truncated} of them cut to the reranker's window")
    skipped = sum(outcome.skipped is not None for outcome in outcomes)
    if skipped:
        parts.append(f"{counted(skipped, 'query')} in stage one's order, because the reranker skipped them")
    return "; ".join(parts) + "."


def _comparison(evaluations: Sequence[Evaluation], comparisons: Comparisons) -> str:
    if len(evaluations) < 2:
        return ""
    rows = [
        (f"{each.second} minus {each.first}", each.measure, *pair_cells(each.paired), f"{each.adjusted_p:.4f}")
        for each in comparisons.evaluations
    ]
    head = ("pair", "measure", "difference [95 %]", "won / lost / tied", "p", "p, Holm")
    pairs = table("Every pair, query by query", head, rows) if rows else ""
    return section("Comparison", f'<div class="figures">{plots.evaluations(evaluations)}</div>', pairs)


def _baseline(comparisons: Comparisons) -> str:
    if not comparisons.baseline:
        return ""
    rows = [(measure, *pair_cells(pair)) for measure, pair in comparisons.baseline]
    shown = table("Now minus the baseline", ("measure", "difference [95 %]", "won / lost / tied", "p"), rows)
    rules = [
        box("FAILED" if result.failed else "Passed", str(result), "warning" if result.failed else "note")
        for result in comparisons.rule_results
    ]
    return section("Against the baseline", shown, *rules)
