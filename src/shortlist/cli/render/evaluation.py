"""Evaluations as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shortlist.evaluation.evaluate import Comparison, Evaluation
from shortlist.evaluation.gate import Verdict
from shortlist.evaluation.markdown import interval, signed
from shortlist.evaluation.metrics.statistics import Estimate, Paired
from shortlist.evaluation.query_sets.query_set import Judged


def compact(title: str) -> Table:
    """A table that fits 80 columns."""
    return Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )


def gain_of(found: Estimate) -> str:
    """A difference with its interval, to three places."""
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def mean_of(found: Estimate) -> str:
    """A mean, and its interval on a line below."""
    return f"{found.mean:.4f}\n[{found.low:.3f}, {found.high:.3f}]"


def query_set(out: Console, judged: Judged, cut: int) -> None:
    """What the query set holds, and what of it can't count in full; `cut` queries exceed the bi-encoder's window."""
    said = [f"{len(judged.queries)} judged queries; ids name {judged.level}s"]
    if judged.unjudged:
        said.append(f"{judged.unjudged} queries without judgments left out")
    if judged.without_relevant:
        said.append(f"{judged.without_relevant} have nothing relevant and count 0")
    if judged.unknown:
        said.append(f"{judged.unknown} judged ids or snippets are not in the index and count as never found")
    if cut:
        said.append(f"{cut} queries are longer than the bi-encoder's window: stage one reads their start only")
    out.print(f"{judged.name}: {'; '.join(said)}", markup=False, soft_wrap=True)


def evaluation(out: Console, one: Evaluation) -> None:
    """Both stages, each as mean and 95 % interval, with the ceiling, the gain and times."""
    title = f"{escape(one.name)}: {escape(one.query_set)}, {len(one.outcomes)} queries, pool {one.pool_size}"
    table = compact(title)
    table.add_column("measure", no_wrap=True)
    for name in ("stage one\n[95 %]", "reranked\n[95 %]", "ceiling", "gain\n[95 %]", "won/lost\n/tied"):
        table.add_column(name, justify="right", no_wrap=True)
    for measure in one.measures:
        gain = one.gain(measure)
        table.add_row(
            measure,
            mean_of(one.estimate("stage one", measure)),
            mean_of(one.estimate("reranked", measure)),
            f"{one.estimate('ceiling', measure).mean:.4f}",
            f"{gain.difference.mean:+.4f}\n[{gain.difference.low:+.3f}, {gain.difference.high:+.3f}]",
            f"{gain.wins}/{gain.losses}\n/{gain.ties}",
        )
    out.print(table)
    out.print(f"recall of the pool, the ceiling of any reranker: {interval(one.recall)}", soft_wrap=True)
    timed = ("retrieve", "rerank") if any(outcome.seconds for outcome in one.outcomes) else ()
    times = ", ".join(
        f"{stage} p50 {one.seconds(stage, 0.5) * 1000:.0f} ms, p95 {one.seconds(stage, 0.95) * 1000:.0f} ms"
        for stage in timed
    )
    cut = sum(outcome.truncated for outcome in one.outcomes)
    scored = sum(outcome.scored for outcome in one.outcomes)
    out.print(f"{times or 'times unknown'}; {scored} passages scored, {cut} cut to the window", soft_wrap=True)
    declined = [outcome for outcome in one.outcomes if outcome.why_not]
    if declined:
        out.print(
            f"{len(declined)} queries left in stage one's order, such as {declined[0].query_id}: {declined[0].why_not}",
            markup=False,
            soft_wrap=True,
        )
    if one.warning:
        out.print(f"warning: {one.warning}", style="yellow", markup=False, soft_wrap=True)


def failures(out: Console, one: Evaluation, listed: int) -> None:
    """How many queries each stage lost, and the first few of them."""
    split = ", ".join(f"{count} {kind}" for kind, count in one.failures.items() if count)
    out.print(f"an answer among the first {one.k}: {split}", soft_wrap=True)
    lost = [outcome for outcome in one.outcomes if outcome.failure.kind not in ("fine", "nothing relevant")]
    for outcome in lost[:listed]:
        failure = outcome.failure
        ranks = ""
        if failure.retrieval_rank is not None:
            beaten = ", ".join(failure.beaten_by[:5])
            ranks = f": stage one {failure.retrieval_rank}, then {failure.final_rank}; above it {beaten}"
        out.print(f"  {failure.kind:<13}  {outcome.query[:70]}{ranks}", markup=False, soft_wrap=True)
    if len(lost) > listed > 0:
        out.print(f"  and {len(lost) - listed} more; --save keeps all")
    out.print()


def comparisons(out: Console, found: Sequence[Comparison]) -> None:
    """Every pair of set-ups, with p values corrected for their number."""
    if not found:
        return
    table = compact("set-ups compared, second minus first")
    for name in ("first", "second"):
        table.add_column(name)
    for name in (found[0].measure, "won/lost/tied", "p", "p (Holm)"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        pair = one.paired
        table.add_row(
            escape(one.first),
            escape(one.second),
            gain_of(pair.difference),
            f"{pair.wins}/{pair.losses}/{pair.ties}",
            f"{pair.p:.4f}",
            f"{one.adjusted_p:.4f}",
        )
    out.print(table)


def baseline(out: Console, differences: Sequence[tuple[str, Paired]], verdicts: Sequence[Verdict]) -> None:
    """Now minus the baseline, and what each rule says."""
    for measure, pair in differences:
        out.print(
            f"against the baseline: {measure} {signed(pair.difference)}, "
            f"{pair.wins} won, {pair.losses} lost, {pair.ties} tied, p {pair.p:.4f}",
            markup=False,
            soft_wrap=True,
        )
    for verdict in verdicts:
        said = "FAILED" if verdict.failed else "passed"
        out.print(f"{said}: {verdict}", markup=False, style="red" if verdict.failed else "green", soft_wrap=True)
