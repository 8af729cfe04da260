"""Models that are part of the package. Each file is checked against its hash before it is used."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from shortlist.config.weights import Weights
from shortlist.errors import ModelError, ModelNotFound

ROOT = Path(__file__).parent / "packaged"
BI_ENCODER = "all-MiniLM-L6-v2"
CROSS_ENCODER = "shortlist-reranker-v1"
BLEND, MANIFEST = "blend.json", "manifest.json"
"""The files with the fitted weights of stage one, and with the hash of each file."""


def packaged_names(root: Path = ROOT) -> list[str]:
    """Return the names of the packaged models, sorted."""
    return sorted(path.parent.name for path in root.glob(f"*/{MANIFEST}"))


def packaged_folder(name: str, root: Path = ROOT) -> Path:
    """Return the folder of a packaged model.

    Raises:
        ModelNotFound: There is no such model.
        ModelError: A file is missing, or differs from the packaged one.
    """
    folder = root / name
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise ModelNotFound(f"there is no packaged model {name!r}; packaged: {', '.join(packaged_names(root))}")
    for file, expected in json.loads(manifest.read_text(encoding="utf-8"))["files"].items():
        path = folder / file
        if not path.is_file():
            raise ModelError(f"{path} is missing: reinstall shortlist")
        actual = _sha256(path)
        if actual != expected:
            raise ModelError(f"{path} is damaged (sha256 {actual}, expected {expected}): reinstall shortlist")
    return folder


def fitted_weights(bi_encoder: str, reranker: str, root: Path = ROOT) -> Weights:
    """Return the weights of stage-one signals that were fitted for this pair of models; none if none were fitted.

    `reranker` is a packaged name, or the absolute path of a model folder, such as one that `adapt` wrote.

    Raises:
        ModelError: The file with the weights is damaged.
    """
    path = root / reranker / BLEND
    if not path.is_file():
        return Weights()
    try:
        fitted = json.loads(path.read_text(encoding="utf-8")).get(bi_encoder, {})
        negated = float(fitted.pop("negated", 1.0))
        return Weights({name: float(weight) for name, weight in fitted.items()}, negated)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} has no weights of stage one: {error}") from error


def write_manifest(folder: Path) -> None:
    """Write `manifest.json` with the SHA-256 of every file in `folder` that loading reads."""
    files = {
        path.relative_to(folder).as_posix(): _sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".onnx", ".json", ".npz"} and path.name != MANIFEST
    }
    (folder / MANIFEST).write_text(json.dumps({"files": files}, indent=1) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
