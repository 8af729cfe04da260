"""The figures of a report. Each says its content in words too: line styles, markers and labels beside the colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shortlist.evaluation.evaluate import Evaluation
from shortlist.evaluation.metrics.statistics import TIE, estimate, paired
from shortlist.evaluation.tuning.tune import Tuning
from shortlist.report.figures import FIRST, INK, LINE, SECOND, THIRD, figure

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


def curve(found: Tuning) -> str:
    """The ceiling, the reranked mean with its interval, and stage one, over pool sizes."""
    measure, held = found.measure, found.curve
    sizes = np.array(held.sizes)
    reranked = [estimate(row) for row in held.reranked[measure]]
    none = estimate(held.stage_one[measure])
    ceiling = held.ceiling[measure].mean(axis=1)
    recall = held.recall.mean(axis=1)

    def draw(axes: Axes) -> None:
        axes.plot(sizes, recall, color=THIRD, linestyle=":", marker="^", label="recall of the pool")
        axes.plot(sizes, ceiling, color=THIRD, linestyle="--", marker="s", label=f"ceiling, best {measure}")
        low, high = [one.low for one in reranked], [one.high for one in reranked]
        axes.fill_between(sizes, low, high, color=SECOND, alpha=0.16, linewidth=0)
        axes.plot(sizes, [one.mean for one in reranked], color=SECOND, marker="o", label=f"reranked {measure} [95 %]")
        axes.axhline(none.mean, color=FIRST, linestyle="-.", label=f"stage one {measure}")
        _sizes(axes, found)
        axes.set_ylim(0.95 * min(*low, none.low, float(recall.min())), 1.02)
        _legend(axes)

    first, last = reranked[0], reranked[-1]
    described = (
        f"Stage one alone has {measure} {none.mean:.3f}. Reranked it is {first.mean:.3f} at pool {sizes[0]} and "
        f"{last.mean:.3f} at pool {sizes[-1]}; the best order of the same pools would have {ceiling[0]:.3f} and "
        f"{ceiling[-1]:.3f}. The pools hold {recall[0]:.0%} and {recall[-1]:.0%} of what is relevant."
    )
    return figure("curve", "Ceiling and quality over pool sizes", described, draw, 3.7)


def gains(found: Tuning) -> str:
    """The paired gain over stage one with its interval, over pool sizes."""
    measure, held = found.measure, found.curve
    made = [paired(row, held.stage_one[measure]).difference for row in held.reranked[measure]]

    def draw(axes: Axes) -> None:
        means = np.array([one.mean for one in made])
        spread = np.abs(np.array([[one.low for one in made], [one.high for one in made]]) - means)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.errorbar(held.sizes, means, yerr=spread, color=SECOND, marker="o", capsize=4, linestyle="-")
        _sizes(axes, found)
        axes.set_ylabel(f"gain in {measure} [95 %]")

    best = max(range(len(made)), key=lambda place: made[place].mean)
    described = (
        f"Reranked minus stage one, paired by query. The largest mean gain is {made[best].mean:+.3f} "
        f"[{made[best].low:+.3f}, {made[best].high:+.3f}] at pool {held.sizes[best]}; at pool {held.sizes[-1]} it is "
        f"{made[-1].mean:+.3f} [{made[-1].low:+.3f}, {made[-1].high:+.3f}]. Below 0, reranking does harm."
    )
    return figure("gains", "Gain over stage one over pool sizes", described, draw, 3.7)


def latency(found: Tuning) -> str:
    """Measured milliseconds of a search over pool sizes: the median, and what 95 of 100 stay below."""
    sizes = found.curve.sizes
    half = [1000 * found.latency[size].whole(0.5) for size in sizes]
    slow = [1000 * found.latency[size].whole(0.95) for size in sizes]

    def draw(axes: Axes) -> None:
        axes.plot(sizes, slow, color=THIRD, linestyle="--", marker="s", label="p95")
        axes.plot(sizes, half, color=SECOND, marker="o", label="p50, the median")
        _sizes(axes, found)
        axes.set_ylim(0)
        axes.set_ylabel("milliseconds a search")
        _legend(axes)

    described = (
        f"Both stages together: median {half[0]:.0f} ms at pool {sizes[0]} and {half[-1]:.0f} ms at pool {sizes[-1]}; "
        f"95 of 100 searches stay below {slow[0]:.0f} and {slow[-1]:.0f} ms."
    )
    return figure("latency", "Time of a search over pool sizes", described, draw)


def differences(name: str, found: Evaluation) -> str:
    """Each query's gain, sorted: bars up where reranking won, hatched bars down where it lost."""
    measure = found.measures[0]
    gain = found.gain(measure)
    moved = np.sort(np.array(found.values("reranked", measure)) - np.array(found.values("stage one", measure)))[::-1]
    places = np.arange(1, len(moved) + 1)

    def draw(axes: Axes) -> None:
        from matplotlib.patches import Patch

        up, down = moved > TIE, moved < -TIE
        axes.bar(places[up], moved[up], color=SECOND, width=0.85)
        axes.bar(places[down], moved[down], facecolor="none", edgecolor=THIRD, hatch="////")
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_xlim(0.3, len(moved) + 0.7)
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
        f"{measure} by query: reranking won {gain.wins}, lost {gain.losses} and left {gain.ties} as they were. The "
        f"largest gain is {moved[0]:+.3f}, the largest loss {min(moved[-1], 0.0):+.3f}."
    )
    return figure(f"{name}-differences", "Queries won and lost", described, draw)


