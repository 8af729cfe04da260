"""The fits of a calibration as tables, and the lines for `shortlist.toml`."""

from __future__ import annotations

from rich.console import Console

from shortlist.cli.console import say
from shortlist.cli.render.tables import compact, show
from shortlist.config import FILE
from shortlist.evaluation.calibration.adaptive import StopRuleFit
from shortlist.evaluation.calibration.calibrate import FittedRules
from shortlist.evaluation.calibration.gate import GateFit
from shortlist.evaluation.calibration.probabilities import ProbabilityFit
from shortlist.evaluation.metrics.reliability import best_threshold, calibration_error, reliability, thresholds
from shortlist.wording import describe
from shortlist.wording.counting import counted


def fitted(out: Console, rules: FittedRules) -> None:
    """Print the stop rule and the probabilities, the quality of each, and the lines for `shortlist.toml`."""
    if rules.resumed:
        say(out, f"{counted(rules.resumed, 'query')} scored by an interrupted run")
    if rules.skipped:
        say(out, f"{counted(rules.skipped, 'query')} skipped by the reranker and left out of the fit")
    _stop_rule(out, rules.stop_rule, rules.without_relevant)
    _gate(out, rules.gate)
    _probabilities(out, rules.probabilities)
    _lines(out, rules)


def _lines(out: Console, rules: FittedRules) -> None:
    """Print the lines for `shortlist.toml`. A limit removes hits from answers, so `min_probability` is a comment."""
    curve = rules.probabilities
    data = curve.labelled
    best = best_threshold(curve.held_out, data.labels, data.queries, unlabelled=curve.unlabelled)
    say(out, f"\n# {FILE}\n[search]")
    if rules.stop_rule.certified:
        say(out, 'pool_size = "auto"')
    if rules.gate.certified:
        say(out, "gate = true")
    say(
        out,
        f"# min_probability = {best.least:.3g}   best F1, {best.f1:.3f}; {best.silent} of "
        f'{counted(rules.queries - rules.skipped, "query")} would get "no good answer"',
    )


def _stop_rule(out: Console, fit: StopRuleFit, without_relevant: int) -> None:
    rule = fit.rule
    say(out, f"\nadaptive pool, first {rule.top_k} of at most {rule.pool_size}", "bold")
    if without_relevant:
        say(out, f"  {counted(without_relevant, 'query')} with nothing relevant, left out of the fit")
    style = None if fit.certified else "yellow"
    say(out, f"  {describe(fit.note)}", style)
    if not fit.certified:
        say(out, "  the whole pool is scored", style)
        return
    say(
        out,
        f"  on these {counted(fit.queries, 'query')}: {fit.scored:.1f} of {fit.whole:.1f} passages scored per query, "
        f"mean loss {fit.loss:.4f} (a loss of up to {fit.allowed:.4f} can be certified)",
    )


def _gate(out: Console, fit: GateFit) -> None:
    say(out, "\ngate: skip stage two if stage one is sure", "bold")
    say(out, f"  {describe(fit.note)}", None if fit.certified else "yellow")


def _probabilities(out: Console, fit: ProbabilityFit) -> None:
    data = fit.labelled
    relevant, passages = int(data.labels.sum()), len(data.labels)
    say(out, f"\nprobability of relevance, by {fit.method}", "bold")
    left_out = f"; left out: {len(data.left_out)}" if len(data.left_out) else ""
    say(
        out,
        f"  {relevant} relevant of {passages} scored passages; without a judgment, and counted as not relevant: "
        f"{data.unjudged}{left_out}",
    )
    losses = ", ".join(f"{name} {loss:.5f}" for name, loss in fit.log_loss.items())
    say(out, f"  log loss on unseen queries: {losses}")
    bins = reliability(fit.held_out, data.labels)
    table = compact("on unseen queries", numbers=("probability", "passages", "predicted", "relevant"))
    for row in bins:
        table.add_row(f"{row.low:.1f}-{row.high:.1f}", str(row.passages), f"{row.predicted:.3f}", f"{row.relevant:.3f}")
    show(out, table)
    say(out, f"expected calibration error {calibration_error(bins):.4f}\n")
    _thresholds(out, fit)


def _thresholds(out: Console, fit: ProbabilityFit) -> None:
    names = ("at least", "kept", "precision", "recall", "no answer", "right", "covered")
    table = compact("the effect of a smallest probability", numbers=names)
    data = fit.labelled
    for row in thresholds(fit.held_out, data.labels, data.queries, unlabelled=fit.unlabelled):
        table.add_row(
            f"{row.least:g}",
            str(row.kept),
            _share(row.precision, row.kept),
            f"{row.recall:.3f}",
            str(row.silent),
            _share(row.silent_precision, row.silent),
            _share(row.silent_recall, row.barren),
        )
    show(out, table)
    say(
        out,
        "kept: passages of the scored pools; no answer: queries without a result; right: share of these queries with "
        "nothing relevant in the pool; covered: share of the queries with nothing relevant that get no answer; "
        "-: no such queries or passages",
        "dim",
    )


def _share(value: float, total: int) -> str:
    """Return the share with three decimal places, or a dash if `total` is 0."""
    return f"{value:.3f}" if total else "-"
