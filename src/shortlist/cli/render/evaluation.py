"""Evaluations as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from shortlist.cli.console import remark, say
from shortlist.cli.render.tables import compact, gain_of, mean_of, show
from shortlist.evaluation.evaluate import Comparison, Evaluation
from shortlist.evaluation.gate import RuleResult
from shortlist.evaluation.markdown import interval, of_its_stages, signed, times
from shortlist.evaluation.metrics.statistics import Paired
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.search.pool import is_approximate
from shortlist.wording import describe
from shortlist.wording.counting import counted

if TYPE_CHECKING:
    from shortlist.search.search import Search

NO_FAILURE = ("fine", "nothing relevant")


def query_set(judged: Judged, search: Search, printed: set[str] | None = None) -> None:
    """Print the size of the query set, and the numbers of queries and judgments that are left out, unknown or cut.

    `printed` has the lines of earlier set-ups. The same line is not printed again, and a new line is added.
    """
    parts = [f"{counted(len(judged.queries), 'query')} {_naming(judged)}"]
    if judged.unjudged:
        parts.append(f"{counted(judged.unjudged, 'query')} without judgments left out")
    if judged.without_relevant:
        parts.append(f"{counted(judged.without_relevant, 'query')} with nothing relevant, which count 0")
    if judged.unknown:
        parts.append(f"{counted(judged.unknown, 'judged id or snippet')} not in the corpus, which count as not found")
    cut = sum(bool(search.query_notes(query)) for query in judged.queries.values())
    if cut:
        parts.append(f"{counted(cut, 'query')} longer than the bi-encoder's window: stage one reads only the start")
    if judged.depth is not None:
        parts.append(f"resolved against the first {judged.depth} hits of each query, because not all passages are read")
    if is_approximate(search.retriever):
        parts.append("stage one is approximate")
    line = f"{judged.name}: {'; '.join(parts)}"
    printed = set() if printed is None else printed
    if line not in printed:
        printed.add(line)
        remark(line)
        guessed_encodings(judged.guessed)


def guessed_encodings(guessed: Mapping[str, str]) -> None:
    """Print the files of a query set that were read in a guessed encoding."""
    for file, encoding in guessed.items():
        remark(f"{file} is not UTF-8 and was read as {encoding}, a guess: --encoding NAME names another encoding")


def _naming(judged: Judged) -> str:
    """Return how the queries are judged: by ids of passages or documents, by snippets, or by both."""
    ids = any(grades.keys() - judged.by_snippet.get(key, ()) for key, grades in judged.qrels.items())
    names = [f"{judged.level} ids"] if ids or not judged.snippets else []
    return "judged by " + " and ".join([*names, *(["snippets"] if judged.snippets else [])])


def evaluation(out: Console, result: Evaluation) -> None:
    """Print both stages, each as mean and 95 % interval, with the ceiling, the gain and the times."""
    queries = len(result.outcomes)
    table = compact(
        f"{escape(result.name)}: {escape(result.query_set)}, {counted(queries, 'query')}, pool {result.pool_size}"
    )
    table.add_column("measure", no_wrap=True)
    head = ("measure", "stage one\n[95 %]", "reranked\n[95 %]", "ceiling", "gain\n[95 %]", "won/lost\n/tied")
    for name in of_its_stages(result, head)[1:]:
        table.add_column(_cell(name, out), justify="right", no_wrap=True)
    for measure in result.measures:
        gain = result.gain(measure)
        cells = (
            measure,
            mean_of(result.estimate("stage one", measure)),
            mean_of(result.estimate("reranked", measure)),
            f"{result.estimate('ceiling', measure).mean:.4f}",
            f"{gain.difference.mean:+.4f}\n[{gain.difference.low:+.3f}, {gain.difference.high:+.3f}]",
            f"{gain.wins}/{gain.losses}\n/{gain.ties}",
        )
        table.add_row(*(_cell(cell, out) for cell in of_its_stages(result, cells)))
    show(out, table)
    say(out, f"recall of the pool, the ceiling of any reranker: {interval(result.recall)}")
    _costs(out, result)
    for note in result.warnings:
        say(out, f"warning: {describe(note)}", "yellow")


def _cell(text: str, out: Console) -> str:
    """Return the text of a cell. A terminal keeps its two lines; a pipe or a file gets one line."""
    return text if out.is_terminal else text.replace("\n/", "/").replace("\n", " ")


def _costs(out: Console, result: Evaluation) -> None:
    """Print times, passages that were scored and cut, and queries that were not reranked."""
    cut = sum(outcome.truncated for outcome in result.outcomes)
    scored = sum(outcome.scored for outcome in result.outcomes)
    counts = f"; {counted(scored, 'passage')} scored, {cut} cut to the window" if result.reranks else ""
    say(out, f"{', '.join(times(result)) or 'times unknown'}{counts}")
    skipped = [(outcome.query_id, outcome.skipped) for outcome in result.outcomes if outcome.skipped is not None]
    if skipped:
        query_id, note = skipped[0]
        say(
            out,
            f"{counted(len(skipped), 'query')} left in stage one's order, such as {query_id}: {describe(note)}",
        )


def failures(out: Console, result: Evaluation, listed: int) -> None:
    """Print the number of queries that each stage lost, and the first `listed` lost queries."""
    split = ", ".join(f"{count} {kind}" for kind, count in result.failures.items() if count)
    say(out, f"an answer among the first {result.cutoff}: {split}")
    lost = [outcome for outcome in result.outcomes if outcome.failure.kind not in NO_FAILURE]
    for outcome in lost[:listed]:
        failure = outcome.failure
        ranks = ""
        if failure.retrieval_rank is not None:
            beaten = ", ".join(failure.beaten_by[:5])
            ranks = f": stage one {failure.retrieval_rank}, then {failure.final_rank}; above it {beaten}"
        say(out, f"  {failure.kind:<13}  {outcome.query[:70]}{ranks}")
    if len(lost) > listed > 0:
        say(out, f"  and {len(lost) - listed} more; --save writes all of them to a file")
    out.print()


def comparisons(out: Console, pairs: Sequence[Comparison]) -> None:
    """Print every pair of evaluations, with p values corrected for the number of pairs. No pairs: print nothing."""
    if not pairs:
        return
    numbers = (pairs[0].measure, "won/lost/tied", "p", "p (Holm)")
    table = compact("set-ups compared, second minus first", words=("first", "second"), numbers=numbers)
    for comparison in pairs:
        pair = comparison.paired
        table.add_row(
            escape(comparison.first),
            escape(comparison.second),
            gain_of(pair.difference),
            f"{pair.wins}/{pair.losses}/{pair.ties}",
            f"{pair.p:.4f}",
            f"{comparison.adjusted_p:.4f}",
        )
    show(out, table)


def baseline(out: Console, differences: Sequence[tuple[str, Paired]], results: Sequence[RuleResult]) -> None:
    """Print the evaluation minus the baseline, and the result of each rule."""
    for measure, pair in differences:
        say(
            out,
            f"against the baseline: {measure} {signed(pair.difference)}, "
            f"{pair.wins} won, {pair.losses} lost, {pair.ties} tied, p {pair.p:.4f}",
        )
    for result in results:
        say(
            out,
            f"{'FAILED' if result.failed else 'passed'}: {result}",
            "red" if result.failed else "green",
        )
