"""`shortlist models` and `shortlist models pull`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from shortlist.inference.runtimes import choose
from shortlist.models import ModelFiles, cross_encoder_spec, encoder_spec, locate
from shortlist.models.folder import chosen_onnx
from shortlist.models.known import CATALOGUE, ModelRecord
from shortlist.models.packaged import CROSS_ENCODER

app = typer.Typer(
    help="List known models, or download one.", invoke_without_command=True, add_completion=False, rich_markup_mode=None
)


@app.callback()
def models(context: typer.Context) -> None:
    """List the models known by name, and which precision runs here and why. Any other hub id or folder works too."""
    if context.invoked_subcommand is not None:
        return
    out = Console(highlight=False)
    for record in CATALOGUE:
        where = "in the box" if record.packaged else "hub"
        out.print(
            f"{record.id}\n  {record.role}, {record.licence}, {record.parameters:g} M parameters, "
            f"window {record.max_length} tokens, {where}",
            soft_wrap=True,
        )
        if record.packaged:
            out.print(f"  runs {_files(record).onnx_reason}", soft_wrap=True)
        out.print(f"  {record.note}", soft_wrap=True)
    in_the_box = cross_encoder_spec(CROSS_ENCODER)
    for precision, whose, int8 in (
        ("auto", f" for {in_the_box.files.name}", in_the_box.int8),
        ("auto", " for other models", None),
        ("exact", "", in_the_box.int8),
    ):
        runtime = choose(precision, int8)
        out.print(f"{precision}{whose}: {runtime.shown} - {runtime.why}", soft_wrap=True)


def _files(record: ModelRecord) -> ModelFiles:
    if record.role == "bi-encoder":
        return encoder_spec(record.id).files
    return cross_encoder_spec(record.id).files


@app.command("pull")
def pull(
    model: Annotated[str, typer.Argument(metavar="ID", help="A hub id or a name from the list.", show_default=False)],
    onnx_file: Annotated[str | None, typer.Option("--onnx-file", help="Run this ONNX file of it.")] = None,
) -> None:
    """Download a model into the hub's cache, so that it works offline from then on."""
    name, folder = locate(model, onnx_file)
    _, reason = chosen_onnx(folder, onnx_file)
    out = Console(highlight=False)
    out.print(f"{name} is at {folder}", soft_wrap=True)
    out.print(reason, soft_wrap=True)
