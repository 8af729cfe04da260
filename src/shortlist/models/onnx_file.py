"""Which ONNX file of a model repository is run."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shortlist.errors import ModelNotFound

PREFERRED = (
    "onnx/model.onnx",
    "model.onnx",
    "onnx/model_O1.onnx",
    "onnx/model_O2.onnx",
    "onnx/model_O3.onnx",
    "model_optimized.onnx",
    "onnx/model_optimized.onnx",
    "onnx/model_fp16.onnx",
)
"""Full precision first, then graph-optimised, then fp16."""

QUANTISED = re.compile(r"quant|int8|uint8|q4|bnb4|_q8|qdq", re.IGNORECASE)


def choose_onnx(files: Iterable[str], asked: str | None = None) -> tuple[str | None, str]:
    """The path to run and one sentence of reason; None when the repository has nothing that may be run unasked.

    Dynamically quantised files are never chosen unasked: their score for a pair depends on the rest of the batch.

    Raises:
        ModelNotFound: `asked` names a file that is not there.
    """
    found = sorted(name for name in files if name.endswith(".onnx"))
    if asked is not None:
        if asked not in found:
            raise ModelNotFound(f"no file {asked!r} in this model; its ONNX files: {', '.join(found) or 'none'}")
        return asked, f"{asked}: asked for by name"
    if not found:
        return None, "no ONNX file"
    for name in PREFERRED:
        if name in found:
            others = len(found) - 1
            return (
                name,
                f"{name}: the first choice among {others + 1} ONNX files" if others else f"{name}: the only one",
            )
    plain = [name for name in found if not QUANTISED.search(name)]
    if plain:
        return plain[0], f"{plain[0]}: the first that is not quantised"
    return None, f"only quantised ONNX files ({', '.join(found)}), whose scores depend on the batch; name one to run it"
