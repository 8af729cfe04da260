"""OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shortlist.errors import ModelError
from shortlist.inference import activation_ranges as calibration
from shortlist.inference import openvino_int8
from shortlist.inference.engine import STATES, Feed, Outputs

if TYPE_CHECKING:
    import openvino


class OpenVinoEngine:
    """OpenVINO with one stream a core, so that batches run side by side; each core takes the next as soon as it can.

    Waiting for the slower of two after every pair of batches cost 2 to 5 % on two Zen 4 cores. There a pair's time is
    its matrix products, which run at the speed of the instructions: rows of 4 to 16, 512 to 2048 tokens and lengths
    rounded up to 4 to 32 all stay within 5 %.

    Several files are the stages of one model, joined into one: each compiled model holds working memory of its own for
    every stream. With the packaged cross-encoder on two cores and 200 pairs, three took 640 MiB at the peak, one 400,
    and one that sees few different lengths 347.
    """

    batch_rows = 8
    batch_tokens = 1024
    length_step = 16

    def __init__(
        self, files: Sequence[Path], precision: str, threads: int, table: calibration.Table | None = None
    ) -> None:
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
            self._model = core.compile_model(
                _joined([_folded(core, file, table or {}) for file in files]), "CPU", settings
            )
        except RuntimeError as error:
            raise ModelError(f"OpenVINO can't load {', '.join(map(str, files))}: {error}") from error
        self.inputs = [port.get_any_name() for port in self._model.inputs]
        self._count = len(self._model.outputs)
        shape = self._model.outputs[0].get_partial_shape()
        sizes = shape if shape.rank.is_static else ()
        self.shape = tuple(size.get_length() if size.is_static else None for size in sizes)
        self.side_by_side = threads
        self._queue = openvino.AsyncInferQueue(self._model, threads)

    def run(self, work: Sequence[Feed]) -> list[Outputs]:
        """See `Engine.run`."""
        out: list[Outputs] = [[] for _ in work]

        def keep(request: openvino.InferRequest, place: int) -> None:
            out[place] = [np.array(request.get_output_tensor(i).data, dtype=np.float32) for i in range(self._count)]

        self._queue.set_callback(keep)
        try:
            for place, one in enumerate(work):
                self._queue.start_async(one, place)  # waits for a core that is free
        finally:
            self._queue.wait_all()
        return out


def _folded(core: openvino.Core, file: Path, table: calibration.Table) -> openvino.Model:
    """The model with its small-stored matrices turned into plain constants, but for those that the table calibrates.

    Left as they are, OpenVINO would multiply with int8 activations whose steps it finds anew for each batch: measured
    at rank correlation .996 to fp32 instead of .9994, for a few per cent of speed.
    """
    model = core.read_model(str(file))
    found = openvino_int8.linears(model, table)
    fold(model)
    if found:
        openvino_int8.quantise(model, found)
    return model


def fold(model: openvino.Model) -> None:
    """Computes what depends on constants alone, in place."""
    from openvino.passes import ConstantFolding, Manager

    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)


def _joined(stages: Sequence[openvino.Model]) -> openvino.Model:
    """The stages as one model that gives the last one's logits: each reads the token states of the one before."""
    import openvino

    if len(stages) == 1:
        return stages[0]
    inputs: dict[str, Any] = {}
    states = None
    for stage in stages:
        for one in stage.get_parameters():
            name = one.output(0).get_any_name()
            if name == STATES and states is not None:
                one.output(0).replace(states)
            elif name in inputs:
                one.output(0).replace(inputs[name].output(0))
            else:
                inputs[name] = one
        results = stage.get_results()
        states = results[-1].input_value(0)
    return openvino.Model([results[0]], list(inputs.values()), "stages")
