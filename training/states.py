"""Frozen states on disk: the bi-encoder runs once over a text, and training reads what it left there.

`python training/states.py` adds what is missing of the judged pools and contrast cards; it goes on where it stopped.

A store is a folder of shards. A shard holds the texts that arrived together: token ids, one file of int8 codes for
each kept layer, and `shard-N.json`, which is written last, so that a kill leaves whole shards only. A code times the
scale of its column is the state; the scales are fixed by the first shard.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn

import config
import encoder

WIDTH = 384
SHARD = 2048
SLICE_TOKENS = 8192


def key(text: str) -> str:
    """What a store knows a text by."""
    return hashlib.sha1(text.encode("utf-8"), usedforsecurity=False).hexdigest()[:20]


def token_ids(texts: Sequence[str], words: Tokenizer, window: int) -> list[list[int]]:
    """Ids with [CLS] and [SEP], at most `window` of them."""
    return [[*made.ids[:-1][: window - 1], made.ids[-1]] for made in words.encode_batch(list(texts))]


def slices(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Rows of similar length, at most `most` tokens with padding a slice."""
    order = sorted(range(len(lengths)), key=lambda row: lengths[row])
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and lengths[order[end]] * (end + 1 - start) <= most:
            end += 1
        yield order[start:end]
        start = end


class Lower(nn.Module):
    """The bi-encoder's layers without gradient: ids -> the token states after each wanted layer."""

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        self.bert = encoder.bert().eval().to(torch.bfloat16)
        self.levels = list(levels)

    @torch.inference_mode()
    def forward(self, rows: Sequence[list[int]]) -> list[list[Tensor]]:
        """A list a text, of `(tokens, width)` bf16 states a level."""
        out: list[list[Tensor]] = [[] for _ in rows]
        for part in slices([len(row) for row in rows], SLICE_TOKENS):
            length = len(rows[part[-1]])
            ids, mask = torch.zeros(len(part), length, dtype=torch.long), torch.zeros(len(part), length)
            for place, row in enumerate(part):
                ids[place, : len(rows[row])] = torch.tensor(rows[row])
                mask[place, : len(rows[row])] = 1
            made = self._states(ids, mask)
            for place, row in enumerate(part):
                out[row] = [made[level][place, : len(rows[row])] for level in self.levels]
        return out

    def _states(self, ids: Tensor, mask: Tensor) -> dict[int, Tensor]:
        states = self.bert.embeddings(input_ids=ids)
        bias = ((1 - mask) * -10000.0)[:, None, None, :].to(states.dtype)
        out = {0: states}
        heads = self.bert.config.num_attention_heads
        for number, layer in enumerate(self.bert.encoder.layer[: max(self.levels)], start=1):
            own = layer.attention.self
            query, keys, values = (
                part(states).view(*states.shape[:2], heads, -1).transpose(1, 2)
                for part in (own.query, own.key, own.value)
            )
            mixed = nn.functional.scaled_dot_product_attention(query, keys, values, bias)
            mixed = mixed.transpose(1, 2).reshape(states.shape)
            output = layer.attention.output
            attended = output.LayerNorm(output.dense(mixed) + states)
            widened = nn.functional.gelu(layer.intermediate.dense(attended))
            states = layer.output.LayerNorm(layer.output.dense(widened) + attended)
            out[number] = states
        return out


