"""The engine that runs models with OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import ModelError
from shortlist.inference import openvino_int8
from shortlist.inference.activation_ranges import Table
from shortlist.inference.engine import GPU_BATCH_ROWS, GPU_BATCH_TOKENS, STATES, Feed, Outputs, usable_cores
from shortlist.inference.openvino_states import DecodedStates
from shortlist.inference.quiet_imports import import_openvino
from shortlist.inference.runtimes import Runtime
from shortlist.inference.state_codec import StateCodec

if TYPE_CHECKING:
    import openvino

CONVERSION = Lock()
"""Held while arrays become tensors and tensors arrays. Two threads that did so for the first time could wait for each
other for ever, because OpenVINO prepares its types under a lock of its own."""
HINTS = {"bf16": "bf16", "fp16": "f16", "fp32": "f32"}
"""OpenVINO's names of the precisions."""


class OpenVinoEngine:
    """OpenVINO. Satisfies `Engine`.

    On the CPU, each core has a stream of its own and takes the next batch as soon as it can. A core that waits for the
    slower core after every pair of batches costs 2 to 5 % on two Zen 4 cores. Matrix products, which run at the speed
    of the instructions, take nearly all of the time there: 4 to 16 rows, 512 to 2048 tokens, and lengths rounded up to
    4 to 32 all stay within 5 %. Another device receives large batches, and chooses its number of streams itself.

    Several files are the stages of one model, and are joined into one: each compiled model has working memory of its
    own for every stream. With the packaged cross-encoder on two cores and 200 pairs, three models took a peak of
    640 MiB, one model 400 MiB, and one model that sees few different lengths 347 MiB.
    """

    length_step = 16

    def __init__(
        self,
        files: Sequence[Path],
        runtime: Runtime,
        threads: int,
        table: Table | None = None,
        codec: StateCodec | None = None,
    ) -> None:
        device = runtime.device.upper()
        on_cpu = device == "CPU"
        self.batch_rows = 8 if on_cpu else GPU_BATCH_ROWS
        self.batch_tokens = 1024 if on_cpu else GPU_BATCH_TOKENS
        self.side_by_side = threads if on_cpu else 1
        self.as_worker = runtime.as_worker
        self._decodes = DecodedStates(codec, bf16=runtime.precision == "bf16") if codec else None
        core = import_openvino().Core()
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": HINTS[runtime.precision],
            "PERFORMANCE_HINT": "THROUGHPUT",
        }
        if on_cpu:
            settings |= {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": threads}
            if runtime.as_worker or threads < usable_cores():
                settings["ENABLE_CPU_PINNING"] = False  # several processes would bind their threads to the same cores
        try:
            model = _joined([_folded(core, file, table or {}) for file in files])
            model = model if self._decodes is None else self._decodes.joined(model)
            self._model = core.compile_model(model, device, settings)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot load {', '.join(map(str, files))} on {device}: {error}") from error
        self.inputs = [port.get_any_name() for port in self._model.inputs]
        self._outputs = len(self._model.outputs)
        shape = self._model.outputs[0].get_partial_shape()
        sizes = shape if shape.rank.is_static else ()
        self.shape = tuple(size.get_length() if size.is_static else None for size in sizes)
        streams = threads if on_cpu else self._model.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._idle: SimpleQueue[openvino.InferRequest] = SimpleQueue()
        for _ in range(streams):
            self._idle.put(self._model.create_infer_request())
        self._streams = ThreadPoolExecutor(streams, "shortlist-openvino") if streams > 1 else None

    def run(self, feeds: Sequence[Feed]) -> list[Outputs]:
        """See `Engine.run`.

        Threads of Python start the requests. OpenVINO's own queue calls back into Python from threads that Python does
        not know, and such a call at the end of a program aborts the process.
        """
        if self._streams is None or len(feeds) == 1:
            return [self._run(feed) for feed in feeds]
        return list(self._streams.map(self._run, feeds))

    def _run(self, feed: Feed) -> Outputs:
        request = self._idle.get()  # waits for a free stream
        try:
            arrays = feed if self._decodes is None else self._decodes.arrays(feed)
            with CONVERSION:
                for name, array in arrays.items():
                    request.set_tensor(name, _tensor(array))
            request.infer()
            with CONVERSION:
                tensors = [request.get_output_tensor(number) for number in range(self._outputs)]
                return [np.array(tensor.data, dtype=np.float32) for tensor in tensors]
        finally:
            self._idle.put(request)


def _tensor(array: NDArray[Any]) -> openvino.Tensor:
    """The array as a tensor that shares its memory. The tensor does not keep the array alive."""
    openvino = import_openvino()

    if array.dtype == np.uint16:  # numpy has no bf16
        return openvino.Tensor(array, openvino.Shape(array.shape), openvino.Type.bf16)
    return openvino.Tensor(array, shared_memory=True)


def _folded(core: openvino.Core, file: Path, table: Table) -> openvino.Model:
    """The model with its compressed matrices as plain constants, except those that the table has ranges for.

    With compressed matrices, OpenVINO multiplies with int8 activations and finds their steps anew for each batch. That
    gains a few per cent of speed, and lowers the rank correlation with fp32 from 0.9994 to 0.996.
    """
    model = core.read_model(str(file))
    products = openvino_int8.linears(model, table)
    fold(model)
    if products:
        openvino_int8.quantise(model, products)
    return model


def fold(model: openvino.Model) -> None:
    """Compute the parts of the model that depend on constants alone, in place."""
    from openvino.passes import ConstantFolding, Manager

    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)


def _joined(stages: Sequence[openvino.Model]) -> openvino.Model:
    """The stages as one model with the last stage's logits. Each stage reads the token states of the stage before."""
    openvino = import_openvino()

    if len(stages) == 1:
        return stages[0]
    inputs: dict[str, Any] = {}
    states = None
    for stage in stages:
        for parameter in stage.get_parameters():
            name = parameter.output(0).get_any_name()
            if name == STATES and states is not None:
                parameter.output(0).replace(states)
            elif name in inputs:
                parameter.output(0).replace(inputs[name].output(0))
            else:
                inputs[name] = parameter
        results = stage.get_results()
        states = results[-1].input_value(0)
    return openvino.Model([results[0]], list(inputs.values()), "stages")
