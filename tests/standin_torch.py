"""A stand-in for torch with the functions that `inference/torch_*.py` call, in numpy.

It has a GPU, which is the CPU under another name: tensors know their device, and an operation on tensors of two devices
is an error, as in torch. bf16 is fp32 here. `test_torch_engine.py` runs the same tests with the real torch if it is
installed.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

FLOATS = {"float32": np.float32, "float16": np.float16, "bfloat16": np.float32}


class Dtype(str):
    """A type, such as `torch.float16`."""

    @property
    def array_type(self):
        return FLOATS.get(self, np.int64)


FLOAT32, FLOAT16, BFLOAT16, INT64 = map(Dtype, ("float32", "float16", "bfloat16", "int64"))


class Device:
    def __init__(self, name):
        self.type, _, index = str(name).partition(":")
        if self.type not in ("cpu", "cuda", "mps") or (index and not index.isdigit()):
            raise RuntimeError(f"Expected one of cpu, cuda, mps device type at start of device string: {name}")

    def __eq__(self, other):
        return str(self) == str(other)

    def __str__(self):
        return self.type


class Tensor:
    """An array with the type and the device that torch would have."""

    def __init__(self, array, dtype, device="cpu"):
        self.array, self.dtype, self.device = np.asarray(array), dtype, Device(device)

    def like(self, array, dtype=None):
        return Tensor(np.asarray(array, dtype=(dtype or self.dtype).array_type), dtype or self.dtype, self.device)

    def to(self, *targets, **named):
        out = self
        for target in [*targets, *named.values()]:
            if isinstance(target, Dtype):
                out = Tensor(out.array.astype(target.array_type), target, out.device)
            else:
                out = Tensor(out.array, out.dtype, target)
        return out

    def cpu(self):
        return self.to("cpu")

    def float(self):
        return self.to(FLOAT32)

    def numpy(self):
        if self.device.type != "cpu":
            raise TypeError("can't convert a device tensor to numpy")
        return self.array

    @property
    def shape(self):
        return self.array.shape

    def dim(self):
        return self.array.ndim

    def numel(self):
        return self.array.size

    def __float__(self):
        return float(self.array.reshape(-1)[0])

    def is_floating_point(self):
        return self.dtype in FLOATS

    def tolist(self):
        return self.array.tolist()

    def t(self):
        return self.like(self.array.T)

    def contiguous(self):
        return self

    def permute(self, axes):
        return self.like(self.array.transpose(axes))

    def transpose(self, first, second):
        return self.like(np.swapaxes(self.array, first, second))

    def reshape(self, sizes):
        return self.like(self.array.reshape(sizes))

    def unsqueeze(self, axis):
        return self.like(np.expand_dims(self.array, axis))

    def squeeze(self, axes):
        return self.like(np.squeeze(self.array, axes))

    def __getitem__(self, place):
        return self.like(self.array[place.array if isinstance(place, Tensor) else place])

    def sum(self, axes, keepdim):
        return self.like(self.array.sum(axis=axes, keepdims=keepdim, dtype=np.float32))

    def mean(self, axes, keepdim):
        return self.like(self.array.mean(axis=tuple(axes), keepdims=keepdim, dtype=np.float32))

    def abs(self):
        return self.like(np.abs(self.array))

    def sign(self):
        return self.like(np.sign(self.array))

    def clamp(self, low, high):
        return self.like(np.clip(self.array, low, high))

    def tanh(self):
        return self.like(np.tanh(self.array.astype(np.float32)))

    def softmax(self, axis):
        shifted = np.exp(self.array.astype(np.float32) - self.array.max(axis=axis, keepdims=True))
        return self.like(shifted / shifted.sum(axis=axis, keepdims=True))

    def __matmul__(self, other):
        return self._with(other, lambda a, b: a.astype(np.float32) @ b.astype(np.float32))

    def __add__(self, other):
        return self._with(other, np.add)

    def __sub__(self, other):
        return self._with(other, np.subtract)

    def __mul__(self, other):
        return self._with(other, np.multiply)

    def __truediv__(self, other):
        return self._with(other, np.divide)

    def __lt__(self, number):
        return self.array < number

    def _with(self, other, function):
        if not isinstance(other, Tensor):
            return self.like(function(self.array, other))
        if self.device.type != other.device.type:
            raise RuntimeError(f"Expected all tensors to be on the same device: {self.device} and {other.device}")
        if self.is_floating_point() and other.is_floating_point() and self.dtype != other.dtype:
            raise RuntimeError(f"expected m1 and m2 to have the same dtype: {self.dtype} and {other.dtype}")
        dtype = self.dtype if self.is_floating_point() else other.dtype
        return self.like(function(self.array, other.array), dtype)


def from_numpy(array):
    names = {np.dtype(np.float32): FLOAT32, np.dtype(np.float16): FLOAT16}
    return Tensor(array, names.get(array.dtype, INT64))


def linear(rows, matrix, bias):
    return rows @ matrix.t() + bias


def attention(query, keys, values, attn_mask, scale):
    return (query @ keys.transpose(-1, -2) * scale + attn_mask).softmax(-1) @ values


def layer_norm(rows, shape, weight, bias, epsilon):
    given = rows.array.astype(np.float32)
    centred = given - given.mean(axis=-1, keepdims=True)
    return rows.like(centred / np.sqrt(given.var(axis=-1, keepdims=True) + epsilon)) * weight + bias


def gelu(rows, approximate):
    return rows.like(np.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2)(rows.array.astype(np.float32)))


def norm(rows, dim, keepdim):
    return rows.like(np.sqrt((rows.array.astype(np.float32) ** 2).sum(axis=dim, keepdims=keepdim)))


def module(gpus: int = 1) -> ModuleType:
    """Return the stand-in with this number of GPUs."""
    torch = ModuleType("torch")
    functional = SimpleNamespace(
        linear=linear, scaled_dot_product_attention=attention, layer_norm=layer_norm, gelu=gelu
    )
    torch.nn = ModuleType("torch.nn")
    torch.nn.functional = functional

    def empty(size, device):
        if Device(device).type == "mps":  # as in a torch for other hardware
            raise NotImplementedError("Could not run 'aten::empty' with arguments from the 'MPS' backend")

    vars(torch).update(
        float32=FLOAT32, float16=FLOAT16, bfloat16=BFLOAT16, int64=INT64, device=Device, empty=empty,
        cuda=SimpleNamespace(is_available=lambda: gpus > 0), inference_mode=contextlib.nullcontext,
        from_numpy=from_numpy, linalg=SimpleNamespace(vector_norm=norm),
        maximum=lambda a, b: a._with(b, np.maximum), minimum=lambda a, b: a._with(b, np.minimum),
        amax=lambda rows, axes, keepdim: rows.like(rows.array.max(axis=axes, keepdims=keepdim)),
        where=lambda mask, yes, no: no.like(np.where(mask, yes.array, no.array)),
        finfo=lambda dtype: np.finfo(dtype.array_type),
    )  # fmt: skip
    return torch


@contextlib.contextmanager
def installed(gpus: int = 1) -> Iterator[ModuleType]:
    """The stand-in in place of torch."""
    torch = module(gpus)
    with pytest.MonkeyPatch.context() as patch:
        for name, part in (("torch", torch), ("torch.nn", torch.nn), ("torch.nn.functional", torch.nn.functional)):
            patch.setitem(sys.modules, name, part)
        yield torch
