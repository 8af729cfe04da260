"""The report of `tune`: the recommendation, what speaks against it, and the curves that it was read off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shortlist import config as settings
from shortlist.evaluation.evaluate import Evaluation
from shortlist.evaluation.metrics.statistics import paired
from shortlist.evaluation.tuning.recommend import Held, Pick
from shortlist.evaluation.tuning.tune import Tuning
from shortlist.report import plots
from shortlist.report.evaluation import measured, set_up
from shortlist.report.page import box, capital, facts, page, paragraph, section, table, text
from shortlist.report.queries import Source


def tuning_page(found: Tuning, at: Evaluation, source: Source, written: str = "", lines: str = "") -> str:
    """The page; `at` is what one of its pools measures (`tune.evaluation_at`), shown with its worst queries.

    `lines` is what to put in `shortlist.toml`; the tuning's own settings where it is "".

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    figures = plots.curve(found) + plots.gains(found) + plots.latency(found)
    parts = [
        _recommended(found, lines or settings.lines(found.settings)),
        *(box("Warning:", one, "warning") for one in found.warnings),
        *set_up(at),
        section("Pool size", f'<div class="figures">{figures}</div>', _numbers(found), *_method(found)),
        section("What each rule chose", _picks(found)),
        *measured(at, source, "at", f"Pool {at.pool_size}: "),
    ]
    return page(f"Pool size tuned on {at.query_set}", written, parts)


def _recommended(found: Tuning, lines: str) -> str:
    if found.undecided:
        return box("Recommended:", f"nothing; {found.undecided}.")
    said = "no reranking: stage one alone" if not found.rerank else f"a pool of {found.recommended.size}"
    rule = f", by the rule: {found.recommended.rule}" if found.rerank else ""
    return (
        box("Recommended:", f"{said}{rule}.")
        + f'<p class="quiet">In {text(settings.FILE)}:</p><pre>{text(lines)}</pre>'
    )


def _numbers(found: Tuning) -> str:
    curve, measure = found.curve, found.measure
    names = list(curve.reranked)
    rows: list[tuple[object, ...]] = [
        ("none", "", "", *(f"{curve.stage_one[name].mean():.3f}" for name in names), "", "", "")
    ]
    for place, size in enumerate(curve.sizes):
        gain = paired(curve.reranked[measure][place], curve.stage_one[measure]).difference
        clock = found.latency[size]
        rows.append(
            (
                size,
                f"{curve.recall[place].mean():.3f}",
                f"{curve.ceiling[measure][place].mean():.3f}",
                *(f"{curve.means(name)[place]:.3f}" for name in names),
                f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]",
                f"{1000 * clock.whole(0.5):.0f}",
                f"{1000 * clock.whole(0.95):.0f}",
            )
        )
    head = ("pool", "recall", f"ceiling {measure}", *names, "gain [95 %]", "p50 ms", "p95 ms")
    strong = curve.sizes.index(found.recommended.size) + 1 if found.rerank and found.recommended.size else None
    caption = f"{len(curve.query_ids)} queries at blend {found.blend:g}"
    return table(f"{caption}; bold: recommended" if strong else caption, head, rows, strong)


def _method(found: Tuning) -> Iterable[str]:
    weights = " + ".join(f"{weight:g} x {name}" for name, weight in found.curves.weights.items()) or "none"
    yield paragraph(f"{capital(found.curves.method)}; {found.timing}.", "quiet")
    yield paragraph(f"Blend {found.blend_why}; weights of stage one's signals at blend 1: {weights}.", "quiet")
    at = f" (at pool {found.fusion.size})" if found.fusion.size else ""
    yield paragraph(f"Fusion weight{at}: {found.fusion.why}. Threshold: {found.threshold.why}.", "quiet")
    yield paragraph(
        "What stands on this page is measured under the fusion weight in use, with nothing left out.", "quiet"
    )


def _picks(found: Tuning) -> str:
    held: Mapping[str, Held] = {one.rule: one for one in found.held}
    halves = found.chosen_on != found.reported_on
    where = "on the other half" if halves else "on the same queries"
    rows = [_pick(pick, held.get(pick.rule)) for pick in found.picks]
    caption = f"Chosen on {len(found.chosen_on)} queries; {found.measure} {where} ({len(found.reported_on)})"
    head = ("rule", "pool", found.measure, "of the best", "without reranking", "cost of the largest")
    reasons = facts((pick.rule, pick.why) for pick in found.picks)
    return table(caption, head, rows) + reasons


def _pick(pick: Pick, one: Held | None) -> tuple[object, ...]:
    if one is None:
        return (pick.rule, "none", "", "", "", "")
    return (pick.rule, one.size, f"{one.value:.4f}", f"{one.kept:.1%}", f"{one.none:.4f}", f"{one.cost:.0%}")
