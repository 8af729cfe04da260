"""The spec of a late-interaction model from its folder. The model's own files decide.

Three kinds of files describe such models: `artifact.metadata` of ColBERT, `config_sentence_transformers.json` of
PyLate, and the same file of exports for ONNX.

Sources:
    https://github.com/stanford-futuredata/ColBERT, colbert/infra/config/settings.py;
    https://github.com/lightonai/pylate, pylate/models/colbert.py.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shortlist.errors import ModelError
from shortlist.models.folder import (
    METADATA,
    SENTENCE_TRANSFORMERS,
    is_late_interaction,
    max_length_of,
    model_files,
    modules_of,
    read_json,
)
from shortlist.models.spec import LateInteractionSpec

DOWNLOADS = ("*_Dense/*",)
"""The files of such a model that a download of other models does not have."""
ROOT_WEIGHTS = "model.safetensors"
QUERY_LENGTH, PASSAGE_LENGTH = 32, 180
"""The lengths in tokens if the files state none, as in PyLate and ColBERTv2."""
MARKERS = ("[unused0]", "[unused1]")
"""The markers of ColBERT for queries and passages, if the files name none."""
PYLATE_MARKERS = ("[Q] ", "[D] ")
OWN_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "jinaai/jina-colbert-v2": {
        "query_prefix": "[QueryMarker]",
        "document_prefix": "[DocumentMarker]",
        "attend_to_expansion_tokens": True,
    },
}
"""What the model cards state and the files do not. Source: https://huggingface.co/jinaai/jina-colbert-v2."""


def read_late_interaction(folder: Path, name: str, onnx_file: str | None = None) -> LateInteractionSpec:
    """Return the spec of the late-interaction model in `folder`.

    Raises:
        ModelNotFound: config.json or tokenizer.json is missing.
        ModelError: A file has broken JSON, the files describe another kind of model or another similarity than the
            cosine, the model has no usable ONNX file, or a layer after it is not linear.
    """
    config = read_json(folder / "config.json")
    if not is_late_interaction(folder):
        raise ModelError(
            f"{name} is not a late-interaction model: it has no {METADATA}, and {SENTENCE_TRANSFORMERS} does not name "
            "the similarity MaxSim"
        )
    files = model_files(folder, name, onnx_file)
    if files.onnx is None:
        raise ModelError(f"{name}: {files.onnx_reason}. A late-interaction model runs from an ONNX file")
    settings = _settings(folder, name)
    projections, width = _projections(folder)
    longest = max_length_of(folder, config, of_sentences=False)
    return LateInteractionSpec(
        files=files,
        query_marker=str(settings["query_prefix"]),
        passage_marker=str(settings["document_prefix"]),
        mask=_mask(folder),
        query_length=min(int(settings["query_length"]), longest),
        passage_length=min(int(settings["document_length"]), longest),
        max_length=longest,
        dimension=int(width or settings["embedding_dim"] or 0),
        expands=bool(settings["do_query_expansion"]),
        attends=bool(settings["attend_to_expansion_tokens"]),
        skipped=tuple(map(str, settings["skiplist_words"])),
        projections=projections,
    )


def _settings(folder: Path, name: str) -> dict[str, Any]:
    """The settings by PyLate's names: defaults, then those of ColBERT, of PyLate, and of the model's card."""
    pylate = read_json(folder / SENTENCE_TRANSFORMERS, optional=True)
    colbert = read_json(folder / METADATA, optional=True)
    if colbert.get("similarity", "cosine") != "cosine":
        raise ModelError(f"{name} has the similarity {colbert['similarity']!r}; supported is cosine")
    markers = MARKERS if colbert else PYLATE_MARKERS
    settings: dict[str, Any] = {
        "query_prefix": colbert.get("query_token_id", markers[0]),
        "document_prefix": colbert.get("doc_token_id", markers[1]),
        "query_length": colbert.get("query_maxlen", QUERY_LENGTH),
        "document_length": colbert.get("doc_maxlen", PASSAGE_LENGTH),
        "attend_to_expansion_tokens": colbert.get("attend_to_mask_tokens", False),
        "skiplist_words": list(string.punctuation) if colbert.get("mask_punctuation", True) else [],
        "do_query_expansion": True,
        "embedding_dim": colbert.get("dim"),
    }
    own = OWN_SETTINGS.get(name, {})
    return settings | {key: pylate[key] for key in settings if pylate.get(key) is not None} | dict(own)


def _projections(folder: Path) -> tuple[tuple[Path, ...], int]:
    """The files of the linear layers after the model, in order, and the width of their result; 0 if it is unknown."""
    files, width = [], 0
    for module in modules_of(folder):
        if not str(module.get("type", "")).endswith("Dense"):
            continue
        place = folder / str(module.get("path", ""))
        settings = read_json(place / "config.json", optional=True)
        activation = str(settings.get("activation_function", "Identity"))
        if not activation.endswith("Identity"):
            raise ModelError(f"{place} has the activation {activation}; supported is Identity")
        files.append(place / ROOT_WEIGHTS)
        width = int(settings.get("out_features") or 0)
    if not files and (folder / ROOT_WEIGHTS).is_file():
        files.append(folder / ROOT_WEIGHTS)
    return tuple(files), width


def _mask(folder: Path) -> str:
    """The token that fills a query."""
    mask = read_json(folder / "special_tokens_map.json", optional=True).get("mask_token")
    if mask is None:
        mask = read_json(folder / "tokenizer_config.json", optional=True).get("mask_token")
    content = mask.get("content") if isinstance(mask, dict) else mask
    return str(content or "[MASK]")
