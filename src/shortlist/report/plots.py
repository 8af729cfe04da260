"""The figures of a report. Each figure has a description in words. No figure depends on colours alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shortlist.evaluation.evaluate import Evaluation
from shortlist.evaluation.metrics.statistics import TIE, estimate, paired
from shortlist.evaluation.tuning.tune import Tuning
from shortlist.report.figures import FIRST, INK, LINE, SECOND, THIRD, figure
from shortlist.wording.counting import counted

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


def curve(tuning: Tuning) -> str:
    """Return the ceiling, the reranked mean with its interval, and stage one, over pool sizes."""
    measure, values = tuning.measure, tuning.curve
    sizes = np.array(values.sizes)
    reranked = [estimate(row) for row in values.reranked[measure]]
    stage_one = estimate(values.stage_one[measure])
    ceiling = values.ceiling[measure].mean(axis=1)
    recall = values.recall.mean(axis=1)

    def draw(axes: Axes) -> None:
        axes.plot(sizes, recall, color=THIRD, linestyle=":", marker="^", label="recall of the pool")
        axes.plot(sizes, ceiling, color=THIRD, linestyle="--", marker="s", label=f"ceiling, best {measure}")
        low, high = [each.low for each in reranked], [each.high for each in reranked]
        axes.fill_between(sizes, low, high, color=SECOND, alpha=0.16, linewidth=0)
        axes.plot(sizes, [each.mean for each in reranked], color=SECOND, marker="o", label=f"reranked {measure} [95 %]")
        axes.axhline(stage_one.mean, color=FIRST, linestyle="-.", label=f"stage one {measure}")
        _sizes(axes, tuning)
        axes.set_ylim(0.95 * min(*low, stage_one.low, float(recall.min())), 1.02)
        _legend(axes)

    first, last = reranked[0], reranked[-1]
    described = (
        f"Stage one alone has {measure} {stage_one.mean:.3f}. Reranked, the value is {first.mean:.3f} at pool "
        f"{sizes[0]} and {last.mean:.3f} at pool {sizes[-1]}; the best order of the same pools has {ceiling[0]:.3f} "
        f"and {ceiling[-1]:.3f}. The recall of the pools is {recall[0]:.0%} and {recall[-1]:.0%}."
    )
    return figure("curve", "Ceiling and quality over pool sizes", described, draw, 3.7)


def gains(tuning: Tuning) -> str:
    """Return the paired gain over stage one with its interval, over pool sizes."""
    measure, values = tuning.measure, tuning.curve
    differences = [paired(row, values.stage_one[measure]).difference for row in values.reranked[measure]]

    def draw(axes: Axes) -> None:
        means = np.array([each.mean for each in differences])
        ends = [[each.low for each in differences], [each.high for each in differences]]
        spread = np.abs(np.array(ends) - means)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.errorbar(values.sizes, means, yerr=spread, color=SECOND, marker="o", capsize=4, linestyle="-")
        _sizes(axes, tuning)
        axes.set_ylabel(f"gain in {measure} [95 %]")

    best = max(range(len(differences)), key=lambda place: differences[place].mean)
    first, last = differences[best], differences[-1]
    described = (
        f"Reranked minus stage one, paired by query. The largest mean gain is {first.mean:+.3f} "
        f"[{first.low:+.3f}, {first.high:+.3f}] at pool {values.sizes[best]}; at pool {values.sizes[-1]} the gain is "
        f"{last.mean:+.3f} [{last.low:+.3f}, {last.high:+.3f}]. Below 0, reranking does harm."
    )
    return figure("gains", "Gain over stage one over pool sizes", described, draw, 3.7)


def latency(tuning: Tuning) -> str:
    """Return the measured milliseconds of a search over pool sizes: the median, and the 95th percentile if known."""
    sizes = tuning.curve.sizes
    median = [1000 * tuning.latency[size].whole(0.5) for size in sizes]
    p95 = {size: 1000 * seconds for size in sizes if (seconds := tuning.latency[size].p95) is not None}

    def draw(axes: Axes) -> None:
        if p95:
            axes.plot(list(p95), list(p95.values()), color=THIRD, linestyle="--", marker="s", label="p95")
        axes.plot(sizes, median, color=SECOND, marker="o", label="p50, the median")
        _sizes(axes, tuning)
        axes.set_ylim(0)
        axes.set_ylabel("milliseconds per search")
        _legend(axes)

    described = (
        f"Both stages together: median {median[0]:.0f} ms at pool {sizes[0]} and {median[-1]:.0f} ms at pool "
        f"{sizes[-1]}."
        + (f" At pool {max(p95)}, 95 of 100 searches take at most {p95[max(p95)]:.0f} ms." if p95 else "")
    )
    return figure("latency", "Time of a search over pool sizes", described, draw)


def differences(name: str, evaluation: Evaluation) -> str:
    """Return each query's gain, sorted: bars up if reranking won, hatched bars down if it lost."""
    measure = evaluation.measures[0]
    gain = evaluation.gain(measure)
    final, first = (np.array(evaluation.values(stage, measure)) for stage in ("reranked", "stage one"))
    changes = np.sort(final - first)[::-1]
    places = np.arange(1, len(changes) + 1)

    def draw(axes: Axes) -> None:
        from matplotlib.patches import Patch

        up, down = changes > TIE, changes < -TIE
        axes.bar(places[up], changes[up], color=SECOND, width=0.85)
        axes.bar(places[down], changes[down], facecolor="none", edgecolor=THIRD, hatch="////")
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_xlim(0.3, len(changes) + 0.7)
        _whole_numbers(axes)
        axes.set_xlabel("queries, from the largest gain to the largest loss")
        axes.set_ylabel(f"gain in {measure}")
        keys = [
            Patch(facecolor=SECOND, label=f"{gain.wins} won"),
            Patch(facecolor="none", edgecolor=THIRD, hatch="////", label=f"{gain.losses} lost"),
            Patch(facecolor="none", label=f"{gain.ties} tied"),
        ]
        _legend(axes, 3, keys)

    described = (
        f"{measure} by query: reranking won {counted(gain.wins, 'query')}, lost {gain.losses} and did not change "
        f"{gain.ties}. The largest gain is {changes[0]:+.3f}, the largest loss {min(changes[-1], 0.0):+.3f}."
    )
    return figure(f"{name}-differences", "Queries won and lost", described, draw)


