"""int8 under a calibration with fixed ends."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from shortlist import CrossEncoder
from shortlist.errors import ModelError
from shortlist.inference import activation_ranges as calibration
from shortlist.inference.runtimes import Runtime
from shortlist.models.packaged import CROSS_ENCODER, packaged_folder
from shortlist.models.spec import INT8
from shortlist.rerankers import cross_encoder

QUERY = "a vector database that does not need a separate server to run"
TEXTS = [
    "Tidepool runs inside your own process and keeps its vectors in one file.",
    "Start the server first: every client talks to it over the network.",
    "Cats sleep for most of the day, and more in winter.",
    "An embedding turns a text into a list of numbers. " * 20,
]


def test_a_table_comes_back_as_it_was_written(tmp_path):
    smooth = np.array([0.5, 2.0], dtype=np.float32)
    calibration.write(tmp_path / INT8, {"a.b": calibration.Activations(smooth, -1.5, 2.5)})
    found = calibration.read(tmp_path / INT8)
    assert list(found) == ["a.b"]
    assert (found["a.b"].low, found["a.b"].high) == (-1.5, 2.5)
    assert found["a.b"].smooth.tolist() == smooth.tolist()


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_file_that_is_no_table(tmp_path, content):
    if content is not None:
        (tmp_path / INT8).write_bytes(content)
    with pytest.raises(ModelError, match="holds no calibration for int8"):
        calibration.read(tmp_path / INT8)


def test_a_table_without_its_ends(tmp_path):
    np.savez(tmp_path / INT8, **{"a.smooth": np.ones(2, dtype=np.float32)})
    with pytest.raises(ModelError, match="holds no calibration for int8"):
        calibration.read(tmp_path / INT8)


def test_a_layer_has_its_own_entry_or_that_of_its_block():
    one, other = (calibration.Activations(np.ones(1, dtype=np.float32), low, 1.0) for low in (-1.0, -2.0))
    table = {"layer.attention": one, "layer.attention.output": other}
    assert calibration.of("layer.attention.query", table) == ("layer.attention", one)
    assert calibration.of("layer.attention.output", table) == ("layer.attention.output", other)
    assert calibration.of("layer.other", table) is None


@pytest.fixture(scope="module")
def int8() -> CrossEncoder:
    """The packaged model in int8 and fp32, whatever this CPU has."""
    pytest.importorskip("openvino")
    runtime = Runtime("openvino", "fp32", "asked for by a test", packaged_folder(CROSS_ENCODER) / INT8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_encoder, "choose", lambda *_: runtime)
        return CrossEncoder()


def test_scores_stay_close_to_fp32_and_are_not_the_same(int8):
    apart = np.abs(np.array(int8.score(QUERY, TEXTS)) - np.array(CrossEncoder(precision="exact").score(QUERY, TEXTS)))
    assert 1e-4 < apart.max() < 0.5  # below it, nothing ran in int8


def test_a_score_does_not_depend_on_its_batch(int8):
    together = int8.score(QUERY, TEXTS * 3)
    alone = [int8.score(QUERY, [text])[0] for text in TEXTS] * 3
    assert np.abs(np.array(together) - np.array(alone)).max() < 0.01


def test_every_stage_runs_in_int8(int8):
    scoring, _ = int8.begin(QUERY, TEXTS)
    while not scoring.done:
        scoring.advance(range(len(TEXTS)))
    assert np.abs(scoring.logits - np.array(int8.score(QUERY, TEXTS))).max() < 0.01


def test_the_fingerprint_tells_int8_from_the_same_model_without(int8):
    other = CrossEncoder(precision="exact")
    assert int8.fingerprint != other.fingerprint
    other.runtime = dataclasses.replace(int8.runtime, int8=None)
    assert int8.fingerprint != other.fingerprint
