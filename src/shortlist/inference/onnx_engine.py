"""ONNX Runtime."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from shortlist.errors import ModelError
from shortlist.inference.batches import BATCH_TOKENS
from shortlist.inference.engine import Feed, Outputs


class OnnxEngine:
    """ONNX Runtime in fp32, a batch a core: whole batches side by side waste less than one batch shared by all cores.

    Measured in turns on a busy machine of two cores: 48 short pairs took .65 of the time, on .73 of the CPU.
    """

    batch_rows = 8
    batch_tokens = BATCH_TOKENS
    length_step = 1

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
        outputs = self._session.get_outputs()
        self._outputs = [one.name for one in outputs]
        self.shape = tuple(size if isinstance(size, int) else None for size in outputs[0].shape)
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
