"""Int8 with fixed activation ranges."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from shortlist import CrossEncoder
from shortlist.errors import ModelError
from shortlist.inference import activation_ranges
from shortlist.inference.activation_ranges import Activations
from shortlist.inference.runtimes import Runtime
from shortlist.models.packaged import CROSS_ENCODER, packaged_folder
from shortlist.models.spec import INT8
from shortlist.rerankers import cross_encoder
from spread import apart

QUERY = "a vector database that does not need a separate server to run"
TEXTS = [
    "Tidepool runs inside your own process and keeps its vectors in one file.",
    "Start the server first: every client talks to it over the network.",
    "Cats sleep for most of the day, and more in winter.",
    "An embedding turns a text into a list of numbers. " * 20,
]


def test_a_table_is_read_as_it_was_written(tmp_path):
    smooth = np.array([0.5, 2.0], dtype=np.float32)
    activation_ranges.write(tmp_path / INT8, {"a.b": Activations(smooth, -1.5, 2.5)})
    table = activation_ranges.read(tmp_path / INT8)
    assert list(table) == ["a.b"]
    assert (table["a.b"].low, table["a.b"].high) == (-1.5, 2.5)
    assert table["a.b"].smooth.tolist() == smooth.tolist()


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_file_of_another_form_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / INT8).write_bytes(content)
    with pytest.raises(ModelError, match="has no activation ranges for int8"):
        activation_ranges.read(tmp_path / INT8)


def test_a_table_without_its_ends_is_refused(tmp_path):
    np.savez(tmp_path / INT8, **{"a.smooth": np.ones(2, dtype=np.float32)})
    with pytest.raises(ModelError, match="has no activation ranges for int8"):
        activation_ranges.read(tmp_path / INT8)


def test_a_layer_has_its_own_entry_or_that_of_its_block():
    block, layer = (Activations(np.ones(1, dtype=np.float32), low, 1.0) for low in (-1.0, -2.0))
    table = {"layer.attention": block, "layer.attention.output": layer}
    assert activation_ranges.entry("layer.attention.query", table) == ("layer.attention", block)
    assert activation_ranges.entry("layer.attention.output", table) == ("layer.attention.output", layer)
    assert activation_ranges.entry("layer.other", table) is None


@pytest.fixture(scope="module")
def int8() -> CrossEncoder:
    """The packaged model in int8 and fp32, on any CPU."""
    pytest.importorskip("openvino")
    runtime = Runtime("openvino", "fp32", "for a test", packaged_folder(CROSS_ENCODER) / INT8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_encoder, "choose", lambda *_: runtime)
        return CrossEncoder()


@pytest.fixture(scope="module")
def exact() -> CrossEncoder:
    return CrossEncoder(precision="exact", device="cpu")


def test_scores_are_close_to_fp32_and_not_equal(int8, exact):
    reference = exact.score(QUERY, TEXTS)
    assert 1e-6 < apart(int8.score(QUERY, TEXTS), reference) < 0.1  # with an equal score, nothing ran in int8


def test_a_score_does_not_depend_on_its_batch(int8):
    together = int8.score(QUERY, TEXTS * 3)
    alone = [int8.score(QUERY, [text])[0] for text in TEXTS] * 3
    assert apart(together, alone) < 0.01


def test_every_stage_runs_in_int8(int8, exact):
    scoring, _ = int8.begin(QUERY, TEXTS)
    while not scoring.done:
        scoring.advance(range(len(TEXTS)))
    joined = int8.score(QUERY, TEXTS)
    assert apart(scoring.logits.tolist(), joined) < apart(scoring.logits.tolist(), exact.score(QUERY, TEXTS))


def test_the_fingerprint_of_int8_differs_from_that_of_the_same_model_without(int8):
    other = CrossEncoder(precision="exact", device="cpu")
    assert int8.fingerprint != other.fingerprint
    other.runtime = dataclasses.replace(int8.runtime, int8=None)
    assert int8.fingerprint != other.fingerprint
