"""ONNX files are read and written without the library onnx."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from shortlist.errors import ModelError
from shortlist.inference.onnx_edit import OnnxFile
from shortlist.inference.protobuf import field_of_bytes, field_of_integer, fields
from shortlist.models.packaged import CROSS_ENCODER, ROOT

FILE = ROOT / CROSS_ENCODER / "stage-6.onnx"


@pytest.fixture(scope="module")
def file():
    return OnnxFile(FILE)


def test_constants_and_nodes_are_those_of_onnx(file):
    graph = onnx.load(str(FILE)).graph
    assert [(node.kind, *node.inputs, *node.outputs) for node in file.nodes] == [
        (node.op_type, *node.input, *node.output) for node in graph.node
    ]
    expected = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert file.constants.keys() == expected.keys()
    assert all(np.array_equal(file.constants[name], expected[name]) for name in expected)


def test_an_unchanged_file_is_the_same_model(file):
    before, after = onnx.load(str(FILE)), onnx.load_from_string(file.written())
    assert after.graph.node == before.graph.node
    assert list(after.graph.initializer) == list(before.graph.initializer)
    assert (after.graph.input, after.graph.output) == (before.graph.input, before.graph.output)
    assert after.opset_import == before.opset_import


def test_constants_outputs_and_inputs_change(file):
    node = file.producer("n138")
    assert node is not None
    changed = node.reading(1, "new")
    content = file.written({"new": np.array([2.5], dtype=np.float32)}, ["n45"], [changed])
    graph = onnx.load_from_string(content).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert constants["new"].tolist() == [2.5]
    assert node.inputs[1] not in constants  # no node reads it any more
    assert [output.name for output in graph.output] == ["logits", "n45"]
    assert next(each for each in graph.node if "n138" in each.output).input[1] == "new"
    assert file.constants[node.inputs[1]].size == 1  # the file in memory stays


def test_readers_and_producers(file):
    reader = file.readers("attention_mask")[0]
    assert reader.kind == "Cast"
    assert file.producer("attention_mask") is None
    assert file.producer(reader.outputs[0]) == reader


@pytest.mark.parametrize("content", [b"", b"no model at all", field_of_integer(1, 8)])
def test_another_file_is_an_error(content, tmp_path):
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"a\.onnx cannot be read as an ONNX file"):
        OnnxFile(tmp_path / "a.onnx")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ModelError, match="cannot be read as an ONNX file"):
        OnnxFile(tmp_path / "a.onnx")


def test_fields_are_read_as_they_were_written():
    message = field_of_integer(3, 300) + field_of_bytes(20, b"text") + b"\x0d\x00\x00\x80\x3f"
    read = list(fields(message))
    assert [(field.number, field.value) for field in read] == [(3, 300), (20, b"text"), (1, b"\x00\x00\x80\x3f")]
    assert b"".join(field.raw for field in read) == message
    assert read[1].text == "text"
    assert read[0].content == b""


@pytest.mark.parametrize("message", [b"\x0a\x05ab", b"\x08", b"\x0b", b"\x80"])
def test_a_cut_message_is_an_error(message):
    with pytest.raises(ValueError, match=r"ends inside|wire type"):
        list(fields(message))
