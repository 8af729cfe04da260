"""`shortlist models` and `shortlist models pull`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.console import output, say

if TYPE_CHECKING:
    from shortlist.models import ModelFiles
    from shortlist.models.known import ModelRecord

app = typer.Typer(invoke_without_command=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def models(context: typer.Context) -> None:
    """List the known models, or download one.

    The list also shows which precision runs on this machine, and why. Any other hub id or model folder works, too.
    """
    if context.invoked_subcommand is not None:
        return
    from shortlist.inference.runtimes import choose
    from shortlist.models import cross_encoder_spec
    from shortlist.models.known import KNOWN
    from shortlist.models.packaged import CROSS_ENCODER

    out = output()
    for record in KNOWN:
        place = "packaged" if record.packaged else "hub"
        say(
            out,
            f"{record.id}\n  {record.role}, {record.licence}, {record.parameters:g} M parameters, "
            f"window {record.max_length} tokens, {place}",
        )
        if record.packaged:
            say(out, f"  runs {_files(record).onnx_reason}")
        say(out, f"  {record.note}")
    packaged = cross_encoder_spec(CROSS_ENCODER)
    for precision, scope, int8 in (
        ("auto", f" for {packaged.files.name}", packaged.int8),
        ("auto", " for other models", None),
        ("exact", "", packaged.int8),
    ):
        runtime = choose(precision, int8)
        say(out, f"{precision}{scope}: {runtime.shown} - {runtime.reason}")


def _files(record: ModelRecord) -> ModelFiles:
    from shortlist.models import cross_encoder_spec, encoder_spec

    if record.role == "bi-encoder":
        return encoder_spec(record.id).files
    return cross_encoder_spec(record.id).files


@app.command("pull")
def pull(
    model: Annotated[str, typer.Argument(metavar="ID", help="A hub id or a name of the list.", show_default=False)],
    onnx_file: Annotated[
        str | None, typer.Option("--onnx-file", help="Use this ONNX file of the model.", metavar="FILE")
    ] = None,
) -> None:
    """Download a model into the hub's cache. The model then works offline."""
    from shortlist.models import locate
    from shortlist.models.folder import chosen_onnx

    name, folder = locate(model, onnx_file)
    _, reason = chosen_onnx(folder, onnx_file)
    out = output()
    say(out, f"{name} is at {folder}")
    say(out, reason)
