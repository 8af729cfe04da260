"""The ranges of a model's activations, which int8 arithmetic needs: a file next to the ONNX files."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import ModelError


@dataclass(frozen=True, slots=True)
class Activations:
    """The inputs of a linear layer.

    Each column is divided by its entry of `smooth`, `(in,)`, and then rounded to 256 steps from `low` to `high`. The
    division makes columns with outliers small, and the matching rows of the weights large. The ends are fixed, so a
    score does not depend on the other inputs of its batch.

    Source:
        Xiao and others, "SmoothQuant", arXiv 2211.10438.
    """

    smooth: NDArray[np.float32]
    low: float
    high: float


Table = dict[str, Activations]
"""The activations by the name of a linear layer, or of a block whose layers read the same input."""


def read(file: Path) -> Table:
    """Return the table in a file that `write` wrote.

    Raises:
        ModelError: The file is missing, or has another form.
    """
    try:
        with np.load(file) as arrays:
            names = [name.removesuffix(".smooth") for name in arrays.files if name.endswith(".smooth")]
            return {
                name: Activations(arrays[f"{name}.smooth"], *(float(end) for end in arrays[f"{name}.ends"]))
                for name in names
            }
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{file} has no activation ranges for int8: {error}") from error


def write(file: Path, table: Table) -> None:
    """Write the table to the file."""
    arrays: dict[str, NDArray[np.float32]] = {}
    for name, activations in table.items():
        arrays[f"{name}.smooth"] = activations.smooth
        arrays[f"{name}.ends"] = np.array([activations.low, activations.high], dtype=np.float32)
    np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub expects a flag here


def entry(layer: str, table: Table) -> tuple[str, Activations] | None:
    """Return the name and the activations of the layer's own entry, or else of its block's; None without either."""
    for name in (layer, layer.rpartition(".")[0]):
        if name in table:
            return name, table[name]
    return None
