"""The engine that runs models with torch, from an ONNX file or from a folder with weights of transformers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shortlist.errors import MissingExtra, ModelError
from shortlist.inference.batches import BATCH_TOKENS
from shortlist.inference.engine import STATES, Feed, Outputs
from shortlist.inference.onnx_engine import DecodedStates
from shortlist.inference.runtimes import Runtime, torch_precision
from shortlist.inference.state_codec import StateCodec
from shortlist.inference.torch_graph import Graph

NEXT_STATES = "next_states"
"""The name of a stage's output for the token states of the next stage."""
GPU_ROWS = 512
GPU_TOKENS = 32768
"""The bounds of a batch on a GPU. They were not chosen by measurement: `benchmarks/gpu.py` tries several."""
GPU_STEP = 8
"""A GPU multiplies matrices faster if their sizes are multiples of 8."""

Model = Callable[[Mapping[str, Any]], list[Any]]


class TorchEngine:
    """torch. Satisfies `Engine`.

    Batches start one after the other, and a GPU works on them while the next ones start. Their results are read at the
    end. On the CPU, torch uses its own number of threads (`OMP_NUM_THREADS`).

    Several files are the stages of one model: the token states stay on the device, and the heads of the stages before
    the last one are not computed.

    Raises:
        MissingExtra: The package onnx or transformers is not installed.
        ModelError: torch cannot run the file.
    """

    side_by_side = 1

    def __init__(self, files: Sequence[Path], runtime: Runtime, codec: StateCodec | None = None) -> None:
        import torch

        self._device = torch.device(runtime.device)
        self._float = float_type(runtime.precision)
        self.as_worker = runtime.as_worker
        on_cpu = self._device.type == "cpu"
        self.batch_rows = 8 if on_cpu else GPU_ROWS
        self.batch_tokens = BATCH_TOKENS if on_cpu else GPU_TOKENS
        self.length_step = 1 if on_cpu else GPU_STEP
        self._decodes = DecodedStates(codec) if codec is not None else None
        if files[0].is_dir():
            self._model, self.inputs, self.shape = _classifier(files[0], self._float, self._device)
        else:
            self._model, self.inputs, self.shape = _stages(files, self._float, self._device)

    def run(self, feeds: Sequence[Feed]) -> list[Outputs]:
        """See `Engine.run`."""
        import torch

        with torch.inference_mode():
            results = [self._model(self._tensors(feed)) for feed in feeds]
            return [[np.asarray(output.float().cpu().numpy()) for output in outputs] for outputs in results]

    def _tensors(self, feed: Feed) -> dict[str, Any]:
        import torch

        arrays = feed if self._decodes is None else self._decodes.arrays(feed)
        tensors = {name: torch.from_numpy(array).to(self._device) for name, array in arrays.items()}
        return {name: value.to(self._float) if value.is_floating_point() else value for name, value in tensors.items()}


def float_type(precision: str) -> Any:
    """Return torch's type of "fp32", "fp16" or "bf16"."""
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]


def set_precision(module: Any, precision: str, device: str) -> None:
    """Give a module of torch the precision: see `torch_precision`. "auto" in fp32 keeps the module's own types.

    Raises:
        InvalidInput: An unknown precision or device.
    """
    chosen = torch_precision(precision, device)
    if chosen != "fp32" or precision == "exact":
        module.to(dtype=float_type(chosen))


def _stages(files: Sequence[Path], float_type: Any, device: Any) -> tuple[Model, list[str], tuple[int | None, ...]]:
    """The files as one model: the last one has all of its outputs, the ones before it the token states alone."""
    outputs = [[NEXT_STATES]] * (len(files) - 1) + [None]
    graphs = [Graph(file, float_type, device, names) for file, names in zip(files, outputs, strict=True)]

    def run(tensors: Mapping[str, Any]) -> list[Any]:
        *before, last = graphs
        inputs = dict(tensors)
        for graph in before:
            (inputs[STATES],) = graph(inputs)
        results = last(inputs)
        return results[:1] if before else results

    names = dict.fromkeys(name for graph in graphs for name in graph.inputs)
    if len(graphs) > 1:
        names.pop(STATES, None)
    return run, list(names), graphs[-1].shape


def _classifier(folder: Path, float_type: Any, device: Any) -> tuple[Model, list[str], tuple[int | None, ...]]:
    """A cross-encoder of transformers. Code from a model repository never runs."""
    try:
        from transformers import AutoModelForSequenceClassification
    except ImportError as error:
        raise MissingExtra(f"{folder} under torch", "torch") from error
    try:
        model = AutoModelForSequenceClassification.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        model = model.to(device=device, dtype=float_type).eval()
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"torch cannot load {folder}: {error}") from error
    inputs = ["input_ids", "attention_mask"]
    types = "token_type_ids" in inspect.signature(model.forward).parameters
    if types and getattr(model.config, "type_vocab_size", 0) > 1:
        inputs.append("token_type_ids")
    return (lambda tensors: [model(**tensors).logits]), inputs, (None, int(model.config.num_labels))
