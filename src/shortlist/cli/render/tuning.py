"""What tuning found, as a table and a curve."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from shortlist.cli.render.evaluation import compact, gain_of
from shortlist.evaluation.metrics.statistics import paired
from shortlist.evaluation.tuning.tune import Tuning

BAR = 16
WIDE = 100


def tuning(out: Console, found: Tuning) -> None:
    """The curve, what each rule chose and how it holds, fusion weight, threshold and warnings."""
    _curve(out, found)
    _method(out, found)
    _picks(out, found)
    _fusion(out, found)
    _threshold(out, found)
    for warning in found.warnings:
        out.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    if found.undecided:
        out.print(f"recommended: nothing; {found.undecided}", style="bold", markup=False, soft_wrap=True)
    elif not found.rerank:
        out.print("recommended: no reranking", style="bold")
    else:
        out.print(f"recommended: pool {found.recommended.size}, by {found.recommended.rule}", style="bold")


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
    none = [float(curve.stage_one[name].mean()) for name in names]
    table.add_row("none", "", *(f"{one:.3f}" for one in none), "", "", "", *([_bar(none[0], highest)] if wide else []))
    for place, size in enumerate(curve.sizes):
        gain = paired(curve.reranked[measure][place], curve.stage_one[measure]).difference
        clock = found.latency[size]
        table.add_row(
            f"[bold]{size}[/bold]" if found.rerank and size == found.recommended.size else str(size),
            f"{curve.recall[place].mean():.3f}",
            *(f"{curve.means(name)[place]:.3f}" for name in names),
            gain_of(gain),
            f"{clock.whole(0.5) * 1000:.0f}",
            f"{clock.whole(0.95) * 1000:.0f}",
            *([_bar(float(means[place]), highest)] if wide else []),
        )
    out.print(table)
    out.print(
        f"ceiling: recall of the pool; gain: {measure} over stage one; p50, p95: ms a search, both stages",
        markup=False,
        style="dim",
        soft_wrap=True,
    )


def _bar(value: float, highest: float) -> str:
    return "█" * max(1, round(BAR * value / highest)) if value > 0 else ""


def _method(out: Console, found: Tuning) -> None:
    out.print(f"{found.curves.method}; {found.timing} (--timed)", markup=False, soft_wrap=True)
    check = found.curves.checked
    if check is not None and check.holds:
        out.print(
            f"scores hold in other pools: {check.pairs} pairs scored again moved by at most "
            f"{check.largest_difference:.2g} of a spread of {check.spread:.3g}",
            soft_wrap=True,
        )
    if found.curves.resumed:
        out.print(f"{found.curves.resumed} results came from an interrupted run")
    weights = " + ".join(f"{weight:g} x {name}" for name, weight in found.curves.weights.items())
    kind = "none were fitted; tried at blend 1" if found.curves.derived else "at blend 1"
    out.print(f"blend {found.blend_why}; weights {kind}: {weights or 'none'}", markup=False, soft_wrap=True)


def _picks(out: Console, found: Tuning) -> None:
    halves = found.chosen_on != found.reported_on
    out.print(f"\nchosen on {len(found.chosen_on)} queries, held against {len(found.reported_on)}")
    held = {one.rule: one for one in found.held}
    for pick in found.picks:
        size = "none" if pick.size is None else f"pool {pick.size}"
        out.print(f"[bold]{escape(pick.rule)}: {size}[/bold]", soft_wrap=True)
        out.print(f"  {pick.why}", markup=False, soft_wrap=True)
        one = held.get(pick.rule)
        if one is not None:
            where = "on the other half" if halves else "on the same queries"
            out.print(
                f"  {where}: {found.measure} {one.value:.4f}, {one.kept:.1%} of the best ({one.best:.4f}), "
                f"{one.none:.4f} without reranking, at {one.cost:.0%} of the largest pool",
                markup=False,
                soft_wrap=True,
            )


def _fusion(out: Console, found: Tuning) -> None:
    """Each fusion weight's mean, and which one to use."""
    fusion = found.fusion
    out.print(f"[bold]fusion weight:[/bold] {escape(fusion.why)}", soft_wrap=True)
    if not fusion.values:
        return
    at = f"pool {fusion.size}" if fusion.size else "stage one alone"
    means = ", ".join(f"{weight:g}: {values.mean():.4f}" for weight, values in fusion.values.items())
    extra = f"; {fusion.scored} passages scored beyond the pass" if fusion.scored else ""
    out.print(f"  at {at}, {found.measure} by the vectors' share: {means}{extra}", markup=False, soft_wrap=True)


def _threshold(out: Console, found: Tuning) -> None:
    """The threshold, and what it would show beside showing everything."""
    threshold = found.threshold
    out.print(f"[bold]threshold:[/bold] {escape(threshold.why)}", soft_wrap=True)
    if threshold.shown is None or threshold.everything is None:
        return
    where = "on the other half" if found.chosen_on != found.reported_on else "on the same queries"
    shown, everything = threshold.shown, threshold.everything
    out.print(
        f"  at pool {found.recommended.size}, {where}: at {threshold.tried:g} precision {shown.precision:.3f}, "
        f"recall {shown.recall:.3f} of the relevant results shown without one (precision {everything.precision:.3f}); "
        f"{shown.left_out:.0%} of the results left out, {shown.empty} of {len(found.reported_on)} queries show none",
        markup=False,
        soft_wrap=True,
    )
