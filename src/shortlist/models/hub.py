"""Model files from the Hugging Face hub or its cache.

huggingface_hub itself reads `HF_HOME`, `HF_TOKEN`, `HF_ENDPOINT` and `HF_HUB_OFFLINE`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from shortlist.errors import HubUnreachable, ModelNotFound
from shortlist.models.onnx_file import choose_onnx

SMALL_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "*_Pooling/config.json",
    "artifact.metadata",
)
HUB_SECONDS = 10.0
TORCH_FILES = ("model.safetensors", "pytorch_model.bin", "vocab.txt", "*_Dense/*")


def pull(name: str, onnx_file: str | None = None, *, weights: bool = False, more: Sequence[str] = ()) -> Path:
    """Return the local folder of a hub model. The model is downloaded unless the cache has all of it.

    A download contains the small files and one ONNX file with its external data, or the torch weights of a model
    without a usable ONNX file. With `weights`, it contains the torch weights in place of the ONNX file, if there are
    any. `more` are patterns of further files.

    Raises:
        ModelNotFound: The hub has no such model, or the model is private or gated and `HF_TOKEN` gives no access.
        HubUnreachable: The hub does not answer, and the cache does not have the model.
    """
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        # list_repo_files would wait for over twenty seconds if the hub does not answer.
        info = HfApi().model_info(name, timeout=HUB_SECONDS)
        files = [sibling.rfilename for sibling in info.siblings or []]
        return Path(snapshot_download(name, allow_patterns=[*_patterns(files, onnx_file, weights), *more]))
    except GatedRepoError as error:
        raise ModelNotFound(f"{name} is gated: accept its terms on the hub and set HF_TOKEN") from error
    except RepositoryNotFoundError as error:
        raise ModelNotFound(
            f"the hub at {constants.ENDPOINT} has no model {name!r}, or the model is private (then set HF_TOKEN)"
        ) from error
    except HFValidationError as error:
        raise ModelNotFound(f"{name!r} is not a model id: {error}") from error
    except (OfflineModeIsEnabled, _transport_error(), HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        return _cached(name, error)


def _patterns(files: list[str], onnx_file: str | None, weights: bool) -> list[str]:
    """The patterns of the files to download."""
    chosen, _ = choose_onnx(files, onnx_file)
    if chosen is None or (weights and not set(TORCH_FILES).isdisjoint(files)):
        return [*SMALL_FILES, *TORCH_FILES]
    return [*SMALL_FILES, chosen, f"{chosen}_data", f"{chosen}.data"]


def _cached(name: str, cause: Exception) -> Path:
    from huggingface_hub import constants, try_to_load_from_cache

    config = try_to_load_from_cache(name, "config.json")
    if isinstance(config, str):
        return Path(config).parent
    if constants.HF_HUB_OFFLINE:
        raise HubUnreachable(
            f"HF_HUB_OFFLINE is set and {name} is not in the cache {constants.HF_HUB_CACHE}: unset HF_HUB_OFFLINE, "
            "or give a local model folder"
        ) from cause
    raise HubUnreachable(
        f"the model hub at {constants.ENDPOINT} cannot be reached for {name} ({type(cause).__name__}), and the cache "
        "does not have the model: check the connection or HF_ENDPOINT, or give a local model folder"
    ) from cause


def _transport_error() -> type[Exception]:
    """The base error of the hub library's HTTP client. huggingface_hub 2 moved from httpx to httpx2."""
    client = importlib.import_module("httpx2" if importlib.util.find_spec("httpx2") else "httpx")
    error: type[Exception] = client.HTTPError
    return error
