"""The session of a cross-encoder, with a check that the model gives one number for a pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shortlist.errors import ModelError
from shortlist.inference.runtimes import Runtime
from shortlist.inference.session import Session
from shortlist.inference.stage_engines import StageFiles
from shortlist.inference.stages import Form, StagedSession
from shortlist.inference.state_codec import StateCodec
from shortlist.models import CrossEncoderSpec
from shortlist.models.packaged import CROSS_ENCODER


def spec_for(spec: CrossEncoderSpec, runtime: Runtime) -> CrossEncoderSpec:
    """Return what runs on the runtime: under torch, the weights for torch rather than the ONNX files, if any."""
    if runtime.engine != "torch" or spec.files.weights is None:
        return spec
    reason = f"{spec.files.weights.name} runs under torch"
    files = replace(spec.files, onnx=None, onnx_reason=reason)
    return replace(spec, files=files, stages=(), int8=None, codec=None, first_exit=None)


def load_session(
    spec: CrossEncoderSpec, runtime: Runtime, codec: StateCodec | None, threads: int | None, first: Form
) -> Session | StagedSession:
    """Return the model on the runtime. `first` is the form of a model in stages that is loaded now.

    Raises:
        ModelError: The model has no usable ONNX file, or its output for a pair is not one number.
    """
    name = spec.files.name
    if runtime.engine == "torch" and spec.files.onnx is None and spec.files.weights is not None:
        return _checked(name, Session(spec.files.folder, runtime, threads=threads))
    if spec.files.onnx is None:
        raise ModelError(f"{name}: {spec.files.onnx_reason}")
    if spec.stages:
        return StagedSession(StageFiles(spec.stages, codec, spec.first_exit), runtime, threads=threads, first=first)
    return _checked(name, Session(spec.files.onnx, runtime, threads=threads))


def _checked(name: str, session: Session) -> Session:
    check_one_number(name, session.shape[1:])
    return session


def check_one_number(name: str, sizes: Sequence[int | None]) -> None:
    """Raise ModelError if the output for one pair, of these sizes, is not one number."""
    if any(size not in {1, None} for size in sizes):
        shown = " x ".join("tokens" if size is None else str(size) for size in sizes)
        raise ModelError(
            f"{name} is not a cross-encoder with one label: its output for a pair is {shown} numbers, not one. Give a "
            f"cross-encoder, such as {CROSS_ENCODER}"
        )
