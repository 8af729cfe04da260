"""A model folder in the Hugging Face layout -> its spec. The model's own files decide."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from shortlist.errors import ModelError, ModelNotFound
from shortlist.models.onnx_file import choose_onnx
from shortlist.models.spec import INT8, CrossEncoderSpec, EncoderSpec, ModelFiles

ABSURD_LENGTH = 1_000_000
BGE_QUERY = "Represent this sentence for searching relevant passages: "
"""From the BAAI/bge-*-en-v1.5 model cards, section "Using Sentence-Transformers", for short query to passage."""

POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "last",
}


def read_encoder(folder: Path, name: str, onnx_file: str | None = None) -> EncoderSpec:
    """The bi-encoder in `folder`.

    Raises:
        ModelNotFound: No config.json or tokenizer.json.
        ModelError: Broken JSON, a pooling that is not mean, cls, max or last, or no ONNX file that may be run and its
            files say that it is a cross-encoder.
    """
    config = _json(folder / "config.json")
    query, passage = _prompts(folder, name)
    files = _held_whole(_files(folder, name, onnx_file), folder)
    if files.onnx is None and _is_cross_encoder(folder, config) is True:
        raise ModelError(f"{name} is no bi-encoder: its files say that it is a cross-encoder. Give it as that")
    return EncoderSpec(
        files=files,
        dimension=int(config.get("hidden_size") or config.get("dim") or 0),
        max_length=_max_length(folder, config),
        pooling=_pooling(folder),
        normalize=_normalizes(folder),
        query_prompt=query,
        passage_prompt=passage,
    )


def read_cross_encoder(folder: Path, name: str, onnx_file: str | None = None) -> CrossEncoderSpec:
    """The cross-encoder in `folder`. What its ONNX file gives for a pair is checked where that is loaded.

    Raises:
        ModelNotFound: No config.json or tokenizer.json.
        ModelError: Broken JSON, more than one label, or no ONNX file that may be run and its files say that it is no
            cross-encoder.
    """
    config = _json(folder / "config.json")
    labels = config.get("num_labels") or len(config.get("id2label") or {}) or 1
    if labels != 1:
        raise ModelError(f"{name} has {labels} labels; a reranker needs a cross-encoder with one")
    said = (config.get("sentence_transformers") or {}).get("activation_fn") or config.get(
        "sbert_ce_default_activation_function", ""
    )
    activation = "identity" if "Identity" in str(said) else "sigmoid"
    stages = tuple(folder / file for file in _stages(folder))
    files = _held_whole(_files(folder, name, onnx_file), folder)
    if files.onnx is None and _is_cross_encoder(folder, config) is False:
        raise ModelError(
            f"{name} is no cross-encoder with one label: its files name no such head. Give a cross-encoder"
        )
    longest = config.get("shortlist_longest_query")
    int8 = folder / INT8
    return CrossEncoderSpec(
        files,
        _max_length(folder, config),
        activation,
        stages,
        int(longest) if longest else None,
        int8 if int8.is_file() else None,
    )


def _files(folder: Path, name: str, asked: str | None) -> ModelFiles:
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise ModelNotFound(f"{folder} has no tokenizer.json, which every model needs")
    chosen, reason = chosen_onnx(folder, asked)
    return ModelFiles(name, folder, tokenizer, folder / chosen if chosen else None, reason)


def chosen_onnx(folder: Path, asked: str | None = None) -> tuple[str | None, str]:
    """The ONNX file of the model in `folder` that is run, or the first of its stages, and why; see `choose_onnx`.

    Raises:
        ModelNotFound: As `choose_onnx`.
        ModelError: Broken JSON.
    """
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*.onnx")]
    stages = _stages(folder)
    if not stages or asked:
        return choose_onnx(found, asked)
    first, _ = choose_onnx(found, stages[0])
    return first, f"{', '.join(stages)}: one model in {len(stages)} stages, run in this order"


def _stages(folder: Path) -> list[str]:
    """The files of a model that is cut into stages, in the order they run."""
    return [str(file) for file in _json(folder / "config.json", optional=True).get("shortlist_stages") or ()]


def _is_cross_encoder(folder: Path, config: dict[str, Any]) -> bool | None:
    """What the model's files say; None where they don't.

    Since version 5 of sentence-transformers they name the kind. Before it, only bi-encoders had a modules.json.
    """
    said = _json(folder / "config_sentence_transformers.json", optional=True).get("model_type")
    if said:
        return bool(said == "CrossEncoder")
    if _modules(folder):
        return False
    heads = config.get("architectures") or ()
    return any(str(head).endswith("ForSequenceClassification") for head in heads) if heads else None


def _json(path: Path, *, optional: bool = False) -> dict[str, Any]:
    if not path.is_file():
        if optional:
            return {}
        raise ModelNotFound(f"{path} is missing: {path.parent} is no model folder")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not readable JSON: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} holds {type(value).__name__}, not an object")
    return value


def _modules(folder: Path) -> list[dict[str, Any]]:
    path = folder / "modules.json"
    if not path.is_file():
        return []
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not readable JSON: {error}") from error
    return [one for one in modules if isinstance(one, dict)]


def _pooling(folder: Path) -> str:
    """The Pooling module's mode; mean where the folder has none, as sentence-transformers does."""
    places = [m.get("path", "") for m in _modules(folder) if str(m.get("type", "")).endswith("Pooling")]
    config = _json(folder / (places[0] if places else "1_Pooling") / "config.json", optional=True)
    if not config:
        return "mean"
    if isinstance(config.get("pooling_mode"), str):
        modes = [{"lasttoken": "last"}.get(config["pooling_mode"], config["pooling_mode"])]
    else:
        modes = [POOLINGS.get(key, key) for key, on in config.items() if key.startswith("pooling_mode_") and on is True]
    if len(modes) != 1 or modes[0] not in POOLINGS.values():
        raise ModelError(f"{folder}: pooling {modes} is not supported; supported: {', '.join(POOLINGS.values())}")
    return str(modes[0])


