"""The engine that runs models with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from shortlist.errors import ModelError
from shortlist.inference.batches import BATCH_TOKENS
from shortlist.inference.devices import CUDA, CUDA_PROVIDER
from shortlist.inference.engine import CODES, GPU_BATCH_ROWS, GPU_BATCH_TOKENS, QUERY_STATES, STATES, Feed, Outputs
from shortlist.inference.onnx_half import half_model
from shortlist.inference.onnx_states import decoding_model
from shortlist.inference.quiet_imports import import_onnxruntime
from shortlist.inference.runtimes import Runtime
from shortlist.inference.state_codec import StateCodec

CPU_PROVIDER = "CPUExecutionProvider"


class OnnxEngine:
    """ONNX Runtime. Satisfies `Engine`.

    On the CPU, each core runs a batch of its own. Two cores needed 0.65 of the time and 0.73 of the CPU time for 48
    short pairs, compared with one batch at a time on both cores. On CUDA, one large batch runs at a time, and
    several files, the stages of one model, run as one model in fp16.
    """

    length_step = 1

    def __init__(self, files: Sequence[Path], runtime: Runtime, threads: int, codec: StateCodec | None = None) -> None:
        on_cuda = runtime.device == CUDA
        self._session = _on_cuda(files, runtime.precision) if on_cuda else _on_cpu(files[0])
        self.batch_rows = GPU_BATCH_ROWS if on_cuda else 8
        self.batch_tokens = GPU_BATCH_TOKENS if on_cuda else BATCH_TOKENS
        self.side_by_side = 1 if on_cuda else threads
        self.as_worker = runtime.as_worker
        self.inputs = [port.name for port in self._session.get_inputs()]
        self._decodes = DecodedStates(codec) if codec is not None else None
        outputs = self._session.get_outputs()
        self._outputs = [port.name for port in outputs]
        self.shape = tuple(size if isinstance(size, int) else None for size in outputs[0].shape)
        self._cores = ThreadPoolExecutor(threads, "shortlist-onnx") if self.side_by_side > 1 else None

    def run(self, feeds: Sequence[Feed]) -> list[Outputs]:
        """See `Engine.run`."""
        if self._cores is None or len(feeds) == 1:
            return [self._run(feed) for feed in feeds]
        return list(self._cores.map(self._run, feeds))

    def _run(self, feed: Feed) -> Outputs:
        arrays = feed if self._decodes is None else self._decodes.arrays(feed)
        return [np.asarray(array, dtype=np.float32) for array in self._session.run(self._outputs, arrays)]


class DecodedStates:
    """The part in front of a model that reads states, always on the CPU."""

    def __init__(self, codec: StateCodec) -> None:
        self._codec = codec
        self._session = _on_cpu(decoding_model(codec))

    def arrays(self, feed: Feed) -> Feed:
        """Return the feed with STATES of whole pairs in place of QUERY_STATES and CODES."""
        arrays = dict(feed)
        components = self._codec.components(arrays.pop(CODES).astype(np.uint8, copy=False))
        inputs = {QUERY_STATES: arrays.pop(QUERY_STATES), CODES: components}
        return arrays | {STATES: self._session.run([STATES], inputs)[0]}


def _on_cpu(file: Path | bytes) -> Any:
    options = _options()
    _share_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")
    name = "the decoder of stored states" if isinstance(file, bytes) else str(file)
    return _loaded(file, options, [CPU_PROVIDER], name)


def _on_cuda(files: Sequence[Path], precision: str) -> Any:
    settings = {"use_tf32": "1" if precision == "tf32" else "0"}
    model = half_model(files) if precision == "fp16" else files[0]
    session = _loaded(model, _options(), [(CUDA_PROVIDER, settings), CPU_PROVIDER], str(files[0]))
    if CUDA_PROVIDER not in session.get_providers():
        raise ModelError(f"ONNX Runtime cannot load {files[0]} on {CUDA}: it fell back to the CPU")
    return session


def _options() -> Any:
    onnxruntime = import_onnxruntime()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_mem_pattern = False  # lengths differ from batch to batch, so memory plans only accumulate
    return options


def _loaded(file: Path | bytes, options: Any, providers: Sequence[object], name: str) -> Any:
    onnxruntime = import_onnxruntime()

    try:
        model = file if isinstance(file, bytes) else str(file)
        return onnxruntime.InferenceSession(model, options, providers=providers, enable_fallback=0)
    except Exception as error:  # its errors share no base but Exception
        raise ModelError(f"ONNX Runtime cannot load {name}: {error}") from error


@cache
def _share_arena() -> None:
    """Make one arena for all sessions on the CPU. A model in three stages would otherwise hold its peak three times."""
    onnxruntime = import_onnxruntime()

    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg({}))
