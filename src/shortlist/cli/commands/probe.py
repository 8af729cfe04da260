"""`shortlist probe negation`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortlist.cli.console import output, say
from shortlist.cli.options import MODELS, Given, JsonOption, option, resolved, with_settings

if TYPE_CHECKING:
    from rich.console import Console

    from shortlist.evaluation.metrics.statistics import Estimate
    from shortlist.evaluation.probe import Probe

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def probe() -> None:
    """Test the models on small sets of hard cases.

    No index is needed.
    """


@app.command("negation")
@with_settings(*MODELS)
def negation(
    given: Given,
    pairs: Annotated[
        Path | None,
        option("--pairs", "PATH", "NevIR .jsonl, or an ExcluIR or BEIR folder. [default: the 72 packaged pairs]"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Test how both stages react to "not", "except", opposites and quantities.

    Each query has two passages that differ in a few words. A stage is right if it prefers the passage of the query.
    """
    from shortlist import registry
    from shortlist.cli.render.progress import bar
    from shortlist.evaluation.probe import nearest_others
    from shortlist.evaluation.probe import probe as run_probe
    from shortlist.evaluation.query_sets.files.contrasts import read_contrasts
    from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER

    config = resolved({**given, "rerank": True}).config
    encoder = registry.configured_encoder(config, config.bi_encoder or BI_ENCODER)
    contrasts = read_contrasts(pairs, nearest=nearest_others(encoder))
    reranker = registry.configured_reranker(config, config.reranker or CROSS_ENCODER)
    with bar("pairs") as progress:
        result = run_probe(contrasts, encoder, reranker, progress)
    if as_json:
        typer.echo(json.dumps(_record(result), ensure_ascii=False))
    else:
        _show(output(), result)


def _record(result: Probe) -> dict[str, Any]:
    """Return the probe with its accuracies, overall and by kind."""

    def both(kind: str | None) -> dict[str, Any]:
        return {
            "pairs": len(result.answers("rerank", kind)),
            "bi_encoder": asdict(result.accuracy("retrieval", kind)),
            "reranker": asdict(result.accuracy("rerank", kind)),
        }

    return {
        "contrasts": result.contrasts,
        "note": result.note,
        "chance": result.chance,
        "models": {"bi_encoder": result.bi_encoder, "reranker": result.reranker},
        **both(None),
        "gain": asdict(result.gain) if result.gain is not None else None,
        "kinds": {kind: both(kind) for kind in result.kinds},
        "results": [asdict(pair) for pair in result.pairs],
    }


def _show(out: Console, result: Probe) -> None:
    from shortlist.cli.render.tables import gain_of
    from shortlist.evaluation.probe import ANSWERS
    from shortlist.wording.counting import counted

    say(out, f"bi-encoder: {result.bi_encoder}\nreranker: {result.reranker}")
    _table(out, result)
    gain = result.gain
    if gain is not None:
        say(out, f"reranker minus bi-encoder: {gain_of(gain.difference)}, p {gain.p:.4f}")
    for name, answers in (("bi-encoder", result.answers("retrieval")), ("reranker", result.answers("rerank"))):
        counts = Counter(answers)
        say(out, f"{name}: {', '.join(f'{counts[kind]} {kind}' for kind in ANSWERS)}")
    if result.note:
        say(out, result.note, "yellow")
    if result.truncated:
        say(out, f"{counted(result.truncated, 'pair')} cut to the reranker's window", "yellow")


def _table(out: Console, result: Probe) -> None:
    from rich.markup import escape

    from shortlist.cli.render.tables import compact, show

    title = f"{escape(result.contrasts)}: every query must prefer its own passage; chance {result.chance:.1%}"
    table = compact(title, words=("kind",), numbers=("pairs", "bi-encoder [95 %]", "reranker [95 %]"))
    for kind in (*(result.kinds if len(result.kinds) > 1 else ()), None):
        shares = [escape(_share(result.accuracy(stage, kind))) for stage in ("retrieval", "rerank")]
        table.add_row(escape(kind) if kind else "[bold]all[/bold]", str(len(result.answers("rerank", kind))), *shares)
    show(out, table)


def _share(estimate: Estimate) -> str:
    return f"{estimate.mean:.1%} [{estimate.low:.1%}, {estimate.high:.1%}]"
