"""The choice of the ONNX file of a model repository."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shortlist.errors import ModelNotFound

PREFERRED = (
    "vespa_colbert.onnx",
    "onnx/model.onnx",
    "model.onnx",
    "onnx/model_O1.onnx",
    "onnx/model_O2.onnx",
    "onnx/model_O3.onnx",
    "model_optimized.onnx",
    "onnx/model_optimized.onnx",
    "onnx/model_fp16.onnx",
)
"""Full precision first, then optimised graphs, then fp16. `vespa_colbert.onnx` includes the projection of ColBERT."""

QUANTISED = re.compile(r"quant|int8|uint8|q4|bnb4|_q8|qdq", re.IGNORECASE)


def choose_onnx(files: Iterable[str], requested: str | None = None) -> tuple[str | None, str]:
    """Return the path of the ONNX file to run, or None, and the reason as one sentence.

    A dynamically quantised file must be requested by name, because its score for a pair depends on the rest of the
    batch.

    Raises:
        ModelNotFound: The requested file does not exist.
    """
    names = sorted(name for name in files if name.endswith(".onnx"))
    if requested is not None:
        if requested not in names:
            raise ModelNotFound(f"this model has no file {requested!r}; its ONNX files: {', '.join(names) or 'none'}")
        return requested, f"{requested}: requested by name"
    if not names:
        return None, "no ONNX file"
    preferred = next((name for name in PREFERRED if name in names), None)
    if preferred is not None:
        return preferred, f"{preferred}: " + (
            f"the first choice among {len(names)} ONNX files" if len(names) > 1 else "the only ONNX file"
        )
    plain = next((name for name in names if not QUANTISED.search(name)), None)
    if plain is not None:
        return plain, f"{plain}: the first ONNX file that is not quantised"
    return None, (
        f"only quantised ONNX files ({', '.join(names)}), whose scores depend on the batch; request one by name"
    )
