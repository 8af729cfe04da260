"""An adaptation as lines: the levels that were tried, and both models on the held-out queries."""

from __future__ import annotations

from rich.console import Console

from shortlist.adapting.result import Adaptation
from shortlist.adapting.split import FOLDS
from shortlist.cli.console import say
from shortlist.cli.render.tables import compact, gain_of, show
from shortlist.wording.counting import counted

LEVELS = {
    "weights": "the weights of stage one",
    "head": "the weights of stage one and the head",
    "layer": "the weights of stage one, the head and the last layer",
}


def adaptation(out: Console, result: Adaptation) -> None:
    """Print what was learned, from how many queries, and the comparison on the held-out queries."""
    _queries(out, result)
    _levels(out, result)
    report = result.report
    if report is None:
        say(out, "no level is better than the model as it is: nothing is written", "yellow")
        return
    say(out, f"weights of stage one: {_weights(result.weights_before)} -> {_weights(result.weights)}")
    say(out, f"\n{report.measure} of the final order, {counted(report.queries, 'query')} held out", "bold")
    say(out, f"  before {report.before.mean:.4f}, after {report.after.mean:.4f}")
    pair = report.paired
    say(out, f"  gain {gain_of(pair.difference)}, p {pair.p:.4f}, won/lost/tied {pair.wins}/{pair.losses}/{pair.ties}")
    if not report.better:
        say(out, "the gain is not beyond chance (p below 0.05): nothing is written", "yellow")


def _queries(out: Console, result: Adaptation) -> None:
    say(out, f"{result.base} learned from {counted(result.learned, 'query')}")
    for count, reason in (
        (result.skipped, "skipped by the reranker"),
        (result.untaught, "without a relevant passage in the pool, or without another one"),
        (result.left_out, "above the limit of --most-queries"),
    ):
        if count:
            say(out, f"  {counted(count, 'query')} left out: {reason}")


def _levels(out: Console, result: Adaptation) -> None:
    """Print the means on the inner splits of the queries to learn from."""
    choice = result.choice
    numbers = ("mean", "gain", "epochs")
    table = compact(f"{FOLDS} inner splits of these queries", words=("what changes",), numbers=numbers)
    table.add_row("nothing", f"{choice.before:.4f}", "", "")
    for level, means in choice.means.items():
        best = max(means)
        name = LEVELS[level] + (" (chosen)" if level == choice.level else "")
        table.add_row(name, f"{best:.4f}", f"{best - choice.before:+.4f}", str(means.index(best) + 1))
    show(out, table)


def _weights(weights: dict[str, float]) -> str:
    return ", ".join(f"{name} {weight:.3g}" for name, weight in weights.items()) or "none"