def failures(name: str, evaluation: Evaluation) -> str:
    """Return the number of queries that each stage lost, as bars with their counts."""
    split = {kind: count for kind, count in evaluation.failures.items() if count or kind in ("fine", "not retrieved")}
    kinds, counts = list(split), list(split.values())

    def draw(axes: Axes) -> None:
        fine = [kind == "fine" for kind in kinds]
        bars = axes.barh(kinds, counts, height=0.62, facecolor="none", edgecolor=THIRD, hatch="////")
        for bar, is_fine in zip(bars.patches, fine, strict=True):
            if is_fine:
                bar.set(facecolor=SECOND, edgecolor=SECOND, hatch="")
        shares = [f"{count} ({count / len(evaluation.outcomes):.0%})" for count in counts]
        axes.bar_label(bars, shares, padding=4)
        axes.set_xlim(0, 1.2 * max(counts))
        axes.invert_yaxis()
        _whole_numbers(axes)
        axes.set_xlabel("queries")

    described = ", ".join(f"{count} {kind}" for kind, count in split.items())
    height = 1.1 + 0.42 * len(kinds)
    return figure(
        f"{name}-failures", f"Which stage lost the answer (first {evaluation.cutoff})", f"{described}.", draw, height
    )


def evaluations(compared: Sequence[Evaluation]) -> str:
    """Return each evaluation's stage one, reranked mean with its interval, and ceiling."""
    measure = compared[0].measures[0]
    rows = np.arange(len(compared))
    first, final, ceiling = (
        [each.estimate(stage, measure) for each in compared] for stage in ("stage one", "reranked", "ceiling")
    )

    def draw(axes: Axes) -> None:
        means = np.array([each.mean for each in final])
        spread = np.abs(np.array([[each.low for each in final], [each.high for each in final]]) - means)
        axes.errorbar(means, rows, xerr=spread, fmt="o", color=SECOND, capsize=4, label="reranked [95 %]")
        axes.plot([each.mean for each in first], rows, "D", color=FIRST, fillstyle="none", label="stage one")
        axes.plot([each.mean for each in ceiling], rows, "^", color=THIRD, label="ceiling")
        axes.set_yticks(rows, [_short(each.name) for each in compared])
        axes.set_ylim(len(compared) - 0.5, -0.5)
        axes.grid(axis="x")
        axes.set_xlabel(measure)
        _legend(axes, 3)

    described = "; ".join(
        f"{each.name}: stage one {a.mean:.3f}, reranked {b.mean:.3f}, ceiling {c.mean:.3f}"
        for each, a, b, c in zip(compared, first, final, ceiling, strict=True)
    )
    height = 1.7 + 0.4 * len(compared)
    return figure("evaluations", f"{measure} of each evaluation", f"{described}.", draw, height)


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"


def _sizes(axes: Axes, tuning: Tuning) -> None:
    """Draw the pool sizes as ticks, and a line at the recommended one."""
    sizes = tuning.curve.sizes
    axes.set_xlabel("pool size")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.grid(axis="y")
    if tuning.rerank and tuning.recommended.size is not None:
        axes.axvline(tuning.recommended.size, color=LINE, linewidth=5, alpha=0.6, zorder=0)
        axes.annotate(
            "recommended",
            (tuning.recommended.size, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
        )


def _whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _legend(axes: Axes, columns: int = 2, keys: Sequence[Artist] | None = None) -> None:
    """Draw a legend below the axes. `keys` replace the drawn artists."""
    axes.legend(
        handles=axes.get_legend_handles_labels()[0] if keys is None else keys,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=columns,
        handlelength=2.4,
        columnspacing=1.2,
    )
