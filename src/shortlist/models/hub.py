"""Model files from the Hugging Face hub or its cache, through huggingface_hub.

`HF_HOME`, `HF_TOKEN`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` are read by huggingface_hub itself.
"""

from __future__ import annotations

import importlib
import importlib.util
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
)
HUB_SECONDS = 10.0
TORCH_FILES = ("model.safetensors", "pytorch_model.bin", "vocab.txt", "*_Dense/*")


def pull(name: str, onnx_file: str | None = None) -> Path:
    """The local folder of hub model `name`, downloaded unless it is cached whole.

    Only what is needed travels: the small files and one ONNX file (with its external data), or, where there is
    none to run, the torch weights.

    Raises:
        ModelNotFound: The hub has no such model, or it is private or gated and `HF_TOKEN` does not open it.
        HubUnreachable: The hub did not answer and the cache does not hold the model.
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
        # Not list_repo_files: it tries an unreachable hub for over twenty seconds before it gives up.
        info = HfApi().model_info(name, timeout=HUB_SECONDS)
        files = [one.rfilename for one in info.siblings or []]
        return Path(snapshot_download(name, allow_patterns=_wanted(files, onnx_file)))
    except GatedRepoError as error:
        raise ModelNotFound(f"{name} is gated: accept its terms on the hub and set HF_TOKEN") from error
    except RepositoryNotFoundError as error:
        raise ModelNotFound(
            f"the hub at {constants.ENDPOINT} has no model {name!r}, or it is private (then set HF_TOKEN)"
        ) from error
    except HFValidationError as error:
        raise ModelNotFound(f"{name!r} is no model id: {error}") from error
    except (OfflineModeIsEnabled, _transport_error(), HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        return _cached(name, error)


def _wanted(files: list[str], onnx_file: str | None) -> list[str]:
    chosen, _ = choose_onnx(files, onnx_file)
    if chosen is None:
        return [*SMALL_FILES, *TORCH_FILES]
    return [*SMALL_FILES, chosen, f"{chosen}_data", f"{chosen}.data"]


def _cached(name: str, cause: Exception) -> Path:
    from huggingface_hub import constants, try_to_load_from_cache

    held = try_to_load_from_cache(name, "config.json")
    if isinstance(held, str):
        return Path(held).parent
    if constants.HF_HUB_OFFLINE:
        raise HubUnreachable(
            f"HF_HUB_OFFLINE is set and {name} is not in the cache {constants.HF_HUB_CACHE}: unset it, "
            "or give a local model folder"
        ) from cause
    raise HubUnreachable(
        f"the model hub at {constants.ENDPOINT} can't be reached for {name} ({type(cause).__name__}), and it is not "
        "in the cache: check the connection or HF_ENDPOINT, or give a local model folder"
    ) from cause


def _transport_error() -> type[Exception]:
    """What the hub library's HTTP client raises; huggingface_hub 2 moved from httpx to httpx2."""
    client = importlib.import_module("httpx2" if importlib.util.find_spec("httpx2") else "httpx")
    error: type[Exception] = client.HTTPError
    return error