class Fast:
    """`Lower` through OpenVINO, a stream a core, which other work on the machine slows down far less than torch."""

    def __init__(self, levels: Sequence[int], threads: int) -> None:
        import openvino

        import graph

        weights = {name: value.numpy() for name, value in encoder.bert().state_dict().items()}
        shape, made = graph.BertShape(), graph.Graph("fp16")
        states, mask = graph.embeddings(made, weights, shape, types=False), graph.attention_mask(made)
        outputs: dict[str, tuple[str, graph.Axes]] = {}
        for number in range(1, max(levels) + 1):
            states = graph.layer(made, states, mask, weights, f"encoder.layer.{number - 1}", shape, cls=False)
            if number in levels:
                outputs[f"states_{number}"] = (states, ["batch", "length", shape.width])
        onnx_model = graph.finish(made, outputs, ["input_ids", "attention_mask"], shape.width)
        core = openvino.Core()
        model = core.read_model(onnx_model.SerializeToString())
        precision = "bf16" if torch.cpu._is_avx512_bf16_supported() else "f32"
        options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": threads}
        self.queue = openvino.AsyncInferQueue(core.compile_model(model, "CPU", options), threads)
        self.order = sorted(levels)
        self.levels = list(levels)

    def __call__(self, rows: Sequence[list[int]]) -> list[list[Tensor]]:
        """A list a text, of `(tokens, width)` states a level."""
        out: list[list[Tensor]] = [[] for _ in rows]

        def keep(request: Any, part: list[int]) -> None:
            made = [torch.from_numpy(request.get_output_tensor(self.order.index(at)).data) for at in self.levels]
            for place, row in enumerate(part):
                out[row] = [states[place, : len(rows[row])].bfloat16() for states in made]

        self.queue.set_callback(keep)
        for part in slices([len(row) for row in rows], 1024):
            length = -(-len(rows[part[-1]]) // 8) * 8
            ids, mask = (np.zeros((len(part), length), dtype=np.int64) for _ in range(2))
            for place, row in enumerate(part):
                ids[place, : len(rows[row])] = rows[row]
                mask[place, : len(rows[row])] = 1
            self.queue.start_async({"input_ids": ids, "attention_mask": mask}, part)
        self.queue.wait_all()
        return out


@dataclass(frozen=True)
class Place:
    """Where a text's tokens lie."""

    shard: int
    start: int
    end: int


class Store:
    """Texts -> token ids and int8 states after some layers of the bi-encoder."""

    def __init__(self, folder: Path, levels: Sequence[int], window: int) -> None:
        self.folder, self.levels, self.window = folder, list(levels), window
        folder.mkdir(parents=True, exist_ok=True)
        self.places: dict[str, Place] = {}
        self.means: dict[str, Tensor] = {}
        self.shards = 0
        self.tokens: list[NDArray[np.uint16]] = []
        self.codes: dict[int, list[NDArray[np.int8]]] = {level: [] for level in levels}
        while self._open(self.shards):
            self.shards += 1
        self.scales = {level: np.load(self._scale(level)) for level in levels} if self.shards else {}

    def _scale(self, level: int) -> Path:
        return self.folder / f"scale-{level}.npy"

    def _open(self, number: int) -> bool:
        index = self.folder / f"shard-{number}.json"
        if not index.exists():
            return False
        start = 0
        for name, length in json.loads(index.read_text()).items():
            self.places[name] = Place(number, start, start + length)
            start += length
        self.tokens.append(np.fromfile(self.folder / f"shard-{number}.ids", dtype=np.uint16))
        for level in self.levels:
            path = self.folder / f"shard-{number}.{level}"
            self.codes[level].append(np.memmap(path, dtype=np.int8, mode="r", shape=(start, WIDTH)))
        return True

    def __contains__(self, text: str) -> bool:
        return key(text) in self.places

    def read(self, text: str, level: int) -> NDArray[np.int8]:
        """`(tokens, width)` codes."""
        place = self.places[key(text)]
        return self.codes[level][place.shard][place.start : place.end]

    def ids(self, text: str) -> NDArray[np.uint16]:
        """The text's token ids, [CLS] and [SEP] among them."""
        place = self.places[key(text)]
        return self.tokens[place.shard][place.start : place.end]

    def fill(self, texts: Sequence[str], *, minutes: float = 1e9) -> None:
        """Adds the texts that are missing, a shard at a time."""
        missing = list({key(text): text for text in texts if text not in self}.values())
        if not missing:
            return
        words, lower, began = encoder.tokenizer(), Fast(self.levels, os.cpu_count() or 1), time.monotonic()
        for start in range(0, len(missing), SHARD):
            part = missing[start : start + SHARD]
            rows = token_ids(part, words, self.window)
            self._write(part, rows, lower(rows))
            seconds = time.monotonic() - began
            tokens = sum(map(len, rows))
            print(f"states: {start + len(part)} of {len(missing)} texts, {tokens} tokens, {seconds:.0f} s", flush=True)
            if seconds > minutes * 60:
                return

    def _write(self, texts: Sequence[str], rows: list[list[int]], states: list[list[Tensor]]) -> None:
        number = self.shards
        for column, level in enumerate(self.levels):
            values = torch.cat([made[column] for made in states]).float().numpy()
            if level not in self.scales:
                self.scales[level] = (np.abs(values).max(0) * 1.05 / 127).astype(np.float32)
                np.save(self._scale(level), self.scales[level])
            codes = np.clip(np.round(values / self.scales[level]), -127, 127).astype(np.int8)
            codes.tofile(self.folder / f"shard-{number}.{level}")
        np.concatenate([np.array(row, dtype=np.uint16) for row in rows]).tofile(self.folder / f"shard-{number}.ids")
        partial = self.folder / f"shard-{number}.part"
        partial.write_text(json.dumps({key(text): len(row) for text, row in zip(texts, rows, strict=True)}))
        partial.rename(self.folder / f"shard-{number}.json")
        self._open(number)
        self.shards += 1


def main() -> None:
    """Fills the store with the judged pools there are, and with some contrast cards."""
    import blocks
    import judged

    settings = config.load()
    options = settings["reader"]
    torch.set_num_threads(1)
    store = Store(settings["work"] / options["store"], options["levels"], options["window"])
    pools = judged.pools(judged.paths())
    store.fill([text for pool in pools for text in [*pool["passages"], *pool["queries"]]])
    store.fill([text for made in blocks.cards(settings) for text in blocks.texts(blocks.card(made))])


if __name__ == "__main__":
    main()
