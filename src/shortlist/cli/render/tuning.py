"""A tuning as a table, a curve and sentences."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from shortlist.cli.console import say
from shortlist.cli.render.tables import compact, gain_of, show
from shortlist.evaluation.metrics.statistics import paired
from shortlist.evaluation.tuning.latency import FEWEST_FOR_P95
from shortlist.evaluation.tuning.tune import Tuning
from shortlist.wording import describe
from shortlist.wording.counting import counted
from shortlist.wording.measuring import rule_name

BAR = 16
WIDE = 100


def tuning(out: Console, result: Tuning) -> None:
    """Print the curve, the choice of each rule and its check, the fusion weight, the threshold and warnings."""
    _curve(out, result)
    _method(out, result)
    _picks(out, result)
    _fusion(out, result)
    _threshold(out, result)
    reasons = [pick.reason for pick in result.picks]  # already printed
    for note in (note for note in result.warnings if note not in reasons):
        say(out, f"warning: {describe(note)}", "yellow")
    if result.undecided is not None:
        say(out, f"recommended: nothing; {describe(result.undecided)}", "bold")
    elif not result.rerank:
        say(out, f"recommended: no reranking{_loss(result)}", "bold")
    else:
        say(out, f"recommended: pool {result.recommended.size}, by {rule_name(result.recommended.rule)}", "bold")
        for level in result.efforts:
            quality = f"{level.measure} {level.value:.3f} on the other half, {level.seconds * 1000:.0f} ms"
            say(out, f"  effort {level.name}: pool {level.size}, {quality}")


def _loss(result: Tuning) -> str:
    """Return what no reranking loses because of the time budget, or an empty string."""
    values = next((note.values for note in result.warnings if note.code == "lost_to_budget"), None)
    if values is None:
        return ""
    return f", which loses {values['lost']:.4f} {result.measure}: no pool is within the budget"


def _curve(out: Console, result: Tuning) -> None:
    curve, measure = result.curve, result.measure
    names = list(curve.reranked)
    wide = out.width >= WIDE
    table = compact(f"{counted(len(curve.query_ids), 'query')}, blend {result.blend:g}")
    for name in ("pool", "ceiling", *names, "gain [95 %]", "p50", "p95"):
        table.add_column(name, justify="right", no_wrap=name not in names)
    if wide:
        table.add_column(measure, no_wrap=True)
    means = curve.means(measure)
    highest = max(float(means.max()), float(curve.stage_one[measure].mean()), 1e-9)
    stage_one = [float(curve.stage_one[name].mean()) for name in names]
    bars = [_bar(stage_one[0], highest)] if wide else []
    table.add_row("none", "", *(f"{mean:.3f}" for mean in stage_one), "", "", "", *bars)
    for place, size in enumerate(curve.sizes):
        gain = paired(curve.reranked[measure][place], curve.stage_one[measure]).difference
        latency = result.latency[size]
        table.add_row(
            f"[bold]{size}[/bold]" if result.rerank and size == result.recommended.size else str(size),
            f"{curve.recall[place].mean():.3f}",
            *(f"{curve.means(name)[place]:.3f}" for name in names),
            gain_of(gain),
            f"{latency.whole(0.5) * 1000:.0f}",
            "" if latency.p95 is None else f"{latency.p95 * 1000:.0f}",
            *([_bar(float(means[place]), highest)] if wide else []),
        )
    show(out, table)
    times = f"p50, p95: ms per search, p95 only of {FEWEST_FOR_P95} searches or more"
    say(out, f"ceiling: recall of the pool; gain: {measure} over stage one; {times}", "dim")


def _bar(value: float, highest: float) -> str:
    return "█" * max(1, round(BAR * value / highest)) if value > 0 else ""


def _method(out: Console, result: Tuning) -> None:
    say(out, f"{describe(result.curves.method)}; {describe(result.timing)} (--timed)")
    check = result.curves.checked
    if check is not None and check.holds:
        say(
            out,
            f"scores do not depend on the pool: {counted(check.pairs, 'pair')} scored again differ by at most "
            f"{check.largest_difference:.2g}, with a spread of {check.spread:.3g}",
        )
    if result.curves.resumed:
        say(out, f"{counted(result.curves.resumed, 'result')} from an interrupted run")
    weights = " + ".join(f"{weight:g} x {name}" for name, weight in result.curves.used_weights.items())
    kind = "tried at blend 1, because none were fitted" if result.curves.derived else "at blend 1"
    say(out, f"blend {describe(result.blend_reason)}" + f"; weights {kind}: {weights}" * bool(weights))


def _picks(out: Console, result: Tuning) -> None:
    say(out, f"\nchosen on {counted(len(result.chosen_on), 'query')}, checked on {len(result.reported_on)}")
    checks = {check.rule: check for check in result.checks}
    for pick in result.picks:
        size = "none" if pick.size is None else f"pool {pick.size}"
        out.print(f"[bold]{escape(rule_name(pick.rule))}: {size}[/bold]", soft_wrap=True)
        say(out, f"  {describe(pick.reason)}")
        check = checks.get(pick.rule)
        if check is not None:
            say(
                out,
                f"  {_where(result)}: {result.measure} {check.value:.4f}, {check.kept:.1%} of the best "
                f"({check.best:.4f}), {check.stage_one:.4f} without reranking, at {check.cost:.0%} of the largest pool",
            )


def _where(result: Tuning) -> str:
    return "on the other half" if result.chosen_on != result.reported_on else "on the same queries"


def _fusion(out: Console, result: Tuning) -> None:
    """Print the mean of each fusion weight, and the weight to use."""
    fusion = result.fusion
    out.print(f"[bold]fusion weight:[/bold] {escape(describe(fusion.reason))}", soft_wrap=True)
    if not fusion.values:
        return
    place = f"pool {fusion.size}" if fusion.size else "stage one alone"
    means = ", ".join(f"{weight:g}: {values.mean():.4f}" for weight, values in fusion.values.items())
    extra = f"; {counted(fusion.scored, 'passage')} scored in addition to the scoring pass" if fusion.scored else ""
    say(out, f"  at {place}, {result.measure} by fusion weight: {means}{extra}")


def _threshold(out: Console, result: Tuning) -> None:
    """Print the smallest score, and its effect compared with showing everything."""
    threshold = result.threshold
    out.print(f"[bold]smallest score:[/bold] {escape(describe(threshold.reason))}", soft_wrap=True)
    effect, everything = threshold.effect, threshold.baseline
    if effect is None or everything is None:
        return
    say(
        out,
        f"  at pool {result.recommended.size}, {_where(result)}: at {threshold.tried:g} precision "
        f"{effect.precision:.3f} and recall {effect.recall:.3f} of the relevant results; precision "
        f"{everything.precision:.3f} if everything is shown; {effect.left_out:.0%} of the results left out, "
        f"{effect.empty} of {counted(len(result.reported_on), 'query')} without a result",
    )
