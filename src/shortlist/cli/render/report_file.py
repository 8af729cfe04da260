"""What `evaluate --report` and `tune --report` share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console

from shortlist import __version__
from shortlist.atomic_io import check_place, write_whole
from shortlist.cli.setups import SetUp
from shortlist.inference.runtimes import choose
from shortlist.registry import OpenIndex
from shortlist.report import check_plots


def check(file: Path) -> None:
    """Before anything is measured: does nothing where a report can be drawn and written.

    Raises:
        MissingExtra: matplotlib is not installed.
        InvalidInput: The file can't be written.
    """
    check_plots()
    check_place(file)


def about(set_up: SetUp, index: OpenIndex, weights: Mapping[str, float] | None = None) -> dict[str, str]:
    """What the set-up is, with the models and the runtime that it had here.

    `weights` are those of the final score where they are other than the opened index has.
    """
    runtime = getattr(index.shortlist.reranker, "runtime", None) or choose(set_up.settings.precision)
    used = index.shortlist.weights if weights is None else weights
    said = " + ".join(f"{weight:g} x {name}" for name, weight in used.items() if weight)
    return {
        **set_up.about,
        "bi-encoder": index.index.manifest.encoder,
        "passages": str(len(index.index)),
        "runtime": runtime.shown,
        "final score": f"reranker's score + {said}" if said else "the reranker's score",
    }


def written() -> str:
    """When and by what a report is written."""
    return f"Written by shortlist {__version__} on {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC."


def put(made: str, file: Path) -> None:
    """Writes the report and says where."""
    write_whole(file, made)
    Console(stderr=True, highlight=False).print(f"report written to {file}", markup=False, soft_wrap=True)