def _normalizes(folder: Path) -> bool:
    """False only for models that say they are compared by dot product and have no Normalize module."""
    if any(str(module.get("type", "")).endswith("Normalize") for module in _modules(folder)):
        return True
    said = _json(folder / "config_sentence_transformers.json", optional=True).get("similarity_fn_name")
    return said not in {"dot", "dot_product"}


def _held_whole(files: ModelFiles, folder: Path) -> ModelFiles:
    """The files without an ONNX file that holds only the first of the model's modules."""
    if files.onnx is None or not (other := _other_modules(folder)):
        return files
    return replace(files, onnx=None, onnx_reason=f"modules.json lists {other}, which the ONNX file does not hold")


def _other_modules(folder: Path) -> str:
    """The last part of each module type beyond those that are handled here."""
    types = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in _modules(folder)]
    return ", ".join(one for one in types if one not in {"Transformer", "Pooling", "Normalize"})


def _max_length(folder: Path, config: dict[str, Any]) -> int:
    """The smallest limit that the files state; 512 where none does."""
    limits = []
    stated = _json(folder / "sentence_bert_config.json", optional=True).get("max_seq_length")
    if isinstance(stated, int):
        limits.append(stated)
    stated = _json(folder / "tokenizer_config.json", optional=True).get("model_max_length")
    if isinstance(stated, (int, float)) and 0 < stated < ABSURD_LENGTH:
        limits.append(int(stated))
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int):
        offset = 2 if config.get("model_type") in {"roberta", "xlm-roberta", "camembert", "mpnet"} else 0
        limits.append(positions - offset)
    return min(limits, default=512)


def _prompts(folder: Path, name: str) -> tuple[str, str]:
    """The prompts for queries and passages: the model's own file, else what bge and e5 document, else none."""
    config = _json(folder / "config_sentence_transformers.json", optional=True)
    prompts = config.get("prompts") or {}
    default = prompts.get(config.get("default_prompt_name") or "", "")
    if any(prompts.values()):
        query = prompts.get("query", default)
        return query, next((prompts[key] for key in ("document", "passage") if key in prompts), default)
    short = name.rsplit("/", 1)[-1].lower()
    if short.startswith("bge-") and "-en" in short:
        return BGE_QUERY, ""
    is_e5 = short.startswith(("e5-", "multilingual-e5-"))
    return ("query: ", "passage: ") if is_e5 and "instruct" not in short else ("", "")
