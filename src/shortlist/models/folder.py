"""The spec of a model from its folder in the Hugging Face layout. The model's own files decide."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from shortlist.errors import ModelError, ModelNotFound
from shortlist.models.onnx_file import choose_onnx
from shortlist.models.spec import INT8, STATES, WEIGHTS, CrossEncoderSpec, EncoderSpec, ModelFiles

UNLIMITED = 1_000_000
"""A stated length from here on means "no limit"."""
DEFAULT_LENGTH = 512
BGE_QUERY = "Represent this sentence for searching relevant passages: "
"""From the BAAI/bge-*-en-v1.5 model cards, section "Using Sentence-Transformers", for short query to passage."""

METADATA = "artifact.metadata"
"""The file that describes a late-interaction model of the ColBERT package."""
SENTENCE_TRANSFORMERS = "config_sentence_transformers.json"

POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "last",
}
MODULES = {"Transformer", "Pooling", "Normalize"}
"""The modules of sentence-transformers that an ONNX file and this package cover."""


def read_encoder(folder: Path, name: str, onnx_file: str | None = None) -> EncoderSpec:
    """Return the spec of the bi-encoder in `folder`.

    Raises:
        ModelNotFound: config.json or tokenizer.json is missing.
        ModelError: A file has broken JSON, the pooling is not mean, cls, max or last, or the model has no usable ONNX
            file and its files describe a cross-encoder.
    """
    config = read_json(folder / "config.json")
    query, passage = _prompts(folder, name)
    files = _complete(model_files(folder, name, onnx_file), folder)
    if files.onnx is None and _is_cross_encoder(folder, config) is True:
        raise ModelError(f"{name} is not a bi-encoder: its files describe a cross-encoder. Use it as a reranker")
    return EncoderSpec(
        files=files,
        dimension=int(config.get("hidden_size") or config.get("dim") or 0),
        max_length=max_length_of(folder, config),
        pooling=_pooling(folder),
        normalize=_normalizes(folder),
        query_prompt=query,
        passage_prompt=passage,
    )


def read_cross_encoder(folder: Path, name: str, onnx_file: str | None = None) -> CrossEncoderSpec:
    """Return the spec of the cross-encoder in `folder`. The output of its ONNX file is checked when it is loaded.

    Raises:
        ModelNotFound: config.json or tokenizer.json is missing.
        ModelError: A file has broken JSON, the model has more than one label, or its files describe another kind of
            model.
    """
    config = read_json(folder / "config.json")
    if is_late_interaction(folder):
        raise ModelError(f"{name} is a late-interaction model: name it colbert:{name}")
    labels = config.get("num_labels") or len(config.get("id2label") or {}) or 1
    if labels != 1:
        raise ModelError(f"{name} has {labels} labels; a reranker needs a cross-encoder with one label")
    stages = tuple(folder / file for file in _stages(folder))
    files = _complete(model_files(folder, name, onnx_file), folder)
    if not _is_classifier(config):
        files = replace(files, weights=None)
    if files.onnx is None and _is_cross_encoder(folder, config) is False:
        raise ModelError(
            f"{name} is not a cross-encoder with one label: its files name no such head. Give a cross-encoder"
        )
    longest = config.get("shortlist_longest_query")
    int8 = folder / INT8
    return CrossEncoderSpec(
        files=files,
        max_length=max_length_of(folder, config),
        activation=_activation(config),
        stages=stages,
        longest_query=int(longest) if longest else None,
        int8=int8 if int8.is_file() else None,
        codec=_codec(folder, config),
        first_exit=_first_exit(folder, config),
    )


def is_late_interaction(folder: Path) -> bool:
    """Return whether the files of a folder describe a late-interaction model."""
    if (folder / METADATA).is_file():
        return True
    settings = read_json(folder / SENTENCE_TRANSFORMERS, optional=True)
    return settings.get("similarity_fn_name") == "MaxSim" or settings.get("model_type") == "ColBERT"


def _codec(folder: Path, config: dict[str, Any]) -> Path | None:
    """The codec of stored states, if the layers of the first stage compute the query and the passage apart."""
    file = folder / STATES
    return file if config.get("shortlist_apart") and _stages(folder)[1:] and file.is_file() else None


def _first_exit(folder: Path, config: dict[str, Any]) -> Path | None:
    name = config.get("shortlist_exit")
    return folder / str(name) if name and (folder / str(name)).is_file() else None


def _activation(config: dict[str, Any]) -> str:
    settings = config.get("sentence_transformers") or {}
    function = settings.get("activation_fn") or config.get("sbert_ce_default_activation_function", "")
    return "identity" if "Identity" in str(function) else "sigmoid"


def model_files(folder: Path, name: str, requested: str | None) -> ModelFiles:
    """Return the files of the model in `folder`.

    Raises:
        ModelNotFound: tokenizer.json or the requested ONNX file is missing.
        ModelError: config.json has broken JSON.
    """
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise ModelNotFound(f"{folder} has no tokenizer.json, which every model needs")
    chosen, reason = chosen_onnx(folder, requested)
    weights = next((folder / file for file in WEIGHTS if (folder / file).is_file()), None)
    return ModelFiles(name, folder, tokenizer, folder / chosen if chosen else None, reason, weights)


def chosen_onnx(folder: Path, requested: str | None = None) -> tuple[str | None, str]:
    """Return the ONNX file to run, or the first file of a model in stages, and the reason: see `choose_onnx`.

    Raises:
        ModelNotFound: See `choose_onnx`.
        ModelError: config.json has broken JSON.
    """
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*.onnx")]
    stages = _stages(folder)
    if not stages or requested:
        return choose_onnx(files, requested)
    first, _ = choose_onnx(files, stages[0])
    return first, f"{', '.join(stages)}: one model in {len(stages)} stages, which run in this order"


def _stages(folder: Path) -> list[str]:
    """The files of a model in stages, in the order in which they run."""
    return [str(file) for file in read_json(folder / "config.json", optional=True).get("shortlist_stages") or ()]


def _is_cross_encoder(folder: Path, config: dict[str, Any]) -> bool | None:
    """Whether the model's files describe a cross-encoder, or None if they do not tell.

    Since version 5 of sentence-transformers the files name the kind. Before, only bi-encoders had a modules.json.
    """
    kind = read_json(folder / SENTENCE_TRANSFORMERS, optional=True).get("model_type")
    if kind:
        return bool(kind == "CrossEncoder")
    if modules_of(folder):
        return False
    return _is_classifier(config) if config.get("architectures") else None


def _is_classifier(config: dict[str, Any]) -> bool:
    """Whether the weights are those of a cross-encoder that transformers runs without further modules."""
    return any(str(head).endswith("ForSequenceClassification") for head in config.get("architectures") or ())


def read_json(path: Path, *, optional: bool = False) -> dict[str, Any]:
    """Return the object in a file of a model. An optional file that does not exist gives an empty object.

    Raises:
        ModelNotFound: The file does not exist.
        ModelError: The file has no JSON object.
    """
    if not path.is_file():
        if optional:
            return {}
        raise ModelNotFound(f"{path} is missing: {path.parent} is not a model folder")
    value = _loaded(path)
    if not isinstance(value, dict):
        raise ModelError(f"{path} contains {type(value).__name__}, not an object")
    return value


def modules_of(folder: Path) -> list[dict[str, Any]]:
    """Return the modules of a model of sentence-transformers, in order; none for another model."""
    path = folder / "modules.json"
    modules = _loaded(path) if path.is_file() else []
    return [module for module in modules if isinstance(module, dict)]


def _loaded(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not readable JSON: {error}") from error


def _pooling(folder: Path) -> str:
    """The mode of the Pooling module; mean without one, as in sentence-transformers."""
    places = [
        module.get("path", "") for module in modules_of(folder) if str(module.get("type", "")).endswith("Pooling")
    ]
    config = read_json(folder / (places[0] if places else "1_Pooling") / "config.json", optional=True)
    if not config:
        return "mean"
    mode = config.get("pooling_mode")
    if isinstance(mode, str):
        modes = [{"lasttoken": "last"}.get(mode, mode)]
    else:
        modes = [POOLINGS.get(key, key) for key, on in config.items() if key.startswith("pooling_mode_") and on is True]
    if len(modes) != 1 or modes[0] not in POOLINGS.values():
        raise ModelError(f"{folder}: pooling {modes} is not supported; supported: {', '.join(POOLINGS.values())}")
    return str(modes[0])


def _normalizes(folder: Path) -> bool:
    """False only for a model whose files state a comparison by dot product and list no Normalize module."""
    if any(str(module.get("type", "")).endswith("Normalize") for module in modules_of(folder)):
        return True
    similarity = read_json(folder / SENTENCE_TRANSFORMERS, optional=True).get("similarity_fn_name")
    return similarity not in {"dot", "dot_product"}


def _complete(files: ModelFiles, folder: Path) -> ModelFiles:
    """The files, without an ONNX file that contains only the first of the model's modules."""
    types = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules_of(folder)]
    others = ", ".join(kind for kind in types if kind not in MODULES)
    if files.onnx is None or not others:
        return files
    return replace(files, onnx=None, onnx_reason=f"modules.json lists {others}, which the ONNX file does not contain")


def max_length_of(folder: Path, config: dict[str, Any], *, of_sentences: bool = True) -> int:
    """Return the smallest stated limit in tokens. `of_sentences` also reads the limit of sentence-transformers."""
    limits = []
    stated = read_json(folder / "sentence_bert_config.json", optional=True).get("max_seq_length")
    if isinstance(stated, int) and of_sentences:
        limits.append(stated)
    stated = read_json(folder / "tokenizer_config.json", optional=True).get("model_max_length")
    if isinstance(stated, int | float) and 0 < stated < UNLIMITED:
        limits.append(int(stated))
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int):
        offset = 2 if config.get("model_type") in {"roberta", "xlm-roberta", "camembert", "mpnet"} else 0
        limits.append(positions - offset)
    return min(limits, default=DEFAULT_LENGTH)


def _prompts(folder: Path, name: str) -> tuple[str, str]:
    """The prompts for queries and passages: those of the model's files, else the documented ones of bge and e5."""
    config = read_json(folder / SENTENCE_TRANSFORMERS, optional=True)
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
