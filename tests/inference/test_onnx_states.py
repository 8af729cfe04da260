"""The model in front of ONNX Runtime's stages: a valid ONNX file with the result of the codec."""

import numpy as np
import onnx
import onnxruntime
import pytest

import tiny
from shortlist.inference.engine import CODES, QUERY_STATES, STATES
from shortlist.inference.onnx_states import decoding_model
from shortlist.inference.state_codec import StateCodec


def test_states_are_those_of_the_codec(tmp_path):
    tiny.codec(tmp_path)
    codec = StateCodec(tmp_path / "states.npz")
    content = decoding_model(codec)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(3)
    query = rng.normal(size=(2, 3, tiny.WIDTH)).astype(np.float32)
    codes = rng.integers(0, 256, size=(2, 5, codec.token_bytes)).astype(np.uint8)
    (states,) = session.run([STATES], {QUERY_STATES: query, CODES: codec.components(codes)})
    assert (states[:, :3] == query).all()
    assert states[:, 3:] == pytest.approx(codec.decode(codes), abs=1e-5)
