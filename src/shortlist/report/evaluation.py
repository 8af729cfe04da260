"""The report of `evaluate`: every set-up with both stages and the ceiling, and how they compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.evaluation.evaluate import Comparison, Evaluation
from shortlist.evaluation.gate import Verdict
from shortlist.evaluation.markdown import interval, signed
from shortlist.evaluation.metrics.statistics import Paired
from shortlist.evaluation.tuning.recommend import ALPHA
from shortlist.report import plots
from shortlist.report.page import box, facts, page, paragraph, section, table
from shortlist.report.queries import Source, worst_queries


@dataclass(frozen=True, slots=True)
class Compared:
    """What was held against something: set-ups against each other, this run against a baseline, rules against it."""

    set_ups: Sequence[Comparison] = ()
    baseline: Sequence[tuple[str, Paired]] = ()
    verdicts: Sequence[Verdict] = ()


def evaluation_page(
    evaluations: Sequence[Evaluation], sources: Sequence[Source], compared: Compared | None = None, written: str = ""
) -> str:
    """The page; one source an evaluation, in the same order. `written` says when and by what it was written.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    held = compared or Compared()
    few = list(dict.fromkeys(one.warning for one in evaluations if one.warning))
    parts = [*(box("Warning:", f"{one}.", "warning") for one in few), *(harm(one) for one in evaluations)]
    parts += [_against(held), _set_ups(evaluations, held)]
    for place, (one, source) in enumerate(zip(evaluations, sources, strict=True)):
        label = "" if len(evaluations) == 1 else f"{one.name}: "
        parts += set_up(one, label)
        parts += measured(one, source, f"e{place}", label)
    return page(f"Both stages measured on {evaluations[0].query_set}", written, parts)


def set_up(one: Evaluation, label: str = "") -> list[str]:
    """What was measured, and with which models."""
    rows = [("queries", f"{len(one.outcomes)} of {one.query_set}"), ("pool", one.pool_size), *one.about.items()]
    return [section(f"{label}Set-up", facts(rows))]


def measured(one: Evaluation, source: Source, name: str, label: str = "") -> list[str]:
    """The measures of both stages, queries won and lost, the failure split, and the worst queries."""
    return [
        section(f"{label}Both stages and the ceiling", _measures(one), paragraph(_times(one), "quiet")),
        section(
            f"{label}Where queries were won and lost",
            f'<div class="figures">{plots.differences(name, one)}{plots.failures(name, one)}</div>',
        ),
        section(f"{label}Worst queries", worst_queries(one, source)),
    ]


def harm(one: Evaluation) -> str:
    """A warning where reranking lowers the first measure: beyond chance, or within it."""
    gain = one.gain(one.measures[0])
    if gain.difference.mean >= 0 or not any(outcome.scored for outcome in one.outcomes):
        return ""
    said = f"{one.name}: {one.measures[0]} {signed(gain.difference)} against stage one, p {gain.p:.4f}"
    if gain.p < ALPHA:
        return box("Warning: reranking does harm here.", f"{said}. Search without it: rerank = false.", "warning")
    return box("Warning: reranking gains nothing here.", f"{said}: within chance, and it costs time.", "warning")


def _measures(one: Evaluation) -> str:
    rows = []
    for measure in one.measures:
        gain = one.gain(measure)
        rows.append(
            (
                measure,
                interval(one.estimate("stage one", measure)),
                interval(one.estimate("reranked", measure)),
                f"{one.estimate('ceiling', measure).mean:.4f}",
                signed(gain.difference),
                f"{gain.wins} / {gain.losses} / {gain.ties}",
                f"{gain.p:.4f}",
            )
        )
    head = ("measure", "stage one [95 %]", "reranked [95 %]", "ceiling", "gain [95 %]", "won / lost / tied", "p")
    return table(f"{len(one.outcomes)} queries, pool of {one.pool_size}", head, rows)


def _times(one: Evaluation) -> str:
    scored = sum(outcome.scored for outcome in one.outcomes)
    cut = sum(outcome.truncated for outcome in one.outcomes)
    declined = sum(bool(outcome.why_not) for outcome in one.outcomes)
    said = [f"Recall of the pool, the ceiling of any reranker: {interval(one.recall)}"]
    if any(outcome.seconds for outcome in one.outcomes):
        said += [
            f"{stage} p50 {1000 * one.seconds(stage, 0.5):.0f} ms, p95 {1000 * one.seconds(stage, 0.95):.0f} ms"
            for stage in ("retrieve", "rerank")
        ]
    said.append(f"{scored} passages scored, {cut} of them cut to the reranker's window")
    if declined:
        said.append(f"{declined} queries left in stage one's order because the reranker is not made for them")
    return "; ".join(said) + "."


def _set_ups(evaluations: Sequence[Evaluation], held: Compared) -> str:
    if len(evaluations) < 2:
        return ""
    rows = [
        (
            f"{one.second} minus {one.first}",
            one.measure,
            signed(one.paired.difference),
            f"{one.paired.wins} / {one.paired.losses} / {one.paired.ties}",
            f"{one.paired.p:.4f}",
            f"{one.adjusted_p:.4f}",
        )
        for one in held.set_ups
    ]
    head = ("set-ups", "measure", "difference [95 %]", "won / lost / tied", "p", "p, Holm")
    pairs = table("Every pair, query by query", head, rows) if rows else ""
    return section("Set-ups compared", f'<div class="figures">{plots.set_ups(evaluations)}</div>', pairs)


def _against(held: Compared) -> str:
    if not held.baseline:
        return ""
    rows = [
        (measure, signed(one.difference), f"{one.wins} / {one.losses} / {one.ties}", f"{one.p:.4f}")
        for measure, one in held.baseline
    ]
    shown = table("Now minus the baseline", ("measure", "difference [95 %]", "won / lost / tied", "p"), rows)
    rules = [
        box("FAILED" if one.failed else "Passed", str(one), "warning" if one.failed else "note")
        for one in held.verdicts
    ]
    return section("Against the baseline", shown, *rules)
