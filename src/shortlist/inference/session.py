"""Loaded ONNX files that turn batches into rows of output."""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput, ModelError
from shortlist.inference.batches import Batch, Tokens, batches, plan
from shortlist.inference.runtimes import Runtime

if TYPE_CHECKING:
    import openvino

Outputs = list[NDArray[np.float32]]
Feed = dict[str, "NDArray[np.int64] | NDArray[np.float32]"]


class Engine(Protocol):
    """What a runtime has to do: run every batch and give each one's outputs, in order.

    `side_by_side` batches run at a time, each on one core.
    """

    inputs: list[str]
    batch_rows: int
    side_by_side: int

    def run(self, work: Sequence[Feed]) -> list[Outputs]:
        """The file's outputs for each batch: float32 arrays, first axis the batch's rows."""


class Session:
    """A model file on a runtime. `run` may be called from several threads; calls take turns."""

    def __init__(self, file: Path | str, runtime: Runtime, *, threads: int | None = None) -> None:
        self.runtime = runtime
        self._engine = load(Path(file), runtime, threads or usable_cores())
        self._turn = threading.Lock()

    @property
    def batch_rows(self) -> int:
        """The most inputs that a batch holds."""
        return self._engine.batch_rows

    def plan(self, lengths: Sequence[int]) -> list[list[int]]:
        """The batches that `run` makes of inputs with so many tokens, as positions."""
        return plan(lengths, rows=rows_for(self._engine, len(lengths)))

    def run(self, inputs: Sequence[Tokens], pad: int = 0) -> Outputs:
        """One output row an input, in the order given: `(...)` float32 arrays; no inputs give an empty list."""
        if not inputs:
            return []
        work = batches(inputs, pad, rows=rows_for(self._engine, len(inputs)))
        with self._turn:
            results = self._engine.run([feed(self._engine, batch) for batch in work])
        out: Outputs = [np.empty(0, dtype=np.float32)] * len(inputs)
        for batch, (result, *_) in zip(work, results, strict=True):
            for place, row in enumerate(batch.rows):
                out[row] = result[place][: len(inputs[row].ids)] if result.ndim == 3 else result[place]
        return out


def rows_for(engine: Engine, inputs: int) -> int:
    """The most inputs of a batch: as many as the engine likes, and few enough that every core gets some."""
    return max(1, min(engine.batch_rows, math.ceil(inputs / engine.side_by_side)))


def feed(engine: Engine, batch: Batch, states: NDArray[np.float32] | None = None) -> Feed:
    """The batch under the names that the file asks for; `states` for a stage that starts from token states.

    Raises:
        ModelError: It asks for an input that is not known here.
    """
    known: Feed = {"input_ids": batch.ids, "attention_mask": batch.mask, "token_type_ids": batch.types}
    if states is not None:
        known["states"] = states
    missing = [name for name in engine.inputs if name not in known]
    if missing:
        raise ModelError(f"the ONNX file asks for the inputs {missing}, which are not known here")
    return {name: known[name] for name in engine.inputs}


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def load(file: Path, runtime: Runtime, threads: int) -> Engine:
    """The file on the runtime.

    Raises:
        InvalidInput: `threads` below 1.
        ModelError: The runtime can't load the file.
    """
    if threads < 1:
        raise InvalidInput(f"threads must be at least 1, not {threads}")
    if runtime.engine == "openvino":
        return OpenVinoEngine(file, runtime.precision, threads)
    return OnnxEngine(file, threads)


class OnnxEngine:
    """ONNX Runtime in fp32, a batch a core: whole batches side by side waste less than one batch shared by all cores.

    Measured in turns on a busy machine of two cores: 48 short pairs took .65 of the time, on .73 of the CPU.
    """

    batch_rows = 8

    def __init__(self, file: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        _share_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
        options.enable_mem_pattern = False  # lengths differ from batch to batch, so plans only pile up
        try:
            self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors share no base but Exception
            raise ModelError(f"ONNX Runtime can't load {file}: {error}") from error
        self.inputs = [one.name for one in self._session.get_inputs()]
        self._outputs = [one.name for one in self._session.get_outputs()]
        self.side_by_side = threads
        self._cores = ThreadPoolExecutor(threads, "shortlist-onnx") if threads > 1 else None

    def run(self, work: Sequence[Feed]) -> list[Outputs]:
        """See `Engine.run`."""
        if self._cores is None or len(work) == 1:
            return [self._one(feed) for feed in work]
        return list(self._cores.map(self._one, work))

    def _one(self, feed: Feed) -> Outputs:
        return [np.asarray(made, dtype=np.float32) for made in self._session.run(self._outputs, feed)]


@functools.cache
def _share_arena() -> None:
    """One arena for all sessions that ask for it: a model in three stages would else hold its peak three times."""
    import onnxruntime

    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg({}))


class OpenVinoEngine:
    """OpenVINO with one stream a core, so that batches run side by side."""

    batch_rows = 8

    def __init__(self, file: Path, precision: str, threads: int) -> None:
        import openvino

        core = openvino.Core()
        hint = {"bf16": "bf16", "fp32": "f32"}[precision]
        settings = {
            "INFERENCE_PRECISION_HINT": hint,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
            "PERFORMANCE_HINT": "THROUGHPUT",
        }
        try:
            self._model = core.compile_model(_folded(core, file), "CPU", settings)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO can't load {file}: {error}") from error
        self.inputs = [port.get_any_name() for port in self._model.inputs]
        self._count = len(self._model.outputs)
        self.side_by_side = threads
        self._requests = [self._model.create_infer_request() for _ in range(threads)]

    def run(self, work: Sequence[Feed]) -> list[Outputs]:
        """See `Engine.run`."""
        out: list[Outputs] = []
        queue = list(work)
        for start in range(0, len(queue), len(self._requests)):
            together = list(zip(self._requests, queue[start : start + len(self._requests)], strict=False))
            for request, one in together:
                request.start_async(one)
            for request, _ in together:
                request.wait()
                made = [np.array(request.get_output_tensor(i).data, dtype=np.float32) for i in range(self._count)]
                out.append(made)
        return out


def _folded(core: openvino.Core, file: Path) -> openvino.Model:
    """The model with its small-stored matrices turned into plain constants.

    Left as they are, OpenVINO would multiply with int8 activations: measured at rank correlation .996 to fp32
    instead of .9994, for a few per cent of speed.
    """
    from openvino.passes import ConstantFolding, Manager

    model = core.read_model(str(file))
    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)
    return model
