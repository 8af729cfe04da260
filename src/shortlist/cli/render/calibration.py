"""What was fitted on labelled queries, as tables."""

from __future__ import annotations

from rich.console import Console

from shortlist import config as settings
from shortlist.cli.render.evaluation import compact
from shortlist.evaluation.calibration.adaptive import Adaptive
from shortlist.evaluation.calibration.calibrate import Fitted
from shortlist.evaluation.calibration.probabilities import Calibrated
from shortlist.evaluation.metrics.reliability import best_threshold, calibration_error, reliability, thresholds


def fitted(out: Console, found: Fitted) -> None:
    """The adaptive pool and the probabilities, with how each did, and the lines for `shortlist.toml`."""
    if found.resumed:
        out.print(f"{found.resumed} queries were scored by an interrupted run")
    if found.declined:
        out.print(f"{found.declined} queries were left alone by the reranker and have no part in the fit")
    _pool(out, found.adaptive, found)
    _probabilities(out, found.calibrated)
    _lines(out, found)


def _lines(out: Console, found: Fitted) -> None:
    """What to put in `shortlist.toml`; a smallest probability only as a remark, since it leaves answers out."""
    scores = found.calibrated
    labelled = scores.labelled
    least = best_threshold(scores.held_out, labelled.labels, labelled.queries, beside=scores.shown_beside)
    out.print(f"\n# {settings.FILE}\n[search]", markup=False)
    if found.adaptive.certified:
        out.print('pool = "auto"', markup=False)
    out.print(
        f"# min-probability = {least.least:.3g}   best F1, {least.f1:.3f}; {least.silent} of "
        f'{found.queries - found.declined} queries would be told "no good answer"',
        markup=False,
        soft_wrap=True,
    )


def _pool(out: Console, made: Adaptive, found: Fitted) -> None:
    rule = made.rule
    out.print(f"\nadaptive pool, first {rule.k} of at most {rule.pool_size}", style="bold")
    if found.barren:
        out.print(f"  {found.barren} queries have nothing relevant and have no part in it")
    style = None if made.certified else "yellow"
    out.print(f"  {rule.promise}", style=style, markup=False, soft_wrap=True)
    if not made.certified:
        out.print("  the whole pool is scored", style=style)
        return
    out.print(
        f"  on these {made.queries} queries: {made.scored:.1f} of {made.whole:.1f} passages scored a query, mean loss "
        f"{made.loss:.4f} (up to {made.allowed:.4f} on them can be certified)",
        soft_wrap=True,
    )


def _probabilities(out: Console, made: Calibrated) -> None:
    labelled = made.labelled
    relevant, passages = int(labelled.labels.sum()), len(labelled.labels)
    out.print(f"\nprobability of relevance, by {made.method}", style="bold")
    out.print(
        f"  {relevant} relevant of {passages} scored passages; without a judgment, and counted as not relevant: "
        f"{labelled.unjudged}" + (f"; left out: {len(labelled.left_out)}" if len(labelled.left_out) else ""),
        soft_wrap=True,
    )
    losses = ", ".join(f"{name} {loss:.5f}" for name, loss in made.log_loss.items())
    out.print(f"  log loss on queries that a curve had not seen: {losses}", soft_wrap=True)
    bins = reliability(made.held_out, labelled.labels)
    table = compact("on queries that a curve had not seen")
    for name in ("probability", "passages", "said", "came true"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in bins:
        table.add_row(f"{one.low:.1f}-{one.high:.1f}", str(one.passages), f"{one.said:.3f}", f"{one.true:.3f}")
    out.print(table)
    out.print(f"expected calibration error {calibration_error(bins):.4f}\n")
    _thresholds(out, made)


def _thresholds(out: Console, made: Calibrated) -> None:
    table = compact("what a smallest probability leaves")
    for name in ("at least", "kept", "precision", "recall", "no answer", "right", "found"):
        table.add_column(name, justify="right", no_wrap=True)
    labelled = made.labelled
    for one in thresholds(made.held_out, labelled.labels, labelled.queries, beside=made.shown_beside):
        table.add_row(
            f"{one.least:g}",
            str(one.kept),
            _share(one.precision, one.kept),
            f"{one.recall:.3f}",
            str(one.silent),
            _share(one.silent_precision, one.silent),
            _share(one.silent_recall, one.barren),
        )
    out.print(table)
    out.print(
        "kept: passages of the scored pools; no answer: queries with nothing left; right: share of those with nothing "
        "relevant in the pool; found: share of all queries with nothing relevant that are told so; -: of none",
        style="dim",
        soft_wrap=True,
    )


def _share(value: float, of: int) -> str:
    """To three places; a dash for a share of nothing."""
    return f"{value:.3f}" if of else "-"
