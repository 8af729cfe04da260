"""The report of `tune`: the recommendation, the warnings, and the curves behind the recommendation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shortlist.config import FILE
from shortlist.config.file import lines as config_lines
from shortlist.config.weights import scaled
from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import Evaluation
from shortlist.evaluation.metrics.statistics import paired
from shortlist.evaluation.tuning.recommend import Pick, PickCheck
from shortlist.evaluation.tuning.tune import Tuning
from shortlist.redaction import without_secrets
from shortlist.report import plots
from shortlist.report.evaluation import final_score, measured_sections, settings_section
from shortlist.report.page import box, capital, facts, page, paragraph, section, table, text
from shortlist.report.queries import ReportSource
from shortlist.search.pool import name_of
from shortlist.search.scores import info_of
from shortlist.search.search import Search
from shortlist.wording import describe
from shortlist.wording.counting import counted
from shortlist.wording.measuring import rule_name


def tuning_page(tuning: Tuning, at: Evaluation, source: ReportSource, written: str = "", lines: str = "") -> str:
    """Return the page. `at` is the evaluation at the pool size to show (`tune.evaluation_at`), with its worst queries.

    `lines` are the lines for `shortlist.toml`; without them, the page shows the settings of the tuning. `written` is
    the date line.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    figures = plots.curve(tuning) + plots.gains(tuning) + plots.latency(tuning)
    parts = [
        _recommended(tuning, lines or config_lines(tuning.settings)),
        *(box("Warning:", f"{describe(note)}.", "warning") for note in tuning.warnings),
        *settings_section(at),
        section("Pool size", f'<div class="figures">{figures}</div>', _numbers(tuning), *_method(tuning)),
        section("The choice of each rule", _picks(tuning)),
        *measured_sections(at, source, "at", f"Pool {at.pool_size}: "),
    ]
    return page(f"Pool size tuned on {at.query_set}", written, parts)


def shown_size(tuning: Tuning) -> int:
    """Return the recommended pool size, or the best one if nothing is recommended.

    Raises:
        InvalidInput: `tuning` is something else.
    """
    if not isinstance(tuning, Tuning):
        raise InvalidInput(f"tuning is {tuning!r:.80}: give what `tune` returned", field="tuning")
    if tuning.rerank and tuning.recommended.size:
        return tuning.recommended.size
    return tuning.curve.sizes[tuning.curve.best(tuning.measure)]


def facts_of(tuning: Tuning, search: Search) -> dict[str, str]:
    """Return facts about a tuned search, by their names in the report."""
    store = getattr(search.retriever, "index", None)
    names = {"retriever": name_of(search.retriever), "store": getattr(store, "name", None)}
    models = {
        "bi-encoder": None if search.encoder is None else search.encoder.name,
        "reranker": None if search.reranker is None else info_of(search.reranker).name,
    }
    known = {name: without_secrets(value) for name, value in {**names, **models}.items() if isinstance(value, str)}
    weights = scaled(tuning.curves.weights, tuning.blend)
    return {**known, "blend": f"{tuning.blend:g}, tuned", "final score": final_score(weights)}


def _recommended(tuning: Tuning, lines: str) -> str:
    if tuning.undecided is not None:
        return box("Recommended:", f"nothing; {describe(tuning.undecided)}.")
    if tuning.rerank:
        advice = f"a pool of {tuning.recommended.size}, by the rule: {rule_name(tuning.recommended.rule)}"
    else:
        advice = "no reranking: stage one alone"
    return box("Recommended:", f"{advice}.") + f'<p class="quiet">In {text(FILE)}:</p><pre>{text(lines)}</pre>'


def _numbers(tuning: Tuning) -> str:
    curve, measure = tuning.curve, tuning.measure
    names = list(curve.reranked)
    rows: list[tuple[object, ...]] = [
        ("none", "", "", *(f"{curve.stage_one[name].mean():.3f}" for name in names), "", "", "")
    ]
    for place, size in enumerate(curve.sizes):
        gain = paired(curve.reranked[measure][place], curve.stage_one[measure]).difference
        latency = tuning.latency[size]
        rows.append(
            (
                size,
                f"{curve.recall[place].mean():.3f}",
                f"{curve.ceiling[measure][place].mean():.3f}",
                *(f"{curve.means(name)[place]:.3f}" for name in names),
                f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]",
                f"{1000 * latency.whole(0.5):.0f}",
                "" if latency.p95 is None else f"{1000 * latency.p95:.0f}",
            )
        )
    head = ("pool", "recall", f"ceiling {measure}", *names, "gain [95 %]", "p50 ms", "p95 ms")
    recommended = tuning.recommended.size
    strong = curve.sizes.index(recommended) + 1 if tuning.rerank and recommended else None
    caption = f"{counted(len(curve.query_ids), 'query')} at blend {tuning.blend:g}"
    return table(f"{caption}; bold: recommended" if strong else caption, head, rows, strong)


def _method(tuning: Tuning) -> Iterable[str]:
    weights = " + ".join(f"{weight:g} x {name}" for name, weight in tuning.curves.used_weights.items()) or "none"
    fusion = tuning.fusion
    at = f" (at pool {fusion.size})" if fusion.size else ""
    yield paragraph(f"{capital(describe(tuning.curves.method))}; {describe(tuning.timing)}.", "quiet")
    yield paragraph(
        f"Blend: {describe(tuning.blend_reason)}. Weights of stage one's signals at blend 1: {weights}.", "quiet"
    )
    yield paragraph(
        f"Fusion weight{at}: {describe(fusion.reason)}. Threshold: {describe(tuning.threshold.reason)}.", "quiet"
    )
    yield paragraph("Every figure on this page uses the current fusion weight and no threshold.", "quiet")


def _picks(tuning: Tuning) -> str:
    checks: Mapping[str, PickCheck] = {check.rule: check for check in tuning.checks}
    two_halves = tuning.chosen_on != tuning.reported_on
    half = "on the other half" if two_halves else "on the same queries"
    rows = [_pick(pick, checks.get(pick.rule)) for pick in tuning.picks]
    caption = (
        f"Chosen on {counted(len(tuning.chosen_on), 'query')}; {tuning.measure} {half} ({len(tuning.reported_on)})"
    )
    head = ("rule", "pool", tuning.measure, "of the best", "without reranking", "cost of the largest")
    reasons = facts((rule_name(pick.rule), describe(pick.reason)) for pick in tuning.picks)
    return table(caption, head, rows) + reasons


def _pick(pick: Pick, check: PickCheck | None) -> tuple[object, ...]:
    name = rule_name(pick.rule)
    if check is None:
        return (name, "none", "", "", "", "")
    return (
        name,
        check.size,
        f"{check.value:.4f}",
        f"{check.kept:.1%}",
        f"{check.stage_one:.4f}",
        f"{check.cost:.0%}",
    )