def failures(name: str, found: Evaluation) -> str:
    """How many queries each stage lost, as bars with their counts."""
    split = {kind: count for kind, count in found.failures.items() if count or kind in ("fine", "not retrieved")}
    kinds, counts = list(split), list(split.values())

    def draw(axes: Axes) -> None:
        fine = [kind == "fine" for kind in kinds]
        made = axes.barh(kinds, counts, height=0.62, facecolor="none", edgecolor=THIRD, hatch="////")
        for bar, whole in zip(made.patches, fine, strict=True):
            if whole:
                bar.set(facecolor=SECOND, edgecolor=SECOND, hatch="")
        axes.bar_label(made, [f"{one} ({one / len(found.outcomes):.0%})" for one in counts], padding=4)
        axes.set_xlim(0, 1.2 * max(counts))
        axes.invert_yaxis()
        _whole_numbers(axes)
        axes.set_xlabel("queries")

    described = ", ".join(f"{count} {kind}" for kind, count in split.items())
    height = 1.1 + 0.42 * len(kinds)
    return figure(f"{name}-failures", f"Which stage lost the answer (first {found.k})", f"{described}.", draw, height)


def set_ups(found: Sequence[Evaluation]) -> str:
    """Each set-up's stage one, reranked mean with its interval, and ceiling."""
    measure = found[0].measures[0]
    rows = np.arange(len(found))
    first, final, top = (
        [one.estimate(stage, measure) for one in found] for stage in ("stage one", "reranked", "ceiling")
    )

    def draw(axes: Axes) -> None:
        means = np.array([one.mean for one in final])
        spread = np.abs(np.array([[one.low for one in final], [one.high for one in final]]) - means)
        axes.errorbar(means, rows, xerr=spread, fmt="o", color=SECOND, capsize=4, label="reranked [95 %]")
        axes.plot([one.mean for one in first], rows, "D", color=FIRST, fillstyle="none", label="stage one")
        axes.plot([one.mean for one in top], rows, "^", color=THIRD, label="ceiling")
        axes.set_yticks(rows, [_short(one.name) for one in found])
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.grid(axis="x")
        axes.set_xlabel(measure)
        _legend(axes, 3)

    described = "; ".join(
        f"{one.name}: stage one {a.mean:.3f}, reranked {b.mean:.3f}, ceiling {c.mean:.3f}"
        for one, a, b, c in zip(found, first, final, top, strict=True)
    )
    return figure("set-ups", f"{measure} of each set-up", f"{described}.", draw, 1.7 + 0.4 * len(found))


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"


def _sizes(axes: Axes, found: Tuning) -> None:
    """The pool sizes as ticks, and a line at the recommended one."""
    sizes = found.curve.sizes
    axes.set_xlabel("pool size")
    axes.set_xticks(sizes, [str(one) for one in sizes])
    axes.grid(axis="y")
    if found.rerank and found.recommended.size is not None:
        axes.axvline(found.recommended.size, color=LINE, linewidth=5, alpha=0.6, zorder=0)
        axes.annotate(
            "recommended",
            (found.recommended.size, 1.0),
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
    """A legend below the axes; of `keys` where what was drawn can't stand for itself."""
    axes.legend(
        handles=axes.get_legend_handles_labels()[0] if keys is None else keys,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=columns,
        handlelength=2.4,
        columnspacing=1.2,
    )
