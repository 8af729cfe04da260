"""A tuning as a table, a curve and sentences."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from shortlist.cli.console import counted, say
from shortlist.cli.render.tables import compact, gain_of
from shortlist.evaluation.metrics.statistics import paired
from shortlist.evaluation.tuning.tune import Tuning
from shortlist.wording import describe
from shortlist.wording.measuring import rule_name

BAR = 16
WIDE = 100


def tuning(out: Console, found: Tuning) -> None:
    """Print the curve, the choice of each rule and its check, the fusion weight, the threshold and warnings."""
    _curve(out, found)
    _method(out, found)
    _picks(out, found)
    _fusion(out, found)
    _threshold(out, found)
    for note in found.warnings:
        say(out, f"warning: {describe(note)}", "yellow")
    if found.undecided is not None:
        say(out, f"recommended: nothing; {describe(found.undecided)}", "bold")
    elif not found.rerank:
        say(out, "recommended: no reranking", "bold")
    else:
        say(out, f"recommended: pool {found.recommended.size}, by {rule_name(found.recommended.rule)}", "bold")


def _curve(out: Console, found: Tuning) -> None:
    curve, measure = found.curve, found.measure
    names = list(curve.reranked)
    wide = out.width >= WIDE
    table = compact(f"{len(curve.query_ids)} queries, blend {found.blend:g}")
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
        latency = found.latency[size]
        table.add_row(
            f"[bold]{size}[/bold]" if found.rerank and size == found.recommended.size else str(size),
            f"{curve.recall[place].mean():.3f}",
            *(f"{curve.means(name)[place]:.3f}" for name in names),
            gain_of(gain),
            f"{latency.whole(0.5) * 1000:.0f}",
            f"{latency.whole(0.95) * 1000:.0f}",
            *([_bar(float(means[place]), highest)] if wide else []),
        )
    out.print(table)
    say(out, f"ceiling: recall of the pool; gain: {measure} over stage one; p50, p95: ms a search, both stages", "dim")


def _bar(value: float, highest: float) -> str:
    return "█" * max(1, round(BAR * value / highest)) if value > 0 else ""


def _method(out: Console, found: Tuning) -> None:
    say(out, f"{describe(found.curves.method)}; {describe(found.timing)} (--timed)")
    check = found.curves.checked
    if check is not None and check.holds:
        say(
            out,
            f"scores do not depend on the pool: {counted(check.pairs, 'pair')} scored again differ by at most "
            f"{check.largest_difference:.2g}, with a spread of {check.spread:.3g}",
        )
    if found.curves.resumed:
        say(out, f"{counted(found.curves.resumed, 'result')} from an interrupted run")
    weights = " + ".join(f"{weight:g} x {name}" for name, weight in found.curves.weights.items())
    kind = "tried at blend 1, because none were fitted" if found.curves.derived else "at blend 1"
    say(out, f"blend {describe(found.blend_reason)}; weights {kind}: {weights or 'none'}")


def _picks(out: Console, found: Tuning) -> None:
    say(out, f"\nchosen on {len(found.chosen_on)} queries, checked on {len(found.reported_on)}")
    checks = {check.rule: check for check in found.checks}
    for pick in found.picks:
        size = "none" if pick.size is None else f"pool {pick.size}"
        out.print(f"[bold]{escape(rule_name(pick.rule))}: {size}[/bold]", soft_wrap=True)
        say(out, f"  {describe(pick.reason)}")
        check = checks.get(pick.rule)
        if check is not None:
            say(
                out,
                f"  {_where(found)}: {found.measure} {check.value:.4f}, {check.kept:.1%} of the best "
                f"({check.best:.4f}), {check.stage_one:.4f} without reranking, at {check.cost:.0%} of the largest pool",
            )


def _where(found: Tuning) -> str:
    return "on the other half" if found.chosen_on != found.reported_on else "on the same queries"


def _fusion(out: Console, found: Tuning) -> None:
    """Print the mean of each fusion weight, and the weight to use."""
    fusion = found.fusion
    out.print(f"[bold]fusion weight:[/bold] {escape(describe(fusion.reason))}", soft_wrap=True)
    if not fusion.values:
        return
    place = f"pool {fusion.size}" if fusion.size else "stage one alone"
    means = ", ".join(f"{weight:g}: {values.mean():.4f}" for weight, values in fusion.values.items())
    extra = f"; {counted(fusion.scored, 'passage')} scored in addition to the pass" if fusion.scored else ""
    say(out, f"  at {place}, {found.measure} by fusion weight: {means}{extra}")


def _threshold(out: Console, found: Tuning) -> None:
    """Print the smallest score, and its effect compared with showing everything."""
    threshold = found.threshold
    out.print(f"[bold]smallest score:[/bold] {escape(describe(threshold.reason))}", soft_wrap=True)
    effect, everything = threshold.effect, threshold.baseline
    if effect is None or everything is None:
        return
    say(
        out,
        f"  at pool {found.recommended.size}, {_where(found)}: at {threshold.tried:g} precision {effect.precision:.3f} "
        f"and recall {effect.recall:.3f} of the relevant results; precision {everything.precision:.3f} without one; "
        f"{effect.left_out:.0%} of the results left out, {effect.empty} of {len(found.reported_on)} queries without "
        "any",
    )
