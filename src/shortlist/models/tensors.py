"""Single tensors of a safetensors file, without its package.

Source: https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import ModelError

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_LENGTH = 8
_LONGEST_HEADER = 100_000_000


def tensor(file: Path, name: str) -> NDArray[np.float32] | None:
    """Return the tensor with this name as float32, or None if the file has none. Only its bytes are read.

    Raises:
        ModelError: The file is not in the format, or the tensor is of another type than floating point.
    """
    with file.open("rb") as content:
        length = int.from_bytes(content.read(_LENGTH), "little")
        try:
            header = json.loads(content.read(length)) if 0 < length <= _LONGEST_HEADER else None
        except ValueError:
            header = None
        if not isinstance(header, dict):
            raise ModelError(f"{file} is not a safetensors file")
        if name not in header:
            return None
        kind, shape, start, end = _entry(file, name, header[name])
        content.seek(_LENGTH + length + start)
        raw = content.read(end - start)
    if len(raw) != math.prod(shape) * np.dtype(TYPES[kind]).itemsize:
        raise ModelError(f"{file} does not have all numbers of {name}")
    values: NDArray[Any] = np.frombuffer(raw, dtype=TYPES[kind])
    if kind == "BF16":
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float32).reshape(shape)


def _entry(file: Path, name: str, entry: Any) -> tuple[str, list[int], int, int]:
    try:
        kind, shape, (start, end) = entry["dtype"], [int(size) for size in entry["shape"]], entry["data_offsets"]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{file} has no usable entry for {name}") from error
    if kind not in TYPES or not 0 <= start <= end:
        raise ModelError(f"{file}: {name} has the type {kind}; supported are {', '.join(TYPES)}")
    return kind, shape, start, end
