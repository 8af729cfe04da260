"""The codec of stored states: bytes of a known size, near the states that went in."""

import numpy as np
import pytest

import tiny
from shortlist.errors import ModelError
from shortlist.inference.state_codec import StateCodec

ARRAYS = {
    "mean": np.zeros(4, dtype=np.float32),
    "basis": np.eye(4, dtype=np.float16),
    "scale": np.ones(4, dtype=np.float32),
    "levels_4": np.arange(16, dtype=np.float32),
    "levels_2": np.arange(4, dtype=np.float32),
    "four_bits": np.array(0),
}


@pytest.fixture
def codec(tmp_path):
    tiny.codec(tmp_path)
    return StateCodec(tmp_path / "states.npz")


def written(tmp_path, **changes):
    np.savez(tmp_path / "states.npz", **{**ARRAYS, **changes})
    return tmp_path / "states.npz"


def test_states_come_back_within_half_a_step(codec):
    states = tiny.table()
    codes = codec.codes(codec.encode(states))
    assert codes.shape == (len(states), 3) == (len(tiny.WORDS), codec.token_bytes)
    back = codec.decode(codes)
    assert back.shape == states.shape
    assert back.dtype == np.float32
    error = np.sqrt(((back - states) ** 2).mean() / states.var())
    assert error < 0.3
    assert codec.encode(back) == codec.encode(states)


def test_the_bytes_are_laid_out_as_documented(tmp_path):
    two_bits = StateCodec(written(tmp_path))
    assert two_bits.encode(np.array([[1, 0, 2, 3]], dtype=np.float32)) == bytes([0b11_10_00_01])
    four_bits = StateCodec(written(tmp_path, four_bits=np.array(4)))
    assert four_bits.encode(np.array([[1, 15, 7.4, 99]], dtype=np.float32)) == bytes([0xF1, 0xF7])
    assert four_bits.decode(np.array([[0xF1, 0xF7]], dtype=np.uint8)).tolist() == [[1, 15, 7, 15]]


def test_no_tokens(codec):
    assert codec.encode(np.empty((0, tiny.WIDTH), dtype=np.float32)) == b""
    assert codec.decode(np.empty((0, 3), dtype=np.uint8)).shape == (0, tiny.WIDTH)


@pytest.mark.parametrize("coded", [b"", b"1", b"1234"])
def test_bytes_of_no_whole_number_of_tokens_have_no_codes(codec, coded):
    assert codec.codes(coded) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"scale": np.ones(3)},
        {"basis": np.eye(3)},
        {"levels_2": np.arange(5)},
        {"four_bits": np.array(3)},
        {"four_bits": np.array(2)},
        {"four_bits": np.array(8)},
    ],
    ids=["scale", "basis", "levels", "odd", "rest", "too many"],
)
def test_arrays_of_other_shapes_are_an_error(tmp_path, changes):
    with pytest.raises(ModelError, match=r"states\.npz has no codec of token states"):
        StateCodec(written(tmp_path, **changes))


def test_a_damaged_file_is_an_error(tmp_path):
    (tmp_path / "states.npz").write_bytes(b"no zip")
    with pytest.raises(ModelError, match=r"states\.npz has no codec of token states"):
        StateCodec(tmp_path / "states.npz")
    with pytest.raises(ModelError, match=r"absent\.npz has no codec of token states"):
        StateCodec(tmp_path / "absent.npz")
