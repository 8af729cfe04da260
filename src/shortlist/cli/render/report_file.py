"""The common functions of `evaluate --report` and `tune --report`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from shortlist.atomic_io import check_place, write_whole
from shortlist.cli.console import remark
from shortlist.inference.runtimes import choose
from shortlist.redaction import without_secrets
from shortlist.report import check_plots, final_score

if TYPE_CHECKING:
    from shortlist.cli.setups import SetUp
    from shortlist.search.opened import Opened


def check(file: Path) -> None:
    """Check that a report can be drawn and written, before anything is measured.

    Raises:
        MissingExtra: matplotlib is not installed.
        InvalidInput: The file cannot be written.
    """
    check_plots()
    check_place(file)


def about(set_up: SetUp, searched: Opened, weights: Mapping[str, float] | None = None) -> dict[str, str]:
    """Return facts about a set-up, with the models and the runtime on this machine.

    `weights` are the weights of the final score. None: the weights of the search.
    """
    config, search, passages = set_up.config, searched.searcher, searched.count()
    runtime = getattr(search.reranker, "runtime", None) or choose(config.precision, device=config.device)
    used = search.weights_at() if weights is None else weights
    return {
        "index": "none" if set_up.index is None else set_up.subject,
        "retriever": without_secrets(config.retriever),
        "bi-encoder": searched.bi_encoder,
        "reranker": config.reranker_name or "none",
        "precision": config.precision,
        "blend": f"{config.blend:g}",
        "fusion": f"{config.fusion:g}",
        "weights": "fitted" if config.weights is None else str(dict(config.weights)),
        "progressive": "yes" if config.progressive else "no",
        "passages": "unknown" if passages is None else str(passages),
        "runtime": runtime.shown,
        "final score": final_score(used),
    }


def put(page: str, file: Path) -> None:
    """Write the report, and print where it is."""
    write_whole(file, page)
    remark(f"report written to {file}")
