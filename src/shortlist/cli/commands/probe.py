"""`shortlist probe negation`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from shortlist.cli.options import CrossEncoderOption, PrecisionOption
from shortlist.cli.render.evaluation import compact, gain_of
from shortlist.cli.render.progress import bar
from shortlist.evaluation.metrics.statistics import Estimate
from shortlist.evaluation.probe import ANSWERS, Probe, nearest_others
from shortlist.evaluation.probe import probe as run_probe
from shortlist.evaluation.query_sets.files.contrasts import read_contrasts
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.registry import load_encoder, load_reranker

app = typer.Typer(
    help="Test the models themselves on small sets of hard cases.", add_completion=False, rich_markup_mode=None
)


@app.callback()
def probe() -> None:
    """Test the models themselves on small sets of hard cases; no index is needed."""


@app.command("negation")
def negation(
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--pairs",
            metavar="PATH",
            help="NevIR .jsonl, an ExcluIR or BEIR folder. [default: the 72 pairs in the box]",
        ),
    ] = None,
    bi_encoder: Annotated[str, typer.Option("--bi-encoder", help="Packaged name, folder or hub id.", metavar="ID")] = (
        BI_ENCODER
    ),
    cross_encoder: CrossEncoderOption = CROSS_ENCODER,
    precision: PrecisionOption = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with every pair.")] = False,
) -> None:
    """Whether each stage feels "not", "except", opposites and quantities: of two passages, each query wants its own."""
    encoder = load_encoder(bi_encoder, precision=precision)
    contrasts = read_contrasts(pairs, nearest=nearest_others(encoder))
    reranker = load_reranker(cross_encoder, precision=precision)
    with bar(Console(stderr=True, highlight=False), "pairs") as told:
        found = run_probe(contrasts, encoder, reranker, told)
    if as_json:
        typer.echo(json.dumps(as_object(found), ensure_ascii=False))
    else:
        _show(Console(highlight=False), found)


def as_object(found: Probe) -> dict[str, Any]:
    """The probe with its accuracies, overall and by kind."""

    def both(kind: str | None) -> dict[str, Any]:
        return {
            "pairs": len(found.answers("rerank", kind)),
            "bi-encoder": asdict(found.accuracy("retrieval", kind)),
            "cross-encoder": asdict(found.accuracy("rerank", kind)),
        }

    return {
        "contrasts": found.contrasts,
        "note": found.note,
        "chance": found.chance,
        "models": {"bi-encoder": found.bi_encoder, "cross-encoder": found.cross_encoder},
        **both(None),
        "gain": asdict(found.gain) if found.gain is not None else None,
        "kinds": {kind: both(kind) for kind in found.kinds},
        "verdicts": [asdict(one) for one in found.verdicts],
    }


def _show(out: Console, found: Probe) -> None:
    out.print(f"bi-encoder: {found.bi_encoder}\ncross-encoder: {found.cross_encoder}", markup=False, soft_wrap=True)
    table = compact(f"{escape(found.contrasts)}: every query must prefer its own passage; chance {found.chance:.1%}")
    table.add_column("kind")
    for name in ("pairs", "bi-encoder [95 %]", "cross-encoder [95 %]"):
        table.add_column(name, justify="right", no_wrap=True)
    for kind in (*(found.kinds if len(found.kinds) > 1 else ()), None):
        both = [found.accuracy(stage, kind) for stage in ("retrieval", "rerank")]
        count = len(found.answers("rerank", kind))
        table.add_row(escape(kind) if kind else "[bold]all[/bold]", str(count), *map(_share, both))
    out.print(table)
    gain = found.gain
    if gain is not None:
        out.print(f"cross-encoder minus bi-encoder: {gain_of(gain.difference)}, p {gain.p:.4f}", markup=False)
    for name, answers in (("bi-encoder", found.answers("retrieval")), ("cross-encoder", found.answers("rerank"))):
        counted = Counter(answers)
        out.print(f"{name}: {', '.join(f'{counted[kind]} {kind}' for kind in ANSWERS)}", markup=False, soft_wrap=True)
    for said in (found.note, f"{found.truncated} pairs cut to the reranker's window" if found.truncated else ""):
        if said:
            out.print(said, style="yellow", markup=False, soft_wrap=True)


def _share(found: Estimate) -> str:
    return escape(f"{found.mean:.1%} [{found.low:.1%}, {found.high:.1%}]")
